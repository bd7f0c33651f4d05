/**
 * Booking what was used on the limits that bind it, in the boxes of the hold's reserve.
 *
 * @module
 */
import type { Charge } from '../ports.ts';
import {
  type BucketSite,
  boxOfHold,
  ensureBuckets,
  recallEnded,
  roomOf,
  serves,
  siteTarget,
} from './boxes.ts';
import type { CompiledLimit } from './compiled-plan.ts';
import { accountFor } from './reserve.ts';
import {
  type Booking,
  type Bucket,
  type Counter,
  counterKeyOfBucket,
  counterOf,
  type Memory,
  type OpenHold,
  ownerOf,
} from './state.ts';
import type { Draft, Step } from './step.ts';

/** What a hold's end books on one limit. */
export interface Booked {
  readonly limit: CompiledLimit;
  readonly counter: Counter;
  readonly actual: bigint;
}

/** What the charges count on each limit that binds them; the whole call is one request, on its last charge. */
export function bookedOn(
  memory: Memory,
  hold: OpenHold,
  charges: readonly Charge[],
): readonly Booked[] {
  const account = accountFor(memory, hold.customerId);
  const actuals = new Map<CompiledLimit, bigint>();
  charges.forEach((charge, index) => {
    const requests = index === charges.length - 1 ? hold.requests : 0n;
    for (const limit of hold.plan.match(hold.operation, charge.model).limits) {
      const amount = limit.meter === 'requests' ? requests : (charge.amounts[limit.meter] ?? 0n);
      if (amount > 0n) actuals.set(limit, (actuals.get(limit) ?? 0n) + amount);
    }
  });
  const booked: Booked[] = [];
  for (const [limit, actual] of actuals) {
    const ownerId = ownerOf(limit, hold);
    if (ownerId === null || limit.kind !== 'number') continue;
    booked.push({ limit, counter: counterOf(account, ownerId, limit.counterKey), actual });
  }
  return booked;
}

/** Where the hold counts on a limit: in the box of its reserve, which must be known even if it has ended. */
export function siteOf(
  memory: Memory,
  hold: OpenHold,
  at: { readonly limit: CompiledLimit; readonly counter: Counter; readonly nowMs: number },
): BucketSite | null {
  const { limit, counter, nowMs } = at;
  const account = accountFor(memory, hold.customerId);
  const box = boxOfHold(account, limit, { counter, hold });
  if (box === null) return null;
  const site = { account, limit, counter, box, atMs: nowMs };
  recallEnded(memory, site);
  return site;
}

/** Spends `amount` out of free room, drawing order, and books the rest as overrun on the plan's own bucket. */
export function spendBeyond(step: Step, site: BucketSite, amount: bigint): void {
  if (amount === 0n) return;
  const { counter, limit } = site;
  ensureBuckets(step, site);
  let rest = amount;
  let debtor: Bucket | null = null;
  for (const bucket of counter.buckets) {
    if (!serves(bucket, site)) continue;
    if (bucket.sourceKey === limit.planSource) debtor = bucket;
    const room = roomOf(bucket, siteTarget(site, bucket));
    const spent = room < rest ? room : rest;
    step.post(bucket, 'spent', spent);
    rest -= spent;
  }
  if (debtor !== null) step.post(debtor, 'overrun', rest);
}

/** What the drafts of a settlement booked, for a later correction. */
export function bookingsOf(
  memory: Memory,
  hold: OpenHold,
  drafts: readonly Draft[],
): readonly Booking[] {
  const account = accountFor(memory, hold.customerId);
  const bookings: Booking[] = [];
  for (const { bucket, spent, overrun } of drafts) {
    if (spent === 0n && overrun === 0n) continue;
    const counter = counterOf(account, bucket.ownerId, counterKeyOfBucket(bucket));
    bookings.push({ counter, bucket, spent, overrun });
  }
  return bookings;
}

/** Overrun of money. Several cost limits count the same money, so the largest is it, not the sum. */
export function overrunOf(drafts: readonly Draft[]): bigint {
  let most = 0n;
  for (const { bucket, overrun } of drafts) {
    if (bucket.meter === 'cost_usd' && overrun > most) most = overrun;
  }
  return most;
}
