/**
 * Division by a million, rounded up, in doubles.
 *
 * @module
 */

/**
 * ⌈sum / 1,000,000⌉ of a safe integer, exact: the quotient stays below 2^33.1, where doubles lie less than
 * 2e-6 apart, so one millionth beyond a whole number is never lost.
 */
export function ceilMillionths(sum: number): number {
  return Math.ceil(sum / 1_000_000);
}
