/**
 * What a box left unused goes on into the next one, where the limit says so: once, when the next box is first needed
 * and nothing is held in the old one. No job does it, and the ids of old bucket and new box keep it from happening
 * twice. A box that was never used has granted nothing, so that nothing of it goes on.
 *
 * @module
 */
import type { Call } from './assess.ts';
import { boxOf, recallEnded } from './boxes.ts';
import type { CompiledLimit } from './compiled-plan.ts';
import {
  type Account,
  type Bucket,
  bucketIdOf,
  type Counter,
  counterOf,
  customerOfOwner,
  type Memory,
  ownerOf,
  type Ruling,
} from './state.ts';
import type { Step } from './step.ts';
import type { WindowBox } from './types.ts';

/** Whose limits are looked at, and which. */
export interface RolloverQuery {
  readonly rulings: readonly Ruling[];
  readonly owner: Parameters<typeof ownerOf>[1];
  readonly limitsOf: (ruling: Ruling) => readonly CompiledLimit[];
  readonly nowMs: number;
}

interface Site {
  readonly account: Account;
  readonly limit: CompiledLimit;
  readonly counter: Counter;
  readonly nowMs: number;
}

/** The box just before; null where none ends when this one begins, as after a restart. */
function boxBefore({ account, limit, counter }: Site, box: WindowBox): WindowBox | null {
  const before = boxOf(account, limit, { counter, atMs: box.startMs - 1 });
  return before === null || before.endMs !== box.startMs ? null : before;
}

function freeOf({ granted, held, spent, overrun, expired, leased }: Bucket): bigint {
  const free = granted - held - spent - overrun - expired - leased;
  return free > 0n ? free : 0n;
}

/** Moves what the old bucket has free into the new box, up to what the limit allows in all. */
function move(
  step: Step,
  site: Site & { readonly max: bigint },
  boxes: { readonly old: Bucket; readonly before: WindowBox; readonly box: WindowBox },
): void {
  const { limit, counter, max } = site;
  const { old, before, box } = boxes;
  const known = counter.buckets.find(
    (bucket) => bucket.sourceKey === limit.rolloverSource && bucket.windowId === box.id,
  );
  const already = known?.granted ?? 0n;
  const free = freeOf(old);
  const amount = free < max - already ? free : max - already;
  if (amount <= 0n) return;
  const bucket =
    known ??
    step.createBucket(
      counter,
      {
        ownerId: counter.ownerId,
        limitId: limit.id,
        windowId: box.id,
        sourceKey: limit.rolloverSource,
        meter: limit.meter,
        priority: 0,
        // As old as what it came from, so that it is drawn before the new box's own amount.
        effectiveAtMs: before.startMs,
        expiresAtMs: box.endMs,
      },
      0n,
    );
  step.post(old, 'expired', amount);
  step.post(bucket, 'granted', amount);
  step.enter({
    // What has gone on only grows, so a later addition has an id of its own.
    eventId: already === 0n ? `rollover:${old.id}` : `rollover:${old.id}:${already}`,
    kind: 'rollover',
    holdId: null,
    customerId: customerOfOwner(counter.ownerId),
    body: { amount: amount.toString(), into: bucket.id },
  });
}

function rollCounter(step: Step, memory: Memory, site: Site): void {
  const { account, limit, counter, nowMs } = site;
  const max = limit.rolloverMax;
  const box = boxOf(account, limit, { counter, atMs: nowMs });
  if (max === null || box === null || counter.rolledInto === box.id) return;
  const before = boxBefore(site, box);
  if (before !== null) {
    recallEnded(memory, { account, limit, counter, box: before, atMs: nowMs });
    const isOpen = counter.buckets.some(
      (bucket) => bucket.windowId === before.id && bucket.held > 0n,
    );
    // What is held may come back, so the old box is looked at again.
    if (isOpen) return;
    const id = bucketIdOf({
      ownerId: counter.ownerId,
      limitId: limit.id,
      windowId: before.id,
      sourceKey: limit.planSource,
    });
    const old = memory.buckets.get(id);
    if (old !== undefined) move(step, { ...site, max }, { old, before, box });
  }
  const last = counter.rolledInto;
  counter.rolledInto = box.id;
  step.onUndo(() => {
    counter.rolledInto = last;
  });
}

/** What holds of the box before still keep from going on. */
export interface AwaitedRollover {
  /** Most that may go on into the present box once they have ended. */
  readonly amount: bigint;
  /** What they hold. */
  readonly held: bigint;
}

const NOTHING_AWAITED: AwaitedRollover = { amount: 0n, held: 0n };

/** What is awaited of the limit's box before the present one. Changes nothing. */
export function rolloverAwaited(
  at: Omit<Site, 'counter'> & { readonly counter: Counter | undefined },
): AwaitedRollover {
  const { account, limit, counter, nowMs } = at;
  const max = limit.rolloverMax;
  if (max === null || limit.kind !== 'number' || counter === undefined) return NOTHING_AWAITED;
  const box = boxOf(account, limit, { counter, atMs: nowMs });
  const before = box === null ? null : boxBefore({ account, limit, counter, nowMs }, box);
  if (box === null || before === null) return NOTHING_AWAITED;
  const inBefore = counter.buckets.filter(({ windowId }) => windowId === before.id);
  const held = inBefore.reduce((sum, bucket) => sum + bucket.held, 0n);
  const old = inBefore.find(({ sourceKey }) => sourceKey === limit.planSource);
  if (held === 0n || old === undefined) return NOTHING_AWAITED;
  const rolled = counter.buckets.find(
    ({ sourceKey, windowId }) => sourceKey === limit.rolloverSource && windowId === box.id,
  );
  const free = freeOf({ ...old, held: 0n });
  const left = max - (rolled?.granted ?? 0n);
  const amount = free < left ? free : left;
  return amount > 0n ? { amount, held } : NOTHING_AWAITED;
}

/** Brings what the last boxes left over into the present ones. */
export function rollOver(step: Step, memory: Memory, query: RolloverQuery): void {
  for (const ruling of query.rulings) {
    if (!ruling.plan.rolls) continue;
    const { account } = ruling;
    for (const limit of query.limitsOf(ruling)) {
      if (limit.rolloverMax === null || limit.kind !== 'number') continue;
      const ownerId = ownerOf(limit, query.owner);
      if (ownerId === null) continue;
      const counter = counterOf(account, ownerId, limit.counterKey);
      rollCounter(step, memory, { account, limit, counter, nowMs: query.nowMs });
    }
  }
}

/** What a call looks at. */
export function rolloverFor(call: Call): RolloverQuery {
  const { operation, next, rulings, nowMs } = call;
  const limitsOf = ({ plan }: Ruling): readonly CompiledLimit[] =>
    plan.match(operation, next.model).limits;
  return { rulings, owner: call, limitsOf, nowMs };
}
