/**
 * The one table of error codes. Every dialect renders from here, and `docs/errors.md` is generated from it.
 *
 * @module
 */

/** What one code means to whoever gets it. */
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

/** Every code the gateway answers with. Codes are a promise: none is renamed or taken away. */
export const ERROR_CODES = {
  limit_exceeded: {
    status: 429,
    shouldRetry: false,
    title: 'Plan limit used up',
    fix: 'Reduce the request, wait for the reset, or upgrade the plan.',
  },
  limit_held: {
    status: 429,
    shouldRetry: true,
    title: 'Limit held by calls in flight',
    fix: 'Repeat once calls in flight have settled.',
  },
  rate_limited: {
    status: 429,
    shouldRetry: true,
    title: 'Rate limit reached',
    fix: 'Repeat after the stated wait.',
  },
  concurrency_limited: {
    status: 429,
    shouldRetry: true,
    title: 'Too many calls at once',
    fix: 'Repeat when a running call has ended.',
  },
  not_in_plan: {
    status: 403,
    shouldRetry: false,
    title: 'Not in the plan',
    fix: 'Use an operation of the plan or upgrade it.',
  },
  model_not_allowed: {
    status: 403,
    shouldRetry: false,
    title: 'Model not allowed',
    fix: 'Use a model that GET /v1/models lists, or upgrade the plan.',
  },
  subscription_inactive: {
    status: 402,
    shouldRetry: false,
    title: 'No active subscription',
    fix: 'Renew or reactivate the subscription.',
  },
  insufficient_funds: {
    status: 402,
    shouldRetry: false,
    title: 'Wallet empty',
    fix: 'Top up the wallet.',
  },
  unpriced_model: {
    status: 400,
    shouldRetry: false,
    title: 'Model has no price',
    fix: 'Ask the operator to add a price, or use a priced model.',
  },
  unbounded_cost: {
    status: 400,
    shouldRetry: false,
    title: 'Cost cannot be bounded',
    fix: 'State a maximum, such as max_tokens.',
  },
  invalid_request: {
    status: 400,
    shouldRetry: false,
    title: 'Invalid request',
    fix: 'Correct the named field.',
  },
  context_length_exceeded: {
    status: 400,
    shouldRetry: false,
    title: 'Context length exceeded',
    fix: 'Shorten the input or use a model with a larger context.',
  },
  method_not_allowed: {
    status: 405,
    shouldRetry: false,
    title: 'Method not allowed',
    fix: 'Use a method that the Allow header lists.',
  },
  payload_too_large: {
    status: 413,
    shouldRetry: false,
    title: 'Body too large',
    fix: 'Send a smaller body.',
  },
  unsupported_media_type: {
    status: 415,
    shouldRetry: false,
    title: 'Unsupported media type',
    fix: 'Send the content type that the route accepts.',
  },
  range_not_satisfiable: {
    status: 416,
    shouldRetry: false,
    title: 'Range not satisfiable',
    fix: 'Ask for a range inside the asset.',
  },
  model_not_found: {
    status: 404,
    shouldRetry: false,
    title: 'Unknown model',
    fix: 'Use a model that GET /v1/models lists.',
  },
  not_found: {
    status: 404,
    shouldRetry: false,
    title: 'Not found',
    fix: 'Check the path and the id.',
  },
  request_timeout: {
    status: 408,
    shouldRetry: true,
    title: 'Request not received in time',
    fix: 'Send the request faster.',
  },
  loop_detected: {
    status: 508,
    shouldRetry: false,
    title: 'Gateway calls itself',
    fix: 'Correct the provider base URL that points at this gateway.',
  },
  invalid_api_key: {
    status: 401,
    shouldRetry: false,
    title: 'Key missing or wrong',
    fix: 'Send a valid gateway key.',
  },
  forbidden: {
    status: 403,
    shouldRetry: false,
    title: 'Not allowed for this key',
    fix: 'Use a key whose type and scopes allow this.',
  },
  idempotency_mismatch: {
    status: 422,
    shouldRetry: false,
    title: 'Idempotency key reused',
    fix: 'Use a new Idempotency-Key for a different request.',
  },
  idempotency_in_flight: {
    status: 409,
    shouldRetry: true,
    title: 'Idempotent call in flight',
    fix: 'Repeat with the same key to collect the result.',
  },
  idempotency_completed: {
    status: 409,
    shouldRetry: false,
    title: 'Idempotent call completed',
    fix: 'Read the outcome at GET /v1/requests/{id}.',
  },
  conflict: {
    status: 409,
    shouldRetry: false,
    title: 'Conflict',
    fix: 'Read the object again and repeat with its present state.',
  },
  provider_auth: {
    status: 502,
    shouldRetry: false,
    title: 'Provider refused our credential',
    fix: 'The operator must correct the provider credential.',
  },
  provider_credit: {
    status: 502,
    shouldRetry: false,
    title: 'Provider account has no credit',
    fix: 'The operator must top up the provider account.',
  },
  provider_rate_limited: {
    status: 503,
    shouldRetry: true,
    title: 'Provider rate limit',
    fix: 'Repeat after the stated wait.',
  },
  provider_error: {
    status: 502,
    shouldRetry: null,
    title: 'Provider failed',
    fix: 'Repeat with an Idempotency-Key, or use another model.',
  },
  provider_timeout: {
    status: 504,
    shouldRetry: null,
    title: 'Provider did not answer in time',
    fix: 'Repeat with an Idempotency-Key, or allow more time.',
  },
  stream_interrupted: {
    status: 502,
    shouldRetry: null,
    title: 'Stream broke',
    fix: 'The answer is incomplete; repeat the request.',
  },
  content_filtered: {
    status: 422,
    shouldRetry: false,
    title: 'Content refused by the provider',
    fix: 'Change the content.',
  },
  metering_unavailable: {
    status: 503,
    shouldRetry: true,
    title: 'Metering unavailable',
    fix: 'Repeat after the stated wait.',
  },
  overloaded: {
    status: 503,
    shouldRetry: true,
    title: 'Gateway overloaded',
    fix: 'Repeat after the stated wait.',
  },
  draining: {
    status: 503,
    shouldRetry: true,
    title: 'Gateway shutting down',
    fix: 'Repeat; another instance or the restarted one answers.',
  },
  internal_error: {
    status: 500,
    shouldRetry: false,
    title: 'Internal error',
    fix: 'Report the request id to the operator.',
  },
} as const satisfies Record<string, ErrorCodeRow>;

/** A code of the table. */
export type ErrorCode = keyof typeof ERROR_CODES;
