/**
 * Errors as Stability says them: `{id, name, errors}` (https://platform.stability.ai/docs/api-reference; no recorded traffic).
 *
 * @module
 */
import type { SimulatedCall } from '../core/family.ts';
import type { FaultError } from '../core/fault.ts';
import { errorReply, errorsFrom, type ErrorRow, type ErrorTable } from '../core/error-table.ts';
import type { BodyReply } from '../core/reply.ts';

export const ID_HEADER = 'x-request-id';

function row(status: number, name: string, sentence: string): (id: string) => ErrorRow {
  return (id) => ({ status, body: { id, name, errors: [sentence] } });
}

const INTERNAL = 'An unexpected server error has occurred, please try again later.';
const LIMITED =
  'You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for 60 seconds.';
const CREDITS =
  'You lack sufficient credits to make this request. Please purchase more credits at https://platform.stability.ai/account/credits and try again.';

const TABLE: ErrorTable = {
  invalid_request: row(400, 'bad_request', 'prompt: is required'),
  context_length: row(400, 'bad_request', 'prompt: cannot be longer than 10000 characters'),
  content_policy: row(
    403,
    'content_moderation',
    'Your request was flagged by our content moderation system, as a result your request was denied and you were not charged.',
  ),
  prefill_refused: row(400, 'bad_request', 'prompt: is required'),
  auth: row(401, 'unauthorized', 'authorization: invalid or missing header value'),
  credit: row(402, 'payment_required', CREDITS),
  forbidden: row(403, 'forbidden', 'You do not have access to this resource.'),
  not_found: row(404, 'not_found', 'The resource that you asked for does not exist.'),
  model_not_supported: row(400, 'bad_request', 'model: Invalid enum value.'),
  timeout: row(408, 'request_timeout', 'The request took too long.'),
  unprocessable: row(
    422,
    'invalid_language',
    'English is the only supported language for this service.',
  ),
  rate_limit: row(429, 'rate_limit_exceeded', LIMITED),
  insufficient_quota: row(402, 'payment_required', CREDITS),
  quota_per_day: row(429, 'rate_limit_exceeded', LIMITED),
  server_error: row(500, 'internal_error', INTERNAL),
  bad_gateway: row(502, 'internal_error', INTERNAL),
  unavailable: row(503, 'service_unavailable', INTERNAL),
  gateway_timeout: row(504, 'gateway_timeout', INTERNAL),
  overloaded: row(503, 'service_unavailable', INTERNAL),
};

export const stabilityError = errorsFrom((error, callId) => TABLE[error](callId), ID_HEADER);

/** An error inside HTTP 200. */
export function inBandBody(error: FaultError, callId: string): string {
  return JSON.stringify(TABLE[error](callId).body);
}

/** A 400 that begins with the field. */
export function refuse(call: SimulatedCall, sentence: string): BodyReply {
  return errorReply(row(400, 'bad_request', sentence)(call.id), { [ID_HEADER]: call.id });
}

export function unknownResult(call: SimulatedCall): BodyReply {
  const sentence = 'id: the generation either does not exist or has expired.';
  return errorReply(row(404, 'generation_not_found', sentence)(call.id), { [ID_HEADER]: call.id });
}
