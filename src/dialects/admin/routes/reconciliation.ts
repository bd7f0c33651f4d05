/**
 * Provider invoices against the ledger.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { formatUsd } from '../../../contracts/money.ts';
import type { KeptReport } from '../../../metering/reconciliation-port.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import type { AdminDependencies } from '../dependencies.ts';
import {
  compareInvoice,
  type ComparedLine,
  LINE_STATUSES,
  type LineStatus,
} from '../reconciliation/compare.ts';
import {
  INVOICE_UNITS,
  type InvoiceLine,
  type InvoiceRow,
  invoiceRowSchema,
  linesOf,
} from '../reconciliation/invoice-row.ts';
import {
  INVOICE_ROWS_MAX,
  readCsvInvoice,
  readNdjsonInvoice,
} from '../reconciliation/read-invoice.ts';
import {
  formatTime,
  lineSchema,
  listSchema,
  pageInMemory,
  pageQuery,
  timeSchema,
  usdSchema,
} from '../shapes.ts';

const DAY_MS = 86_400_000;

const invoiceSchema = z
  .strictObject({
    name: lineSchema(200).optional().describe('What you call this invoice.'),
    csv: z.string().optional().describe('CSV text with a header: provider, date or hour, model …'),
    ndjson: z.string().optional().describe('One JSON row on each line.'),
    rows: z.array(invoiceRowSchema).max(INVOICE_ROWS_MAX).optional(),
    refresh: z
      .boolean()
      .optional()
      .describe('Compare anew, although this invoice has a report already.'),
  })
  .refine((body) => [body.csv, body.ndjson, body.rows].filter(Boolean).length === 1, {
    error: 'must have exactly one of csv, ndjson and rows',
  });

const moneyPair = z.strictObject({
  ours: usdSchema,
  theirs: usdSchema,
  difference: usdSchema.describe('theirs − ours.'),
});

const headSchema = z.strictObject({
  name: z.string().nullable(),
  providers: z.array(z.string()),
  from: z.iso.date(),
  to: z.iso.date().describe('Last day, inclusive.'),
  rows: z.int(),
  lines: z.strictObject({
    matched: z.int(),
    differs: z.int(),
    ours_only: z.int(),
    theirs_only: z.int(),
  }),
  cost: moneyPair.describe('Of all lines for which the invoice states a cost, and of ours_only.'),
});

const reportSchema = z
  .strictObject({ id: z.string().describe('`rec_…`'), created_at: timeSchema })
  .extend(headSchema.shape)
  .meta({ id: 'Reconciliation' });

const reportLineSchema = z
  .strictObject({
    provider: z.string(),
    model: z.string().describe('By the name of the price book, where it lists the model.'),
    date: z.iso.date(),
    status: z.enum(LINE_STATUSES),
    attempts: z.int().describe('Billed attempts of ours.'),
    unknown_attempts: z
      .int()
      .describe('Attempts of which it is not known whether they were billed; not in the sums.'),
    units: z.partialRecord(
      z.enum(INVOICE_UNITS),
      z.strictObject({ ours: z.int(), theirs: z.int(), difference: z.int() }),
    ),
    cost: moneyPair.nullable().describe('Null where the invoice states no cost.'),
  })
  .meta({ id: 'ReconciliationLine' });
type ShownLine = z.input<typeof reportLineSchema>;

function showMoney(ours: bigint, theirs: bigint): z.input<typeof moneyPair> {
  return {
    ours: formatUsd(ours),
    theirs: formatUsd(theirs),
    difference: formatUsd(theirs - ours),
  };
}

/** The invoice's side of a line's cost; null where it states none. What the invoice lacks it puts at nothing. */
function theirCost(line: ComparedLine): bigint | null {
  return line.status === 'ours_only' ? 0n : line.theirsNanoUsd;
}

function showLine(line: ComparedLine): ShownLine {
  const theirs = theirCost(line);
  return {
    provider: line.provider,
    model: line.model,
    date: line.date,
    status: line.status,
    attempts: line.attempts,
    unknown_attempts: line.unknown,
    units: Object.fromEntries(
      line.units.map(({ unit, ours, theirs: counted }) => [
        unit,
        { ours, theirs: counted, difference: counted - ours },
      ]),
    ),
    cost: theirs === null ? null : showMoney(line.oursNanoUsd, theirs),
  };
}

type Head = z.input<typeof headSchema>;

function headOf(
  invoice: { readonly name: string | null; readonly rows: number },
  covered: Covered,
  compared: readonly ComparedLine[],
): Head {
  const counts: Record<LineStatus, number> = {
    matched: 0,
    differs: 0,
    ours_only: 0,
    theirs_only: 0,
  };
  let [ours, theirs] = [0n, 0n];
  for (const line of compared) {
    counts[line.status] += 1;
    const cost = theirCost(line);
    if (cost === null) continue;
    ours += line.oursNanoUsd;
    theirs += cost;
  }
  return {
    name: invoice.name,
    providers: [...covered.providers],
    from: covered.from,
    to: covered.to,
    rows: invoice.rows,
    lines: counts,
    cost: showMoney(ours, theirs),
  };
}

function showReport({ id, createdAtMs, head }: Omit<KeptReport, 'lines'>) {
  return { id, created_at: formatTime(createdAtMs), ...headSchema.parse(JSON.parse(head)) };
}

function rowsOf(body: z.output<typeof invoiceSchema>): readonly InvoiceRow[] {
  const { csv, ndjson, rows } = body;
  const read = csv === undefined ? readNdjsonInvoice(ndjson ?? '') : readCsvInvoice(csv);
  const found = rows ?? read;
  if (found.length > 0) return found;
  throw invalidRequest(csv === undefined ? 'ndjson' : 'csv', 'has no rows. Nothing was imported.');
}

interface Covered {
  readonly providers: readonly string[];
  readonly from: string;
  readonly to: string;
}

function coveredBy(lines: readonly InvoiceLine[]): Covered {
  const dates = lines.map(({ date }) => date).sort();
  return {
    providers: [...new Set(lines.map(({ provider }) => provider))].sort(),
    from: dates[0] ?? '',
    to: dates.at(-1) ?? '',
  };
}

/** The same lines have the same id, in whatever form or order they came. */
function idOf(lines: readonly InvoiceLine[]): string {
  const text = JSON.stringify(
    lines.map((line) => [
      line.date,
      line.provider,
      line.model,
      INVOICE_UNITS.map((unit) => line.units[unit] ?? null),
      line.femtoUsd === null ? null : String(line.femtoUsd),
    ]),
  );
  return `rec_${createHash('sha256').update(text).digest('hex').slice(0, 26)}`;
}

async function importInvoice(
  body: z.output<typeof invoiceSchema>,
  { store, catalogue, now }: AdminDependencies,
): Promise<Omit<KeptReport, 'lines'>> {
  const modelOf = (provider: string, model: string): string =>
    catalogue.priceBook.canonicalModel(provider, model) ?? model;
  const rows = rowsOf(body);
  const invoice = linesOf(rows, modelOf);
  const id = idOf(invoice);
  const known = body.refresh === true ? null : await store.reconciliations.find(id);
  if (known !== null) return known;
  const covered = coveredBy(invoice);
  const booked = await store.reconciliations.booked({
    providers: covered.providers,
    fromMs: Date.parse(covered.from),
    toMs: Date.parse(covered.to) + DAY_MS,
  });
  const compared = compareInvoice(invoice, booked, modelOf);
  const head = headOf({ name: body.name ?? null, rows: rows.length }, covered, compared);
  const report: KeptReport = {
    id,
    createdAtMs: now(),
    head: JSON.stringify(head),
    lines: JSON.stringify(compared.map(showLine)),
  };
  await store.reconciliations.put(report);
  return report;
}

/** Routes below `/reconciliation`. */
export const reconciliationRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/reconciliation',
    operationId: 'importInvoice',
    summary: 'Hold a provider’s invoice against the ledger',
    description:
      'Compares each provider, model and UTC day of the invoice with the attempts booked for it, by what the provider charges. A row at fault is named by line and column, and nothing is imported. The same invoice has one report, however often it is sent.',
    tag: 'ledger',
    body: invoiceSchema,
    example: {
      name: 'November',
      csv: 'provider,date,model,requests,input_text_tokens,output_text_tokens,cost_usd\nsim,2026-11-26,chat,3,120,90,0.000048\n',
    },
    status: 201,
    reply: reportSchema,
    async handle({ body }, dependencies) {
      return showReport(await importInvoice(body, dependencies));
    },
  }),
  adminRoute({
    method: 'get',
    path: '/reconciliation',
    operationId: 'listReconciliations',
    summary: 'List reports of invoices, newest first',
    tag: 'ledger',
    query: z.strictObject(pageQuery),
    reply: listSchema(reportSchema),
    async handle({ query }, { store }) {
      const named = (await store.reconciliations.list()).map((report, place) => ({
        report,
        name: String(place).padStart(9, '0'),
      }));
      const page = pageInMemory(named, ({ name }) => name, query);
      return {
        data: page.data.map(({ report }) => showReport(report)),
        next_cursor: page.next_cursor,
      };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/reconciliation/{id}',
    operationId: 'getReconciliation',
    summary: 'Read a report line by line',
    tag: 'ledger',
    params: z.strictObject({ id: z.string().min(1).max(200).describe('`rec_…`') }),
    query: z.strictObject({
      ...pageQuery,
      status: z.enum(LINE_STATUSES).optional().describe('Lines of this status only.'),
    }),
    reply: z
      .strictObject({ report: reportSchema })
      .extend(listSchema(reportLineSchema).shape)
      .meta({ id: 'ReconciliationReport' }),
    errors: ['not_found'],
    async handle({ params, query }, { store }) {
      const kept = await store.reconciliations.find(params.id);
      if (kept === null) {
        throw new GatewayError('not_found', {
          message: `There is no reconciliation "${params.id}".`,
          param: 'id',
        });
      }
      const lines = z.array(reportLineSchema).parse(JSON.parse(kept.lines));
      const shown = lines.filter(
        (line) => query.status === undefined || line.status === query.status,
      );
      const page = pageInMemory(
        shown,
        (line) => JSON.stringify([line.date, line.provider, line.model]),
        query,
      );
      return { report: showReport(kept), data: [...page.data], next_cursor: page.next_cursor };
    },
  }),
];
