/**
 * Errors as ElevenLabs says them (https://help.elevenlabs.io/hc/en-us/articles/19572237925521, …/19571824571921; none is recorded).
 *
 * @module
 */
import type { SimulatedCall } from '../core/family.ts';
import type { FaultError } from '../core/fault.ts';
import { errorReply, errorsFrom, type ErrorRow, type ErrorTable } from '../core/error-table.ts';
import type { BodyReply } from '../core/reply.ts';

export const ID_HEADER = 'request-id';

function row(status: number, word: string, message: string): () => ErrorRow {
  return () => ({ status, body: { detail: { status: word, message } } });
}

const QUOTA =
  'This request exceeds your quota. You have 3 credits remaining, while 64 credits are required for this request.';
const BUSY = 'The system is experiencing heavy traffic, please try again.';
const INTERNAL = 'An unexpected error occurred.';

const TABLE: ErrorTable = {
  invalid_request: row(400, 'invalid_request', 'The request is not valid.'),
  context_length: row(
    400,
    'max_character_limit_exceeded',
    "This request's text has 10001 characters and exceeds the character limit of 10000 characters.",
  ),
  content_policy: row(400, 'content_against_policy', 'The text may violate our terms of service.'),
  prefill_refused: row(400, 'invalid_request', 'The request is not valid.'),
  auth: row(401, 'invalid_api_key', 'Invalid API key'),
  credit: row(401, 'quota_exceeded', QUOTA),
  forbidden: row(403, 'missing_permissions', 'The API key is missing a permission.'),
  not_found: row(404, 'not_found', 'Not Found'),
  model_not_supported: row(400, 'model_not_found', 'A model of that id does not exist.'),
  timeout: row(408, 'timeout', 'The request took too long.'),
  unprocessable: () => ({
    status: 422,
    body: {
      detail: [{ loc: ['body', 'text'], msg: 'field required', type: 'value_error.missing' }],
    },
  }),
  rate_limit: row(
    429,
    'too_many_concurrent_requests',
    'Too many concurrent requests. Your current subscription is associated with a maximum of 5 concurrent requests.',
  ),
  insufficient_quota: row(401, 'quota_exceeded', QUOTA),
  quota_per_day: row(401, 'quota_exceeded', QUOTA),
  server_error: row(500, 'internal_server_error', INTERNAL),
  bad_gateway: row(502, 'bad_gateway', INTERNAL),
  unavailable: row(503, 'system_busy', BUSY),
  gateway_timeout: row(504, 'timeout', INTERNAL),
  overloaded: row(429, 'system_busy', BUSY),
};

export const elevenLabsError = errorsFrom((error, callId) => TABLE[error](callId), ID_HEADER);

/** An error inside HTTP 200. */
export function inBandBody(error: FaultError, callId: string): string {
  return JSON.stringify(TABLE[error](callId).body);
}

export function refuse(
  call: SimulatedCall,
  problem: { readonly status: number; readonly word: string; readonly message: string },
): BodyReply {
  const { status, word, message } = problem;
  return errorReply(row(status, word, message)(), { [ID_HEADER]: call.id });
}

/** A 422 as the validator of the server says it. */
export function invalidField(call: SimulatedCall, field: string): BodyReply {
  const detail = [{ loc: ['body', field], msg: 'Field required', type: 'missing' }];
  return errorReply({ status: 422, body: { detail } }, { [ID_HEADER]: call.id });
}
