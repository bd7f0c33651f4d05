/**
 * Files that every provider with a protocol of its own has: definition, table, requests, errors.
 *
 * @module
 */
import type { ProviderNames } from './names.ts';
import type { ProviderKind } from './provider-kind.ts';

/** `provider.ts`. */
export function definition(names: ProviderNames, { members }: ProviderKind): string {
  const { id, constant, title, variable, baseUrl, documentation } = names;
  const imports = Object.entries(members).map(
    ([file, exported]) => `import { ${exported.join(', ')} } from './${file}';`,
  );
  const capabilities = Object.values(members)
    .flat()
    .map((member) => `  ${member},`);
  return `/**
 * ${title}.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
${imports.join('\n')}
import { MODELS } from './models.ts';

export const ${constant}: ProviderDefinition = {
  id: '${id}',
  title: '${title}',
  environment: { credential: ['${variable}_API_KEY'], baseUrl: '${variable}_BASE_URL' },
  defaultBaseUrl: '${baseUrl}',
  versionSegment: '/v1',
  documentation: '${documentation}',
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'x-request-id',
${capabilities.join('\n')}
  mediaModels: MODELS,
  readError,
};
`;
}

/** `models.ts`. */
export function models({ title, documentation }: ProviderNames, { model }: ProviderKind): string {
  return `/**
 * Models of ${title} and what each takes.
 *
 * @module
 */
import type { MediaModel } from '../../contracts/media-model.ts';

const SOURCE = '${documentation}';

export const MODELS: readonly MediaModel[] = [
  ${model},
];
`;
}

/** `request.ts`. */
export function request({ title }: ProviderNames): string {
  return `/**
 * Requests to ${title}, and the models that they may name.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import { mediaModelOf, type MediaModel } from '../../contracts/media-model.ts';
import type { Operation } from '../../contracts/metering.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import { MODELS } from './models.ts';

/** The entry of a model. @throws GatewayError naming \`model\` where there is none */
export function modelOf(target: ProviderTarget, operation: Operation): MediaModel {
  const model = mediaModelOf(MODELS, target.model, operation);
  if (model !== null) return model;
  throw new GatewayError('invalid_request', {
    message: \`\${target.model.slice(0, 100)} does not do \${operation}.\`,
    param: 'model',
  });
}

function headersOf(target: ProviderTarget, contentType: string): Record<string, string> {
  return {
    accept: '*/*',
    'content-type': contentType,
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: \`Bearer \${target.credential}\` }),
    ...settingHeaders(target.settings),
  };
}

/** A POST of bytes; \`path\` with its query, after the version. */
export function post(
  target: ProviderTarget,
  path: string,
  content: { readonly type: string; readonly bytes: Buffer },
): WireRequest {
  const headers = headersOf(target, content.type);
  return { method: 'POST', path: \`/v1\${path}\`, headers, body: content.bytes };
}

/** A POST of one JSON object. */
export function postJson(target: ProviderTarget, path: string, members: object): WireRequest {
  const bytes = Buffer.from(JSON.stringify(members));
  return post(target, path, { type: 'application/json', bytes });
}

/** A GET; \`path\` with the version, as tickets keep it. */
export function get(target: ProviderTarget, path: string): WireRequest {
  return { method: 'GET', path, headers: headersOf(target, 'application/json'), body: null };
}
`;
}

/** `errors.ts`. */
export function errors({ title, documentation }: ProviderNames): string {
  return `/**
 * Errors of ${title}: \`{error: {code, message}}\` (${documentation}).
 *
 * @module
 */
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { parseHttpDate, retryWaitMs } from '../../http/retry-after.ts';
import { errorFacts, parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { kindOfStatus } from '../replies.ts';

/** Kinds by the provider's own words. */
const KIND_BY_CODE: Readonly<Record<string, ProviderFailureKind>> = {
  content_refused: 'content_filtered',
};

/** The failure that a parsed error stands for. */
export function failureOf(
  status: number,
  body: unknown,
  waitMs: number | null = null,
): ProviderFailure {
  const { code, message, param } = errorFacts(body);
  return providerFailure({
    kind: (code === null ? undefined : KIND_BY_CODE[code]) ?? kindOfStatus(status),
    status,
    message: message ?? \`The provider answered with status \${status} and no message.\`,
    providerCode: code,
    param,
    waitMs,
  });
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const wait = retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? ''));
  return failureOf(reply.status, parsedOrUndefined(reply.body.toString('utf8')), wait);
}
`;
}
