/**
 * Headers of a reply for which no provider is called: cost 0, and nobody who answered.
 *
 * @module
 */
import type { Exchange, ReplyHeaders } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { replyHeaders } from '../gateway/reply-headers.ts';

export function ownReplyHeaders(gateway: Gateway, exchange: Exchange): ReplyHeaders {
  return replyHeaders({
    requestId: exchange.requestId,
    provider: null,
    model: null,
    attempts: 0,
    costNanoUsd: 0n,
    overheadMs: gateway.clock.monotonicMs() - exchange.startedAtMonotonicMs,
    rates: null,
    warnings: [],
    simulated: false,
  });
}
