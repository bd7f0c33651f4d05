/**
 * `alwrity-gateway ledger verify`.
 *
 * @module
 */
import type { Command } from 'commander';
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

/** A ledger of millions of events is read from its first one. */
const VERIFY_TIMEOUT_MS = 15 * 60_000;

export function registerLedger(program: Command, scope: CommandScope): void {
  const ledger = program.command('ledger').description('the append-only ledger: verify');
  addExamples(ledger, scope, [['ledger verify', '']]);
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
          return `${output.colors.green('ok')}  ${counts}: every counter follows from the ledger.`;
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
