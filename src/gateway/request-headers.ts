/**
 * What request headers say about a call beside its body.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { HeaderReader } from './caller.ts';
import { isIdentity } from '../http/body-decoder.ts';
import { HOP_HEADER } from '../http/upstream.ts';
import type { Gateway } from './gateway.ts';

const TAGS_MAX = 16;
const TAG_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const TAG_VALUE_MAX_CHARACTERS = 200;

function invalidHeader(name: string, reason: string): GatewayError {
  return new GatewayError('invalid_request', { message: `${name} ${reason}`, param: name });
}

/** Attribution tags: a JSON object of at most 16 strings. @throws GatewayError `invalid_request` */
export function requestTags(headers: HeaderReader): Readonly<Record<string, string>> | null {
  const text = headers.header('x-gateway-tags');
  if (text === null) return null;
  const wanted = 'must be a JSON object of at most 16 short strings, such as {"project":"blog"}.';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidHeader('x-gateway-tags', wanted);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalidHeader('x-gateway-tags', wanted);
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (
      !TAG_NAME.test(name) ||
      typeof value !== 'string' ||
      value.length > TAG_VALUE_MAX_CHARACTERS
    ) {
      throw invalidHeader('x-gateway-tags', wanted);
    }
    entries.push([name, value]);
  }
  if (entries.length > TAGS_MAX) throw invalidHeader('x-gateway-tags', wanted);
  return Object.fromEntries(entries);
}

/** Gateways that the request has passed already; a value that none of ours has written counts as none. */
export function hopsOf(headers: HeaderReader): number {
  const text = headers.header(HOP_HEADER);
  return text !== null && /^\d{1,3}$/.test(text) ? Number(text) : 0;
}

const JSON_TYPE = /^(?:application|text)\/(?:[\w.-]+\+)?json\s*(?:;\s*charset="?utf-?8"?\s*)?;?$/i;

const FORM_TYPE = /^multipart\/form-data\s*;/i;

/** Whether the body says that it is a form with parts. */
export function isForm(contentType: string | null): boolean {
  return contentType !== null && FORM_TYPE.test(contentType);
}

const WANTED_BODY = {
  json: 'JSON in UTF-8: send "content-type: application/json"',
  form: 'a form: send "content-type: multipart/form-data" with a boundary',
  json_or_form:
    'JSON in UTF-8 or a form: send "content-type: application/json" or "multipart/form-data" with a boundary',
} as const;

function isWanted(type: string | null, bodies: keyof typeof WANTED_BODY): boolean {
  if (bodies !== 'json' && isForm(type)) return true;
  if (bodies === 'form') return false;
  return type === null || type === 'application/json' || JSON_TYPE.test(type);
}

/**
 * Lets through what says that it is of a form that the route takes; where that may be JSON, also what says nothing.
 *
 * @throws GatewayError `unsupported_media_type` for other types, charsets and content codings (F54)
 */
export function assertBodyType(headers: HeaderReader, bodies: keyof typeof WANTED_BODY): void {
  if (!isWanted(headers.header('content-type'), bodies)) {
    throw new GatewayError('unsupported_media_type', {
      message: `This route takes ${WANTED_BODY[bodies]}.`,
      param: 'content-type',
    });
  }
  const coding = headers.header('content-encoding');
  if (coding !== null && !isIdentity(coding)) {
    throw new GatewayError('unsupported_media_type', {
      message: 'The body must not be compressed: send it without content-encoding.',
      param: 'content-encoding',
    });
  }
}

/** {@link assertBodyType} for routes that take JSON alone. */
export function assertJsonBody(headers: HeaderReader): void {
  assertBodyType(headers, 'json');
}

function positiveNumber(headers: HeaderReader, name: string): number | null {
  const text = headers.header(name);
  if (text === null) return null;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) {
    throw invalidHeader(name, 'must be a positive whole number of milliseconds.');
  }
  return Number(text);
}

/**
 * The monotonic instant by which everything must have happened: the smallest of the caller's header, the
 * client library's hint in seconds (C10), and the route's total.
 *
 * @throws GatewayError `invalid_request` naming the header (F110)
 */
export function requestDeadlineMs(
  gateway: Gateway,
  headers: HeaderReader,
  stream: boolean,
): number {
  const { settings, clock } = gateway;
  const total = stream ? settings.totalStreamMs : settings.totalTextMs;
  const asked = positiveNumber(headers, 'x-gateway-timeout-ms');
  const hint = Number(headers.header('x-stainless-timeout') ?? Number.NaN) * 1000;
  const limit = asked ?? (hint > 0 ? hint : total);
  return clock.monotonicMs() + Math.min(limit, total);
}
