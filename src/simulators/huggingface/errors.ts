/**
 * Errors of the Hugging Face router. There is no single shape: `{error: string}`, OpenAI's object, `{detail}`,
 * `{message}` and plain text all occur (recorded 401, 404, 422, 429, 500 and 503; no recording of 402, whose
 * sentence is the documented one).
 *
 * @module
 */
import type { ErrorContext } from '../core/family.ts';
import type { FaultError } from '../core/fault.ts';
import { htmlReply, waitHeaders } from '../core/http-errors.ts';
import type { BodyReply } from '../core/reply.ts';

interface ErrorRow {
  readonly status: number;
  /** A string is sent as plain text. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

function openaiShape(message: string, param: string | null, code: string | null): object {
  return { error: { message, type: 'invalid_request_error', param, code } };
}

function named(status: number, error: string): ErrorRow {
  return { status, body: { error } };
}

const CREDITS =
  'You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.';

const ROWS: Readonly<Record<FaultError, (model: string) => ErrorRow>> = {
  invalid_request: () => ({
    status: 400,
    body: openaiShape("Invalid value for 'messages'.", 'messages', 'invalid_value'),
  }),
  context_length: () => ({
    status: 400,
    body: openaiShape(
      "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens.",
      'messages',
      'context_length_exceeded',
    ),
  }),
  content_policy: () => ({
    status: 400,
    body: openaiShape(
      'The request was rejected by the safety system.',
      null,
      'content_policy_violation',
    ),
  }),
  prefill_refused: () => ({
    status: 400,
    body: openaiShape('The conversation must end with a user message.', 'messages', null),
  }),
  auth: () => ({
    ...named(401, 'Invalid username or password.'),
    headers: {
      'www-authenticate': 'Bearer realm="Authentication required", charset="UTF-8"',
      'x-error-message': 'Invalid username or password.',
    },
  }),
  credit: () => named(402, CREDITS),
  forbidden: () =>
    named(
      403,
      'This authentication method does not have sufficient permissions to call Inference Providers.',
    ),
  not_found: (model) => named(404, `Model ${model} does not exist`),
  model_not_supported: (model) => ({
    status: 400,
    body: openaiShape(
      `The requested model '${model}' is not supported by any provider you have enabled.`,
      'model',
      'model_not_supported',
    ),
  }),
  timeout: () => ({ status: 408, body: { message: 'Request timeout' } }),
  unprocessable: () => ({
    status: 422,
    body: 'Failed to deserialize the JSON body into the target type: messages: invalid type at line 1 column 91',
  }),
  rate_limit: () => named(429, 'Rate limit reached. Please log in or use a HF access token'),
  insufficient_quota: () => named(402, CREDITS),
  quota_per_day: () => named(429, 'Daily rate limit reached.'),
  server_error: () => ({
    status: 500,
    body: { error: 'unknown error', warnings: ['There was an inference error: unknown error'] },
  }),
  bad_gateway: () => named(502, 'Bad gateway'),
  unavailable: (model) => ({
    status: 503,
    body: { error: `Model ${model} is currently loading`, estimated_time: 20 },
  }),
  gateway_timeout: () => ({ status: 504, body: { message: 'The upstream provider timed out' } }),
  overloaded: () => ({ status: 503, body: { detail: 'Model too busy, try again later' } }),
};

/** An error inside HTTP 200, in the shape of the sub-provider that answers. */
export function huggingfaceErrorJson(error: FaultError, model: string): string {
  const { body } = ROWS[error](model);
  return JSON.stringify(typeof body === 'string' ? { error: body } : body);
}

export function huggingfaceError(error: FaultError, context: ErrorContext): BodyReply {
  const headers = { 'x-request-id': context.callId, ...waitHeaders(context.wait, context.nowMs) };
  if (error === 'bad_gateway') return htmlReply(context.status ?? 502, headers);
  const row = ROWS[error](context.model ?? 'unknown');
  const plain = typeof row.body === 'string';
  const type = plain ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  return {
    kind: 'body',
    status: context.status ?? row.status,
    headers: { 'content-type': type, ...row.headers, ...headers },
    body: typeof row.body === 'string' ? row.body : JSON.stringify(row.body),
    usage: null,
  };
}
