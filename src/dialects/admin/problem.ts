/**
 * Errors of the control plane as RFC 9457 problem details (https://www.rfc-editor.org/rfc/rfc9457).
 *
 * @module
 */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../contracts/error-codes.ts';
import { isGatewayError, GatewayError } from '../../contracts/gateway-error.ts';
import { retryHeaders } from '../../gateway/reply-headers.ts';

/** Media type of every error of the control plane and of the compatibility routes. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** Where the gateway serves `docs/errors.md`; a code's anchor is the code itself. */
export const ERROR_DOCS_PATH = '/docs/errors';

const CODES = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];

/** A problem as it is sent; limit errors have `limits`, `plan`, `actions` and `usage_info` besides. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('Documentation of the code, relative to the gateway.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What happened and why.'),
    instance: z.string().describe('Id of the request.'),
    code: z.enum(CODES),
    param: z
      .string()
      .optional()
      .describe('Path of the member at fault, such as `limits[2].amount`.'),
    fix: z.string().describe('What to do next.'),
  })
  .meta({ id: 'Problem' });

export interface RenderedProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a rendering may add: members of the compatibility routes. */
export interface ProblemContext {
  readonly requestId: string;
  readonly members?: Readonly<Record<string, unknown>>;
}

/** Any thrown value as a gateway error; what is none becomes `internal_error`, its text withheld. */
export function asGatewayError(error: unknown): GatewayError {
  if (isGatewayError(error)) return error;
  return new GatewayError('internal_error', {
    message: 'The gateway failed to answer this request.',
    cause: error,
  });
}

/** Renders an error for the control plane or a compatibility route. */
export function renderProblem(error: GatewayError, context: ProblemContext): RenderedProblem {
  const table = ERROR_CODES[error.code];
  const body = {
    type: `${ERROR_DOCS_PATH}#${error.code}`,
    title: table.title,
    status: error.status,
    detail: error.message,
    instance: context.requestId,
    code: error.code,
    ...(error.param === null ? {} : { param: error.param }),
    fix: table.fix,
    ...error.refusal,
    ...context.members,
  };
  const headers: Record<string, string> = {
    'content-type': PROBLEM_CONTENT_TYPE,
    'x-request-id': context.requestId,
    'cache-control': 'no-store',
  };
  const retry = retryHeaders(error);
  for (let at = 0; at < retry.length; at += 2) headers[retry[at] ?? ''] = retry[at + 1] ?? '';
  return { status: error.status, headers, body: JSON.stringify(body) };
}
