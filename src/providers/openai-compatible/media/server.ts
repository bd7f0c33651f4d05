/**
 * What the media codecs need to know of a server of this protocol, and the requests that all of them make.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { ProviderFailureError } from '../../../contracts/provider-failure.ts';
import type { ProviderWarning } from '../../../contracts/text.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../../contracts/wire.ts';
import { encodeForm, type FormPart } from '../../../http/multipart-form.ts';
import { settingHeaders } from '../../../http/setting-headers.ts';
import { malformed } from '../../replies.ts';
import { inBandFailure, isInBandError } from '../errors.ts';
import { isObject, type LooseObject } from '../loose-json.ts';

/** How a model takes pictures. */
export interface ImageTraits {
  /** Most pictures of one call. */
  readonly maxImages: number;
  /** Whether the reply must be asked to hold bytes; gpt-image always does and refuses the option. */
  readonly asksForBytes: boolean;
  /** Options that it takes beside prompt, n and size, by their names on the wire. */
  readonly options: ReadonlySet<string>;
  /** Whether it takes `mode`, `search`, `expand` and `strength` of edits as members; absent: it has no words for them. */
  readonly editModes?: boolean;
  /** Whether a picture can be streamed with its drafts. */
  readonly streams?: boolean;
}

/** How a model writes down what it hears. */
export interface TranscriptionTraits {
  readonly timestamps: boolean;
  readonly speakers: boolean;
  readonly translates: boolean;
  /** Whether a transcript can be streamed. */
  readonly streams?: boolean;
}

/** A server's own headers, and what its models take; by model name as the server knows it. */
export interface MediaServer {
  readonly versionSegment: string;
  readonly settingHeaders: Readonly<Record<string, string>>;
  image(model: string): ImageTraits;
  /** Whether the voice can be told how to speak. */
  takesInstructions(model: string): boolean;
  transcription(model: string): TranscriptionTraits;
  /** Whether the voice can be asked for events, the last of which tells its tokens; absent: none can. */
  speaksEvents?(model: string): boolean;
}

function headersOf(
  server: MediaServer,
  target: ProviderTarget,
  accept: string,
): Record<string, string> {
  return {
    accept,
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: `Bearer ${target.credential}` }),
    ...settingHeaders(target.settings, server.settingHeaders),
  };
}

/** A POST with a JSON body. Members that are null or undefined are left out. */
export function jsonRequest(
  server: MediaServer,
  target: ProviderTarget,
  call: {
    readonly path: string;
    readonly members: Readonly<Record<string, unknown>>;
    readonly accept?: string;
  },
): WireRequest {
  const given = Object.entries(call.members).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return {
    method: 'POST',
    path: `${server.versionSegment}${call.path}`,
    headers: {
      ...headersOf(server, target, call.accept ?? 'application/json'),
      'content-type': 'application/json',
    },
    body: Buffer.from(JSON.stringify(Object.fromEntries(given))),
  };
}

/** A POST with a form. */
export function formRequest(
  server: MediaServer,
  target: ProviderTarget,
  call: { readonly path: string; readonly parts: readonly FormPart[] },
): WireRequest {
  const { body, contentType } = encodeForm(call.parts);
  return {
    method: 'POST',
    path: `${server.versionSegment}${call.path}`,
    headers: { ...headersOf(server, target, 'application/json'), 'content-type': contentType },
    body,
  };
}

/** A request without a body. */
export function emptyRequest(
  server: MediaServer,
  target: ProviderTarget,
  call: { readonly method: 'GET' | 'DELETE'; readonly path: string },
): WireRequest {
  return {
    method: call.method,
    path: `${server.versionSegment}${call.path}`,
    headers: headersOf(server, target, 'application/json'),
    body: null,
  };
}

/** The reply as one JSON object. @throws ProviderFailureError where it is none, or holds an error */
export function objectReply(reply: WireReply): LooseObject {
  return objectIn(reply.body.toString('utf8'));
}

/** A text as one JSON object. @throws ProviderFailureError where it is none, or holds an error */
export function objectIn(text: string): LooseObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw malformed('The provider answered with something that is not JSON.', error);
  }
  if (!isObject(parsed)) throw malformed('The provider answered with JSON that is no object.');
  if (isInBandError(parsed)) throw new ProviderFailureError(inBandFailure(parsed));
  return parsed;
}

/** A whole count of the provider's, or zero. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** An option that the model cannot take. */
export function dropped(option: string, model: string): ProviderWarning {
  return { option, action: 'dropped', detail: `${model} does not take ${option}.` };
}

/** What cannot be left out without changing what is asked for. */
export function refused(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}
