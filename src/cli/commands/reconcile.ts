/**
 * `alwrity-gateway reconcile …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import { usageError } from '../cli-error.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatCount, formatInstant } from '../format.ts';
import type { Colors } from '../output.ts';
import { readText } from '../plan-file.ts';
import { renderPairs } from '../table.ts';

const money = z.looseObject({ ours: z.string(), theirs: z.string(), difference: z.string() });

const reportReply = z.looseObject({
  id: z.string(),
  created_at: z.string(),
  name: z.string().nullable(),
  providers: z.array(z.string()),
  from: z.string(),
  to: z.string(),
  lines: z.looseObject({
    matched: z.number(),
    differs: z.number(),
    ours_only: z.number(),
    theirs_only: z.number(),
  }),
  cost: money,
});
type Report = z.infer<typeof reportReply>;

const lineReply = z.looseObject({
  date: z.string(),
  provider: z.string(),
  model: z.string(),
  status: z.string(),
  attempts: z.number(),
  units: z.record(z.string(), z.looseObject({ difference: z.number() })),
  cost: money.nullable(),
});

function reportText(report: Report, colors: Colors): string {
  const { lines, cost } = report;
  return renderPairs(
    [
      ['report', report.name === null ? report.id : `${report.id} (${report.name})`],
      ['days (UTC)', `${report.from} to ${report.to}, ${report.providers.join(', ')}`],
      ['matched', formatCount(lines.matched)],
      ['differs', formatCount(lines.differs)],
      ['ours only', formatCount(lines.ours_only)],
      ['theirs only', formatCount(lines.theirs_only)],
      ['ours', `$${cost.ours}`],
      ['theirs', `$${cost.theirs}`],
      ['difference', `$${cost.difference}`],
    ],
    colors,
  );
}

function differencesOf(units: z.infer<typeof lineReply>['units']): string {
  return Object.entries(units)
    .filter(([, { difference }]) => difference !== 0)
    .map(([unit, { difference }]) => `${unit} ${difference > 0 ? '+' : ''}${difference}`)
    .join(', ');
}

type Format = 'csv' | 'ndjson' | 'json';

function formatOf(file: string, named: string | undefined): Format {
  const format = named ?? /\.(csv|ndjson|jsonl|json)$/i.exec(file)?.[1]?.toLowerCase();
  switch (format) {
    case 'csv':
    case 'ndjson':
    case 'json':
      return format;
    case 'jsonl':
      return 'ndjson';
    default:
      throw usageError('Which format is that file?', ['--format csv', '--format ndjson']);
  }
}

function rowsOfJson(text: string, file: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'rows' in value ? value.rows : value;
  } catch {
    throw usageError(`${file} is no JSON.`, ['--format ndjson']);
  }
}

interface ImportFlags extends CommonFlags {
  readonly format?: string;
  readonly name?: string;
  readonly refresh?: boolean;
}

function registerImport(reconcile: Command, scope: CommandScope): void {
  const command = reconcile
    .command('import <file>')
    .description('hold a provider’s invoice against the ledger')
    .option('--format <format>', 'csv, ndjson or json; by default as the file is named')
    .option('--name <text>', 'what you call it')
    .option('--refresh', 'compare anew, although it was imported before')
    .action(async (file: string, flags: ImportFlags) => {
      const { client, output } = openSession(scope, flags);
      const format = formatOf(file, flags.format);
      const text = await readText(scope.context, file);
      const body = await client.admin('POST', '/reconciliation', {
        body: {
          ...(format === 'json' ? { rows: rowsOfJson(text, file) } : { [format]: text }),
          ...(flags.name === undefined ? {} : { name: flags.name }),
          ...(flags.refresh === true ? { refresh: true } : {}),
        },
      });
      output.data(body, () => reportText(parseReply(reportReply, body), output.colors));
    });
  addExamples(addClientOptions(command), scope, [
    ['reconcile import openai-november.csv', ''],
    ['reconcile import - --format ndjson', 'from standard input'],
  ]);
}

interface ShowFlags extends CommonFlags {
  readonly limit: number;
  readonly status?: string;
}

function registerShow(reconcile: Command, scope: CommandScope): void {
  const command = addLimitOption(reconcile.command('show [report]'))
    .description('list reports, or show one line by line')
    .option('--status <status>', 'lines that are matched, differs, ours_only or theirs_only')
    .action(async (id: string | undefined, flags: ShowFlags) => {
      const session = openSession(scope, flags);
      const { limit, status } = flags;
      if (id === undefined) {
        await showList(
          session,
          { path: '/reconciliation', limit },
          {
            schema: reportReply,
            empty: 'No invoice was imported yet: reconcile import <file>.',
            columns: [
              { title: 'report', value: (report) => report.id },
              { title: 'name', value: (report) => report.name ?? '' },
              { title: 'made (UTC)', value: (report) => formatInstant(report.created_at) },
              { title: 'days', value: (report) => `${report.from} to ${report.to}` },
              { title: 'difference', align: 'right', value: (report) => report.cost.difference },
            ],
          },
        );
        return;
      }
      const path = `/reconciliation/${encodeURIComponent(id)}`;
      await showList(
        session,
        { path, limit, query: { status } },
        {
          schema: lineReply,
          empty: 'No such lines.',
          columns: [
            { title: 'day (UTC)', value: (line) => line.date },
            { title: 'model', value: (line) => `${line.provider}/${line.model}` },
            { title: 'status', value: (line) => line.status },
            { title: 'attempts', align: 'right', value: (line) => formatCount(line.attempts) },
            { title: 'ours', align: 'right', value: (line) => line.cost?.ours ?? '' },
            { title: 'theirs', align: 'right', value: (line) => line.cost?.theirs ?? '' },
            { title: 'difference', align: 'right', value: (line) => line.cost?.difference ?? '' },
            { title: 'units, theirs − ours', value: (line) => differencesOf(line.units) },
          ],
        },
      );
    });
  addExamples(addClientOptions(command), scope, [
    ['reconcile show', ''],
    ['reconcile show rec_… --status differs', ''],
  ]);
}

export function registerReconcile(program: Command, scope: CommandScope): void {
  const reconcile = program
    .command('reconcile')
    .description('hold providers’ invoices against the ledger');
  addExamples(reconcile, scope, [['reconcile import openai-november.csv', '']]);
  registerImport(reconcile, scope);
  registerShow(reconcile, scope);
}
