/**
 * Whether an hour cost far more than its customer's usual. Pure, in whole nano-USD.
 *
 * The rule: the hour is unusual when it cost at least the minimum, at least `factor` times the median of the
 * customer's own hours with spend in the week before, and more than that median by nine median absolute deviations
 * (about six standard deviations of normal noise). Hours without spend are left out, so that a customer who works
 * two hours a day is compared with those; a median and its deviation are moved by no single hour.
 *
 * @module
 */

export interface AnomalyRule {
  /** Less than this in an hour is never unusual. */
  readonly minimumNanoUsd: bigint;
  /** Whole number, at least 2. */
  readonly factor: bigint;
}

/** Hours with spend that must be known before one can be unusual. */
export const USUAL_HOURS_MIN = 12;
const DEVIATIONS = 9n;

/** The lower median; 0 of nothing. */
export function medianOf(amounts: readonly bigint[]): bigint {
  const sorted = amounts.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0));
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0n;
}

function distance(one: bigint, other: bigint): bigint {
  return one < other ? other - one : one - other;
}

/** The median that `hour` is far above; null where it is not unusual. */
export function anomalyOf(
  rule: AnomalyRule,
  hour: bigint,
  before: readonly bigint[],
): { readonly usualNanoUsd: bigint; readonly hours: number } | null {
  if (before.length < USUAL_HOURS_MIN || hour < rule.minimumNanoUsd) return null;
  const usualNanoUsd = medianOf(before);
  const deviation = medianOf(before.map((amount) => distance(amount, usualNanoUsd)));
  if (hour < usualNanoUsd * rule.factor || hour - usualNanoUsd <= deviation * DEVIATIONS) {
    return null;
  }
  return { usualNanoUsd, hours: before.length };
}
