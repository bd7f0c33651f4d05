/**
 * What the media wires behind the router have in common: requests, pictures and sound by address or in bytes, errors.
 *
 * @module
 */
import { ProviderFailureError } from '../../../contracts/provider-failure.ts';
import type { MediaInput, SentMedia } from '../../../contracts/media.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../../contracts/wire.ts';
import { settingHeaders } from '../../../http/setting-headers.ts';
import { inBandFailure, isInBandError } from '../../openai-compatible/errors.ts';
import { malformed } from '../../replies.ts';
import { isObject, textOf, type LooseObject } from '../../openai-compatible/loose-json.ts';

/** Who pays, by a setting of the operator's. */
export const SETTING_HEADERS = { billTo: 'x-hf-bill-to' } as const;

/** Options of the caller's own, and the model's name with the sub-provider, which is ours to read. */
export function ownOptions(extra: LooseObject): {
  readonly named: string | null;
  readonly extra: LooseObject;
} {
  const { provider_id: named, ...rest } = extra;
  return { named: textOf(named), extra: rest };
}

/** The members that have a value. */
export function given(members: LooseObject): LooseObject {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  );
}

/** Headers of a call. */
export function headersOf(target: ProviderTarget, accept: string): Record<string, string> {
  return {
    accept,
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: `Bearer ${target.credential}` }),
    ...settingHeaders(target.settings, SETTING_HEADERS),
  };
}

/** A POST of JSON behind the router. Members without a value are left out. */
export function postJson(
  target: ProviderTarget,
  call: {
    readonly path: string;
    readonly members: LooseObject;
    readonly accept?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): WireRequest {
  const { path, members, accept = 'application/json', headers } = call;
  return {
    method: 'POST',
    path,
    headers: { ...headersOf(target, accept), 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(given(members))),
  };
}

/** A POST of a file as it is. */
export function postFile(target: ProviderTarget, path: string, file: MediaInput): WireRequest {
  return {
    method: 'POST',
    path,
    headers: { ...headersOf(target, 'application/json'), 'content-type': file.mediaType },
    body: file.bytes,
  };
}

/** `org/name` as a path. */
export function modelPath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

/** The reply as JSON. @throws ProviderFailureError where it is none */
export function parsedReply(reply: WireReply): unknown {
  try {
    const parsed: unknown = JSON.parse(reply.body.toString('utf8'));
    return parsed;
  } catch {
    throw malformed('The router answered with something that is not JSON.');
  }
}

/** The same, where no error stands in it. @throws ProviderFailureError also for the error */
export function jsonReply(reply: WireReply): unknown {
  const parsed = parsedReply(reply);
  if (isObject(parsed) && isInBandError(parsed)) {
    throw new ProviderFailureError(inBandFailure(parsed));
  }
  return parsed;
}

/** The reply as one JSON object. @throws ProviderFailureError where it is none, or an error */
export function objectReply(reply: WireReply): LooseObject {
  const parsed = jsonReply(reply);
  if (!isObject(parsed)) throw malformed('The router answered with JSON that is no object.');
  return parsed;
}

/** A file as an address that the provider can read: its own, or its bytes. */
export function addressOf(file: SentMedia | MediaInput): string {
  if ('type' in file && file.type === 'url') return file.url;
  return `data:${file.mediaType};base64,${file.bytes.toString('base64')}`;
}
