/**
 * Whether a period's use so far leads beyond its limit. Pure.
 *
 * @module
 */
import type { PeriodUse } from '../../metering/alerts-port.ts';

/** Part of the period that must be over before its use says anything about the rest. */
const ELAPSED_SHARE = 8;
/** Use below this part of the limit is no trend. */
const USED_SHARE = 10n;

/** Use at the end of the period if it goes on as until now: spend ÷ elapsed × length, rounded up. Base units. */
export function projectedUse(
  use: Pick<PeriodUse, 'used' | 'startMs' | 'endMs'>,
  nowMs: number,
): bigint {
  const length = BigInt(use.endMs - use.startMs);
  const elapsed = BigInt(Math.max(1, Math.min(nowMs, use.endMs) - use.startMs));
  return (use.used * length + elapsed - 1n) / elapsed;
}

/**
 * The projection where it is above the limit and the period is far enough on to tell: an eighth of it is over and a
 * tenth of the limit is used. Null otherwise, and once the limit is used up, which a threshold tells.
 */
export function forecastOf(
  use: Pick<PeriodUse, 'used' | 'limit' | 'startMs' | 'endMs'>,
  nowMs: number,
): bigint | null {
  const { used, limit, startMs, endMs } = use;
  if (nowMs >= endMs || (nowMs - startMs) * ELAPSED_SHARE < endMs - startMs) return null;
  if (used >= limit || used * USED_SHARE < limit) return null;
  const projected = projectedUse(use, nowMs);
  return projected > limit ? projected : null;
}
