/**
 * One line of a provider's invoice, whatever it was written as.
 *
 * @module
 */
import { z } from 'zod';
import { COUNTED_UNITS, type CountedUnit } from '../../../contracts/usage.ts';
import { isCalendarDay } from '../shapes.ts';

const HOUR = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3])(?::00(?::00)?)?Z$/;

/** Units of an invoice: those that the ledger counts, and calls. */
export const INVOICE_UNITS = [...new Set([...COUNTED_UNITS, 'requests' as const])];

const nameSchema = z.string().trim().min(1, { error: 'must not be empty' }).max(300);

/** A row as JSON has it; a CSV row has the units as columns of their own. */
export const invoiceRowSchema = z
  .strictObject({
    provider: nameSchema.describe('Id of the provider, as in `provider/model`.'),
    date: z
      .string()
      .refine((text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isCalendarDay(text), {
        error: 'must be a day such as 2026-11-30',
      })
      .optional()
      .describe('Day in UTC.'),
    hour: z
      .string()
      .refine((text) => HOUR.test(text) && isCalendarDay(text.slice(0, 10)), {
        error: 'must be an hour such as 2026-11-30T13:00Z',
      })
      .optional()
      .describe('Hour in UTC, instead of a day; hours of a day are added up.'),
    model: nameSchema.describe('As the provider names it.'),
    units: z
      .partialRecord(z.enum(INVOICE_UNITS), z.int().nonnegative().max(Number.MAX_SAFE_INTEGER))
      .optional()
      .describe('Counts by unit. Units that are not named are not compared.'),
    cost_usd: z
      .string()
      .regex(/^-?\d{1,10}(?:\.\d{1,15})?$/, {
        error: 'must be US dollars as a decimal such as 12.50, with at most fifteen places',
      })
      .optional()
      .describe('US dollars. A line without cost is compared by units alone.'),
  })
  .refine((row) => (row.date === undefined) !== (row.hour === undefined), {
    error: 'must have either date or hour',
    path: ['date'],
  })
  .refine((row) => row.units !== undefined || row.cost_usd !== undefined, {
    error: 'must state units, cost_usd, or both',
    path: ['cost_usd'],
  });
export type InvoiceRow = z.output<typeof invoiceRowSchema>;

/** One model of one provider on one day, as the invoice has it. */
export interface InvoiceLine {
  readonly provider: string;
  readonly model: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly units: Readonly<Partial<Record<CountedUnit, number>>>;
  /** Exact, in 10⁻¹⁵ US dollars; null where no row states a cost. */
  readonly femtoUsd: bigint | null;
}

function femtoOf(decimal: string): bigint {
  const negative = decimal.startsWith('-');
  const [whole = '0', fraction = ''] = decimal.replace('-', '').split('.');
  const value = BigInt(whole + fraction.padEnd(15, '0'));
  return negative ? 0n - value : value;
}

/** Rows of one provider, model and day added up, sorted; `modelOf` gives a model the name it is compared by. */
export function linesOf(
  rows: readonly InvoiceRow[],
  modelOf: (provider: string, model: string) => string,
): readonly InvoiceLine[] {
  const lines = new Map<string, InvoiceLine>();
  for (const row of rows) {
    const model = modelOf(row.provider, row.model);
    const date = row.date ?? (row.hour ?? '').slice(0, 10);
    const key = JSON.stringify([date, row.provider, model]);
    const known = lines.get(key);
    const units: Partial<Record<CountedUnit, number>> = { ...known?.units };
    for (const unit of INVOICE_UNITS) {
      const count = row.units?.[unit];
      if (count !== undefined) units[unit] = (units[unit] ?? 0) + count;
    }
    const before = known?.femtoUsd ?? null;
    const cost = row.cost_usd === undefined ? null : femtoOf(row.cost_usd);
    const femtoUsd = cost === null ? before : cost + (before ?? 0n);
    lines.set(key, { provider: row.provider, model, date, units, femtoUsd });
  }
  return [...lines].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, line]) => line);
}
