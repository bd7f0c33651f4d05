/**
 * Idempotency keys as the writer is asked for them by name.
 *
 * @module
 */
import type { NewClaim } from '../../metering/idempotency-port.ts';
import type { ClaimEndOrder } from './wire.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

export function idempotencyOperations({
  idempotency,
}: Pick<OperationParts, 'idempotency'>): OperationTable {
  return {
    claimIdempotencyKey: {
      writes: true,
      run: ([claim], unit) => idempotency.claim(claim as NewClaim, unit.nowMs),
    },
    endIdempotencyClaim: {
      writes: true,
      run([order], unit) {
        idempotency.end(order as ClaimEndOrder, unit.nowMs);
        return null;
      },
    },
  };
}
