/**
 * Shapes that several routes share: money, times, pages, names of customers.
 *
 * @module
 */
import { z } from 'zod';
import { METERS, type Meter } from '../../contracts/metering.ts';
import { formatUsd } from '../../contracts/money.ts';
import type { MeterAmounts } from '../../metering/ports.ts';
import { invalidRequest } from '../validation.ts';

/** US dollars as a decimal string with nine places. */
export const usdSchema = z
  .string()
  .regex(/^-?\d+\.\d{9}$/)
  .meta({ id: 'Usd', description: 'US dollars, nine decimal places.', example: '1.234000000' });

/** RFC 3339 in UTC. */
export const timeSchema = z.iso
  .datetime()
  .meta({ id: 'Time', description: 'RFC 3339, UTC.', example: '2026-12-01T00:00:00Z' });

/** RFC 3339 in UTC, without a fraction where it is zero. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

export function formatTimeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : formatTime(milliseconds);
}

const INSTANT_PATTERN =
  /^\d{4}-\d{2}-\d{2}(?:[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;

/** An instant as callers write it: RFC 3339 with its offset, or a date (midnight UTC). */
export const instantSchema = z.string().max(40).meta({
  description: 'RFC 3339 with offset, or a date (midnight UTC).',
  example: '2026-12-01T00:00:00Z',
});

/** True for a day that the calendar has: `Date` would roll 30 February over into March. */
export function isCalendarDay(date: string): boolean {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}

/**
 * Milliseconds of an instant.
 *
 * @throws GatewayError `invalid_request` naming `param`
 */
export function parseInstant(text: string, param: string): number {
  const milliseconds =
    INSTANT_PATTERN.test(text) && isCalendarDay(text.slice(0, 10))
      ? Date.parse(text.toUpperCase())
      : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw invalidRequest(
      param,
      'must be a time such as "2026-12-01T00:00:00Z" or a date such as "2026-12-01".',
    );
  }
  return milliseconds;
}

/** What names a customer wherever one is named: `cus_…` or the operator's own id. */
export const customerNameSchema = z
  .string()
  .min(1)
  .max(200)
  .describe('`cus_…` or `externalId` of the customer.');

/** Characters no id may hold: controls, which would break logs and headers. */
// oxlint-disable-next-line no-control-regex -- the controls are what is looked for
export const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Text for people, on one line. */
export function lineSchema(max: number) {
  return z
    .string()
    .min(1, { error: 'must not be empty' })
    .max(max, { error: `must be at most ${max} characters` })
    .refine((text) => !CONTROL_CHARACTERS.test(text), {
      error: 'must not hold control characters',
    });
}

/** Query members of every list. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, { error: 'must be a whole number from 1 to 200' })
    .transform(Number)
    .refine((limit) => limit <= 200, { error: 'must be a whole number from 1 to 200' })
    .optional()
    .meta({ description: 'Rows of a page, 1 to 200; 50 by default.' }),
  cursor: z.string().min(1).max(500).optional().describe('`next_cursor` of the page before.'),
};

export interface PageInput {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export function pageOf(input: PageInput): {
  readonly limit: number;
  readonly cursor: string | null;
} {
  return { limit: input.limit ?? 50, cursor: input.cursor ?? null };
}

/** `{data, next_cursor}`; `next_cursor` is null on the last page. */
export function listSchema<Row extends z.ZodType>(row: Row) {
  return z.strictObject({ data: z.array(row), next_cursor: z.string().nullable() });
}

/**
 * A page of rows that are all in memory, in the order of their names; the cursor is the last name seen, so
 * that rows added meanwhile shift nothing.
 *
 * @throws GatewayError `invalid_request` for a cursor that none of our pages gave
 */
export function pageInMemory<Row>(
  rows: readonly Row[],
  nameOf: (row: Row) => string,
  input: PageInput,
): { readonly data: readonly Row[]; readonly next_cursor: string | null } {
  const { limit, cursor } = pageOf(input);
  const after = cursor === null ? null : decodeCursor(cursor);
  const sorted = rows
    .filter((row) => after === null || nameOf(row) > after)
    .toSorted((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1));
  const data = sorted.slice(0, limit);
  const last = data.at(-1);
  const more = sorted.length > limit && last !== undefined;
  return { data, next_cursor: more ? encodeCursor(nameOf(last)) : null };
}

function encodeCursor(name: string): string {
  return `n.${Buffer.from(name).toString('base64url')}`;
}

function decodeCursor(cursor: string): string {
  const bytes = Buffer.from(cursor.slice(2), 'base64url');
  if (!cursor.startsWith('n.') || bytes.length === 0) {
    throw invalidRequest('cursor', 'is none that a page of this list gave.');
  }
  return bytes.toString('utf8');
}

/** Every meter used: counts as integers, seconds as numbers, cost as a decimal string. */
export const totalsSchema = z
  .strictObject(
    Object.fromEntries(
      METERS.map((meter) => [meter, meter === 'cost_usd' ? usdSchema : z.number().optional()]),
    ) as Record<Exclude<Meter, 'cost_usd' | 'requests'>, z.ZodOptional<z.ZodNumber>> & {
      requests: z.ZodOptional<z.ZodNumber>;
      cost_usd: typeof usdSchema;
    },
  )
  .meta({ id: 'MeterTotals' });

/** Base units as usage shows them; `requests` and `cost_usd` always, other meters where not zero. */
export function showAmounts(amounts: MeterAmounts): z.input<typeof totalsSchema> {
  const shown: Partial<Record<Meter, number>> = { requests: Number(amounts.requests ?? 0n) };
  for (const meter of METERS) {
    const amount = amounts[meter];
    if (amount === undefined || amount === 0n || meter === 'cost_usd') continue;
    // Seconds are counted in milliseconds.
    shown[meter] = meter.endsWith('_seconds') ? Number(amount) / 1000 : Number(amount);
  }
  const { cost_usd: _cost, ...counts } = shown;
  return { ...counts, cost_usd: formatUsd(amounts.cost_usd ?? 0n) };
}
