/**
 * Brings customers into the engine's memory when they are first used, and again when a period ends, a
 * scheduled change begins or a new plan version is in force.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { type CompiledPlan, compilePlan } from '../../metering/core/compiled-plan.ts';
import { nextEndMs, withOverrides } from '../../metering/core/overrides.ts';
import type { OverrideSet } from '../../metering/limit-port.ts';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import {
  type AccountInput,
  type Applied,
  CALENDAR_WINDOWS,
  type WindowOf,
} from '../../metering/core/types.ts';
import { readBucket } from './journal-tables.ts';
import {
  groupVersions,
  integer,
  type Period,
  type Phase,
  phaseInForce,
  type PlanVersion,
  proratedPhases,
  staleAtMs,
  type Subscription,
  SubscriptionTables,
  text,
  windowOfSubscription,
} from './subscriptions.ts';
import { stateOf } from './subscription-view.ts';

/** The batch under way, as an operation sees it. */
export interface Unit {
  readonly nowMs: number;
  /** True while the database takes no writes: what memory holds of an account must do, stale or not. */
  readonly memoryOnly: boolean;
  /** Opens the batch's transaction if that has not happened: called before anything is written. */
  begin(): void;
  /** Takes what an operation changed in memory, so that it is made durable or undone with the batch. */
  keep(applied: Applied<unknown>): void;
}

function monthlyPrice(plan: CompiledPlan): number {
  return Number(plan.input.price_usd?.month ?? Number.POSITIVE_INFINITY);
}

/** Who keeps something beside accounts. */
export interface AccountsListener {
  /** A customer was loaded or reloaded: its calendar may have changed. */
  loaded(customerId: string): void;
  /** A batch is over; after a failure the database is as it was before. */
  batchEnded(failed: boolean): void;
}

export class Accounts {
  readonly tables: SubscriptionTables;
  readonly #engine: MeteringEngine;
  readonly #buckets: StatementSync;
  readonly #heldBuckets: StatementSync;
  readonly #outlivedBuckets: StatementSync;
  readonly #insertPeriod: StatementSync;
  readonly #applyPhase: StatementSync;
  readonly #addPhase: StatementSync;
  readonly #customerIds: StatementSync;
  readonly #overrides: StatementSync;
  readonly #compiled = new Map<string, CompiledPlan>();
  /** Periods seen but perhaps not yet written, by id. */
  readonly #periods = new Map<
    string,
    { readonly subscriptionId: string; readonly period: Period }
  >();
  /** Customers whose buckets are in memory. */
  readonly #loaded = new Set<string>();
  readonly #loadedInBatch = new Set<string>();
  readonly #doubtful = new Set<string>();
  #listener: AccountsListener | null = null;
  #versions: Map<string, readonly PlanVersion[]> = new Map();

  constructor(database: DatabaseSync, engine: MeteringEngine) {
    this.#engine = engine;
    this.tables = new SubscriptionTables(database);
    this.#buckets = database.prepare(
      `SELECT * FROM bucket WHERE customer_id = ? AND (expires_at IS NULL OR expires_at > ?)
       AND (source_key NOT LIKE 'credit/%' OR held > 0 OR granted > spent + expired)`,
    );
    this.#heldBuckets = database.prepare(
      `SELECT * FROM bucket WHERE customer_id = ? AND expires_at <= ?
       AND (held > 0 OR (source_key LIKE 'credit/%' AND granted > spent + expired))`,
    );
    this.#outlivedBuckets = database.prepare(
      'SELECT * FROM bucket WHERE customer_id = ? AND expires_at >= ? AND expires_at <= ? AND window_id = ?',
    );
    this.#insertPeriod = database.prepare(
      'INSERT INTO period (id, sub_id, seq, start_ts, end_ts) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#applyPhase = database.prepare(
      'UPDATE sub_phase SET applied = 1 WHERE sub_id = ? AND n = ?',
    );
    this.#addPhase = database.prepare(
      'INSERT INTO sub_phase (sub_id, n, plan_id, plan_version, from_ts, mode, applied) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#overrides = database.prepare(
      'SELECT * FROM limit_override WHERE customer_id = ? ORDER BY rev DESC LIMIT 1',
    );
    this.#customerIds = database.prepare('SELECT id FROM customer WHERE id = ?');
    this.refreshPlans();
  }

  /** Versions by plan id, ascending. */
  get versions(): ReadonlyMap<string, readonly PlanVersion[]> {
    return this.#versions;
  }

  /** Reads the plans anew. */
  refreshPlans(): void {
    this.#versions = groupVersions(this.tables.planVersions());
    const newest = [...this.#versions.values()].flatMap((list) => {
      const last = list.at(-1);
      return last === undefined ? [] : [this.compiled(last.id, last.version)];
    });
    this.#engine.setPlans(newest.sort((one, other) => monthlyPrice(one) - monthlyPrice(other)));
  }

  /** @throws GatewayError `not_found` */
  compiled(planId: string, version: number): CompiledPlan {
    const key = `${planId}@${version}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const found = this.#versions.get(planId)?.find((candidate) => candidate.version === version);
    if (found === undefined) {
      throw new GatewayError('not_found', {
        message: `There is no plan ${planId} version ${version}.`,
      });
    }
    const plan = compilePlan(found.plan, version);
    this.#compiled.set(key, plan);
    return plan;
  }

  /** The customer whom a limit scope or command names. @throws GatewayError `not_found` */
  subscription(customerId: string): Subscription {
    const subscription = this.tables.ofCustomer(customerId);
    if (subscription === null) {
      const known = this.#customerIds.get(customerId) !== undefined;
      throw new GatewayError(known ? 'internal_error' : 'not_found', {
        message: `There is no customer ${customerId}.`,
      });
    }
    return subscription;
  }

  /**
   * Makes sure that the engine knows the customer as of `nowMs`.
   *
   * @throws GatewayError `not_found` for an unknown customer
   */
  ensure(customerId: string, unit: Unit): void {
    if (unit.memoryOnly && this.#engine.hasAccount(customerId, 0)) return;
    if (this.#engine.hasAccount(customerId, unit.nowMs) && !this.#doubtful.has(customerId)) return;
    this.load(this.subscription(customerId), unit);
  }

  listen(listener: AccountsListener): void {
    this.#listener = listener;
  }

  /** Boxes of a customer's windows, and when they must be looked at again. @throws GatewayError `not_found` */
  calendarOf(customerId: string, nowMs: number): Pick<AccountInput, 'windowOf' | 'staleAtMs'> {
    const subscription = this.subscription(customerId);
    return {
      windowOf: this.#windowOf(subscription),
      staleAtMs: staleAtMs(subscription, nowMs),
    };
  }

  /** What the customer has otherwise than the plan says. */
  overridesOf(customerId: string): OverrideSet {
    const row = this.#overrides.get(customerId);
    if (row === undefined) return { rev: 0, overrides: {} };
    return {
      rev: integer(row, 'rev'),
      overrides: JSON.parse(text(row, 'overrides')) as OverrideSet['overrides'],
    };
  }

  /** The plan version in force for the customer, as the plan has it. @throws GatewayError `not_found` */
  plainPlanOf(customerId: string, nowMs: number): CompiledPlan {
    const { phase, version } = this.#inForce(this.subscription(customerId), nowMs);
    return this.compiled(phase.planId, version);
  }

  #inForce(subscription: Subscription, nowMs: number): { phase: Phase; version: number } {
    const inForce = phaseInForce(
      subscription,
      this.#versions.get(
        subscription.phases.findLast((phase) => phase.fromMs <= nowMs)?.planId ?? '',
      ) ?? [],
      nowMs,
    );
    if (inForce !== null) return inForce;
    throw new GatewayError('internal_error', {
      message: `Subscription ${subscription.id} has no plan.`,
    });
  }

  /** Loads or reloads a subscription; a plan that is new to the ledger is applied to its buckets. */
  load(subscription: Subscription, unit: Unit): AccountInput {
    const { nowMs } = unit;
    const { phase, version } = this.#inForce(subscription, nowMs);
    const account = this.#accountOf(subscription, this.compiled(phase.planId, version), nowMs);
    this.#engine.loadAccount(account);
    this.#listener?.loaded(subscription.customerId);
    this.loadBuckets(account, nowMs);
    this.#doubtful.delete(subscription.customerId);
    this.#loadedInBatch.add(subscription.customerId);
    if (version === phase.planVersion && phase.applied) return account;
    unit.begin();
    let { n } = phase;
    if (version !== phase.planVersion) {
      n = this.addPhase(subscription, {
        planId: phase.planId,
        planVersion: version,
        fromMs: nowMs,
        mode: 'keep_used',
        applied: true,
      });
    }
    this.#applyPhase.run(subscription.id, phase.n);
    unit.keep(this.#engine.changePlan(account, nowMs, `${subscription.id}.${n}`));
    return account;
  }

  /** @returns the number of the phase, never used before by one that was applied */
  addPhase(subscription: Subscription, phase: Omit<Subscription['phases'][number], 'n'>): number {
    const n = Math.max(0, ...subscription.phases.map((earlier) => earlier.n)) + 1;
    this.#addPhase.run(
      subscription.id,
      n,
      phase.planId,
      phase.planVersion,
      phase.fromMs,
      phase.mode,
      phase.applied ? 1 : 0,
    );
    return n;
  }

  /** Puts the buckets that still matter into memory; the engine must know the account already. */
  loadBuckets(account: Pick<AccountInput, 'customerId' | 'windowOf'>, nowMs: number): void {
    const { customerId } = account;
    this.#loadOutlived(account, nowMs);
    if (this.#loaded.has(customerId)) return;
    for (const row of this.#buckets.iterate(customerId, nowMs)) {
      this.#engine.loadBucket(readBucket(row));
    }
    for (const row of this.#heldBuckets.iterate(customerId, nowMs)) {
      this.#engine.loadBucket(readBucket(row));
    }
    this.#loaded.add(customerId);
  }

  /**
   * Buckets that were made to end by now, of a box that goes on: another zone, or new time-zone data, can give a box
   * the same start and a later end. Looked for whenever the account's calendar is new; a bucket made later is in
   * memory since it was made.
   */
  #loadOutlived(account: Pick<AccountInput, 'customerId' | 'windowOf'>, nowMs: number): void {
    for (const window of CALENDAR_WINDOWS) {
      const { id, startMs } = account.windowOf(window, nowMs);
      for (const row of this.#outlivedBuckets.iterate(account.customerId, startMs, nowMs, id)) {
        this.#engine.loadBucket(readBucket(row));
      }
    }
  }

  /** Writes the row of a period that a bucket now belongs to. */
  freezePeriod(windowId: string): void {
    const seen = this.#periods.get(windowId);
    if (seen === undefined) return;
    this.writePeriod(seen.subscriptionId, seen.period);
  }

  writePeriod(subscriptionId: string, period: Period): void {
    this.#insertPeriod.run(period.id, subscriptionId, period.seq, period.startMs, period.endMs);
  }

  /** Memory has dropped these customers. */
  forget(customerIds: readonly string[]): void {
    for (const customerId of customerIds) this.#loaded.delete(customerId);
    if (this.#periods.size > 50_000) this.#periods.clear();
  }

  /** A plan has changed at once: whoever is used next is looked at again. */
  doubtAll(): void {
    for (const customerId of this.#loaded) this.#doubtful.add(customerId);
  }

  /** The batch is over; after a failure, what it loaded is loaded anew before it is used again. */
  endBatch(failed: boolean): void {
    this.#listener?.batchEnded(failed);
    if (failed) {
      for (const customerId of this.#loadedInBatch) this.#doubtful.add(customerId);
      this.refreshPlans();
    }
    if (this.#loadedInBatch.size > 0) this.#loadedInBatch.clear();
  }

  #windowOf(subscription: Subscription): WindowOf {
    return windowOfSubscription(subscription, (period) => {
      this.#periods.set(period.id, { subscriptionId: subscription.id, period });
    });
  }

  #accountOf(subscription: Subscription, plain: CompiledPlan, nowMs: number): AccountInput {
    const { overrides } = this.overridesOf(subscription.customerId);
    const plan = withOverrides(plain, overrides, nowMs);
    const overrideEndMs = nextEndMs(overrides, nowMs) ?? Infinity;
    return {
      customerId: subscription.customerId,
      subscription: stateOf(subscription, nowMs),
      plan,
      windowOf: this.#windowOf(subscription),
      phases: proratedPhases(subscription, nowMs).map(({ phase, untilMs }) => ({
        plan: this.compiled(phase.planId, phase.planVersion),
        untilMs,
      })),
      staleAtMs: Math.min(staleAtMs(subscription, nowMs), overrideEndMs),
    };
  }
}
