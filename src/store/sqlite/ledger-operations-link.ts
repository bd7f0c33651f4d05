/**
 * The gateway's end of operations on the ledger.
 *
 * @module
 */
import type { Checkpoint } from '../../metering/core/checkpoint.ts';
import type { ArchivePlan, LedgerOperations } from '../../metering/ledger-operations-port.ts';
import type { ReaderLink } from './reader-link.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';

export function ledgerOperationsOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
  now: () => number,
): LedgerOperations {
  const call = <Value>(name: string, ...args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, number) => {
      putCall(flat, number, { name, args });
    });
  return {
    async backup() {
      // Its answer comes after the commit of everything that was asked before it.
      await call('assertLedgerOpen');
      return await readers.ask('backupLedger', [now()]);
    },
    async archive({ beforeMs, dryRun }) {
      const openHoldIds = await call<readonly string[]>('openHolds', null);
      const question = { beforeMs, nowMs: now(), openHoldIds };
      const plan = await readers.ask<ArchivePlan>('planArchive', [question]);
      if (dryRun || plan.events === 0) return { ...plan, written: null };
      const checkpoint = await readers.ask<Checkpoint>('writeArchive', [plan]);
      const { file, sha256 } = checkpoint;
      const isMade = await call<boolean>('checkpoint', checkpoint);
      return { ...plan, written: isMade ? { file, sha256 } : null };
    },
    openHolds: () => call('listOpenHolds'),
    endUnknown: (command) => call('endUnknown', command),
    markUnknown: (holdIds) => call('markUnknown', holdIds),
    estimatedHolds: () => readers.ask('estimatedHolds', []),
    async forgetEstimated(holdIds) {
      await call('forgetEstimated', holdIds);
    },
    exportRange: (query) => readers.ask('ledgerExportRange', [query]),
    exportPage: (range) => readers.ask('ledgerExportPage', [range]),
  };
}
