/**
 * Durations as they are written down.
 *
 * @module
 */

/** Milliseconds to the microsecond: what a clock says beyond that is noise, and most of the digits. */
export function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** Every number of thousandths as decimals: three of them, and as few as it takes. */
const THREE_DECIMALS = Array.from({ length: 1000 }, (_, at) => `.${String(at).padStart(3, '0')}`);
const FEWEST_DECIMALS = THREE_DECIMALS.map((decimals) => decimals.replace(/\.?0+$/, ''));

/** {@link toMicroseconds} in decimals out of a table: a number that is no whole one takes four times as long to write. */
function withDecimals(milliseconds: number, table: readonly string[]): string {
  const microseconds = Math.round(milliseconds * 1000);
  const rest = microseconds % 1000;
  return `${(microseconds - rest) / 1000}${table[rest] ?? ''}`;
}

/** A duration with three decimals: `0.100`. @param milliseconds not negative */
export function fixedMilliseconds(milliseconds: number): string {
  return withDecimals(milliseconds, THREE_DECIMALS);
}

/** {@link toMicroseconds} as JSON has it: `0.1`. @param milliseconds not negative */
export function jsonMilliseconds(milliseconds: number): string {
  return withDecimals(milliseconds, FEWEST_DECIMALS);
}
