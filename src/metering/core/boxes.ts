/**
 * Boxes and buckets of a limit at a moment: which box counts, which buckets serve it, what each may still give.
 *
 * @module
 */
import type { CompiledLimit } from './compiled-plan.ts';
import {
  type Account,
  type Bucket,
  bucketFrom,
  bucketIdOf,
  type Counter,
  insertBucket,
  type Memory,
  type OpenHold,
} from './state.ts';
import type { Step } from './step.ts';
import type { CalendarWindow, WindowBox } from './types.ts';
import { rollingSpan } from './windows.ts';

const LIFETIME: WindowBox = { id: '', startMs: 0, endMs: null };

/** Priority of overage: drawn after everything else. */
const OVERAGE_PRIORITY = 1_000;

function within(startMs: number, endMs: number | null, atMs: number): boolean {
  return startMs <= atMs && (endMs === null || atMs < endMs);
}

function lifetimeBox(account: Account): WindowBox {
  const { lifetimeEndMs } = account.input;
  return lifetimeEndMs === undefined ? LIFETIME : { ...LIFETIME, endMs: lifetimeEndMs };
}

function calendarBox(account: Account, window: CalendarWindow, atMs: number): WindowBox {
  const kept = account.boxes.get(window);
  if (kept !== undefined && within(kept.startMs, kept.endMs, atMs)) return kept;
  const box = account.input.windowOf(window, atMs);
  // A look back into an earlier box must not push the present one out.
  if (kept === undefined || box.startMs > kept.startMs) account.boxes.set(window, box);
  return box;
}

/** The calendar window whose boxes the limit follows; null for all other windows. */
export function calendarWindowOf({ windowKind }: CompiledLimit): CalendarWindow | null {
  if (windowKind.kind === 'period') return 'period';
  return windowKind.kind === 'calendar' ? windowKind.unit : null;
}

/**
 * The box of a limit at `atMs`; null for windows without buckets. A `rolling` box is the one that its first use
 * opened, or a new one from `atMs`.
 */
export function boxOf(
  account: Account,
  limit: CompiledLimit,
  at: { readonly counter: Counter | undefined; readonly atMs: number },
): WindowBox | null {
  const window = limit.windowKind;
  switch (window.kind) {
    case 'call':
    case 'minute':
    case 'concurrent':
      return null;
    case 'lifetime':
      return lifetimeBox(account);
    case 'period':
      return calendarBox(account, 'period', at.atMs);
    case 'calendar':
      return calendarBox(account, window.unit, at.atMs);
    case 'rolling': {
      const open = at.counter?.buckets.find(
        (bucket) =>
          isPlanGrant(bucket, limit) && within(bucket.effectiveAtMs, bucket.expiresAtMs, at.atMs),
      );
      if (open !== undefined) {
        return { id: open.windowId, startMs: open.effectiveAtMs, endMs: open.expiresAtMs };
      }
      return { id: String(at.atMs), ...rollingSpan(window.lengthMs, at.atMs) };
    }
    default:
      return window satisfies never;
  }
}

/**
 * The box in which a hold counts: that of its reserve, however long it lasts. Where it has a leg the leg tells,
 * since a restarted subscription no longer knows its earlier periods.
 */
export function boxOfHold(
  account: Account,
  limit: CompiledLimit,
  at: {
    readonly counter: Counter | undefined;
    readonly hold: OpenHold;
    readonly nowMs: number;
  },
): WindowBox | null {
  const { counter, hold, nowMs } = at;
  for (const { bucket, counter: own } of hold.legs) {
    if (own !== counter || !isPlanGrant(bucket, limit)) continue;
    const { windowId, effectiveAtMs, expiresAtMs } = bucket;
    const cutMs = limit.windowKind.kind === 'period' ? cutOf(account, bucket, nowMs) : null;
    return { id: windowId, startMs: effectiveAtMs, endMs: cutMs ?? expiresAtMs };
  }
  return boxOf(account, limit, { counter, atMs: hold.createdAtMs });
}

/** When the bucket's period ended if another one began before its time, as a restart makes it; else null. */
function cutOf(
  account: Account,
  bucket: Pick<Bucket, 'windowId' | 'expiresAtMs'>,
  nowMs: number,
): number | null {
  const { id, startMs } = calendarBox(account, 'period', nowMs);
  if (id === bucket.windowId || bucket.expiresAtMs === null) return null;
  return startMs < bucket.expiresAtMs ? startMs : null;
}

function isPlanGrant(bucket: Bucket, limit: CompiledLimit): boolean {
  return bucket.sourceKey === limit.planSource || bucket.sourceKey === limit.overageSource;
}

/** True for a bucket that a limit grants by itself: its amount or its overage, no extra grant. */
export function isGrantedByPlan(bucket: Bucket): boolean {
  return /^(plan|overage|rollover)(:|$)/.test(bucket.sourceKey);
}

/** True when the bucket serves the limit in that box: the plan's own by box, extra grants by their own time. */
export function serves(
  bucket: Bucket,
  site: { readonly limit: CompiledLimit; readonly box: WindowBox; readonly atMs: number },
): boolean {
  if (isPlanGrant(bucket, site.limit)) return bucket.windowId === site.box.id;
  // What went on from a box serves the next one, and what is still booked on the box that it came from.
  if (bucket.sourceKey === site.limit.rolloverSource && bucket.windowId !== site.box.id) {
    if (bucket.effectiveAtMs !== site.box.startMs) return false;
  }
  return within(bucket.effectiveAtMs, bucket.expiresAtMs, site.atMs);
}

/** What `phases` make of a limit's amount in a period that began under earlier plans: pro rata by milliseconds. */
function prorated(account: Account, limit: CompiledLimit, box: WindowBox): bigint {
  let sum = 0n;
  let fromMs = box.startMs;
  const endMs = box.endMs ?? fromMs;
  for (const phase of account.input.phases) {
    const untilMs = Math.min(phase.untilMs, endMs);
    if (untilMs <= fromMs) continue;
    const earlier = phase.plan.limitsByCounter.get(limit.counterKey);
    // What was not limited has no share to count: the new amount stands.
    if (earlier === undefined || earlier.kind === 'unlimited') return limit.amount;
    // `amount` of a disabled limit is 0.
    sum += earlier.amount * BigInt(untilMs - fromMs);
    fromMs = untilMs;
  }
  if (fromMs === box.startMs) return limit.amount;
  return (sum + limit.amount * BigInt(endMs - fromMs)) / BigInt(endMs - box.startMs);
}

/**
 * What the bucket of a plan's grant should hold in all, net of what expired, under the account's present plan;
 * null where that plan says nothing and the bucket stays as it is.
 */
export function targetOf(
  account: Account,
  bucket: { readonly sourceKey: string },
  at: { readonly limit: CompiledLimit; readonly box: WindowBox },
): bigint | null {
  const present = account.input.plan.limitsByCounter.get(at.limit.counterKey);
  if (present?.kind !== 'number') return null;
  if (bucket.sourceKey === present.overageSource) return present.overageCap ?? 0n;
  if (bucket.sourceKey !== present.planSource) return null;
  const isProrated = present.windowKind.kind === 'period' && account.input.phases.length > 0;
  if (!isProrated || present.overridden) return present.amount;
  return prorated(account, present, at.box);
}

/** What the bucket is good for in all: its target, or what it was granted. */
export function sizeOf(bucket: Bucket, target: bigint | null): bigint {
  return target ?? bucket.granted - bucket.expired;
}

/** What is left of the bucket; below 0 what it owes. Overrun counts as used, so a debt is worked off before anything new is admitted. */
export function balanceOf(bucket: Bucket, target: bigint | null): bigint {
  return sizeOf(bucket, target) - bucket.held - bucket.spent - bucket.overrun - bucket.leased;
}

/** What the bucket may still give. */
export function roomOf(bucket: Bucket, target: bigint | null): bigint {
  const room = balanceOf(bucket, target);
  return room > 0n ? room : 0n;
}

/** Grants or expires so that the bucket is worth its target, as far as holds in flight allow. */
export function converge(step: Step, bucket: Bucket, target: bigint | null): void {
  if (target === null) return;
  const worth = bucket.granted - bucket.expired;
  if (worth < target) step.post(bucket, 'granted', target - worth);
  if (worth <= target) return;
  const available = worth - bucket.held - bucket.spent - bucket.leased;
  const excess = worth - target;
  step.post(bucket, 'expired', available < excess ? available : excess);
}

/** Where a limit's buckets are looked for or made. */
export interface BucketSite {
  readonly account: Account;
  readonly limit: CompiledLimit;
  readonly counter: Counter;
  readonly box: WindowBox;
  /** Now: a box that ended before it keeps what it was granted. */
  readonly atMs: number;
}

/** A bucket's target at the site; null too when its box has ended, since later plans do not change the past. */
export function siteTarget(
  site: Omit<BucketSite, 'counter'>,
  bucket: { readonly sourceKey: string },
): bigint | null {
  return hasEnded(site) ? null : targetOf(site.account, bucket, site);
}

function hasEnded(site: Omit<BucketSite, 'counter'>): boolean {
  return site.box.endMs !== null && site.box.endMs <= site.atMs;
}

/** Brings back the limit's buckets of an ended box that memory no longer has. Reading them changes no balance. */
export function recallEnded(memory: Memory, site: BucketSite): void {
  if (!hasEnded(site)) return;
  const { counter, limit, box } = site;
  for (const sourceKey of [limit.planSource, limit.overageSource]) {
    const identity = { ownerId: counter.ownerId, limitId: limit.id, windowId: box.id, sourceKey };
    const id = bucketIdOf(identity);
    if (memory.buckets.has(id)) continue;
    const ended = memory.findEndedBucket(id);
    if (ended === null) continue;
    const bucket = bucketFrom(ended);
    insertBucket(counter.buckets, bucket);
    memory.buckets.set(id, bucket);
  }
}

/** Makes sure that the buckets which the plan grants exist, and brings them to their targets. */
export function ensureBuckets(step: Step, site: BucketSite): void {
  const { limit } = site;
  ensureBucket(step, site, { sourceKey: limit.planSource, priority: 0, amount: limit.amount });
  if (limit.overageCap === null) return;
  ensureBucket(step, site, {
    sourceKey: limit.overageSource,
    priority: OVERAGE_PRIORITY,
    amount: limit.overageCap,
  });
}

/** A bucket that a plan grants. */
interface PlanGrant {
  readonly sourceKey: string;
  readonly priority: number;
  /** Granted where the account's present plan does not know the limit. */
  readonly amount: bigint;
}

function ensureBucket(step: Step, site: BucketSite, grant: PlanGrant): void {
  const { counter, limit, box } = site;
  const { sourceKey } = grant;
  const target = siteTarget(site, grant);
  for (const bucket of counter.buckets) {
    if (bucket.sourceKey === sourceKey && bucket.windowId === box.id) {
      converge(step, bucket, target);
      return;
    }
  }
  const identity = {
    ownerId: counter.ownerId,
    limitId: limit.id,
    windowId: box.id,
    sourceKey,
  };
  step.createBucket(
    counter,
    {
      ...identity,
      meter: limit.meter,
      priority: grant.priority,
      effectiveAtMs: box.startMs,
      expiresAtMs: box.endMs,
    },
    target ?? grant.amount,
  );
}
