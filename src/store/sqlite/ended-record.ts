/**
 * The request of a call whose end nobody saw.
 *
 * @module
 */
import type { HoldImage } from '../../metering/core/types.ts';
import type { Charge, RequestRecord } from '../../metering/ports.ts';
import { providerOf } from './usage-tables.ts';

/** As it is listed once its hold was ended without it. */
export function endedRecord(
  hold: HoldImage,
  how: {
    readonly charges: readonly Charge[];
    readonly isEstimated: boolean;
    readonly nowMs: number;
  },
): RequestRecord {
  const { charges, isEstimated, nowMs } = how;
  const model = charges.at(-1)?.model ?? hold.covered.at(-1)?.model ?? '';
  const costNanoUsd = charges.reduce((sum, charge) => sum + (charge.amounts.cost_usd ?? 0n), 0n);
  return {
    requestId: hold.requestId,
    customerId: hold.customerId,
    keyId: hold.keyId,
    operation: hold.operation,
    modelAsked: model,
    provider: model === '' ? null : providerOf(model),
    modelServed: null,
    status: 500,
    errorCode: 'internal_error',
    stream: false,
    clientClosed: false,
    startedAtMs: hold.createdAtMs,
    firstTokenAtMs: null,
    finishedAtMs: nowMs,
    overheadMs: 0,
    attempts: 0,
    usage: {},
    costNanoUsd,
    estimated: isEstimated,
    simulated: false,
    warnings: isEstimated ? ['settled_by_estimate'] : [],
    tags: hold.tags,
  };
}
