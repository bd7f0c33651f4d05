/**
 * Brings customers into the engine's memory when they are first used, and again when a period ends, a
 * scheduled change begins or a new plan version is in force.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { type CompiledPlan, compilePlan } from '../../metering/core/compiled-plan.ts';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { AccountInput, Applied } from '../../metering/core/types.ts';
import { readBucket } from './journal-tables.ts';
import {
  groupVersions,
  type Period,
  phaseInForce,
  type PlanVersion,
  proratedPhases,
  staleAtMs,
  type Subscription,
  SubscriptionTables,
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

export class Accounts {
  readonly tables: SubscriptionTables;
  readonly #engine: MeteringEngine;
  readonly #buckets: StatementSync;
  readonly #heldBuckets: StatementSync;
  readonly #insertPeriod: StatementSync;
  readonly #applyPhase: StatementSync;
  readonly #addPhase: StatementSync;
  readonly #customerIds: StatementSync;
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
  #versions: Map<string, readonly PlanVersion[]> = new Map();

  constructor(database: DatabaseSync, engine: MeteringEngine) {
    this.#engine = engine;
    this.tables = new SubscriptionTables(database);
    this.#buckets = database.prepare(
      'SELECT * FROM bucket WHERE customer_id = ? AND (expires_at IS NULL OR expires_at > ?)',
    );
    this.#heldBuckets = database.prepare(
      'SELECT * FROM bucket WHERE customer_id = ? AND expires_at <= ? AND held > 0',
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

  /** Loads or reloads a subscription; a plan that is new to the ledger is applied to its buckets. */
  load(subscription: Subscription, unit: Unit): void {
    const { nowMs } = unit;
    const inForce = phaseInForce(
      subscription,
      this.#versions.get(
        subscription.phases.findLast((phase) => phase.fromMs <= nowMs)?.planId ?? '',
      ) ?? [],
      nowMs,
    );
    if (inForce === null) {
      throw new GatewayError('internal_error', {
        message: `Subscription ${subscription.id} has no plan.`,
      });
    }
    const { phase, version } = inForce;
    const account = this.#accountOf(subscription, this.compiled(phase.planId, version), nowMs);
    this.#engine.loadAccount(account);
    this.loadBuckets(subscription.customerId, nowMs);
    this.#doubtful.delete(subscription.customerId);
    this.#loadedInBatch.add(subscription.customerId);
    if (version === phase.planVersion && phase.applied) return;
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

  /** Puts the buckets that still matter into memory. */
  loadBuckets(customerId: string, nowMs: number): void {
    if (this.#loaded.has(customerId)) return;
    for (const row of this.#buckets.iterate(customerId, nowMs)) {
      this.#engine.loadBucket(readBucket(row));
    }
    for (const row of this.#heldBuckets.iterate(customerId, nowMs)) {
      this.#engine.loadBucket(readBucket(row));
    }
    this.#loaded.add(customerId);
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
    if (failed) {
      for (const customerId of this.#loadedInBatch) this.#doubtful.add(customerId);
      this.refreshPlans();
    }
    this.#loadedInBatch.clear();
  }

  #accountOf(subscription: Subscription, plan: CompiledPlan, nowMs: number): AccountInput {
    return {
      customerId: subscription.customerId,
      subscription: stateOf(subscription, nowMs),
      plan,
      windowOf: windowOfSubscription(subscription, (period) => {
        this.#periods.set(period.id, { subscriptionId: subscription.id, period });
      }),
      phases: proratedPhases(subscription, nowMs).map(({ phase, untilMs }) => ({
        plan: this.compiled(phase.planId, phase.planVersion),
        untilMs,
      })),
      staleAtMs: staleAtMs(subscription, nowMs),
    };
  }
}
