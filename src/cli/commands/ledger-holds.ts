/**
 * `alwrity-gateway ledger holds …`: what stands reserved, and the end of what nobody saw end.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { usageError } from '../cli-error.ts';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  wholeNumber,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatMoney, formatInstant, formatSpan } from '../format.ts';

const holdReply = z.looseObject({
  id: z.string(),
  state: z.string(),
  customer: z.string(),
  request: z.string(),
  operation: z.string(),
  cost: z.string(),
  created_at: z.string(),
  age_ms: z.number(),
});

function registerList(holds: Command, scope: CommandScope): void {
  const list = addLimitOption(holds.command('list'))
    .description('list open holds, oldest first')
    .option('--state <state>', 'held, dispatched or unknown')
    .action(async (flags: CommonFlags & { limit: number; state?: string }) => {
      const { limit, state } = flags;
      await showList(
        openSession(scope, flags),
        { path: '/ledger/holds', query: { state }, limit },
        {
          schema: holdReply,
          empty: 'No open holds.',
          columns: [
            { title: 'since (UTC)', value: (row) => formatInstant(row.created_at) },
            { title: 'age', align: 'right', value: (row) => formatSpan(row.age_ms) },
            { title: 'state', value: (row) => row.state },
            { title: 'cost', align: 'right', value: (row) => formatMoney(row.cost) },
            { title: 'operation', value: (row) => row.operation },
            { title: 'customer', value: (row) => row.customer },
            { title: 'request', value: (row) => row.request },
            { title: 'hold', value: (row) => row.id },
          ],
        },
      );
    });
  addExamples(addClientOptions(list), scope, [
    ['ledger holds list', ''],
    ['ledger holds list --state unknown', 'whose end nobody saw'],
  ]);
}

interface ReconcileFlags extends CommonFlags {
  readonly outcome?: string;
  readonly cost?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly reason?: string;
}

const endReply = z.looseObject({ id: z.string(), type: z.string(), overrun: z.string() });

function outcomeOf(flags: ReconcileFlags): object {
  const { cost, inputTokens, outputTokens, outcome, reason } = flags;
  const why = reason === undefined ? {} : { reason };
  if (cost !== undefined) {
    if (outcome !== undefined) throw usageError('Name --outcome or --cost, not both.');
    return {
      outcome: 'settle',
      cost,
      ...(inputTokens === undefined ? {} : { input_tokens: inputTokens }),
      ...(outputTokens === undefined ? {} : { output_tokens: outputTokens }),
      ...why,
    };
  }
  if (outcome === undefined) throw usageError('Name what is booked: --outcome or --cost.');
  if (inputTokens !== undefined || outputTokens !== undefined) {
    throw usageError('--input-tokens and --output-tokens stand with --cost.');
  }
  return { outcome, ...why };
}

function registerReconcile(holds: Command, scope: CommandScope): void {
  const tokens = wholeNumber(0, Number.MAX_SAFE_INTEGER);
  const reconcile = holds
    .command('reconcile <hold>')
    .description('end an unknown hold: book what is decided, free the rest')
    .option('--outcome <word>', 'charge_observed, charge_hold or release')
    .option('--cost <usd>', 'what the provider is known to have billed')
    .option('--input-tokens <number>', 'with --cost', tokens)
    .option('--output-tokens <number>', 'with --cost', tokens)
    .option('--reason <text>', 'stands in the event')
    .action(async (id: string, flags: ReconcileFlags) => {
      const outcome = outcomeOf(flags);
      const { client, output } = openSession(scope, flags);
      const path = `/ledger/holds/${encodeURIComponent(id)}/reconcile`;
      const body = await client.admin('POST', path, { body: outcome });
      output.data(body, () => {
        const end = parseReply(endReply, body);
        const beyond =
          Number(end.overrun) === 0 ? '' : `; ${formatMoney(end.overrun)} beyond the hold`;
        return `${end.id} is ${end.type}${beyond}.`;
      });
    });
  addExamples(addClientOptions(reconcile), scope, [
    ['ledger holds reconcile hold_… --outcome release --reason "not on the invoice"', ''],
    ['ledger holds reconcile hold_… --cost 0.0123 --input-tokens 900 --output-tokens 120', ''],
  ]);
}

/** Adds `holds` to the command of the ledger. */
export function registerLedgerHolds(ledger: Command, scope: CommandScope): void {
  const holds = ledger
    .command('holds')
    .description('open holds: list them, end those whose end nobody saw');
  addExamples(holds, scope, [
    ['ledger holds list', ''],
    ['ledger holds list --state unknown', ''],
  ]);
  registerList(holds, scope);
  registerReconcile(holds, scope);
}
