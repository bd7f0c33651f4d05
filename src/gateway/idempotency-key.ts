/**
 * The header `Idempotency-Key`, and what makes two requests under it the same.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { GatewayError } from '../contracts/gateway-error.ts';
import { IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY_MAX } from '../contracts/idempotency.ts';
import type { HeaderReader } from './caller.ts';

/**
 * Headers that change what a call does or how it is answered. The customer is no part of it: keys are the customer's
 * own. Neither are tags and timeouts: a repetition may be more patient than the first call.
 */
const FINGERPRINT_HEADERS = ['x-gateway-quote', 'x-gateway-cache', 'x-gateway-explain'] as const;

/** Stands for the boundary of any form. */
const FORM_DELIMITER = Buffer.from('--');

/**
 * The key of a request; null without the header.
 *
 * @throws GatewayError `invalid_request` for one that is empty or too long
 */
export function idempotencyKeyOf(headers: HeaderReader): string | null {
  const key = headers.header('idempotency-key');
  if (key === null || (key.length > 0 && key.length <= IDEMPOTENCY_KEY_MAX)) return key;
  throw new GatewayError('invalid_request', {
    message: `${IDEMPOTENCY_HEADER} must have 1 to ${IDEMPOTENCY_KEY_MAX} characters.`,
    param: IDEMPOTENCY_HEADER,
  });
}

/**
 * The body as two requests are compared by it. Libraries draw the boundary of a form anew for every request, repetitions
 * too, so that it is left out; by definition it stands nowhere in what the form holds.
 */
export function comparableBody(body: Buffer, contentType: string | null): Buffer {
  const [, quoted, plain] =
    /^multipart\/form-data\b.*?;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(
      contentType ?? '',
    ) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return body;
  const delimiter = Buffer.from(`--${boundary}`);
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, from)) {
    pieces.push(body.subarray(from, at), FORM_DELIMITER);
    from = at + delimiter.length;
  }
  pieces.push(body.subarray(from));
  return Buffer.concat(pieces);
}

/** Digest of method, path with query, the headers that count, and the body's bytes as they came ({@link comparableBody}). */
export function fingerprintOf(
  request: { readonly method: string; readonly target: string; readonly body: Uint8Array },
  headers: HeaderReader,
): string {
  const hash = createHash('sha256').update(`${request.method} ${request.target}\n`);
  for (const name of FINGERPRINT_HEADERS) {
    const value = headers.header(name);
    if (value !== null) hash.update(`${name}: ${value}\n`);
  }
  return hash.update('\n').update(request.body).digest('base64url');
}
