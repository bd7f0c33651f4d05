/**
 * What request headers say about a call beside its body.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { HeaderReader } from './caller.ts';
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

/**
 * Lets through what says that it is JSON in UTF-8, and what says nothing.
 *
 * @throws GatewayError `unsupported_media_type` for other types, charsets and content codings (F54)
 */
export function assertJsonBody(headers: HeaderReader): void {
  const type = headers.header('content-type');
  if (type !== null && type !== 'application/json' && !JSON_TYPE.test(type)) {
    throw new GatewayError('unsupported_media_type', {
      message: 'This route takes JSON in UTF-8: send "content-type: application/json".',
      param: 'content-type',
    });
  }
  const coding = headers.header('content-encoding');
  if (coding !== null && coding !== 'identity') {
    throw new GatewayError('unsupported_media_type', {
      message: 'The body must not be compressed: send it without content-encoding.',
      param: 'content-encoding',
    });
  }
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
