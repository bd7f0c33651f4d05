/**
 * Errors of the compatibility routes: problem details with the members that ALwrity's interface reads.
 *
 * @module
 */
import { ERROR_CODES } from '../../contracts/error-codes.ts';
import type { GatewayError } from '../../contracts/gateway-error.ts';
import { z } from 'zod';
import { problemSchema, renderProblem, type RenderedProblem } from '../admin/problem.ts';

/** Everything below is answered in ALwrity's shapes. */
export const ALWRITY_PREFIX = '/api/subscription/';

/** A problem with ALwrity's members at the top level. */
export const alwrityProblemSchema = problemSchema
  .extend({
    error: z.string(),
    message: z.string(),
    provider: z.string().nullable(),
    usage_info: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AlwrityProblem' });

export function renderAlwrityError(error: GatewayError, requestId: string): RenderedProblem {
  const usageInfo = error.refusal?.usage_info ?? {};
  const provider = usageInfo['provider'];
  return renderProblem(error, {
    requestId,
    members: {
      error: ERROR_CODES[error.code].title,
      message: error.message,
      provider: typeof provider === 'string' ? provider : null,
      usage_info: usageInfo,
    },
  });
}
