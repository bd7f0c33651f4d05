/**
 * `alwrity-gateway ledger archive`.
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
import { formatCount } from '../format.ts';
import { archiveReply } from '../replies.ts';

/** Millions of events are read, folded and written. */
const ARCHIVE_TIMEOUT_MS = 15 * 60_000;

interface Flags extends CommonFlags {
  readonly before: string;
  readonly dryRun?: boolean;
}

const BOUNDS: Readonly<Record<string, string>> = {
  date: 'the date asked for',
  age: 'what is younger than a week',
  open_period: 'a period that still runs',
  open_hold: 'a hold that is still open',
};

function archiveText(report: z.output<typeof archiveReply>): string {
  const { events, from_seq: from, before_seq: before, file } = report;
  const bound = `Nothing more: ${BOUNDS[report.bound_by] ?? report.bound_by}.`;
  if (events === 0) return `Nothing to archive. ${bound}`;
  const what = `${formatCount(events)} events, ${from} to ${before - 1}`;
  return file === null
    ? `Would archive ${what}. ${bound}`
    : `Archived ${what} to ${file}. ${bound}`;
}

export function registerLedgerArchive(ledger: Command, scope: CommandScope): void {
  const command = ledger
    .command('archive')
    .description('move events of closed periods into a file of the data folder')
    .requiredOption('--before <time>', 'older than this, such as 2026-11-01')
    .option('--dry-run', 'only tell what would go')
    .action(async ({ before, dryRun, ...flags }: Flags) => {
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('POST', '/ledger/archives', {
        body: { before, dry_run: dryRun ?? false },
        timeoutMs: ARCHIVE_TIMEOUT_MS,
      });
      const report = parseReply(archiveReply, body);
      output.data(body, () => archiveText(report));
    });
  addExamples(addClientOptions(command), scope, [
    ['ledger archive --before 2026-11-01 --dry-run', ''],
    ['ledger archive --before 2026-11-01', ''],
  ]);
}
