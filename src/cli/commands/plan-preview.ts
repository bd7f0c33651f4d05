/**
 * `alwrity-gateway plans preview`: what the plans of a file would be to those who have them.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import type { PlanInput } from '../../contracts/metering.ts';
import { parseReply, type GatewayClient } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  wholeNumber,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatAmount, formatCount, formatInstant } from '../format.ts';
import type { Colors } from '../output.ts';
import { findPlan, versionBody } from '../plan-changes.ts';
import { readPlanFile } from '../plan-file.ts';
import { renderTable } from '../table.ts';

const finding = z.looseObject({
  limit: z.string(),
  meter: z.string(),
  key: z.string().nullable(),
  now: z.string().nullable(),
  after: z.string().nullable(),
  times: z.number(),
  used: z.string(),
});

const previewReply = z.looseObject({
  plan: z.string(),
  from: z.string(),
  to: z.string(),
  changes: z.array(
    z.looseObject({ limit: z.string(), now: z.string().nullable(), after: z.string().nullable() }),
  ),
  not_judged: z.array(z.looseObject({ limit: z.string(), reason: z.string() })),
  judged: z.number(),
  data: z.array(
    z.looseObject({
      customer: z.string(),
      externalId: z.string(),
      beyond: z.array(
        finding.extend({ effect: z.string(), first_at: z.string(), already: z.boolean() }),
      ),
      relieved: z.array(finding),
      models: z.array(z.looseObject({ model: z.string(), requests: z.number() })),
    }),
  ),
  next_cursor: z.string().nullable(),
});
type Preview = Pick<
  z.infer<typeof previewReply>,
  'plan' | 'from' | 'to' | 'changes' | 'not_judged' | 'judged' | 'data'
>;

/** Reads all pages of one plan's preview. */
async function readPreview(
  client: GatewayClient,
  plan: PlanInput,
  options: { readonly body: object; readonly timeoutMs: number },
): Promise<Preview> {
  const read = async (cursor: string | null): Promise<z.infer<typeof previewReply>> => {
    const query = { limit: '200', ...(cursor === null ? {} : { cursor }) };
    const path = `/plans/${encodeURIComponent(plan.id)}/preview`;
    return parseReply(previewReply, await client.admin('POST', path, { ...options, query }));
  };
  const first = await read(null);
  let { judged, data, next_cursor: cursor } = first;
  while (cursor !== null) {
    const page = await read(cursor);
    judged += page.judged;
    data = [...data, ...page.data];
    cursor = page.next_cursor;
  }
  const { next_cursor: _read, ...shown } = first;
  return { ...shown, judged, data };
}

interface Row {
  readonly customer: string;
  readonly what: string;
  readonly used: string;
  readonly now: string;
  readonly after: string;
  readonly result: string;
}

const EFFECTS: Readonly<Record<string, string>> = {
  refused: 'would be refused',
  overage: 'would be overage',
  marked: 'would be marked',
  credits: 'would cost credits',
};

function rowOf(customer: string, found: z.infer<typeof finding>, result: string): Row {
  const amount = (value: string | null): string =>
    value === null ? 'none' : formatAmount(found.meter, value);
  const times = found.times === 1 ? '' : `, ${formatCount(found.times)} times`;
  return {
    customer,
    what: found.key === null ? found.limit : `${found.limit} of ${found.key}`,
    used: formatAmount(found.meter, found.used),
    now: amount(found.now),
    after: amount(found.after),
    result: `${result}${times}`,
  };
}

function rowsOf({ externalId, beyond, relieved, models }: Preview['data'][number]): readonly Row[] {
  return [
    ...models.map(({ model, requests }) => ({
      customer: externalId,
      what: model,
      used: formatCount(requests),
      now: '',
      after: 'not allowed',
      result: 'would be refused',
    })),
    ...beyond.map((found) => {
      const since = `from ${formatInstant(found.first_at)} on`;
      const effect = EFFECTS[found.effect] ?? found.effect;
      return rowOf(externalId, found, `${effect} ${since}${found.already ? ', as now' : ''}`);
    }),
    ...relieved.map((found) => rowOf(externalId, found, 'gains')),
  ];
}

function previewText(preview: Preview, colors: Colors): string {
  const { plan, judged, data, changes, not_judged: notJudged, from, to } = preview;
  const changed = changes
    .map(({ limit, now, after }) => `${limit} ${now ?? 'none'} → ${after ?? 'none'}`)
    .join(', ');
  const rows = data.flatMap(rowsOf);
  const parts = [
    `${colors.bold(plan)}: ${changed === '' ? 'no limit changes' : changed}`,
    `${formatCount(judged)} customers by their use from ${formatInstant(from)} to ${formatInstant(to)} UTC: ${rows.length === 0 ? 'nothing would have been otherwise' : `otherwise for ${formatCount(data.length)}`}.`,
  ];
  if (notJudged.length > 0) {
    parts.push(`Not judged: ${notJudged.map(({ limit }) => limit).join(', ')}.`);
  }
  if (rows.length === 0) return parts.join('\n');
  const table = renderTable(
    rows,
    [
      { title: 'customer', value: (row) => row.customer },
      { title: 'limit', value: (row) => row.what },
      { title: 'used', align: 'right', value: (row) => row.used },
      { title: 'now', align: 'right', value: (row) => row.now },
      { title: 'after', align: 'right', value: (row) => row.after },
      { title: 'result', value: (row) => row.result },
    ],
    colors,
  );
  return `${parts.join('\n')}\n\n${table}`;
}

interface PreviewFlags extends CommonFlags {
  readonly days?: number;
  readonly customer?: string;
}

const DAYS_JUDGED = 30;
/** A year of many customers is read. */
const PREVIEW_TIMEOUT_MS = 5 * 60_000;

/** Adds `preview` to the command of plans. */
export function registerPlanPreview(plans: Command, scope: CommandScope): void {
  const preview = plans
    .command('preview <file>')
    .description(
      'who would have been refused under the plans of a file, and who gains; changes nothing',
    )
    .option('--days <number>', 'use of how many days is judged (30)', wholeNumber(1, 366))
    .option('--customer <id>', 'judge this customer alone, whatever plan it has')
    .action(async (file: string, flags: PreviewFlags) => {
      const wanted = await readPlanFile(scope.context, file);
      const { client, output } = openSession(scope, flags);
      const { days = DAYS_JUDGED, customer } = flags;
      const shared = { days, ...(customer === undefined ? {} : { customer }) };
      const found: Preview[] = [];
      for (const plan of wanted) {
        const current = await findPlan(client, plan.id);
        if (current === null) {
          output.message(`${plan.id}: a new plan; nobody has it yet.`);
          continue;
        }
        const body = { ...versionBody(current, plan), ...shared };
        found.push(await readPreview(client, plan, { body, timeoutMs: PREVIEW_TIMEOUT_MS }));
      }
      output.data({ plans: found }, () =>
        found.map((one) => previewText(one, output.colors)).join('\n\n'),
      );
    });
  addExamples(addClientOptions(preview), scope, [
    ['plans preview plans.yaml', 'by the use of the last 30 days'],
    ['plans preview pro.yaml --customer user-1 --days 90', 'before this customer moves to it'],
  ]);
}
