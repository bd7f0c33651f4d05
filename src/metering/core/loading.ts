/**
 * Putting what is stored into memory. Nothing here changes a balance, so nothing is journalled.
 *
 * @module
 */
import type { CompiledPlan } from './compiled-plan.ts';
import { NO_RATES } from './rate-view.ts';
import { accountFor } from './reserve.ts';
import {
  type Account,
  type Booking,
  type Bucket,
  bucketFrom,
  type Counter,
  counterKeyOfBucket,
  counterOf,
  customerOfOwner,
  insertBucket,
  type Leg,
  type Memory,
  type OpenHold,
  remember,
  rulingsOf,
} from './state.ts';
import { disturbAll } from './thresholds.ts';
import type { AccountInput, BucketImage, HoldImage, ResolvedImage } from './types.ts';

/** Puts or replaces an account. */
export function loadAccount(memory: Memory, input: AccountInput): void {
  const account = memory.accounts.get(input.customerId);
  if (account === undefined) {
    memory.accounts.set(input.customerId, {
      input,
      rulings: [],
      counters: new Map(),
      boxes: new Map(),
      openHolds: 0,
      lastUsedMs: 0,
    });
    return;
  }
  account.input = input;
  account.boxes.clear();
  disturbAll(account);
}

/** Puts a bucket; one already in memory is newer than any row. */
export function loadBucket(memory: Memory, image: BucketImage): void {
  if (memory.buckets.has(image.id)) return;
  const account = accountFor(memory, customerOfOwner(image.ownerId));
  const bucket = bucketFrom(image);
  insertBucket(counterOf(account, image.ownerId, counterKeyOfBucket(image)).buckets, bucket);
  memory.buckets.set(bucket.id, bucket);
}

/** A bucket that a hold names, with its counter; ended ones are fetched. */
function referred(memory: Memory, bucketId: string): { bucket: Bucket; counter: Counter } {
  if (!memory.buckets.has(bucketId)) {
    const ended = memory.findEndedBucket(bucketId);
    if (ended !== null) loadBucket(memory, ended);
  }
  const bucket = memory.buckets.get(bucketId);
  if (bucket === undefined) throw new Error(`bucket ${bucketId} is not loaded`);
  const account = accountFor(memory, customerOfOwner(bucket.ownerId));
  const counter = counterOf(account, bucket.ownerId, counterKeyOfBucket(bucket));
  return { bucket, counter };
}

/** The account's own plan where it is the hold's version: it has what is overridden for the customer. */
function planOf(account: Account, image: HoldImage, plan: CompiledPlan | undefined): CompiledPlan {
  const present = account.input.plan;
  const isPresent = present.id === image.planId && present.version === image.planVersion;
  return isPresent ? present : (plan ?? present);
}

/** The hold with its limits and accounts, without rates and slots. */
export function openHoldOf(
  memory: Memory,
  image: HoldImage,
  given: CompiledPlan | undefined,
): OpenHold {
  const account = accountFor(memory, image.customerId);
  const legs = image.legs.map(({ bucketId, amount }): Leg => ({
    ...referred(memory, bucketId),
    amount,
  }));
  const last = image.covered.at(-1);
  const { planId, planVersion, ...rest } = image;
  const plan = planOf(account, image, given);
  const [, ...beside] = rulingsOf(memory, account, image);
  return {
    ...rest,
    plan,
    rulings: [{ account, plan }, ...beside],
    legs,
    takes: null,
    slots: [],
    outputByModel:
      last === undefined || image.outputTokens === null
        ? []
        : [{ model: last.model, tokens: image.outputTokens }],
    answer: {
      type: 'held',
      holdId: image.holdId,
      outputTokens: image.outputTokens,
      softBreaches: image.softBreaches,
      plan: { id: planId, version: planVersion },
      rates: NO_RATES,
    },
  };
}

/** Puts an open hold. Rates and slots live in memory only, so a loaded hold has none. */
export function loadHold(memory: Memory, image: HoldImage, plan?: CompiledPlan): void {
  if (memory.holds.has(image.holdId)) return;
  const hold = openHoldOf(memory, image, plan);
  memory.holds.set(image.holdId, hold);
  for (const { account } of hold.rulings) account.openHolds += 1;
}

/** Puts a resolved hold, so that replays and late settlements can be answered. */
export function loadResolved(memory: Memory, image: ResolvedImage, plan?: CompiledPlan): void {
  const { holdId } = image.hold;
  if (memory.holds.has(holdId) || memory.recent.has(holdId)) return;
  remember(memory, {
    hold: openHoldOf(memory, { ...image.hold, legs: [] }, plan),
    type: image.type,
    overrunNanoUsd: image.overrunNanoUsd,
    booked: image.booked.map(({ bucketId, ...booked }): Booking => ({
      ...referred(memory, bucketId),
      ...booked,
    })),
    final: image.final,
  });
}
