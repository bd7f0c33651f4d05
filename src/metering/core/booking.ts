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
  type Leg,
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

/** Adds to what an earlier charge booked on the limit, from that place on; false where none did. */
function addToEarlier(
  booked: Booked[],
  from: number,
  more: { readonly limit: CompiledLimit; readonly amount: bigint },
): boolean {
  for (let at = from; at < booked.length; at += 1) {
    const earlier = booked[at];
    if (earlier?.limit !== more.limit) continue;
    booked[at] = { ...earlier, actual: earlier.actual + more.amount };
    return true;
  }
  return false;
}

function bookRuling(
  hold: OpenHold,
  { ruling, charges }: { readonly ruling: Ruling; readonly charges: readonly Charge[] },
  booked: Booked[],
): void {
  const { account, plan } = ruling;
  const from = booked.length;
  for (let index = 0; index < charges.length; index += 1) {
    const charge = charges[index];
    if (charge === undefined) continue;
    const requests = index === charges.length - 1 ? hold.requests : 0n;
    for (const limit of plan.match(hold.operation, charge.model).limits) {
      const amount = limit.meter === 'requests' ? requests : (charge.amounts[limit.meter] ?? 0n);
      if (amount <= 0n || limit.kind !== 'number') continue;
      if (index > 0 && addToEarlier(booked, from, { limit, amount })) continue;
      const ownerId = ownerOf(limit, hold);
      if (ownerId === null) continue;
      const counter = counterOf(account, ownerId, limit.counterKey);
      booked.push({ limit, account, counter, actual: amount });
    }
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

function counterOfBucket(memory: Memory, bucket: Bucket): Counter {
  const account = accountFor(memory, customerOfOwner(bucket.ownerId));
  return counterOf(account, bucket.ownerId, counterKeyOfBucket(bucket));
}

/** What the drafts of a settlement booked, for a later correction; `legs` are the hold's. */
export function bookingsOf(
  memory: Memory,
  drafts: readonly Draft[],
  legs: readonly Leg[],
): readonly Booking[] {
  const bookings: Booking[] = [];
  for (const { bucket, spent, overrun } of drafts) {
    if (spent === 0n && overrun === 0n) continue;
    const counter =
      legs.find((leg) => leg.bucket === bucket)?.counter ?? counterOfBucket(memory, bucket);
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
