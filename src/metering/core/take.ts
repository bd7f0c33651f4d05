/**
 * Taking what a call needs from every limit, once all of them are known to bear it.
 *
 * @module
 */
import type { CandidateBound, Charge, ElasticOutput, Held, MeterAmounts } from '../ports.ts';
import {
  type Assessment,
  type Call,
  cellOf,
  elasticCost,
  needOf,
  ownNeed,
  restOnCredits,
} from './assess.ts';
import { ensureBuckets, roomOf, serves, siteTarget } from './boxes.ts';
import { expireCredits } from './credits.ts';
import { takeUnits } from './gcra.ts';
import { rateViews } from './rate-view.ts';
import { type Counter, counterOf, type Leg, type RateTake } from './state.ts';
import type { Step } from './step.ts';

/** What a candidate counts with `tokens` of elastic output. */
export function coveredBy(bound: CandidateBound, tokens: number): Charge {
  const { fixed, elastic, model } = bound;
  if (elastic === null) return { model, amounts: fixed };
  const output = BigInt(tokens);
  const amounts: MeterAmounts = {
    ...fixed,
    output_tokens: (fixed.output_tokens ?? 0n) + output,
    total_tokens: (fixed.total_tokens ?? 0n) + output,
    cost_usd: (fixed.cost_usd ?? 0n) + elasticCost(elastic, tokens),
  };
  return { model, amounts };
}

/** True when the affordable output is worth running. */
export function admits(elastic: ElasticOutput | null, tokens: number): boolean {
  return tokens >= (elastic?.minTokens ?? 0);
}

/** What the hold takes while a step applies it. */
export interface Taking {
  readonly legs: Leg[];
  readonly takes: RateTake[];
  readonly slots: Counter[];
  readonly softBreaches: string[];
}

function addLeg(legs: Leg[], more: Leg): void {
  for (const [at, old] of legs.entries()) {
    if (old.bucket !== more.bucket) continue;
    legs[at] = { ...old, amount: old.amount + more.amount };
    return;
  }
  legs.push(more);
}

function takeFromBuckets(
  step: Step,
  call: Call,
  demand: {
    readonly assessment: Assessment;
    readonly counter: Counter;
    readonly add: bigint;
    readonly legs: Leg[];
  },
): void {
  const { limit, box } = demand.assessment;
  if (box === null) return;
  const { counter, legs } = demand;
  const { account } = demand.assessment;
  const site = { account, limit, counter, box, atMs: call.nowMs };
  if (limit.credits) expireCredits(step, counter, call.nowMs);
  else ensureBuckets(step, site);
  let rest = demand.add;
  for (const bucket of counter.buckets) {
    if (rest === 0n) return;
    if (!serves(bucket, site)) continue;
    const room = roomOf(bucket, siteTarget(site, bucket));
    const amount = room < rest ? room : rest;
    if (amount === 0n) continue;
    step.post(bucket, 'held', amount);
    rest -= amount;
    addLeg(legs, { counter, bucket, amount });
  }
}

function takeRate(
  step: Step,
  call: Call,
  demand: {
    readonly assessment: Assessment;
    readonly counter: Counter;
    readonly add: bigint;
    readonly takes: RateTake[];
  },
): void {
  const { counter, add, takes } = demand;
  step.setCell(counter, takeUnits(cellOf(counter, demand.assessment.limit), add, call.nowMs));
  for (const [at, old] of takes.entries()) {
    if (old.counter !== counter) continue;
    takes[at] = { counter, amount: old.amount + add };
    return;
  }
  takes.push({ counter, amount: add });
}

/** Takes what each limit still needs; soft limits give what they have. */
export function take(
  step: Step,
  call: Call,
  demands: {
    readonly assessments: readonly Assessment[];
    readonly tokens: number;
    readonly holdId: string;
  },
): Taking {
  const taking: Taking = {
    legs: call.hold === null ? [] : [...call.hold.legs],
    takes: call.hold?.takes === undefined || call.hold.takes === null ? [] : [...call.hold.takes],
    slots: call.hold === null ? [] : [...call.hold.slots],
    softBreaches: [],
  };
  const { elastic } = call.next;
  const onCredits = restOnCredits(demands.assessments, elastic, demands.tokens);
  for (const assessment of demands.assessments) {
    const { limit } = assessment;
    const need = ownNeed(assessment, needOf(assessment, elastic, demands.tokens), onCredits);
    if (need > assessment.capacity) taking.softBreaches.push(limit.id);
    const add = need - assessment.have;
    if (add <= 0n || limit.windowKind.kind === 'call') continue;
    const counter =
      assessment.counter ?? counterOf(assessment.account, assessment.ownerId, limit.counterKey);
    if (limit.windowKind.kind === 'minute') {
      takeRate(step, call, { assessment, counter, add, takes: taking.takes });
    } else if (limit.windowKind.kind === 'concurrent') {
      step.setSlot(counter, demands.holdId, need);
      if (!taking.slots.includes(counter)) taking.slots.push(counter);
    } else {
      takeFromBuckets(step, call, { assessment, counter, add, legs: taking.legs });
    }
  }
  return taking;
}

/** Rates after the call has taken what it needs. */
export function ratesAfter(
  call: Call,
  assessments: readonly Assessment[],
  tokens: number,
): Held['rates'] {
  const taken = (assessment: Assessment): bigint => {
    const need = needOf(assessment, call.next.elastic, tokens);
    return need > assessment.have ? need : assessment.have;
  };
  return rateViews(assessments, taken, call.nowMs);
}
