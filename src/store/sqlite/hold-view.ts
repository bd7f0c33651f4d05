/**
 * A hold as operators see it.
 *
 * @module
 */
import type { HoldImage } from '../../metering/core/types.ts';
import type { OpenHoldView } from '../../metering/ledger-operations-port.ts';

function costOf(hold: HoldImage): bigint {
  return hold.covered.reduce((sum, { amounts }) => sum + (amounts.cost_usd ?? 0n), 0n);
}

export function viewOf(
  hold: HoldImage,
  beside: Pick<OpenHoldView, 'unknownSinceMs' | 'providerRequestId'>,
): OpenHoldView {
  return {
    ...beside,
    holdId: hold.holdId,
    state: hold.state,
    customerId: hold.customerId,
    keyId: hold.keyId,
    requestId: hold.requestId,
    operation: hold.operation,
    createdAtMs: hold.createdAtMs,
    expiresAtMs: hold.expiresAtMs,
    costNanoUsd: costOf(hold),
    models: [...new Set(hold.covered.map(({ model }) => model))],
    planId: hold.planId,
    tags: hold.tags,
  };
}
