/** @module */
import type { LimitStatus } from '../../contracts/limit-status.ts';
import type {
  Charge,
  ExtendCommand,
  Held,
  Refused,
  ReserveCommand,
  SettleCommand,
  Settled,
  VoidCommand,
} from '../ports.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import type {
  AccountInput,
  Applied,
  BucketImage,
  HoldImage,
  Reconciled,
  ResolvedImage,
  UnknownPolicy,
} from './types.ts';

export interface EngineOptions {
  /** Resolved holds remembered for replays; older ones must be looked up in the journal. Default 10,000. */
  readonly recentHolds?: number;
}

/** A reservation; with `expiresAtMs` it stays `held` until dispatched or expired, without it counts as dispatched. */
export type EngineReserve = ReserveCommand & { readonly expiresAtMs?: number };

/** Signatures under construction; see `createEngine`. */
export interface MeteringEngine {
  // ---- loading (no journal) ----
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
  /** A resolved hold out of the journal, so that a replay or late settlement can be answered. */
  loadResolved(resolved: ResolvedImage, plan?: CompiledPlan): void;
  /** Plans offered in `upgrade` actions, cheapest first. */
  setPlans(plans: readonly CompiledPlan[]): void;
  /** Drops ended buckets without holds, and accounts unused since `idleSinceMs` without holds or running rates; returns the ids of the latter. */
  sweep(idleSinceMs: number, nowMs: number): readonly string[];

  // ---- reads ----
  /** Where the hold stands; null when memory does not know it (then look into the journal). */
  holdStanding(holdId: string): 'open' | 'resolved' | null;
  hold(holdId: string): HoldImage | null;
  bucket(bucketId: string): BucketImage | null;
  openHolds(): readonly HoldImage[];
  /** Ids of undispatched holds past their expiry. */
  dueHolds(nowMs: number): readonly string[];
  limitStatuses(customerId: string, keyId: string | null, nowMs: number): readonly LimitStatus[];

  // ---- commands ----
  /** @throws GatewayError `idempotency_mismatch` when the hold id is known with another fingerprint */
  reserve(command: EngineReserve, nowMs: number): Applied<Held | Refused>;
  /** @throws GatewayError `not_found` when the hold is not open */
  extend(command: ExtendCommand, nowMs: number): Applied<Held | Refused>;
  /** `held` → `dispatched`. @throws GatewayError `not_found` */
  dispatch(holdId: string, nowMs: number): Applied<null>;
  /** @throws GatewayError `not_found` when neither open nor remembered */
  settle(command: SettleCommand, nowMs: number): Applied<Settled>;
  /** @throws GatewayError `not_found` when neither open nor remembered */
  void(command: VoidCommand, nowMs: number): Applied<Settled>;
  /** Ends a `held` hold past its expiry. @throws GatewayError `not_found` */
  expire(holdId: string, nowMs: number): Applied<Settled>;
  /** After loading at start: every `dispatched` hold becomes `unknown`, keeping its reservation. Result: their ids. */
  recoverOpenHolds(nowMs: number): Applied<readonly string[]>;
  /** Ends an `unknown` hold by policy, marked estimated. @throws GatewayError `not_found` */
  reconcileUnknown(
    command: {
      readonly holdId: string;
      readonly policy: UnknownPolicy;
      /** From progress marks; raised to the hold's `observedFloor`. */
      readonly observed: readonly Charge[];
    },
    nowMs: number,
  ): Applied<Reconciled>;
  /**
   * Replaces the account and brings its live buckets to the new plan: raised limits are granted more, of lowered
   * ones the available part expires (the rest as soon as holds release it). `keep_used`: phases empty;
   * `prorate`: phases state the earlier plans; `restart`: `windowOf` yields a new period.
   */
  changePlan(account: AccountInput, nowMs: number): Applied<null>;
}

/** Makes an empty engine. */
export declare function createEngine(options?: EngineOptions): MeteringEngine;
