/**
 * OpenAI's errors (https://platform.openai.com/docs/guides/error-codes; recorded 400, 401, 404, 429 and 500 bodies).
 *
 * @module
 */
import type { ErrorContext } from '../core/family.ts';
import type { FaultError } from '../core/fault.ts';
import { htmlReply, waitHeaders } from '../core/http-errors.ts';
import type { BodyReply } from '../core/reply.ts';

interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly message: string;
}

function row(
  status: number,
  names: { readonly type: string; readonly code?: string | null; readonly param?: string },
  message: string,
): ErrorRow {
  const { type, code = null, param = null } = names;
  return { status, type, code, param, message };
}

const INVALID = 'invalid_request_error';

const SERVER_ERROR = 'An error occurred while processing your request. You can retry your request.';
const OVERLOADED = 'The engine is currently overloaded, please try again later.';

function rateLimited(model: string, window: string): string {
  return `Rate limit reached for ${model} in organization org-simulated on requests per ${window}: Limit 500, Used 500, Requested 1.`;
}

const ROWS: Readonly<Record<FaultError, (model: string) => ErrorRow>> = {
  invalid_request: () =>
    row(
      400,
      { type: INVALID, code: 'invalid_value', param: 'messages' },
      "Invalid value for 'messages'.",
    ),
  context_length: () =>
    row(
      400,
      { type: INVALID, code: 'context_length_exceeded', param: 'messages' },
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages.",
    ),
  content_policy: () =>
    row(
      400,
      { type: INVALID, code: 'content_policy_violation' },
      'Your request was rejected as a result of our safety system.',
    ),
  prefill_refused: () =>
    row(
      400,
      { type: INVALID, param: 'messages' },
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    ),
  auth: () => row(401, { type: INVALID, code: 'invalid_api_key' }, 'Incorrect API key provided.'),
  credit: () =>
    row(
      402,
      { type: 'insufficient_quota', code: 'insufficient_quota' },
      'Insufficient account balance.',
    ),
  forbidden: () =>
    row(
      403,
      { type: INVALID, code: 'unsupported_country_region_territory' },
      'Country, region, or territory not supported',
    ),
  not_found: (model) =>
    row(
      404,
      { type: INVALID, code: 'model_not_found' },
      `The model \`${model}\` does not exist or you do not have access to it.`,
    ),
  model_not_supported: (model) =>
    row(
      404,
      { type: INVALID, code: 'model_not_found' },
      `The model \`${model}\` is not supported by this endpoint.`,
    ),
  timeout: () => row(408, { type: 'timeout_error', code: 'request_timeout' }, 'Request timed out.'),
  unprocessable: () => row(422, { type: INVALID }, 'Unprocessable entity.'),
  rate_limit: (model) =>
    row(429, { type: 'requests', code: 'rate_limit_exceeded' }, rateLimited(model, 'min (RPM)')),
  quota_per_day: (model) =>
    row(429, { type: 'requests', code: 'rate_limit_exceeded' }, rateLimited(model, 'day (RPD)')),
  insufficient_quota: () =>
    row(
      429,
      { type: 'insufficient_quota', code: 'insufficient_quota' },
      'You exceeded your current quota, please check your plan and billing details.',
    ),
  server_error: () => row(500, { type: 'server_error', code: 'server_error' }, SERVER_ERROR),
  bad_gateway: () => row(502, { type: 'server_error', code: 'server_error' }, SERVER_ERROR),
  gateway_timeout: () => row(504, { type: 'server_error', code: 'server_error' }, SERVER_ERROR),
  unavailable: () => row(503, { type: 'server_error', code: 'server_overloaded' }, OVERLOADED),
  overloaded: () => row(529, { type: 'server_error', code: 'server_overloaded' }, OVERLOADED),
};

/** `{error: {…}}` for the body, or for an event inside HTTP 200. */
export function errorJson(error: FaultError, model: string): string {
  const { message, type, param, code } = ROWS[error](model);
  return JSON.stringify({ error: { message, type, param, code } });
}

export function openaiError(error: FaultError, context: ErrorContext): BodyReply {
  const model = context.model ?? 'unknown';
  const headers = { 'x-request-id': context.callId, ...waitHeaders(context.wait, context.nowMs) };
  if (error === 'bad_gateway') return htmlReply(context.status ?? 502, headers);
  return {
    kind: 'body',
    status: context.status ?? ROWS[error](model).status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: errorJson(error, model),
    usage: null,
  };
}

/** A 400 that names the field. */
export function invalidReply(
  problem: {
    readonly message: string;
    readonly param: string | null;
    readonly code: string | null;
  },
  callId: string,
): BodyReply {
  const error = {
    message: problem.message,
    type: INVALID,
    param: problem.param,
    code: problem.code,
  };
  return {
    kind: 'body',
    status: 400,
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': callId },
    body: JSON.stringify({ error }),
    usage: null,
  };
}
