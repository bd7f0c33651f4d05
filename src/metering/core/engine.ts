/**
 * The metering engine: decides in memory, writes nothing. Every mutating operation takes the time as an argument
 * and answers with the journal entries that make it durable and with a way to take it back.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { LimitStatus } from '../../contracts/limit-status.ts';
import type {
  ExtendCommand,
  Held,
  Refused,
  SettleCommand,
  Settled,
  VoidCommand,
} from '../ports.ts';
import type { NoLeg, QuoteCommand, QuotedReserve, QuoteEvaluation } from '../quote-port.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { draw } from './draw.ts';
import { extend, openHold } from './extend.ts';
import { type LimitRow, limitRows, type LimitsQuery } from './limit-status.ts';
import { loadAccount, loadBucket, loadHold, loadResolved } from './loading.ts';
import { type ChangeNote, changePlan } from './plan-change.ts';
import { quote } from './quote.ts';
import { RateReplay } from './rate-replay.ts';
import { reconcile, type ReconcileCommand } from './reconcile.ts';
import { accountFor, type EngineReserve, reserve } from './reserve.ts';
import { rollOver } from './rollover.ts';
import { expire, isDue, settle, voidHold } from './settle.ts';
import {
  createMemory,
  type FindEndedBucket,
  imageOfBucket,
  imageOfHold,
  type Memory,
  rulingsOf,
} from './state.ts';
import { Step, unchanged } from './step.ts';
import { sweep } from './sweep.ts';
import { type CreditGrant, grantCredit, tidyCredits, withdrawCredit } from './wallet.ts';
import type {
  AccountInput,
  Applied,
  BucketImage,
  HoldImage,
  Reconciled,
  ResolvedImage,
} from './types.ts';

export type { LimitRow, LimitsQuery, RollupQuery } from './limit-status.ts';
export type { ReconcileCommand } from './reconcile.ts';
export type { EngineReserve } from './reserve.ts';

export interface EngineOptions {
  /** Resolved holds remembered for replays; older ones must be looked up in the journal. Default 10,000. */
  readonly recentHolds?: number;
  /**
   * The stored row of a bucket whose box has ended, asked when a late settlement or extension counts in a box that
   * memory no longer has; without it such a bucket would be granted twice. Null: there never was one.
   */
  readonly findEndedBucket?: FindEndedBucket;
}

export interface MeteringEngine {
  // ---- loading: no journal ----

  /** False when the account is not in memory or is stale at `nowMs`: load it before any command for the customer. */
  hasAccount(customerId: string, nowMs: number): boolean;
  /**
   * Puts or replaces an account; its buckets, holds and rates stay. Before the first command, load every bucket of
   * the customer's owners that is live or has `held > 0`, and every open hold.
   */
  loadAccount(account: AccountInput): void;
  /** Account must be loaded. A bucket already in memory is left alone. */
  loadBucket(bucket: BucketImage): void;
  /** Account and buckets must be loaded. `plan` is the hold's plan version where it is not the account's. */
  loadHold(hold: HoldImage, plan?: CompiledPlan): void;
  /** A resolved hold out of the journal (`resolvedFrom`), so that a replay or late settlement can be answered. */
  loadResolved(resolved: ResolvedImage, plan?: CompiledPlan): void;
  /** Takes the rates of earlier calls anew, off the journal's entries of the last minutes, oldest first. */
  rateReplay(): RateReplay;
  /** Plans offered in `upgrade` actions, cheapest first. */
  setPlans(plans: readonly CompiledPlan[]): void;
  /**
   * Drops buckets that ended before `idleSinceMs` and hold nothing, and accounts unused since then without open
   * holds or running rates; returns the ids of the latter.
   */
  sweep(idleSinceMs: number, nowMs: number): readonly string[];

  // ---- reads ----

  /** Where the hold stands; null when memory does not know it (then look into the journal). */
  holdStanding(holdId: string): 'open' | 'resolved' | null;
  /** An open hold. */
  hold(holdId: string): HoldImage | null;
  bucket(bucketId: string): BucketImage | null;
  buckets(): readonly BucketImage[];
  openHolds(): readonly HoldImage[];
  /** Ids of undispatched holds past their expiry. */
  dueHolds(nowMs: number): readonly string[];
  limitRows(query: LimitsQuery, nowMs: number): readonly LimitRow[];
  /** The rows without what tells the use of unlimited limits. */
  limitStatuses(customerId: string, keyId: string | null, nowMs: number): readonly LimitStatus[];

  // ---- commands ----

  /** @throws GatewayError `idempotency_mismatch` when the hold id is known with another fingerprint */
  reserve(command: EngineReserve, nowMs: number): Applied<Held | Refused>;
  /** With mode `none`, and where nothing is held, the journal is empty. @throws GatewayError `invalid_request` */
  quote(command: QuoteCommand, nowMs: number): Applied<QuoteEvaluation>;
  /** @throws GatewayError `idempotency_mismatch` when the hold id is known with another fingerprint */
  draw(
    command: QuotedReserve & { readonly legHoldId: string },
    nowMs: number,
  ): Applied<Held | Refused | NoLeg>;
  /** Grants credit and covers debt with it. @throws Error when the reference is known to memory */
  grantCredit(grant: CreditGrant, nowMs: number): Applied<null>;
  /** Takes back what is free of a grant; result: nano-USD. @throws GatewayError `not_found` when memory has none such */
  withdrawCredit(
    named: { readonly customerId: string; readonly reference: string },
    nowMs: number,
  ): Applied<bigint>;
  /** Books credit that is over as expired, for whoever looks at the balances; nothing where there is none. */
  tidyCredits(customerId: string, nowMs: number): Applied<null>;
  /** @throws GatewayError `not_found` when the hold is not open */
  extend(command: ExtendCommand, nowMs: number): Applied<Held | Refused>;
  /** `held` → `dispatched`; nothing when it is dispatched already. @throws GatewayError `not_found` */
  dispatch(holdId: string, nowMs: number): Applied<null>;
  /** @throws GatewayError `not_found` when neither open nor remembered */
  settle(command: Pick<SettleCommand, 'holdId' | 'charges'>, nowMs: number): Applied<Settled>;
  /** @throws GatewayError `not_found` when neither open nor remembered */
  void(command: Pick<VoidCommand, 'holdId' | 'reason'>, nowMs: number): Applied<Settled>;
  /** Ends a `held` hold past its expiry. @throws GatewayError `not_found` */
  expire(holdId: string, nowMs: number): Applied<Settled>;
  /** After loading at start: every `dispatched` hold becomes `unknown`, keeping its reservation. Result: their ids. */
  recoverOpenHolds(nowMs: number): Applied<readonly string[]>;
  /** The same for those of the holds that are dispatched: nobody knows their calls any more. Result: their ids. */
  markUnknown(holdIds: readonly string[], nowMs: number): Applied<readonly string[]>;
  /** Ends an `unknown` hold by policy, marked estimated. @throws GatewayError `not_found` */
  reconcileUnknown(command: ReconcileCommand, nowMs: number): Applied<Reconciled>;
  /**
   * Replaces the account and brings its live buckets to the new plan: raised limits are granted more, of lowered
   * ones the available part expires (the rest as soon as holds release it). `keep_used`: phases empty;
   * `prorate`: phases state the earlier plans; `restart`: `windowOf` yields a new period. `change` names the
   * change apart from all others, or is what it is entered as; by default customer, plan version and moment name it.
   */
  changePlan(account: AccountInput, nowMs: number, change?: string | ChangeNote): Applied<null>;
}

/** Makes an empty engine. */
export function createEngine(options: EngineOptions = {}): MeteringEngine {
  const memory = createMemory(
    options.recentHolds ?? 10_000,
    options.findEndedBucket ?? (() => null),
  );
  return engineOver(memory);
}

function standingIn(memory: Memory, holdId: string): 'open' | 'resolved' | null {
  if (memory.holds.has(holdId)) return 'open';
  return memory.recent.has(holdId) ? 'resolved' : null;
}

function dispatch(memory: Memory, holdId: string, nowMs: number): Applied<null> {
  const hold = openHold(memory, holdId);
  if (hold.state === 'dispatched') return unchanged(null);
  if (hold.state === 'unknown') {
    throw new GatewayError('not_found', { message: `Hold ${holdId} is not waiting for dispatch.` });
  }
  const step = new Step(memory, nowMs);
  step.putHold({ ...hold, state: 'dispatched', expiresAtMs: null });
  step.enter({
    eventId: `dispatch:${holdId}`,
    kind: 'dispatch',
    holdId,
    customerId: hold.customerId,
    body: {},
  });
  return step.finish(null);
}

function markUnknown(
  memory: Memory,
  holdIds: Iterable<string>,
  nowMs: number,
): Applied<readonly string[]> {
  const step = new Step(memory, nowMs);
  const ids: string[] = [];
  for (const holdId of new Set(holdIds)) {
    if (memory.holds.get(holdId)?.state === 'dispatched') ids.push(holdId);
  }
  for (const holdId of ids) {
    const hold = openHold(memory, holdId);
    // Its owner is gone, so nothing runs in the slot any more.
    for (const counter of hold.slots) step.setSlot(counter, holdId, 0n);
    step.putHold({ ...hold, state: 'unknown', expiresAtMs: null, slots: [] });
    step.enter({
      eventId: `unknown:${holdId}`,
      kind: 'unknown',
      holdId,
      customerId: hold.customerId,
      body: {},
    });
  }
  return step.finish(ids);
}

/** An engine over a memory of the caller's, which tests look into. */
export function engineOver(memory: Memory): MeteringEngine {
  const rowsOf = (query: LimitsQuery, nowMs: number): readonly LimitRow[] => {
    const account = accountFor(memory, query.customerId);
    // A look moves nothing: what would roll over is shown as if it had.
    const step = new Step(memory, nowMs);
    const owner = { ...query, tags: null };
    const rulings = rulingsOf(memory, account, { keyId: query.keyId ?? '', token: query.token });
    rollOver(step, memory, { rulings, owner, limitsOf: ({ plan }) => plan.limits, nowMs });
    const rows = limitRows(memory, account, { query, nowMs });
    step.finish(null).undo();
    return rows;
  };
  return {
    hasAccount(customerId, nowMs) {
      const staleAtMs = memory.accounts.get(customerId)?.input.staleAtMs;
      return staleAtMs === null || (staleAtMs !== undefined && nowMs < staleAtMs);
    },
    loadAccount: (account) => loadAccount(memory, account),
    loadBucket: (bucket) => loadBucket(memory, bucket),
    loadHold: (hold, plan) => loadHold(memory, hold, plan),
    loadResolved: (resolved, plan) => loadResolved(memory, resolved, plan),
    rateReplay: () => new RateReplay(memory),
    setPlans(plans) {
      memory.plans = plans;
    },
    sweep: (idleSinceMs, nowMs) => sweep(memory, idleSinceMs, nowMs),
    holdStanding: (holdId) => standingIn(memory, holdId),
    hold(holdId) {
      const hold = memory.holds.get(holdId);
      return hold === undefined ? null : imageOfHold(hold);
    },
    bucket(bucketId) {
      const bucket = memory.buckets.get(bucketId);
      return bucket === undefined ? null : imageOfBucket(bucket);
    },
    buckets: () => [...memory.buckets.values()].map(imageOfBucket),
    openHolds: () => [...memory.holds.values()].map(imageOfHold),
    dueHolds: (nowMs) =>
      [...memory.holds.values()].filter((hold) => isDue(hold, nowMs)).map((hold) => hold.holdId),
    limitRows: rowsOf,
    limitStatuses: (customerId, keyId, nowMs) =>
      rowsOf({ customerId, keyId, token: null }, nowMs).map((row) => row.status),
    reserve: (command, nowMs) => reserve(memory, command, nowMs),
    quote: (command, nowMs) => quote(memory, command, nowMs),
    draw: (command, nowMs) => draw(memory, command, nowMs),
    grantCredit: (grant, nowMs) => grantCredit(memory, grant, nowMs),
    withdrawCredit: (named, nowMs) => withdrawCredit(memory, named, nowMs),
    tidyCredits: (customerId, nowMs) => tidyCredits(memory, customerId, nowMs),
    extend: (command, nowMs) => extend(memory, command, nowMs),
    dispatch: (holdId, nowMs) => dispatch(memory, holdId, nowMs),
    settle: (command, nowMs) => settle(memory, command, nowMs),
    void: (command, nowMs) => voidHold(memory, command, nowMs),
    expire: (holdId, nowMs) => expire(memory, holdId, nowMs),
    recoverOpenHolds: (nowMs) => markUnknown(memory, memory.holds.keys(), nowMs),
    markUnknown: (holdIds, nowMs) => markUnknown(memory, holdIds, nowMs),
    reconcileUnknown: (command, nowMs) => reconcile(memory, command, nowMs),
    changePlan: (account, nowMs, change) => changePlan(memory, account, { nowMs, change }),
  };
}
