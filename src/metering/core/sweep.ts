/**
 * Letting go of what memory no longer needs. The store has all of it, so nothing is journalled.
 *
 * @module
 */
import { calendarWindowOf } from './boxes.ts';
import { drainMs } from './gcra.ts';
import { isCredit } from './credits.ts';
import {
  type Account,
  type Bucket,
  type Counter,
  counterKeyOfBucket,
  isUsedUp,
  type Memory,
} from './state.ts';

function hasEnded(bucket: Bucket, beforeMs: number): boolean {
  // Credit that is over but not yet booked as such must stay until it is.
  if (isCredit(bucket)) return isUsedUp(bucket);
  return bucket.expiresAtMs !== null && bucket.expiresAtMs <= beforeMs && bucket.held === 0n;
}

/** True for a bucket of a box that goes on: a box can come to end later than its bucket was made to. */
function isPresent({ input }: Account, bucket: Bucket, nowMs: number): boolean {
  const limit = input.plan.limitsByCounter.get(counterKeyOfBucket(bucket));
  const window = limit === undefined ? null : calendarWindowOf(limit);
  return window !== null && input.windowOf(window, nowMs).id === bucket.windowId;
}

function atRest(counter: Counter, nowMs: number): boolean {
  return counter.inUse === 0n && (counter.cell === null || drainMs(counter.cell, nowMs) === 0);
}

function* countersOf(account: Account): Generator<Counter> {
  for (const owned of account.counters.values()) yield* owned.values();
}

/** Takes buckets that `gone` picks out of memory and returns them. */
function dropBuckets(
  memory: Memory,
  account: Account,
  gone: (bucket: Bucket) => boolean,
): Bucket[] {
  const dropped: Bucket[] = [];
  for (const { buckets } of countersOf(account)) {
    for (const bucket of buckets.filter(gone)) {
      buckets.splice(buckets.indexOf(bucket), 1);
      memory.buckets.delete(bucket.id);
      dropped.push(bucket);
    }
  }
  return dropped;
}

/** Takes counters that state nothing out of an account without open holds: tags may be many. */
function dropCounters(account: Account, nowMs: number): void {
  for (const [ownerId, owned] of account.counters) {
    for (const [key, counter] of owned) {
      if (counter.buckets.length === 0 && atRest(counter, nowMs)) owned.delete(key);
    }
    if (owned.size === 0) account.counters.delete(ownerId);
  }
}

/**
 * Drops buckets that ended before `idleSinceMs` and hold nothing, then accounts unused since then without open
 * holds or running rates, and the remembered holds that name any of them. Returns the ids of dropped accounts.
 */
export function sweep(memory: Memory, idleSinceMs: number, nowMs: number): readonly string[] {
  const dropped = new Set<Bucket>();
  const evicted = new Set<string>();
  for (const [customerId, account] of memory.accounts) {
    const isOver = (bucket: Bucket): boolean =>
      hasEnded(bucket, idleSinceMs) && !isPresent(account, bucket, nowMs);
    for (const bucket of dropBuckets(memory, account, isOver)) dropped.add(bucket);
    if (account.openHolds > 0) continue;
    dropCounters(account, nowMs);
    const resting = [...countersOf(account)].every((counter) => atRest(counter, nowMs));
    if (!resting || account.lastUsedMs >= idleSinceMs) continue;
    for (const bucket of dropBuckets(memory, account, () => true)) dropped.add(bucket);
    memory.accounts.delete(customerId);
    evicted.add(customerId);
  }
  for (const [holdId, { hold, booked }] of memory.recent) {
    const names = booked.some((booking) => dropped.has(booking.bucket));
    if (names || evicted.has(hold.customerId)) memory.recent.delete(holdId);
  }
  return [...evicted];
}
