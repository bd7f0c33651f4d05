/**
 * What the engine keeps in memory. Mutated only through `Step`, so that every change is posted and can be undone.
 *
 * @module
 */
import { ChurningMap } from '../../collections/churning-map.ts';
import type { Meter, Operation } from '../../contracts/metering.ts';
import type { Charge, Held, MeterAmounts, Settled, TokenClaim } from '../ports.ts';
import { type CompiledLimit, type CompiledPlan, DEPLOYMENT_ACCOUNT } from './compiled-plan.ts';
import type { GcraState } from './gcra.ts';
import type {
  AccountInput,
  BucketImage,
  CalendarWindow,
  HoldImage,
  HoldQuote,
  OpenHoldState,
  WindowBox,
} from './types.ts';

/** A bucket with running counters. */
export interface Bucket {
  readonly id: string;
  readonly ownerId: string;
  readonly limitId: string;
  readonly windowId: string;
  readonly sourceKey: string;
  readonly meter: Meter;
  readonly priority: number;
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  granted: bigint;
  held: bigint;
  spent: bigint;
  overrun: bigint;
  expired: bigint;
  leased: bigint;
  /** Use from `quietFrom` up to below `quietBelow` passes no threshold; in memory only (`thresholds.ts`). */
  quietFrom: bigint;
  quietBelow: bigint;
}

/** What a step has changed in one bucket since its last entry. */
export interface Draft {
  readonly bucket: Bucket;
  granted: bigint;
  held: bigint;
  spent: bigint;
  overrun: bigint;
  expired: bigint;
}

/** One limit's use by one owner: its buckets in the order they are drawn, its rate cell, its slots. */
export interface Counter {
  readonly ownerId: string;
  /** `CompiledLimit.counterKey`. */
  readonly key: string;
  readonly buckets: Bucket[];
  cell: GcraState | null;
  /** Amounts in use by hold id (`concurrent`); `inUse` is their sum. */
  readonly slots: Map<string, bigint>;
  inUse: bigint;
  /** The box into which the one before has rolled over, as far as memory knows. */
  rolledInto: string | null;
}

/** Limits that bind a call together with others, and the account that has their counters. */
export interface Ruling {
  readonly account: Account;
  readonly plan: CompiledPlan;
}

export interface Account {
  input: AccountInput;
  /** Its own limits as a call's only ruling, kept so that an ordinary call makes no list. */
  rulings: readonly Ruling[];
  readonly counters: Map<string, Map<string, Counter>>;
  readonly boxes: Map<CalendarWindow, WindowBox>;
  openHolds: number;
  lastUsedMs: number;
}

export interface Leg {
  readonly counter: Counter;
  readonly bucket: Bucket;
  readonly amount: bigint;
}

/** What a hold took from a rate cell. */
export interface RateTake {
  readonly counter: Counter;
  readonly amount: bigint;
}

/** Elastic output that is reserved for a model. */
export interface ModelOutput {
  readonly model: string;
  readonly tokens: number;
}

/** An open hold. Immutable: a change replaces it, so that undo puts the old one back. */
export interface OpenHold {
  readonly holdId: string;
  readonly requestId: string;
  readonly customerId: string;
  readonly keyId: string;
  readonly token: TokenClaim | null;
  readonly operation: Operation;
  readonly state: OpenHoldState;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly plan: CompiledPlan;
  /** All limits that bind it: the plan's, then those of its key, of its token, of the deployment. */
  readonly rulings: readonly Ruling[];
  readonly priceBookId: string;
  readonly fingerprint: string;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly requests: bigint;
  readonly outputTokens: number | null;
  readonly softBreaches: readonly string[];
  readonly observedFloor: MeterAmounts;
  readonly covered: readonly Charge[];
  readonly legs: readonly Leg[];
  /** Null for a hold out of the store: rates live in memory only, there is nothing to correct. */
  readonly takes: readonly RateTake[] | null;
  /** Counters in which the hold has a slot. */
  readonly slots: readonly Counter[];
  /** Elastic output reserved by model, so that an attempt to be kept covered is not counted at its unclamped wish. */
  readonly outputByModel: readonly ModelOutput[];
  readonly extensions: number;
  readonly quote: HoldQuote | null;
  /** The answer that a repeated reserve gets. */
  readonly answer: Held;
}

export interface Booking {
  readonly counter: Counter;
  readonly bucket: Bucket;
  readonly spent: bigint;
  readonly overrun: bigint;
}

export interface ResolvedHold {
  readonly hold: OpenHold;
  readonly type: Settled['type'];
  readonly overrunNanoUsd: bigint;
  readonly booked: readonly Booking[];
  readonly final: boolean;
}

/** Finds the durable row of a bucket whose box has ended and that memory no longer holds; null when it never was. */
export type FindEndedBucket = (bucketId: string) => BucketImage | null;

export interface Memory {
  readonly accounts: Map<string, Account>;
  readonly buckets: Map<string, Bucket>;
  readonly holds: ChurningMap<string, OpenHold>;
  readonly recent: ChurningMap<string, ResolvedHold>;
  /** Ids in `recent` in the order they came, as a ring: the oldest makes room. */
  readonly recentRing: (string | undefined)[];
  recentAt: number;
  readonly findEndedBucket: FindEndedBucket;
  plans: readonly CompiledPlan[];
}

export function createMemory(recentLimit: number, findEndedBucket: FindEndedBucket): Memory {
  return {
    accounts: new Map(),
    buckets: new Map(),
    holds: new ChurningMap(),
    recent: new ChurningMap(),
    recentRing: Array.from({ length: recentLimit }),
    recentAt: 0,
    findEndedBucket,
    plans: [],
  };
}

/**
 * Remembers how a hold ended; returns how it had ended before, as far as memory knew. A forgotten answer is looked up in the journal, so dropping the oldest needs no undo.
 * (A ring, since taking the first key off a large `Map` again and again walks over all that were deleted before.)
 */
export function remember(memory: Memory, resolved: ResolvedHold): ResolvedHold | undefined {
  const { recent, recentRing, recentAt } = memory;
  const { holdId } = resolved.hold;
  const before = recent.set(holdId, resolved);
  if (before !== undefined) return before;
  const oldest = recentRing[recentAt];
  // An undo leaves the place of what it took back, so that a hold may come upon its own.
  if (oldest !== undefined && oldest !== holdId) recent.delete(oldest);
  recentRing[recentAt] = holdId;
  memory.recentAt = (recentAt + 1) % recentRing.length;
  return undefined;
}

/** The id that (owner, limit, window, source) derives. */
export function bucketIdOf(parts: {
  readonly ownerId: string;
  readonly limitId: string;
  readonly windowId: string;
  readonly sourceKey: string;
}): string {
  return `${parts.ownerId}|${parts.limitId}|${parts.windowId}|${parts.sourceKey}`;
}

/** Limits that bind a call of the customer under that key and token, each with its account. */
export function rulingsOf(
  memory: Memory,
  account: Account,
  call: { readonly keyId: string; readonly token?: TokenClaim | null | undefined },
): readonly Ruling[] {
  const { plan } = account.input;
  if (account.rulings[0]?.plan !== plan) account.rulings = [{ account, plan }];
  const { accounts } = memory;
  const key = accounts.get(call.keyId);
  const token =
    call.token === undefined || call.token === null ? undefined : accounts.get(call.token.id);
  const deployment = accounts.get(DEPLOYMENT_ACCOUNT);
  if (key === undefined && token === undefined && deployment === undefined) return account.rulings;
  const beside = [key, token, deployment].filter((other) => other !== undefined);
  return [
    ...account.rulings,
    ...beside.map((other): Ruling => ({ account: other, plan: other.input.plan })),
  ];
}

/** The account that an owner belongs to: a customer's, or that of a key, a client token or the deployment. */
export function customerOfOwner(ownerId: string): string {
  const mark = ownerId.indexOf('#');
  return mark < 0 ? ownerId : ownerId.slice(0, mark);
}

/** Counter key that a bucket belongs to: its limit and what its source key says after the first colon. */
export function counterKeyOfBucket(bucket: {
  readonly limitId: string;
  readonly sourceKey: string;
}): string {
  const mark = bucket.sourceKey.indexOf(':');
  return mark < 0 ? bucket.limitId : bucket.limitId + bucket.sourceKey.slice(mark);
}

/** The counter's owner by the limit's scope; null where the call has no such thing, so that the limit does not bind. */
export function ownerOf(
  limit: CompiledLimit,
  call: {
    readonly customerId: string;
    readonly keyId: string | null;
    readonly token: TokenClaim | null;
    readonly tags: Readonly<Record<string, string>> | null;
  },
): string | null {
  switch (limit.scope.kind) {
    case 'customer':
      return call.customerId;
    case 'key':
      return call.keyId === null ? null : `${call.customerId}#${call.keyId}`;
    case 'client_token':
      return call.token === null ? null : `${call.customerId}#${call.token.id}`;
    case 'own':
      return limit.scope.holder.id;
    case 'deployment':
      return DEPLOYMENT_ACCOUNT;
    case 'provider':
      return `${DEPLOYMENT_ACCOUNT}#provider:${limit.scope.name}`;
    case 'tag': {
      const value = call.tags?.[limit.scope.name];
      return value === undefined ? null : `${call.customerId}#tag:${limit.scope.name}=${value}`;
    }
    default:
      return limit.scope satisfies never;
  }
}

export function findCounter(account: Account, ownerId: string, key: string): Counter | undefined {
  return account.counters.get(ownerId)?.get(key);
}

/** The counter, made where missing. An empty counter states nothing, so making one needs no undo. */
export function counterOf(account: Account, ownerId: string, key: string): Counter {
  let owned = account.counters.get(ownerId);
  if (owned === undefined) {
    owned = new Map();
    account.counters.set(ownerId, owned);
  }
  let counter = owned.get(key);
  if (counter === undefined) {
    counter = {
      ownerId,
      key,
      buckets: [],
      cell: null,
      slots: new Map(),
      inUse: 0n,
      rolledInto: null,
    };
    owned.set(key, counter);
  }
  return counter;
}

/** True when nothing of the bucket is left, held or owed. */
export function isUsedUp(bucket: Bucket): boolean {
  const { granted, held, spent, overrun, expired } = bucket;
  return held === 0n && overrun === 0n && spent + expired >= granted;
}

/** A bucket of a stored or new row, at rest. */
export function bucketFrom(image: BucketImage): Bucket {
  return { ...image, quietFrom: 0n, quietBelow: 0n };
}

/** Makes the next operation look again for thresholds: after an undo, a new plan, a further bucket of the box. */
export function disturb(bucket: Bucket): void {
  bucket.quietFrom = 0n;
  bucket.quietBelow = 0n;
}

/** Order in which buckets are drawn: priority, then earliest expiry, then oldest. */
export function insertBucket(buckets: Bucket[], bucket: Bucket): void {
  for (const other of buckets) if (other.windowId === bucket.windowId) disturb(other);
  const at = buckets.findIndex((other) => drawnBefore(bucket, other));
  buckets.splice(at < 0 ? buckets.length : at, 0, bucket);
}

function drawnBefore(one: Bucket, other: Bucket): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority;
  const oneEnd = one.expiresAtMs ?? Infinity;
  const otherEnd = other.expiresAtMs ?? Infinity;
  if (oneEnd !== otherEnd) return oneEnd < otherEnd;
  return one.effectiveAtMs < other.effectiveAtMs;
}

export function imageOfBucket(bucket: Bucket): BucketImage {
  // Member by member: leaving two out of the rest takes ten times as long, and every booking asks for some.
  return {
    id: bucket.id,
    ownerId: bucket.ownerId,
    limitId: bucket.limitId,
    windowId: bucket.windowId,
    sourceKey: bucket.sourceKey,
    meter: bucket.meter,
    priority: bucket.priority,
    effectiveAtMs: bucket.effectiveAtMs,
    expiresAtMs: bucket.expiresAtMs,
    granted: bucket.granted,
    held: bucket.held,
    spent: bucket.spent,
    overrun: bucket.overrun,
    expired: bucket.expired,
    leased: bucket.leased,
  };
}

export function imageOfHold(hold: OpenHold): HoldImage {
  return {
    holdId: hold.holdId,
    requestId: hold.requestId,
    customerId: hold.customerId,
    keyId: hold.keyId,
    token: hold.token,
    operation: hold.operation,
    state: hold.state,
    createdAtMs: hold.createdAtMs,
    expiresAtMs: hold.expiresAtMs,
    planId: hold.plan.id,
    planVersion: hold.plan.version,
    priceBookId: hold.priceBookId,
    fingerprint: hold.fingerprint,
    tags: hold.tags,
    requests: hold.requests,
    outputTokens: hold.outputTokens,
    softBreaches: hold.softBreaches,
    observedFloor: hold.observedFloor,
    covered: hold.covered,
    legs: hold.legs.map((leg) => ({ bucketId: leg.bucket.id, amount: leg.amount })),
    extensions: hold.extensions,
    quote: hold.quote,
  };
}
