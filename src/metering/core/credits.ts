/**
 * Credits of a customer as buckets: granted, drawn on in the order priority → earliest expiry → oldest, expiring by
 * themselves, and paying off what was owed.
 *
 * @module
 */
import { roomOf } from './boxes.ts';
import { CREDITS } from './compiled-plan.ts';
import { type Bucket, bucketIdOf, type Counter, type Memory, findCounter } from './state.ts';
import type { Step } from './step.ts';
import type { JournalEntry } from './types.ts';

const SOURCE = 'credit/';

/** What names the bucket of a grant: its reference, without the characters that part ids. */
export function creditSource(reference: string): string {
  return SOURCE + encodeURIComponent(reference);
}

/** The reference that a source key names; null when it is no grant of credit. */
export function creditReference(sourceKey: string): string | null {
  return isCredit({ sourceKey }) ? decodeURIComponent(sourceKey.slice(SOURCE.length)) : null;
}

/** Id of the bucket of a customer's grant. */
export function creditBucketId(customerId: string, reference: string): string {
  const sourceKey = creditSource(reference);
  return bucketIdOf({ ownerId: customerId, limitId: CREDITS.id, windowId: '', sourceKey });
}

/** True for a bucket of a customer's credits, debt included, by its id. */
export function isWalletBucket(bucketId: string): boolean {
  return bucketId.includes('|wallet||');
}

/** True for a grant of credit, as against a limit's bucket. */
export function isCredit(bucket: { readonly sourceKey: string }): boolean {
  return bucket.sourceKey.startsWith(SOURCE);
}

function isOver(bucket: Bucket, nowMs: number): boolean {
  return bucket.expiresAtMs !== null && bucket.expiresAtMs <= nowMs;
}

/** The customer's credits in memory; undefined when there never were any. */
export function creditsOf(memory: Memory, customerId: string): Counter | undefined {
  const account = memory.accounts.get(customerId);
  return account === undefined ? undefined : findCounter(account, customerId, CREDITS.counterKey);
}

/** Books what is left of grants that are over as expired, in the entry under way; what is held may still settle. */
export function expireCredits(step: Step, counter: Counter, nowMs: number): void {
  for (const bucket of counter.buckets) {
    if (!isCredit(bucket) || !isOver(bucket, nowMs)) continue;
    const { granted, held, spent, expired, leased } = bucket;
    step.post(bucket, 'expired', granted - held - spent - expired - leased);
  }
}

/**
 * Pays what is owed out of free credits, in the order in which they are drawn: overrun becomes spent. One entry,
 * `cover:<cause>`; none where nothing is owed or nothing is free.
 */
export function coverDebt(
  step: Step,
  counter: Counter,
  at: { readonly cause: string; readonly customerId: string; readonly nowMs: number },
): void {
  const debtor = counter.buckets.find((bucket) => bucket.sourceKey === CREDITS.planSource);
  if (debtor === undefined || debtor.overrun === 0n) return;
  let covered = 0n;
  for (const bucket of counter.buckets) {
    if (!isCredit(bucket) || isOver(bucket, at.nowMs) || bucket.effectiveAtMs > at.nowMs) continue;
    const room = roomOf(bucket, null);
    const paid = room < debtor.overrun ? room : debtor.overrun;
    step.post(bucket, 'spent', paid);
    step.post(debtor, 'overrun', -paid);
    covered += paid;
  }
  if (covered === 0n) return;
  const { cause, customerId } = at;
  step.enter({
    eventId: `cover:${cause}`,
    kind: 'cover',
    holdId: null,
    customerId,
    body: { amount: covered.toString() },
  });
}

/** Gives back `amount` that credits paid for, where the grants it was booked on are known no more: newest first. */
export function refundCredits(
  step: Step,
  counter: Counter,
  refund: { readonly amount: bigint; readonly holdId: string; readonly nowMs: number },
): void {
  let rest = refund.amount;
  for (const bucket of counter.buckets.toReversed()) {
    const back = bucket.spent < rest ? bucket.spent : rest;
    step.post(bucket, 'spent', -back);
    rest -= back;
  }
  if (rest === 0n) return;
  const body: JournalEntry['body'] = {
    credit: 'adjustment',
    reason: 'refund',
    hold: refund.holdId,
  };
  step.createBucket(
    counter,
    {
      ownerId: counter.ownerId,
      limitId: CREDITS.id,
      windowId: '',
      sourceKey: creditSource(`refund/${refund.holdId}`),
      meter: CREDITS.meter,
      priority: 0,
      effectiveAtMs: refund.nowMs,
      expiresAtMs: null,
      body,
    },
    rest,
  );
}
