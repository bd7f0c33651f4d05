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
  type Account,
  type Booking,
  type Bucket,
  type Counter,
  counterKeyOfBucket,
  counterOf,
  customerOfOwner,
  type Memory,
  type OpenHold,
  ownerOf,
  type Ruling,
} from './state.ts';
import type { Draft, Step } from './step.ts';

/** What a hold's end books on one limit. */
export interface Booked {
  readonly limit: CompiledLimit;
  /** The account that has the counter. */
  readonly account: Account;
  readonly counter: Counter;
  readonly actual: bigint;
}

/** What the charges count on each limit that binds them; the whole call is one request, on its last charge. */
export function bookedOn(hold: OpenHold, charges: readonly Charge[]): readonly Booked[] {
  const booked: Booked[] = [];
  for (const ruling of hold.rulings) bookRuling(hold, { ruling, charges }, booked);
  return booked;
}

function bookRuling(
  hold: OpenHold,
  { ruling, charges }: { readonly ruling: Ruling; readonly charges: readonly Charge[] },
  booked: Booked[],
): void {
  const { account, plan } = ruling;
  const actuals = new Map<CompiledLimit, bigint>();
  charges.forEach((charge, index) => {
    const requests = index === charges.length - 1 ? hold.requests : 0n;
    for (const limit of plan.match(hold.operation, charge.model).limits) {
      const amount = limit.meter === 'requests' ? requests : (charge.amounts[limit.meter] ?? 0n);
      if (amount > 0n) actuals.set(limit, (actuals.get(limit) ?? 0n) + amount);
    }
  });
  for (const [limit, actual] of actuals) {
    const ownerId = ownerOf(limit, hold);
    if (ownerId === null || limit.kind !== 'number') continue;
    booked.push({ limit, account, counter: counterOf(account, ownerId, limit.counterKey), actual });
  }
}

/** Where the hold counts on a limit: in the box of its reserve, which must be known even if it has ended. */
export function siteOf(
  memory: Memory,
  hold: OpenHold,
  at: Omit<Booked, 'actual'> & { readonly nowMs: number },
): BucketSite | null {
  const { limit, account, counter, nowMs } = at;
  const box = boxOfHold(account, limit, { counter, hold, nowMs });
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
export function bookingsOf(memory: Memory, drafts: readonly Draft[]): readonly Booking[] {
  const bookings: Booking[] = [];
  for (const { bucket, spent, overrun } of drafts) {
    if (spent === 0n && overrun === 0n) continue;
    const account = accountFor(memory, customerOfOwner(bucket.ownerId));
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
