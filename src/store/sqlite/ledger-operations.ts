/**
 * What the writer tells of the ledger outside the hot path.
 *
 * @module
 */
import type { OperationParts, OperationTable } from './writer-operations.ts';

export function ledgerOperations({
  accounts,
  engine,
  openCalls,
}: Pick<OperationParts, 'accounts' | 'engine' | 'openCalls'>): OperationTable {
  return {
    limits: {
      writes: false,
      run([customerId, keyId], unit) {
        accounts.ensure(customerId as string, unit);
        return engine.limitStatuses(customerId as string, keyId as string | null, unit.nowMs);
      },
    },
    openHolds: {
      writes: false,
      run: ([customerId]) =>
        [...openCalls]
          .filter(([, { identity }]) => customerId === null || identity.customerId === customerId)
          .map(([holdId]) => holdId),
    },
  };
}
