/**
 * What a period will come to if it goes on as it began: amount ÷ elapsed × length, in whole base units, rounded up.
 *
 * @module
 */
import type { Meter } from '../../contracts/metering.ts';
import type { LimitStatus } from '../../contracts/limit-status.ts';
import { METERS } from '../../contracts/metering.ts';
import type { MeterAmounts } from '../ports.ts';
import { formatMeterAmount, parseMeterAmount } from './meter-amounts.ts';
import type { Span } from './span-cache.ts';
import { HOUR_MS } from './windows.ts';

/** A period that has run for less than this share of its length tells nothing of its end. */
const LEAST_SHARE = 100n;
/** Nor does one that has run for less than this. */
const LEAST_MS = HOUR_MS;

/** One limit of the period, by the rate at which it has been used. Amounts are decimal strings, as limits have them. */
export interface LimitProjection {
  readonly id: string;
  readonly meter: Meter;
  readonly scope: string;
  readonly limit: string;
  readonly used: string;
  readonly projected: string;
  /** When it will be used up; null where the period ends before. */
  readonly exhaustedAtMs: number | null;
}

export interface Projection {
  readonly period: Span;
  readonly elapsedMs: number;
  /** From when on there is a projection. */
  readonly reliableFromMs: number;
  /** Null before. */
  readonly totals: MeterAmounts | null;
  readonly limits: readonly LimitProjection[];
}

/** From when on a period can be projected: an hour and a hundredth of it must have passed. */
export function reliableFrom({ startMs, endMs }: Span): number {
  const least = (BigInt(endMs - startMs) + LEAST_SHARE - 1n) / LEAST_SHARE;
  return startMs + Math.max(LEAST_MS, Number(least));
}

/** `amount × length ÷ elapsed`, rounded up: a projection never states less than the rate says. */
export function projectAmount(amount: bigint, elapsedMs: number, lengthMs: number): bigint {
  const elapsed = BigInt(elapsedMs);
  return (amount * BigInt(lengthMs) + elapsed - 1n) / elapsed;
}

function projectLimit(
  status: LimitStatus,
  period: Span,
  elapsedMs: number,
): LimitProjection | null {
  const { id, meter, scope } = status;
  if (status.window !== 'period' || !/^\d/.test(status.limit)) return null;
  const limit = parseMeterAmount(meter, status.limit, 'limit');
  const used = parseMeterAmount(meter, status.used, 'used');
  const projected = projectAmount(used, elapsedMs, period.endMs - period.startMs);
  const exhausted = projected > limit && used > 0n;
  const afterMs = exhausted ? Number((limit * BigInt(elapsedMs)) / used) : 0;
  return {
    id,
    meter,
    scope,
    limit: status.limit,
    used: status.used,
    projected: formatMeterAmount(meter, projected),
    // What is used up already, is so now.
    exhaustedAtMs: exhausted
      ? period.startMs + Math.max(afterMs, used >= limit ? elapsedMs : 0)
      : null,
  };
}

/**
 * Projects a running period.
 *
 * @param used what was settled in the period so far
 * @param statuses limits as they stand; those over other windows than the period are left out
 */
export function projectPeriod(
  period: Span,
  so: {
    readonly nowMs: number;
    readonly used: MeterAmounts;
    readonly statuses: readonly LimitStatus[];
  },
): Projection {
  const elapsedMs = Math.max(0, Math.min(so.nowMs, period.endMs) - period.startMs);
  const reliableFromMs = reliableFrom(period);
  const common = { period, elapsedMs, reliableFromMs };
  if (period.startMs + elapsedMs < reliableFromMs) return { ...common, totals: null, limits: [] };
  const totals: Partial<Record<Meter, bigint>> = {};
  for (const meter of METERS) {
    const amount = so.used[meter];
    if (amount !== undefined) {
      totals[meter] = projectAmount(amount, elapsedMs, period.endMs - period.startMs);
    }
  }
  const limits = so.statuses.flatMap((status) => projectLimit(status, period, elapsedMs) ?? []);
  return { ...common, totals, limits };
}
