/**
 * What the writer tells of the ledger outside the hot path.
 *
 * @module
 */
import type { OperationParts, OperationTable } from './writer-operations.ts';

export function ledgerOperations({ openCalls }: Pick<OperationParts, 'openCalls'>): OperationTable {
  return {
    /** Answered only while the database takes writes, once all before it is in it. */
    assertLedgerOpen: { writes: false, run: () => null },
    openHolds: {
      writes: false,
      run: ([customerId]) =>
        [...openCalls]
          .filter(([, { identity }]) => customerId === null || identity.customerId === customerId)
          .map(([holdId]) => holdId),
    },
  };
}
