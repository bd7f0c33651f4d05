/**
 * Shares of a limit at which somebody wants to know: which of them an operation passed, upwards or downwards.
 *
 * Counted over the buckets of one box of a limit: (spent + overrun) ÷ (granted − expired), where overage grants
 * nothing, so that 100 % means that the plan's own amount is used up. What is held does not count: a hold is an upper
 * bound that mostly falls, and what it passed would be neither true nor recover. A box that has ended passes nothing.
 *
 * On the hot path a hold looks at nothing, and a bucket keeps the span of use within which nothing is passed, so that
 * a settlement that passes nothing costs two comparisons.
 *
 * @module
 */
import type { CompiledLimit } from './compiled-plan.ts';
import {
  type Account,
  type Bucket,
  type Counter,
  counterKeyOfBucket,
  customerOfOwner,
  disturb,
  type Draft,
  findCounter,
  type Memory,
} from './state.ts';
import type { ThresholdCrossing } from './types.ts';

export type { ThresholdCrossing } from './types.ts';

export const NO_CROSSINGS: readonly ThresholdCrossing[] = [];

/** Percent with three decimals, in whole numbers. */
const SCALE = 1000;
const WHOLE = 100n * BigInt(SCALE);
/** Above every amount that an int64 holds. */
const FAR = 2n ** 63n;

/** Use of a box and what it is out of, base units. */
interface Level {
  readonly use: bigint;
  readonly size: bigint;
}

/** The least use that is at or above `threshold` percent of `size`. */
function amountAt(threshold: number, size: bigint): bigint {
  return (size * BigInt(Math.round(threshold * SCALE)) + WHOLE - 1n) / WHOLE;
}

function percentOf({ use, size }: Level): number {
  return size <= 0n ? 0 : Number((use * 10_000n) / size) / 100;
}

function useOf(bucket: Bucket): bigint {
  return bucket.spent + bucket.overrun;
}

/** True when the bucket's use has stayed where nothing is passed; a grant or an expiry is always looked at. */
function isQuiet({ bucket, spent, overrun, granted, expired }: Draft): boolean {
  if (granted !== 0n || expired !== 0n) return false;
  if (spent === 0n && overrun === 0n) return true;
  const use = useOf(bucket);
  return use >= bucket.quietFrom && use < bucket.quietBelow;
}

interface Box {
  readonly counter: Counter;
  readonly limit: CompiledLimit;
}

/** The counter and limit whose thresholds the bucket counts on; null where there are none. */
function boxOfBucket(memory: Memory, bucket: Bucket): Box | null {
  const account = memory.accounts.get(customerOfOwner(bucket.ownerId));
  if (account === undefined) return null;
  const key = counterKeyOfBucket(bucket);
  const limit = account.input.plan.limitsByCounter.get(key);
  const counter = findCounter(account, bucket.ownerId, key);
  if (limit?.kind !== 'number' || counter === undefined) return null;
  return limit.thresholds.length === 0 ? null : { counter, limit };
}

/** The box's level now, and before the drafts. */
function levelsOf(
  { counter, limit }: Box,
  windowId: string,
  drafts: readonly Draft[],
): { readonly before: Level; readonly after: Level; readonly buckets: readonly Bucket[] } {
  const buckets = counter.buckets.filter((bucket) => bucket.windowId === windowId);
  const before = { use: 0n, size: 0n };
  const after = { use: 0n, size: 0n };
  for (const bucket of buckets) {
    const counts = bucket.sourceKey !== limit.overageSource;
    after.use += useOf(bucket);
    if (counts) after.size += bucket.granted - bucket.expired;
  }
  before.use = after.use;
  before.size = after.size;
  for (const draft of drafts) {
    if (!buckets.includes(draft.bucket)) continue;
    before.use -= draft.spent + draft.overrun;
    if (draft.bucket.sourceKey !== limit.overageSource) {
      before.size -= draft.granted - draft.expired;
    }
  }
  return { before, after, buckets };
}

/** Notes between which uses the bucket passes nothing. Only a bucket alone in its box knows that by itself. */
function calm(bucket: Bucket, limit: CompiledLimit, { use, size }: Level): void {
  bucket.quietFrom = 0n;
  bucket.quietBelow = FAR;
  for (const threshold of limit.thresholds) {
    const amount = amountAt(threshold, size);
    if (amount > use) {
      if (amount < bucket.quietBelow) bucket.quietBelow = amount;
    } else if (amount > bucket.quietFrom) bucket.quietFrom = amount;
  }
}

/** What a box passed between two levels, lowest threshold first. A box without a size passes nothing. */
function passed(
  bucket: Bucket,
  thresholds: readonly number[],
  at: { readonly before: Level; readonly after: Level; readonly atMs: number },
): readonly ThresholdCrossing[] {
  const { before, after, atMs } = at;
  const reached = ({ use, size }: Level, threshold: number): boolean =>
    size > 0n && use >= amountAt(threshold, size);
  const { ownerId, limitId, windowId, meter } = bucket;
  return thresholds
    .filter((threshold) => reached(before, threshold) !== reached(after, threshold))
    .map((threshold) => ({
      customerId: customerOfOwner(ownerId),
      ownerId,
      limitId,
      windowId,
      meter,
      threshold,
      percentBefore: percentOf(before),
      percentAfter: percentOf(after),
      atMs,
      direction: reached(after, threshold) ? 'crossed' : 'recovered',
    }));
}

/** True when an earlier draft of the list counts on the same box, which was looked at with it. */
function isSeen(drafts: readonly Draft[], index: number, bucket: Bucket): boolean {
  for (let earlier = 0; earlier < index; earlier += 1) {
    const other = drafts[earlier];
    if (
      other !== undefined &&
      !isQuiet(other) &&
      other.bucket.windowId === bucket.windowId &&
      other.bucket.ownerId === bucket.ownerId &&
      counterKeyOfBucket(other.bucket) === counterKeyOfBucket(bucket)
    ) {
      return true;
    }
  }
  return false;
}

/** The thresholds that the drafts, already applied, passed; {@link NO_CROSSINGS} itself where there are none. */
export function crossingsOf(
  memory: Memory,
  drafts: readonly Draft[],
  atMs: number,
): readonly ThresholdCrossing[] {
  let crossings: ThresholdCrossing[] | null = null;
  for (let index = 0; index < drafts.length; index += 1) {
    const draft = drafts[index];
    if (draft === undefined || isQuiet(draft)) continue;
    const { bucket } = draft;
    if (bucket.expiresAtMs !== null && bucket.expiresAtMs <= atMs) continue;
    const box = boxOfBucket(memory, bucket);
    if (box === null) {
      bucket.quietFrom = 0n;
      bucket.quietBelow = FAR;
      continue;
    }
    if (isSeen(drafts, index, bucket)) continue;
    const { before, after, buckets } = levelsOf(box, bucket.windowId, drafts);
    if (buckets.length === 1) calm(bucket, box.limit, after);
    const found = passed(bucket, box.limit.thresholds, { before, after, atMs });
    if (found.length > 0) crossings = [...(crossings ?? []), ...found];
  }
  return crossings ?? NO_CROSSINGS;
}

/** Another plan has come: every bucket of the account is looked at again. */
export function disturbAll(account: Account): void {
  for (const owned of account.counters.values()) {
    for (const { buckets } of owned.values()) for (const bucket of buckets) disturb(bucket);
  }
}
