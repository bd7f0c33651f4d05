/**
 * What the `x-ratelimit-*` headers state: the tightest matching `minute` limit on a meter, else the tightest
 * limit on it in another window.
 *
 * @module
 */
import type { Meter } from '../../contracts/metering.ts';
import type { RateView, RateViews } from '../ports.ts';
import { type Assessment, cellOf } from './assess.ts';
import { bucketed, isShared } from './compiled-plan.ts';
import { drainMs } from './gcra.ts';
import { formatMeterAmount } from './meter-amounts.ts';
import { findCounter } from './state.ts';

export const NO_RATES: RateViews = { requests: null, tokens: null };

type RateMeter = keyof RateViews;

function rateMeterOf(meter: Meter): RateMeter | null {
  if (meter === 'requests') return 'requests';
  return meter.endsWith('_tokens') ? 'tokens' : null;
}

interface Candidate {
  readonly assessment: Assessment;
  readonly perMinute: boolean;
  readonly left: bigint;
}

function tighter(candidate: Candidate, other: Candidate | null): boolean {
  if (other === null) return true;
  if (candidate.perMinute !== other.perMinute) return candidate.perMinute;
  return candidate.left < other.left;
}

function resetMsOf(assessment: Assessment, nowMs: number): number | null {
  const { account, limit, ownerId, box } = assessment;
  if (limit.windowKind.kind === 'minute') {
    // The counter may have been made after the assessment.
    const counter = findCounter(account, ownerId, limit.counterKey);
    return drainMs(cellOf(counter, limit), nowMs);
  }
  const endMs = box?.endMs ?? null;
  return endMs === null ? null : Math.max(0, endMs - nowMs);
}

function viewOf(candidate: Candidate | null, nowMs: number): RateView | null {
  if (candidate === null) return null;
  const { limit, size } = candidate.assessment;
  return {
    limit: formatMeterAmount(limit.meter, size),
    remaining: formatMeterAmount(limit.meter, candidate.left),
    resetMs: resetMsOf(candidate.assessment, nowMs),
  };
}

/** `takenOf`: what the call's hold has after the operation; for a refusal what it had. */
export function rateViews(
  assessments: readonly Assessment[],
  takenOf: (assessment: Assessment) => bigint,
  nowMs: number,
): RateViews {
  const best: Record<RateMeter, Candidate | null> = { requests: null, tokens: null };
  for (const assessment of assessments) {
    const { limit } = assessment;
    const meter = rateMeterOf(limit.meter);
    const perMinute = limit.windowKind.kind === 'minute';
    // What all customers share is not one customer's allowance.
    if (meter === null || limit.kind !== 'number' || isShared(limit)) continue;
    if (!perMinute && !bucketed(limit.windowKind)) continue;
    const left = assessment.capacity - takenOf(assessment);
    const candidate = { assessment, perMinute, left: left > 0n ? left : 0n };
    if (tighter(candidate, best[meter])) best[meter] = candidate;
  }
  return { requests: viewOf(best.requests, nowMs), tokens: viewOf(best.tokens, nowMs) };
}
