/**
 * Errors as Deepgram says them (https://developers.deepgram.com/docs/errors; none is recorded).
 *
 * @module
 */
import type { SimulatedCall } from '../core/family.ts';
import type { FaultError } from '../core/fault.ts';
import { errorReply, errorsFrom, type ErrorRow, type ErrorTable } from '../core/error-table.ts';
import type { BodyReply } from '../core/reply.ts';

export const ID_HEADER = 'dg-request-id';

function row(status: number, code: string, message: string): (id: string) => ErrorRow {
  return (id) => ({ status, body: { err_code: code, err_msg: message, request_id: id } });
}

const BAD = 'Bad Request';
const CREDITS =
  'Project does not have enough credits for an ASR request and does not have an overage agreement.';
const INTERNAL = 'Internal server error.';

const TABLE: ErrorTable = {
  invalid_request: row(
    400,
    BAD,
    'Bad Request: failed to process audio: corrupt or unsupported data',
  ),
  context_length: row(
    413,
    'PAYLOAD_TOO_LARGE',
    'Input text exceeds maximum character limit of 2000.',
  ),
  content_policy: row(400, BAD, 'Bad Request: the input was refused.'),
  prefill_refused: row(400, BAD, 'Bad Request'),
  auth: row(401, 'INVALID_AUTH', 'Invalid credentials.'),
  credit: row(402, 'ASR_PAYMENT_REQUIRED', CREDITS),
  forbidden: row(
    403,
    'INSUFFICIENT_PERMISSIONS',
    'Project does not have access to the requested model.',
  ),
  not_found: row(404, 'NOT_FOUND', 'Not found.'),
  model_not_supported: row(400, BAD, 'Bad Request: No such model/language/tier combination found.'),
  timeout: row(408, 'TIMEOUT', 'The request took too long.'),
  unprocessable: row(422, 'ASR_UNPROCESSABLE_ENTITY', 'The upload was incomplete.'),
  rate_limit: row(429, 'TOO_MANY_REQUESTS', 'Too many requests. Please try again later.'),
  insufficient_quota: row(402, 'ASR_PAYMENT_REQUIRED', CREDITS),
  quota_per_day: row(429, 'TOO_MANY_REQUESTS', 'Too many requests. Please try again later.'),
  server_error: row(500, 'INTERNAL_SERVER_ERROR', INTERNAL),
  bad_gateway: row(502, 'BAD_GATEWAY', INTERNAL),
  unavailable: row(503, 'SERVICE_UNAVAILABLE', 'The service is not available.'),
  gateway_timeout: row(504, 'GATEWAY_TIMEOUT', 'The request took too long.'),
  overloaded: row(503, 'SERVICE_UNAVAILABLE', 'The service is not available.'),
};

export const deepgramError = errorsFrom((error, callId) => TABLE[error](callId), ID_HEADER);

/** An error inside HTTP 200. */
export function inBandBody(error: FaultError, callId: string): string {
  return JSON.stringify(TABLE[error](callId).body);
}

export function refuse(call: SimulatedCall, message: string, status = 400): BodyReply {
  return errorReply(row(status, BAD, message)(call.id), { [ID_HEADER]: call.id });
}
