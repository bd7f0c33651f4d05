/**
 * Errors of the Gemini API: `google.rpc.Status` as JSON (https://ai.google.dev/gemini-api/docs/troubleshooting;
 * recorded 400, 403, 404, 429 and 503 bodies). The wait stands in `RetryInfo` and in the message, never in a header.
 *
 * @module
 */
import type { FaultError, RetryWait } from '../core/fault.ts';
import type { ErrorContext } from '../core/family.ts';
import { htmlReply } from '../core/http-errors.ts';
import type { BodyReply } from '../core/reply.ts';

const RPC = 'type.googleapis.com/google.rpc.';
const SERVICE = 'generativelanguage.googleapis.com';

interface ErrorRow {
  readonly code: number;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly object[];
}

function errorInfo(reason: string): object {
  return {
    '@type': `${RPC}ErrorInfo`,
    reason,
    domain: 'googleapis.com',
    metadata: { service: SERVICE },
  };
}

function quotaFailure(quotaId: string, model: string): object[] {
  return [
    {
      '@type': `${RPC}QuotaFailure`,
      violations: [
        {
          quotaMetric: `${SERVICE}/generate_content_free_tier_requests`,
          quotaId,
          quotaDimensions: { location: 'global', model },
          quotaValue: '10',
        },
      ],
    },
    {
      '@type': `${RPC}Help`,
      links: [
        {
          description: 'Learn more about Gemini API quotas',
          url: 'https://ai.google.dev/gemini-api/docs/rate-limits',
        },
      ],
    },
  ];
}

const QUOTA =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.';
const PER_MINUTE = 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier';
const PER_DAY = 'GenerateRequestsPerDayPerProjectPerModel-FreeTier';
const BAD_KEY = 'API key not valid. Please pass a valid API key.';

function invalid(message: string): ErrorRow {
  return { code: 400, status: 'INVALID_ARGUMENT', message };
}

function missing(model: string): ErrorRow {
  const message = `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`;
  const details = [{ '@type': `${RPC}DebugInfo`, detail: message }];
  return { code: 404, status: 'NOT_FOUND', message, details };
}

const OVERLOADED: ErrorRow = {
  code: 503,
  status: 'UNAVAILABLE',
  message: 'The model is overloaded. Please try again later.',
};
const INTERNAL: ErrorRow = {
  code: 500,
  status: 'INTERNAL',
  message:
    'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
};
const LATE: ErrorRow = {
  code: 504,
  status: 'DEADLINE_EXCEEDED',
  message: 'Deadline expired before operation could complete.',
};

function exhausted(quotaId: string, model: string): ErrorRow {
  return {
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    message: QUOTA,
    details: quotaFailure(quotaId, model),
  };
}

const ROWS: Readonly<Record<FaultError, (model: string) => ErrorRow>> = {
  invalid_request: () => invalid('Request contains an invalid argument.'),
  context_length: () =>
    invalid(
      'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).',
    ),
  content_policy: () => invalid('The request was blocked.'),
  prefill_refused: () =>
    invalid(
      'Please ensure that single turn requests end with a user role or the role field is empty.',
    ),
  auth: () => ({
    ...invalid(BAD_KEY),
    details: [
      errorInfo('API_KEY_INVALID'),
      { '@type': `${RPC}LocalizedMessage`, locale: 'en-US', message: BAD_KEY },
    ],
  }),
  credit: () => ({
    code: 400,
    status: 'FAILED_PRECONDITION',
    message:
      'Billing is not enabled or the account has no credit. Please enable billing on your project.',
  }),
  forbidden: () => ({
    code: 403,
    status: 'PERMISSION_DENIED',
    message:
      'Generative Language API has not been used in project 000000000000 before or it is disabled.',
    details: [errorInfo('SERVICE_DISABLED')],
  }),
  not_found: missing,
  model_not_supported: missing,
  timeout: () => ({ ...LATE, code: 408 }),
  unprocessable: () => ({ ...invalid('Request contains an invalid argument.'), code: 422 }),
  rate_limit: (model) => exhausted(PER_MINUTE, model),
  insufficient_quota: (model) => exhausted(PER_DAY, model),
  quota_per_day: (model) => exhausted(PER_DAY, model),
  server_error: () => INTERNAL,
  bad_gateway: () => ({ ...INTERNAL, code: 502 }),
  unavailable: () => OVERLOADED,
  gateway_timeout: () => LATE,
  overloaded: () => OVERLOADED,
};

/** `retryDelay` for a wait; null for none. */
function retryDelayOf(wait: RetryWait): string | null {
  switch (wait.form) {
    case 'none':
      return null;
    case 'seconds':
    case 'date':
      return `${String(wait.seconds)}s`;
    case 'milliseconds':
      return `${String(wait.ms / 1000)}s`;
    case 'reset':
      return wait.duration;
    case 'retry_info':
      return wait.delay;
    case 'raw':
      return /\d$/.test(wait.text) ? `${wait.text}s` : wait.text;
  }
}

/** `{error: {code, message, status, details?}}`, as inside HTTP 200. */
export function geminiErrorBody(error: FaultError, model: string): object {
  return { error: ROWS[error](model) };
}

const HEADERS = {
  vary: 'Origin, Referer, X-Origin',
  'content-type': 'application/json; charset=UTF-8',
  server: 'scaffolding on HTTPServer2',
  'server-timing': 'gfet4t7; dur=1',
};

function errorReply(row: ErrorRow): BodyReply {
  const body = `${JSON.stringify({ error: row }, null, 2)}\n`;
  return { kind: 'body', status: row.code, headers: HEADERS, body, usage: null };
}

export function geminiError(error: FaultError, context: ErrorContext): BodyReply {
  if (error === 'bad_gateway') return htmlReply(context.status ?? 502, {});
  const known = ROWS[error](context.model ?? 'unknown');
  const code = context.status ?? known.code;
  // A status of 401 is Google's answer to a bad OAuth token, not to a bad key.
  const row: ErrorRow =
    error === 'auth' && code === 401
      ? {
          code,
          status: 'UNAUTHENTICATED',
          message: 'Request had invalid authentication credentials.',
          details: [errorInfo('ACCESS_TOKEN_TYPE_UNSUPPORTED')],
        }
      : { ...known, code };
  const delay = retryDelayOf(context.wait);
  if (delay === null) return errorReply(row);
  const message = `${row.message}\nPlease retry in ${delay}.`;
  const details = [...(row.details ?? []), { '@type': `${RPC}RetryInfo`, retryDelay: delay }];
  return errorReply({ ...row, message, details });
}

/** INVALID_ARGUMENT that names the field. */
export function invalidArgument(message: string, field: string | null): BodyReply {
  const violation = {
    '@type': `${RPC}BadRequest`,
    fieldViolations: [{ field, description: message }],
  };
  return errorReply(
    field === null ? invalid(message) : { ...invalid(message), details: [violation] },
  );
}
