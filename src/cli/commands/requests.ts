/**
 * `alwrity-gateway requests …`.
 *
 * @module
 */
import type { Command } from 'commander';
import type { z } from 'zod';
import {
  addClientOptions,
  addExamples,
  openSession,
  printList,
  readList,
  showOne,
  wholeNumber,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { addExportOptions, runExport, type ExportFlags } from './export.ts';
import { formatAmount, formatCount, formatInstant, formatMoney } from '../format.ts';
import type { Colors } from '../output.ts';
import { requestDetail, requestReply } from '../replies.ts';
import { renderPairs, renderTable } from '../table.ts';

type RequestRow = z.infer<typeof requestReply>;
type RequestDetail = z.infer<typeof requestDetail>;

const REQUESTS_SHOWN = 20;

function statusText(row: RequestRow): string {
  const error = row.error_code === null ? '' : ` ${row.error_code}`;
  return `${row.status}${error}${row.client_closed ? ' (client left)' : ''}`;
}

function servedBy(row: RequestRow): string {
  if (row.provider === null) return '';
  const served = row.model_served === null ? '' : `/${row.model_served}`;
  return `${row.provider}${served}`;
}

function usageText(usage: Readonly<Record<string, number>>): string {
  return Object.entries(usage)
    .map(([unit, count]) => `${formatCount(count)} ${unit.replaceAll('_', ' ')}`)
    .join(', ');
}

function requestTable(rows: readonly RequestRow[], colors: Colors): string {
  return renderTable(
    rows,
    [
      { title: 'time (UTC)', value: (row) => formatInstant(row.started_at) },
      { title: 'status', value: statusText },
      { title: 'model', value: (row) => row.model },
      { title: 'served by', value: (row) => (servedBy(row) === row.model ? '' : servedBy(row)) },
      { title: 'cost', align: 'right', value: (row) => formatMoney(row.cost) },
      { title: 'ms', align: 'right', value: (row) => formatCount(row.duration_ms) },
      { title: 'tries', align: 'right', value: (row) => String(row.attempts) },
      { title: 'request', value: (row) => row.id },
    ],
    colors,
  );
}

/** The meter stands before the slash of a limit's id unless the operator named the limit otherwise. */
function legText(leg: { readonly limit: string; readonly amount: string }): string {
  return `${leg.limit} ${formatAmount(leg.limit.split('/')[0] ?? '', leg.amount)}`;
}

function detailText(request: RequestDetail, colors: Colors): string {
  const { hold } = request;
  const pairs = renderPairs(
    [
      ['request', request.id],
      ['status', statusText(request)],
      ['time', `${formatInstant(request.started_at)} UTC`],
      [
        'took',
        `${formatCount(request.duration_ms)} ms, ${request.overhead_ms.toFixed(1)} ms of it in the gateway`,
      ],
      ['customer', request.customer],
      ['key', request.key],
      ['operation', `${request.operation}${request.stream ? ', streamed' : ''}`],
      ['model', request.model],
      [
        'served by',
        servedBy(request) === ''
          ? null
          : `${servedBy(request)}${request.simulated ? ' (simulated)' : ''}`,
      ],
      ['usage', `${usageText(request.usage)}${request.estimated ? ' (estimated)' : ''}`],
      ['cost', formatMoney(request.cost)],
      ['warnings', request.warnings.length === 0 ? null : request.warnings.join(', ')],
      ['hold', hold === null ? null : `${hold.id}, ${hold.state}`],
      ['held', hold === null || hold.legs.length === 0 ? null : hold.legs.map(legText).join('; ')],
    ],
    colors,
  );
  const attempts = renderTable(
    request.attempt_rows,
    [
      { title: 'try', align: 'right', value: (row) => String(row.n) },
      { title: 'provider', value: (row) => row.provider },
      { title: 'model', value: (row) => row.model_served ?? row.model_requested },
      { title: 'outcome', value: (row) => row.outcome },
      { title: 'http', align: 'right', value: (row) => String(row.http_status ?? '') },
      { title: 'billed', value: (row) => row.billable },
      { title: 'usage', value: (row) => usageText(row.usage) },
      { title: 'cost', align: 'right', value: (row) => formatMoney(row.cost) },
      { title: 'price', value: (row) => row.price ?? '' },
    ],
    colors,
  );
  return request.attempt_rows.length === 0 ? pairs : `${pairs}\n\n${attempts}`;
}

interface ListFlags extends CommonFlags {
  readonly limit: number;
  readonly customer?: string;
  readonly from?: string;
  readonly to?: string;
}

export function registerRequests(program: Command, scope: CommandScope): void {
  const requests = program
    .command('requests')
    .alias('request')
    .description('requests as they were booked: list, show, export');
  addExamples(requests, scope, [
    ['requests list', ''],
    ['requests show req_…', ''],
  ]);

  const list = requests
    .command('list')
    .description('list requests, newest first')
    .option('--customer <id>', 'of this customer only')
    .option('--from <time>', 'not older, such as 2026-11-01')
    .option('--to <time>', 'older than this')
    .option(
      '--limit <rows>',
      `rows at most (${REQUESTS_SHOWN})`,
      wholeNumber(1, 100_000),
      REQUESTS_SHOWN,
    )
    .action(async (flags: ListFlags) => {
      const { customer, from, to, limit } = flags;
      const { client, output } = openSession(scope, flags);
      const request = { path: '/requests', limit, query: { customer, from, to } };
      const found = await readList(client, request, requestReply);
      printList(output, found, {
        empty: `No requests. Make one: ${scope.context.invocation} call chat "Hello"`,
        table: () => requestTable(found.rows, output.colors),
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['requests list', 'the newest'],
    ['requests list --customer user-1 --limit 50', ''],
  ]);

  const show = requests
    .command('show <id>')
    .description('show a request: attempts, usage, cost, what was held')
    .action(async (id: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), `/requests/${encodeURIComponent(id)}`, {
        schema: requestDetail,
        text: detailText,
      });
    });
  addExamples(addClientOptions(show), scope, [['requests show req_…', '']]);

  const command = requests
    .command('export')
    .description('write requests as CSV or NDJSON, newest first')
    .action((flags: ExportFlags) =>
      runExport(scope, flags, { path: '/requests/export', query: {} }),
    );
  addExportOptions(command, scope, 'requests export --from 2026-11-01');
}
