/**
 * `alwrity-gateway usage` and `alwrity-gateway limits`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { addExportOptions, runExport, type ExportFlags } from './export.ts';
import { formatAmount, formatInstant } from '../format.ts';
import { limitTable } from '../limit-table.ts';
import type { Colors } from '../output.ts';
import { limitReply, usageReply } from '../replies.ts';
import { renderTable } from '../table.ts';

type Usage = z.infer<typeof usageReply>;

function meterTable(usage: Usage, colors: Colors): string {
  const meters = [...new Set([...Object.keys(usage.totals), ...Object.keys(usage.held)])];
  return renderTable(
    meters,
    [
      { title: 'meter', value: (meter) => meter },
      {
        title: 'used',
        align: 'right',
        value: (meter) => formatAmount(meter, usage.totals[meter] ?? 0),
      },
      {
        title: 'held',
        align: 'right',
        value: (meter) => formatAmount(meter, usage.held[meter] ?? 0),
      },
    ],
    colors,
  );
}

function groupTable(usage: Usage, colors: Colors): string {
  const dimensions = [...new Set(usage.groups.flatMap((group) => Object.keys(group.key)))];
  const meters = [...new Set(usage.groups.flatMap((group) => Object.keys(group.totals)))];
  return renderTable(
    usage.groups,
    [
      ...dimensions.map((name) => ({
        title: name,
        value: (group: Usage['groups'][number]) => group.key[name] ?? '',
      })),
      ...meters.map((meter) => ({
        title: meter,
        align: 'right' as const,
        value: (group: Usage['groups'][number]) => formatAmount(meter, group.totals[meter] ?? 0),
      })),
    ],
    colors,
  );
}

function usageText(usage: Usage, colors: Colors): string {
  const who = usage.customer ?? 'all customers';
  const head = `${who}, ${formatInstant(usage.from)} to ${formatInstant(usage.to)} UTC`;
  const groups = usage.groups.length === 0 ? '' : `\n\n${groupTable(usage, colors)}`;
  return `${head}\n\n${meterTable(usage, colors)}${groups}`;
}

interface UsageFlags extends CommonFlags {
  readonly customer?: string;
  readonly from?: string;
  readonly to?: string;
  readonly groupBy?: string;
  readonly bucket?: string;
}

export function registerUsage(program: Command, scope: CommandScope): void {
  const usage = program
    .command('usage')
    .description('what was used: the counters that limits are held against')
    .option('--customer <id>', 'of this customer, else of all')
    .option('--from <time>', 'such as 2026-11-01 (start of the period, or of the month)')
    .option('--to <time>', 'exclusive (its end)')
    .option(
      '--group-by <names>',
      'of provider, model, customer, key, plan, modality, operation, tag:<name>; comma-separated',
    )
    .option('--bucket <length>', 'split by hour, day or month (UTC)')
    .action(async (flags: UsageFlags) => {
      const { customer, from, to, groupBy, bucket } = flags;
      const { client, output } = openSession(scope, flags);
      const query = { customer, from, to, group_by: groupBy, bucket };
      const body = await client.admin('GET', '/usage', { query });
      output.data(body, () => usageText(parseReply(usageReply, body), output.colors));
    });
  addExamples(addClientOptions(usage), scope, [
    ['usage', 'all customers, this month'],
    ['usage --customer user-1', 'its running period'],
    ['usage --group-by provider,model --from 2026-11-01', ''],
    ['usage --bucket day --json', ''],
  ]);
  registerUsageExport(usage, scope);
}

function registerUsageExport(usage: Command, scope: CommandScope): void {
  const exporting = usage
    .command('export')
    .description('write usage as CSV or NDJSON: a row for each group of each hour, day or month')
    .option('--group-by <names>', 'as usage has it')
    .option('--bucket <length>', 'hour, day or month (day)')
    .action(async (_flags: unknown, command: Command) => {
      // `usage` has most of these options itself and takes them first.
      const flags: ExportFlags & Pick<UsageFlags, 'groupBy' | 'bucket'> = command.optsWithGlobals();
      const query = { group_by: flags.groupBy, bucket: flags.bucket };
      await runExport(scope, flags, { path: '/usage/export', query });
    });
  addExportOptions(exporting, scope, 'usage export --group-by customer,model');
}

const limitsReply = z.looseObject({ limits: z.array(limitReply) });

export function registerLimits(program: Command, scope: CommandScope): void {
  const limits = program
    .command('limits')
    .alias('limit')
    .description('limits of a customer: used, held, left, and when they reset')
    .option('--customer <id>', 'customer to ask for (the one the API key acts as)')
    .action(async (flags: CommonFlags & { customer?: string }) => {
      const { client, output } = openSession(scope, flags, 'api');
      const headers = flags.customer === undefined ? {} : { 'x-gateway-customer': flags.customer };
      const { body } = await client.call('GET', '/v1/limits', { headers });
      const found = parseReply(limitsReply, body).limits;
      if (found.length === 0) output.message('No limits: everything is allowed.');
      if (found.length > 0 || output.json) {
        output.data(body, () => limitTable(found, Date.now(), output.colors));
      }
    });
  addExamples(addClientOptions(limits), scope, [
    ['limits', 'of the customer that the API key acts as'],
    ['limits --customer user-1', 'of another; a service key may ask'],
  ]);
}
