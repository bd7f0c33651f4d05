/**
 * What an idempotency key answers for a call that has failed behind its hold.
 *
 * - No attempt has left the gateway: nothing can have happened, the next call with the key runs.
 * - An attempt may have reached a provider: the error is kept, and no provider is asked again under this key.
 *
 * @module
 */
import { isGatewayError } from '../contracts/gateway-error.ts';
import { keptError } from './call-claim.ts';
import { errorHeaders, internalError } from './error-reply.ts';
import type { Gateway } from './gateway.ts';
import { failedCallOf, type CallRun } from './call-run.ts';

/** Notes the failure for the key. @returns the error to show: the one that was kept, where one was */
export function keepFailure(gateway: Gateway, run: CallRun, error: unknown): unknown {
  const { claim, exchange, dialect } = run;
  if (claim === null || run.isBooked || !claim.reachedProvider) return error;
  const kept = keptError(isGatewayError(error) ? error : internalError());
  if (exchange.sendsBytes) claim.cutOff();
  else if (exchange.headSent) claim.keepStream(dialect.errorFrame(kept, exchange.requestId));
  else {
    const headers = errorHeaders(kept, {
      requestId: exchange.requestId,
      durationMs: gateway.clock.monotonicMs() - exchange.startedAtMonotonicMs,
      call: failedCallOf(run),
    });
    const body = JSON.stringify(dialect.renderError(kept, exchange.requestId));
    claim.keepWhole(kept.status, headers, Buffer.from(body));
  }
  return isGatewayError(error) ? kept : error;
}
