/**
 * The files of a new provider: an adapter of pictures that is whole and passes its suite, to be bent to the real wire.
 *
 * @module
 */
import type { ProviderNames } from './names.ts';

function definition({
  id,
  constant,
  title,
  variable,
  baseUrl,
  documentation,
}: ProviderNames): string {
  return `/**
 * ${title}.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
import { imageGeneration } from './images.ts';
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
  imageGeneration,
  mediaModels: MODELS,
  readError,
};
`;
}

function models({ title, documentation }: ProviderNames): string {
  return `/**
 * Models of ${title} and what each takes.
 *
 * @module
 */
import type { MediaModel } from '../../contracts/media-model.ts';

export const MODELS: readonly MediaModel[] = [
  {
    id: 'image',
    operation: 'image.generate',
    options: {
      prompt: { type: 'text', maxChars: 4000 },
      n: { type: 'range', min: 1, max: 4, step: 1 },
      size: { type: 'one_of', values: ['1024x1024', '1024x1536', '1536x1024'] },
      seed: { type: 'range', min: 0, max: 4_294_967_295, step: 1 },
    },
    source: '${documentation}',
  },
];
`;
}

/** The request: headers and members. */
function imageRequest({ title, documentation }: ProviderNames): string {
  return `/**
 * \`POST /v1/images\` of ${title} (${documentation}).
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type {
  GeneratedImage,
  ImageGenerationProvider,
  ImageGenerationResult,
  ImageOptions,
} from '../../contracts/image-provider.ts';
import { mediaModelOf } from '../../contracts/media-model.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../contracts/wire.ts';
import { mediaTypeOf } from '../../http/media-type.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import { checkMediaOptions } from '../media-options.ts';
import { listOf, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed } from '../replies.ts';
import { failureOf } from './errors.ts';
import { MODELS } from './models.ts';

/** Without these something else would be made than was asked for. */
const ESSENTIAL: ReadonlySet<string> = new Set(['prompt', 'n', 'size']);

function requestOf(members: object, target: ProviderTarget): WireRequest {
  return {
    method: 'POST',
    path: '/v1/images',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'alwrity-gateway',
      ...(target.credential === null ? {} : { authorization: \`Bearer \${target.credential}\` }),
      ...settingHeaders(target.settings),
    },
    body: Buffer.from(JSON.stringify(members)),
  };
}

`;
}

/** The reply, and the capability that both make. */
function imageReply(): string {
  return `function imageOf(item: unknown): GeneratedImage {
  const bytes = Buffer.from(textOf(objectOf(item)['b64']) ?? '', 'base64');
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null || !mediaType.startsWith('image/')) {
    throw malformed('The provider sent something that is no picture.');
  }
  return { bytes, url: null, mediaType, revisedPrompt: null };
}

function readImages(reply: WireReply): ImageGenerationResult {
  const body = jsonObjectOf(reply);
  if ('error' in body) throw new ProviderFailureError(failureOf(500, body));
  const made = listOf(body['images']).map(imageOf);
  if (made.length === 0) throw malformed('The provider sent no picture.');
  return {
    images: made,
    size: null,
    quality: null,
    background: null,
    outputFormat: null,
    usage: { images: made.length },
    modelServed: null,
    dimensions: {},
  };
}

function asked(options: ImageOptions): Readonly<Record<string, string | number | null>> {
  return {
    prompt: options.prompt,
    n: options.n,
    size: options.size === 'auto' ? null : options.size,
    negative_prompt: options.negativePrompt,
    quality: options.quality,
    style: options.style,
    background: options.background,
    output_format: options.outputFormat,
    output_compression: options.outputCompression,
    moderation: options.moderation,
    guidance_scale: options.guidanceScale,
    steps: options.steps,
    seed: options.seed,
    user: options.user,
  };
}

export const imageGeneration: ImageGenerationProvider = {
  generate(options, target) {
    const model = mediaModelOf(MODELS, target.model, 'image.generate');
    if (model === null) {
      throw new GatewayError('invalid_request', {
        message: \`There is no model \${target.model.slice(0, 100)} of pictures.\`,
        param: 'model',
      });
    }
    const { values, warnings } = checkMediaOptions(model, asked(options), ESSENTIAL);
    // Last: what decides the price is not for the caller's own options to change.
    const request = requestOf({ ...options.extra, ...values, model: target.model }, target);
    return { request, warnings, read: readImages };
  },
};
`;
}

function errors({ title, documentation }: ProviderNames): string {
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

function adapterTest({ constant }: ProviderNames): string {
  return `import { expect, test } from 'vitest';
import { simulatedPng } from '../../simulators/media/png.ts';
import { PICTURE_VARIANTS, PLAIN_PICTURE } from '../image-samples.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { ${constant} } from './provider.ts';

const PICTURE = simulatedPng({ width: 8, height: 8 }, 'x').toString('base64');

describeMediaProvider({
  definition: ${constant},
  inBandError: { error: { code: 'internal', message: 'x' } },
  generate: {
    model: 'image',
    options: { ...PLAIN_PICTURE, n: 2, size: '1024x1024' },
    variants: [...PICTURE_VARIANTS, { n: 1 }, { size: '1024x1536' }, { style: 'vivid' }],
    reply: { images: [{ b64: PICTURE }, { b64: PICTURE }] },
    usage: { images: 2 },
    broken: [{}, { images: [] }, { images: [{ b64: 'bm8gcGljdHVyZQ==' }] }],
    check: ({ images }) => expect(images).toHaveLength(2),
  },
});

test.each([
  [401, 'auth'],
  [429, 'rate_limited'],
  [503, 'overloaded'],
])('%i is %s', (status, kind) => {
  const body = Buffer.from('{"error":{"code":"x","message":"y"}}');
  expect(${constant}.readError({ status, headers: {}, body }).kind).toBe(kind);
});
`;
}

function simulator({ id, constant, title, documentation }: ProviderNames): string {
  return `/**
 * The wire of ${title}: \`POST /v1/images\`. Written from ${documentation} alone.
 *
 * @module
 */
import { bareContext, errorReply, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { numberOf, objectOf, stringOf } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { simulatedPng } from '../media/png.ts';

const ID_HEADER = 'x-request-id';
const rowOf = usualErrors((code, message) => ({ error: { code, message } }));
const error = errorsFrom(rowOf, ID_HEADER);

function answer(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const body = objectOf(call.json);
  const prompt = stringOf(body['prompt']) ?? '';
  const count = numberOf(body['n']) ?? 1;
  const headers = { 'content-type': 'application/json', [ID_HEADER]: call.id };
  if (prompt === '' || count < 1 || count > 4) {
    const problem = { code: 'invalid', message: 'prompt is missing, or n is none of 1 to 4' };
    return errorReply({ status: 400, body: { error: problem } }, headers);
  }
  const inBand = findFault(faults, 'in-band-error');
  const [width = 1024, height = 1024] = (stringOf(body['size']) ?? '1024x1024').split('x').map(Number);
  const images = Array.from({ length: count }, (_, at) => ({
    b64: simulatedPng({ width, height }, \`\${call.seed}/\${prompt}/\${String(at)}\`).toString('base64'),
  }));
  return {
    kind: 'body',
    status: 200,
    headers,
    body: JSON.stringify(inBand === undefined ? { images } : rowOf(inBand.error).body),
    usage: inBand === undefined ? { ...NO_USAGE, media: { images: count } } : null,
  };
}

export const ${constant}Family: SimulatorFamily = {
  name: '${id}',
  route(call) {
    if (call.method !== 'POST' || call.path !== '/v1/images') return null;
    const model = stringOf(objectOf(call.json)['model']);
    return { model, stream: false, answer: (faults) => answer(call, faults) };
  },
  credentialOf: (call) => /^Bearer\\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error,
  notFound: (call) => error('not_found', bareContext(call.id)),
  unauthorised: (call) => error('auth', bareContext(call.id)),
};
`;
}

/** A file below the root of the checkout. */
export interface ScaffoldFile {
  readonly path: string;
  readonly text: string;
}

/** The files, none of which there may be already. */
export function providerFiles(names: ProviderNames): readonly ScaffoldFile[] {
  const folder = `src/providers/${names.id}`;
  return [
    { path: `${folder}/provider.ts`, text: definition(names) },
    { path: `${folder}/models.ts`, text: models(names) },
    { path: `${folder}/images.ts`, text: `${imageRequest(names)}${imageReply()}` },
    { path: `${folder}/errors.ts`, text: errors(names) },
    { path: `${folder}/${names.id}.test.ts`, text: adapterTest(names) },
    { path: `src/simulators/${names.id}/family.ts`, text: simulator(names) },
  ];
}

/** A line to be added, and where. */
export interface ScaffoldLine {
  readonly file: string;
  readonly line: string;
}

/** What makes the provider one of the gateway's: the registry's entry first. */
export function registryLines({ id, constant }: ProviderNames): readonly ScaffoldLine[] {
  const registry = 'src/providers/registry.ts';
  return [
    { file: registry, line: `import { ${constant} } from './${id}/provider.ts';` },
    { file: registry, line: `  ${constant},` },
  ];
}

/**
 * What makes its simulator and its prices complete. A price of zero is no price: it has to be put in.
 *
 * @param day on which the price was read, `2026-01-31`
 */
export function furtherLines(names: ProviderNames, day: string): readonly ScaffoldLine[] {
  const { id, constant, variable } = names;
  const price = {
    provider: id,
    model: 'image',
    media: [{ unit: 'images', usd: '0.00' }],
    source: names.documentation,
    checked_at: day,
  };
  return [
    {
      file: 'src/simulators/index.ts',
      line: `import { ${constant}Family } from './${id}/family.ts';`,
    },
    { file: 'src/simulators/index.ts', line: `    ${constant}Family,` },
    { file: 'src/simulators/serve.ts', line: `  '${id}': '${variable}_BASE_URL',` },
    { file: 'src/catalog/data/media-prices.json', line: JSON.stringify(price) },
  ];
}
