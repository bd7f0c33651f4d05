/**
 * What an operator does to a customer's credits: grant, withdraw; and booking what time has done to them.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import { CREDITS } from './compiled-plan.ts';
import { coverDebt, creditBucketId, creditSource, creditsOf, expireCredits } from './credits.ts';
import { accountFor } from './reserve.ts';
import { counterOf, type Memory } from './state.ts';
import { Step, unchanged } from './step.ts';
import type { Applied } from './types.ts';

/** Where credit comes from: paid for, given away, or a correction. */
export const CREDIT_KINDS = ['top_up', 'promo', 'adjustment'] as const;
/** A name of {@link CREDIT_KINDS}. */
export type CreditKind = (typeof CREDIT_KINDS)[number];

/** Credit to be granted; the reference names it within the customer. */
export interface CreditGrant {
  readonly customerId: string;
  readonly reference: string;
  readonly kind: CreditKind;
  readonly amountNanoUsd: bigint;
  readonly reason: string | null;
  /** Lower is drawn first. */
  readonly priority: number;
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  /** What was asked for, word by word: tells a repetition from another grant under the same reference. */
  readonly asked: string;
}

/**
 * Grants credit and pays what is owed out of it. The shell must have made sure that the reference is new.
 *
 * @throws Error when the reference is known to memory
 */
export function grantCredit(memory: Memory, grant: CreditGrant, nowMs: number): Applied<null> {
  const { customerId, reference } = grant;
  const account = accountFor(memory, customerId);
  account.lastUsedMs = nowMs;
  const id = creditBucketId(customerId, reference);
  if (memory.buckets.has(id)) throw new Error(`credit ${id} is granted already`);
  const counter = counterOf(account, customerId, CREDITS.counterKey);
  const step = new Step(memory, nowMs);
  step.createBucket(
    counter,
    {
      ownerId: customerId,
      limitId: CREDITS.id,
      windowId: '',
      sourceKey: creditSource(reference),
      meter: CREDITS.meter,
      priority: grant.priority,
      effectiveAtMs: grant.effectiveAtMs,
      expiresAtMs: grant.expiresAtMs,
      body: { credit: grant.kind, reference, reason: grant.reason, asked: grant.asked },
    },
    grant.amountNanoUsd,
  );
  coverDebt(step, counter, { cause: id, customerId, nowMs });
  return step.finish(null);
}

/**
 * Takes back what is free of a grant: it expires. What is held stays with its calls.
 *
 * @returns nano-USD that were withdrawn
 * @throws GatewayError `not_found` when memory has no such grant
 */
export function withdrawCredit(
  memory: Memory,
  named: { readonly customerId: string; readonly reference: string },
  nowMs: number,
): Applied<bigint> {
  const { customerId, reference } = named;
  accountFor(memory, customerId).lastUsedMs = nowMs;
  const bucket = memory.buckets.get(creditBucketId(customerId, reference));
  if (bucket === undefined) {
    throw new GatewayError('not_found', { message: `There is no grant "${reference}".` });
  }
  const { granted, held, spent, expired, leased } = bucket;
  const free = granted - held - spent - expired - leased;
  if (free === 0n) return unchanged(0n);
  const step = new Step(memory, nowMs);
  step.post(bucket, 'expired', free);
  // What has expired only grows, so no two withdrawals have one id.
  step.enter({
    eventId: `withdraw:${bucket.id}:${expired}`,
    kind: 'adjust',
    holdId: null,
    customerId,
    body: { withdrawn: free.toString(), reference },
  });
  return step.finish(free);
}

/** Books what time has done to the credits: what is left of grants that are over expires. */
export function tidyCredits(memory: Memory, customerId: string, nowMs: number): Applied<null> {
  const counter = creditsOf(memory, customerId);
  if (counter === undefined) return unchanged(null);
  const step = new Step(memory, nowMs);
  expireCredits(step, counter, nowMs);
  const first = step.drafts[0];
  if (first === undefined) return unchanged(null);
  step.enter({
    eventId: `expired:${first.bucket.id}:${first.bucket.expired - first.expired}`,
    kind: 'adjust',
    holdId: null,
    customerId,
    body: { expired: true },
  });
  return step.finish(null);
}
