/**
 * What usage is counted in: every meter, and by how much price rules charge more than providers do.
 *
 * @module
 */
import { type Meter, METERS } from '../../contracts/metering.ts';
import type { Charge, UsageColumn } from '../../metering/ports.ts';

/**
 * Columns of the rollups, in the order of their amounts. The margin is zero wherever no price rule was used, and so
 * costs a byte there.
 */
export const USAGE_COLUMNS: readonly UsageColumn[] = ['margin_usd', ...METERS];

export const COLUMN_NAMES = USAGE_COLUMNS.join(', ');
export const COLUMN_PLACES = USAGE_COLUMNS.map(() => '?').join(', ');
/** Of an upsert: what is there plus what comes. */
export const COLUMN_ADDITIONS = USAGE_COLUMNS.map(
  (column) => `${column} = ${column} + excluded.${column}`,
).join(', ');

/** Amounts by column, nothing counted yet. */
export function noAmounts(): bigint[] {
  return USAGE_COLUMNS.map(() => 0n);
}

const COLUMN_PLACE: ReadonlyMap<string, number> = new Map(
  USAGE_COLUMNS.map((column, place) => [column, place]),
);
const REQUESTS = USAGE_COLUMNS.indexOf('requests');

/**
 * Adds a charge to sums by column, or takes it away.
 *
 * @param requests what it counts on `requests`, whatever the charge itself says of it
 */
export function addCharge(
  sums: bigint[],
  { amounts, marginNanoUsd }: Charge,
  { requests, sign }: { readonly requests: bigint; readonly sign: 1n | -1n },
): void {
  if (marginNanoUsd !== undefined) sums[0] = (sums[0] ?? 0n) + sign * marginNanoUsd;
  sums[REQUESTS] = (sums[REQUESTS] ?? 0n) + sign * requests;
  for (const meter in amounts) {
    const place = COLUMN_PLACE.get(meter);
    const amount = amounts[meter as Meter];
    if (place === undefined || place === REQUESTS || amount === undefined) continue;
    sums[place] = (sums[place] ?? 0n) + (sign === 1n ? amount : -amount);
  }
}
