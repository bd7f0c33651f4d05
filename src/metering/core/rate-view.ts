/**
 * What the `x-ratelimit-*` headers state: the tightest matching `minute` limit on a meter, else the tightest
 * limit on it in another window.
 *
 * @module
 */
import type { RateView, RateViews } from '../ports.ts';
import { type Assessment, cellOf } from './assess.ts';
import { drainMs } from './gcra.ts';
import { formatMeterAmount } from './meter-amounts.ts';
import { findCounter } from './state.ts';

export const NO_RATES: RateViews = { requests: null, tokens: null };

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
  let requests: Candidate | null = null;
  let tokens: Candidate | null = null;
  for (const assessment of assessments) {
    const { rate, windowKind } = assessment.limit;
    if (rate === null) continue;
    const left = assessment.capacity - takenOf(assessment);
    const perMinute = windowKind.kind === 'minute';
    const candidate = { assessment, perMinute, left: left > 0n ? left : 0n };
    if (rate === 'tokens') {
      if (tighter(candidate, tokens)) tokens = candidate;
    } else if (tighter(candidate, requests)) requests = candidate;
  }
  return { requests: viewOf(requests, nowMs), tokens: viewOf(tokens, nowMs) };
}
