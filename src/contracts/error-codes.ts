/**
 * The one table of error codes. Statuses and retry rules follow the product contract; every dialect
 * renders from here, and `docs/errors.md` is generated from it.
 *
 * @module
 */

export interface ErrorCodeRow {
  /** HTTP status in every dialect. */
  readonly status: number;
  /** What `x-should-retry` says when the raising code does not know better; `null` sends no header. */
  readonly shouldRetry: boolean | null;
  /** Short title, used by problem+json. */
  readonly title: string;
  /** What the caller or operator does next. */
  readonly fix: string;
}

function row(
  status: number,
  shouldRetry: boolean | null,
  title: string,
  fix: string,
): ErrorCodeRow {
  return { status, shouldRetry, title, fix };
}

export const ERROR_CODES = {
  limit_exceeded: row(
    429,
    false,
    'Plan limit used up',
    'Reduce the request, wait for the reset, or upgrade the plan.',
  ),
  limit_held: row(
    429,
    true,
    'Limit held by calls in flight',
    'Repeat once calls in flight have settled.',
  ),
  rate_limited: row(429, true, 'Rate limit reached', 'Repeat after the stated wait.'),
  concurrency_limited: row(
    429,
    true,
    'Too many calls at once',
    'Repeat when a running call has ended.',
  ),
  not_in_plan: row(403, false, 'Not in the plan', 'Use an operation of the plan or upgrade it.'),
  model_not_allowed: row(
    403,
    false,
    'Model not allowed',
    'Use a model that GET /v1/models lists, or upgrade the plan.',
  ),
  subscription_inactive: row(
    402,
    false,
    'No active subscription',
    'Renew or reactivate the subscription.',
  ),
  insufficient_funds: row(402, false, 'Wallet empty', 'Top up the wallet.'),
  unpriced_model: row(
    400,
    false,
    'Model has no price',
    'Ask the operator to add a price, or use a priced model.',
  ),
  unbounded_cost: row(400, false, 'Cost cannot be bounded', 'State a maximum, such as max_tokens.'),
  invalid_request: row(400, false, 'Invalid request', 'Correct the named field.'),
  context_length_exceeded: row(
    400,
    false,
    'Context length exceeded',
    'Shorten the input or use a model with a larger context.',
  ),
  method_not_allowed: row(
    405,
    false,
    'Method not allowed',
    'Use a method that the Allow header lists.',
  ),
  payload_too_large: row(413, false, 'Body too large', 'Send a smaller body.'),
  unsupported_media_type: row(
    415,
    false,
    'Unsupported media type',
    'Send the content type that the route accepts.',
  ),
  range_not_satisfiable: row(
    416,
    false,
    'Range not satisfiable',
    'Ask for a range inside the asset.',
  ),
  model_not_found: row(404, false, 'Unknown model', 'Use a model that GET /v1/models lists.'),
  not_found: row(404, false, 'Not found', 'Check the path and the id.'),
  request_timeout: row(408, true, 'Request not received in time', 'Send the request faster.'),
  loop_detected: row(
    508,
    false,
    'Gateway calls itself',
    'Correct the provider base URL that points at this gateway.',
  ),
  invalid_api_key: row(401, false, 'Key missing or wrong', 'Send a valid gateway key.'),
  forbidden: row(
    403,
    false,
    'Not allowed for this key',
    'Use a key whose type and scopes allow this.',
  ),
  idempotency_mismatch: row(
    422,
    false,
    'Idempotency key reused',
    'Use a new Idempotency-Key for a different request.',
  ),
  idempotency_in_flight: row(
    409,
    true,
    'Idempotent call in flight',
    'Repeat with the same key to collect the result.',
  ),
  idempotency_completed: row(
    409,
    false,
    'Idempotent call completed',
    'Read the outcome at GET /v1/requests/{id}.',
  ),
  conflict: row(409, false, 'Conflict', 'Read the object again and repeat with its present state.'),
  provider_auth: row(
    502,
    false,
    'Provider refused our credential',
    'The operator must correct the provider credential.',
  ),
  provider_credit: row(
    502,
    false,
    'Provider account has no credit',
    'The operator must top up the provider account.',
  ),
  provider_rate_limited: row(503, true, 'Provider rate limit', 'Repeat after the stated wait.'),
  provider_error: row(
    502,
    null,
    'Provider failed',
    'Repeat with an Idempotency-Key, or use another model.',
  ),
  provider_timeout: row(
    504,
    null,
    'Provider did not answer in time',
    'Repeat with an Idempotency-Key, or allow more time.',
  ),
  stream_interrupted: row(
    502,
    null,
    'Stream broke',
    'The answer is incomplete; repeat the request.',
  ),
  content_filtered: row(422, false, 'Content refused by the provider', 'Change the content.'),
  metering_unavailable: row(503, true, 'Metering unavailable', 'Repeat after the stated wait.'),
  overloaded: row(503, true, 'Gateway overloaded', 'Repeat after the stated wait.'),
  draining: row(
    503,
    true,
    'Gateway shutting down',
    'Repeat; another instance or the restarted one answers.',
  ),
  internal_error: row(500, false, 'Internal error', 'Report the request id to the operator.'),
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;
