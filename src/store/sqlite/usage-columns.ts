/**
 * What usage is counted in: every meter, and by how much price rules charge more than providers do.
 *
 * @module
 */
import { METERS } from '../../contracts/metering.ts';
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

/** Adds a charge to sums by column, or takes it away. */
export function addCharge(sums: bigint[], charge: Charge, sign: 1n | -1n): void {
  const { amounts, marginNanoUsd } = charge;
  if (marginNanoUsd !== undefined) sums[0] = (sums[0] ?? 0n) + sign * marginNanoUsd;
  for (let index = 0; index < METERS.length; index += 1) {
    const meter = METERS[index];
    const amount = meter === undefined ? undefined : amounts[meter];
    if (amount !== undefined) sums[index + 1] = (sums[index + 1] ?? 0n) + sign * amount;
  }
}
