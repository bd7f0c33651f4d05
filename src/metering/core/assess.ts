/**
 * How one call stands against every limit that binds it, without changing anything.
 *
 * @module
 */
import type { Operation } from '../../contracts/metering.ts';
import type { CandidateBound, Charge, ElasticOutput, TokenClaim } from '../ports.ts';
import {
  balanceOf,
  type BucketSite,
  boxOf,
  boxOfHold,
  serves,
  siteTarget,
  sizeOf,
} from './boxes.ts';
import type { CompiledLimit, CompiledPlan } from './compiled-plan.ts';
import { freeUnits, type GcraState, rescaleCell, restingCell } from './gcra.ts';
import {
  type Account,
  type Counter,
  findCounter,
  isUsedUp,
  type OpenHold,
  ownerOf,
  type Ruling,
} from './state.ts';
import type { WindowBox } from './types.ts';

/** A call as the limits see it. */
export interface Call {
  readonly account: Account;
  readonly plan: CompiledPlan;
  /** All limits that bind the call, the plan's first. */
  readonly rulings: readonly Ruling[];
  readonly customerId: string;
  readonly keyId: string;
  readonly token: TokenClaim | null;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly operation: Operation;
  /** Earlier candidates of the same call that stay covered. */
  readonly keep: readonly Charge[];
  readonly next: CandidateBound;
  /** The open hold that is to be raised; null for a new one. */
  readonly hold: OpenHold | null;
  readonly nowMs: number;
}

/** One limit against one call. Amounts in base units. */
export interface Assessment {
  readonly limit: CompiledLimit;
  /** The account that has the counter. */
  readonly account: Account;
  readonly ownerId: string;
  readonly counter: Counter | undefined;
  /** Null for windows without buckets. */
  readonly box: WindowBox | null;
  /** What the call needs apart from the elastic output, earlier candidates included. */
  readonly base: bigint;
  /** True when the elastic output counts on this limit. */
  readonly elastic: boolean;
  /** What the call's hold has already. */
  readonly have: bigint;
  /** Most that the call's hold could have in all, now. */
  readonly capacity: bigint;
  /** Most that any call could ever have: the empty limit. */
  readonly size: bigint;
  /** Settled use, overrun included. */
  readonly used: bigint;
  /** In use by open holds, the call's own included. */
  readonly held: bigint;
  /** What credits can bear beyond `capacity`; only for an allowance that credits back (`plan_then_wallet`). */
  readonly credit?: bigint;
  /** True for credits that are drawn on for what the allowances leave over, not for the whole cost. */
  readonly rest?: boolean;
}

/** The cell of a `minute` limit as it stands under the limit's present amount. */
export function cellOf(counter: Counter | undefined, limit: CompiledLimit): GcraState {
  const cell = counter?.cell ?? null;
  if (cell === null) return restingCell(limit.amount);
  return cell.amount === limit.amount ? cell : rescaleCell(cell, limit.amount);
}

function amountOf(charge: Charge, limit: CompiledLimit): bigint {
  return charge.amounts[limit.meter] ?? 0n;
}

/** The call's need on a limit without elastic output. A call is one request however many candidates it tries. */
function baseOf(
  call: Call,
  limit: CompiledLimit,
  on: { readonly plan: CompiledPlan; readonly bindsNext: boolean },
): bigint {
  let base = on.bindsNext ? (call.next.fixed[limit.meter] ?? 0n) : 0n;
  for (const kept of call.keep) {
    if (!on.plan.match(call.operation, kept.model).limits.includes(limit)) continue;
    const amount = amountOf(kept, limit);
    if (limit.meter !== 'requests') base += amount;
    else if (amount > base) base = amount;
  }
  return base;
}

/** How a limit's counter stands now; members as in `Assessment`. */
export interface Standing {
  readonly box: WindowBox | null;
  readonly have: bigint;
  readonly capacity: bigint;
  readonly size: bigint;
  readonly used: bigint;
  readonly held: bigint;
}

/** Whose standing is asked for; `hold` is the hold whose share counts as its own. */
export interface StandingQuery {
  readonly account: Account;
  readonly limit: CompiledLimit;
  readonly counter: Counter | undefined;
  readonly hold: OpenHold | null;
  readonly nowMs: number;
}

/** How a limit stands for one owner. */
export function standingOf(query: StandingQuery): Standing {
  const { limit, counter, hold } = query;
  switch (limit.windowKind.kind) {
    case 'call':
      return { ...EMPTY, capacity: limit.amount, size: limit.amount };
    case 'minute': {
      const have = hold?.takes?.find((take) => take.counter === counter)?.amount ?? 0n;
      const free = freeUnits(cellOf(counter, limit), query.nowMs);
      const used = limit.amount - free;
      return { box: null, have, capacity: free + have, size: limit.amount, used, held: 0n };
    }
    case 'concurrent': {
      const have = hold === null ? 0n : (counter?.slots.get(hold.holdId) ?? 0n);
      const held = counter?.inUse ?? 0n;
      const free = limit.amount - held;
      const capacity = (free > 0n ? free : 0n) + have;
      return { box: null, have, capacity, size: limit.amount, used: 0n, held };
    }
    default:
      return bucketStanding(query);
  }
}

const EMPTY: Standing = {
  box: null,
  have: 0n,
  capacity: 0n,
  size: 0n,
  used: 0n,
  held: 0n,
};

function bucketStanding(query: StandingQuery): Standing {
  const { account, limit, counter, hold, nowMs } = query;
  const box =
    hold === null
      ? boxOf(account, limit, { counter, atMs: nowMs })
      : boxOfHold(account, limit, { counter, hold, nowMs });
  if (box === null) return EMPTY;
  const have = legsIn(hold, counter);
  const sum = sumIn({ account, limit, counter, box, atMs: nowMs });
  return { box, have, capacity: sum.room + have, size: sum.size, used: sum.used, held: sum.held };
}

/** Sums over the buckets of a limit in one box, those counted in that have yet to be made. */
export function sumIn(
  site: Omit<BucketSite, 'counter'> & { readonly counter: Counter | undefined },
): { readonly room: bigint; readonly size: bigint; readonly used: bigint; readonly held: bigint } {
  const { account, limit, counter, box, atMs } = site;
  const sum = { room: 0n, size: 0n, used: 0n, held: 0n };
  let planned = false;
  let overage = limit.overageCap === null;
  for (const bucket of counter?.buckets ?? []) {
    if (!serves(bucket, { limit, box, atMs })) continue;
    // Whether a grant that is used up is still in memory must make no difference.
    if (limit.credits && isUsedUp(bucket)) continue;
    if (bucket.sourceKey === limit.planSource) planned = true;
    if (bucket.sourceKey === limit.overageSource) overage = true;
    const target = siteTarget({ account, limit, box, atMs }, bucket);
    // What one bucket owes is no room in another: more than the whole must not be admitted.
    sum.room += balanceOf(bucket, target);
    sum.size += sizeOf(bucket, target);
    sum.used += bucket.spent + bucket.overrun;
    sum.held += bucket.held;
  }
  const missing = [planned ? null : limit.planSource, overage ? null : limit.overageSource];
  for (const sourceKey of missing) {
    if (sourceKey === null) continue;
    const target = siteTarget({ account, limit, box, atMs }, { sourceKey });
    const size = target ?? (sourceKey === limit.planSource ? limit.amount : limit.overageCap) ?? 0n;
    sum.room += size;
    sum.size += size;
  }
  if (sum.room < 0n) sum.room = 0n;
  return sum;
}

/** What the hold has reserved in the counter's buckets. */
export function legsIn(hold: OpenHold | null, counter: Counter | undefined): bigint {
  let have = 0n;
  for (const leg of hold?.legs ?? []) if (leg.counter === counter) have += leg.amount;
  return have;
}

/** Limits that bind the call's candidates; `next` are those of the next one. */
function limitsOf(
  call: Call,
  plan: CompiledPlan,
  next: readonly CompiledLimit[],
): readonly CompiledLimit[] {
  if (call.keep.length === 0) return next;
  const all = new Set(next);
  for (const kept of call.keep) {
    for (const limit of plan.match(call.operation, kept.model).limits) all.add(limit);
  }
  return [...all];
}

/**
 * Assesses every limit of every ruling on which the call has something to count. `disabled` ones are assessed with
 * a size of 0.
 */
export function assess(call: Call): readonly Assessment[] {
  const assessments: Assessment[] = [];
  for (const ruling of call.rulings) assessRuling(call, ruling, assessments);
  return call.plan.funding === 'plan_then_wallet' ? backedByCredits(assessments) : assessments;
}

function assessRuling(call: Call, ruling: Ruling, assessments: Assessment[]): void {
  const { account, plan } = ruling;
  const next = plan.match(call.operation, call.next.model).limits;
  for (const limit of limitsOf(call, plan, next)) {
    const bindsNext = call.keep.length === 0 || next.includes(limit);
    const base = baseOf(call, limit, { plan, bindsNext });
    const elastic = bindsNext && call.next.elastic !== null && limit.slope !== 'none';
    if (base === 0n && !elastic) continue;
    const ownerId = ownerOf(limit, call);
    if (ownerId === null) continue;
    const counter = findCounter(account, ownerId, limit.counterKey);
    const standing =
      limit.kind === 'disabled'
        ? EMPTY
        : standingOf({ account, limit, counter, hold: call.hold, nowMs: call.nowMs });
    const { box, have, capacity, size, used, held } = standing;
    assessments.push({
      limit,
      account,
      ownerId,
      counter,
      base,
      elastic,
      box,
      have,
      capacity,
      size,
      used,
      held,
    });
  }
}

/** Credits stand behind each allowance, and are drawn on once, for the most that any of them leaves over. */
function backedByCredits(assessments: readonly Assessment[]): readonly Assessment[] {
  const credits = assessments.find((assessment) => assessment.limit.credits);
  if (credits === undefined) return assessments;
  return assessments.map((assessment) => {
    if (assessment === credits) return { ...assessment, rest: true };
    return assessment.limit.allowance ? { ...assessment, credit: credits.capacity } : assessment;
  });
}

/**
 * What credits bear of the call with `tokens` of elastic output: the most that an allowance lacks, and no less than
 * the hold has of them already. 0 where credits are not drawn on for a rest.
 */
export function restOnCredits(
  assessments: readonly Assessment[],
  elastic: ElasticOutput | null,
  tokens: number,
): bigint {
  let rest = 0n;
  for (const assessment of assessments) {
    let lack = 0n;
    if (assessment.rest === true) lack = assessment.have;
    else if (assessment.credit !== undefined) {
      lack = needOf(assessment, elastic, tokens) - assessment.capacity;
    }
    if (lack > rest) rest = lack;
  }
  return rest;
}

/** False for what refuses no call by itself: a soft limit, and credits that bear only what allowances leave over. */
export function binds(assessment: Assessment): boolean {
  return assessment.limit.onBreach !== 'soft' && assessment.rest !== true;
}

/** Most that a call can need of the limit, with what credits bear beyond it. */
export function reachOf(assessment: Assessment): bigint {
  return assessment.capacity + (assessment.credit ?? 0n);
}

/** What of its need a limit bears itself when credits bear `onCredits` of the call's cost. */
export function ownNeed(assessment: Assessment, need: bigint, onCredits: bigint): bigint {
  if (assessment.rest === true) return onCredits;
  return assessment.credit === undefined ? need : need - onCredits;
}

const MILLION = 1_000_000n;

/** What the call needs on a limit with `tokens` of elastic output. Cost is rounded up once. */
export function needOf(
  assessment: Assessment,
  elastic: ElasticOutput | null,
  tokens: number,
): bigint {
  if (!assessment.elastic || elastic === null) return assessment.base;
  if (assessment.limit.slope === 'tokens') return assessment.base + BigInt(tokens);
  return assessment.base + elasticCost(elastic, tokens);
}

/** Nano-USD of elastic output, rounded up once. */
export function elasticCost(elastic: ElasticOutput, tokens: number): bigint {
  return (BigInt(tokens) * elastic.nanoUsdPerMillion + MILLION - 1n) / MILLION;
}

/**
 * Most output tokens that `capacity` bears; -1 when not even the rest of the call fits, `Infinity` without a bound.
 * Closed form: ceil(t × rate / 10^6) ≤ x exactly when t ≤ floor(x × 10^6 / rate).
 */
export function tokensWithin(
  assessment: Assessment,
  elastic: ElasticOutput | null,
  capacity: bigint,
): number {
  const rest = capacity - assessment.base;
  if (rest < 0n) return -1;
  if (!assessment.elastic || elastic === null) return Infinity;
  if (assessment.limit.slope === 'tokens') return Number(rest);
  if (elastic.nanoUsdPerMillion === 0n) return Infinity;
  return Number((rest * MILLION) / elastic.nanoUsdPerMillion);
}

/** Most output tokens that all hard limits bear, at most what is wanted; -1 when the call fits with none. */
export function affordableTokens(
  assessments: readonly Assessment[],
  elastic: ElasticOutput | null,
): number {
  let tokens = elastic?.tokens ?? 0;
  for (const assessment of assessments) {
    if (!binds(assessment)) continue;
    const most = tokensWithin(assessment, elastic, reachOf(assessment));
    if (most < tokens) tokens = most;
  }
  return tokens;
}
