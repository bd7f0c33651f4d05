/**
 * Renders errors in OpenAI's envelope, whole and as the last event of a stream.
 *
 * @module
 */
import type { GatewayError } from '../../contracts/gateway-error.ts';

/** OpenAI's `type` by status and code. */
export function openAiErrorType(error: GatewayError): string {
  if (error.code === 'limit_exceeded' || error.status === 402) return 'insufficient_quota';
  if (error.status === 401) return 'authentication_error';
  if (error.status === 403) return 'permission_error';
  if (error.status === 429) return 'rate_limit_error';
  return error.status >= 500 ? 'server_error' : 'invalid_request_error';
}

export function openAiError(error: GatewayError, requestId: string): Record<string, unknown> {
  return {
    error: {
      message: error.message,
      type: openAiErrorType(error),
      param: error.param,
      code: error.code,
      request_id: requestId,
      ...error.refusal,
    },
  };
}

/** The error event that ends a broken chat stream (reliability §1.2): no terminal marker may follow. */
export function openAiErrorFrame(error: GatewayError, requestId: string): Buffer {
  return Buffer.from(`data: ${JSON.stringify(openAiError(error, requestId))}\n\n`);
}
