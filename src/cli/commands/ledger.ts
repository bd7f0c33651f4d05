/**
 * `alwrity-gateway ledger …`.
 *
 * @module
 */
import type { Command } from 'commander';
import type { z } from 'zod';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { formatCount } from '../format.ts';
import { verifyReply } from '../replies.ts';
import { renderTable } from '../table.ts';
import { registerLedgerArchive } from './ledger-archive.ts';
import { registerLedgerBackup } from './ledger-backup.ts';
import { registerLedgerExport } from './ledger-export.ts';
import { registerLedgerHolds } from './ledger-holds.ts';

/** A ledger of millions of events is read from its first one. */
const VERIFY_TIMEOUT_MS = 15 * 60_000;

/** What the hashes say, with the newest, which is worth noting elsewhere. */
function chainText({
  links,
  after_seq: after,
  head,
}: z.output<typeof verifyReply>['chain']): string {
  const since = after === 0 ? '' : ` since event ${after}`;
  return `${formatCount(links)} hashes over the events${since}; the newest is ${head}`;
}

/** Where the proof begins. */
function archivedText(archived: z.output<typeof verifyReply>['archived']): string {
  if (archived === null) return '';
  return `\nEvents before ${archived.before_seq} are archived (newest file: ${archived.file}); the proof begins at their checkpoint.`;
}

export function registerLedger(program: Command, scope: CommandScope): void {
  const ledger = program
    .command('ledger')
    .description('the append-only ledger: verify, export, archive, backup, restore, open holds');
  addExamples(ledger, scope, [
    ['ledger verify', ''],
    ['ledger export --output ledger.ndjson', ''],
  ]);
  registerLedgerExport(ledger, scope);
  registerLedgerBackup(ledger, scope);
  registerLedgerArchive(ledger, scope);
  registerLedgerHolds(ledger, scope);
  registerVerify(ledger, scope);
}

function registerVerify(ledger: Command, scope: CommandScope): void {
  const verify = ledger
    .command('verify')
    .description('rebuild every counter from the ledger and compare; exit code 1 when one differs')
    .action(async (flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('POST', '/ledger/verify', {
        body: {},
        timeoutMs: VERIFY_TIMEOUT_MS,
      });
      const report = parseReply(verifyReply, body);
      const counts = `${formatCount(report.events)} events, ${formatCount(report.buckets)} counters, ${formatCount(report.open_holds)} open holds`;
      output.data(body, () => {
        if (report.ok)
          return `${output.colors.green('ok')}  ${counts}: every counter follows from the ledger.\n${chainText(report.chain)}${archivedText(report.archived)}`;
        const table = renderTable(
          report.mismatches,
          [
            { title: 'counter', value: (row) => row.bucket },
            { title: 'field', value: (row) => row.field },
            { title: 'by the ledger', align: 'right', value: (row) => row.expected },
            { title: 'found', align: 'right', value: (row) => row.actual },
          ],
          output.colors,
        );
        return `${output.colors.red('MISMATCH')}  ${counts}\n\n${table}`;
      });
      if (!report.ok) scope.exitWith(EXIT_CODES.failure);
    });
  addExamples(addClientOptions(verify), scope, [['ledger verify', '']]);
}
