/**
 * Errors as replies.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { FailedCall, ReplyHeaders } from './exchange.ts';
import { replyHeaders, retryHeaders } from './reply-headers.ts';

/** What a caller is told of a fault of our own. */
export function internalError(): GatewayError {
  return new GatewayError('internal_error', {
    message:
      'The gateway failed in a way it should not. The operator finds the cause under the request id.',
  });
}

/** Headers of an error; `call` is what is known where it got as far as its hold. */
export function errorHeaders(
  error: GatewayError,
  facts: {
    readonly requestId: string;
    readonly durationMs: number;
    readonly call: FailedCall | null;
    /** Of the body; JSON by default. */
    readonly contentType?: string;
  },
): ReplyHeaders {
  const { call, durationMs } = facts;
  const headers = replyHeaders({
    requestId: facts.requestId,
    provider: call?.provider ?? null,
    model: call?.model ?? null,
    attempts: call?.attempts ?? 0,
    costNanoUsd: call?.costNanoUsd ?? 0n,
    overheadMs: Math.max(0, durationMs - (call?.upstreamMs ?? 0)),
    rates: call?.rates ?? null,
    warnings: call?.warnings ?? [],
    simulated: call?.simulated ?? false,
  });
  headers.push(...retryHeaders(error), 'content-type', facts.contentType ?? 'application/json');
  return headers;
}
