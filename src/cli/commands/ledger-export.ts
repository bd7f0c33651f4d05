/**
 * `alwrity-gateway ledger export`.
 *
 * @module
 */
import type { Command } from 'commander';
import {
  addClientOptions,
  addExamples,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { runExport } from './export.ts';

interface LedgerExportFlags extends CommonFlags {
  readonly fromSeq?: string;
  readonly toSeq?: string;
  readonly from?: string;
  readonly to?: string;
  readonly output?: string;
}

export function registerLedgerExport(ledger: Command, scope: CommandScope): void {
  const command = ledger
    .command('export')
    .description('the events as lines of JSON, with the hashes over them (docs/ledger.md)')
    .option('--from-seq <number>', 'from this event on')
    .option('--to-seq <number>', 'up to this event')
    .option('--from <time>', 'not older, such as 2026-11-01')
    .option('--to <time>', 'older than this')
    .option('--output <file>', 'file to write (standard output)')
    .action(async ({ fromSeq, toSeq, ...flags }: LedgerExportFlags) => {
      await runExport(scope, flags, {
        path: '/ledger/export',
        query: { from_seq: fromSeq, to_seq: toSeq },
      });
    });
  addExamples(addClientOptions(command), scope, [
    ['ledger export --output ledger.ndjson', 'every event'],
    ['ledger export --from-seq 1200', 'what came since'],
  ]);
}
