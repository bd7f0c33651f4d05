/**
 * Changes to plans, customers, subscriptions and keys. Each runs inside the batch's transaction, under a
 * savepoint of its own.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { IdSource } from '../../contracts/ids.ts';
import type { PlanInput } from '../../contracts/metering.ts';
import { compilePlan } from '../../metering/core/compiled-plan.ts';
import {
  checkTimezone,
  parseAnchor,
  periodBoundaryMs,
  wallTimeAt,
} from '../../metering/core/period.ts';
import type {
  CustomerRecord,
  KeyRecord,
  NewCustomer,
  PlanRecord,
  SubscriptionPatch,
  SubscriptionRecord,
} from '../../metering/ports.ts';
import { SEED_CUSTOMER, SEED_PLANS } from '../../metering/seed-plans.ts';
import type { Accounts, Unit } from './accounts.ts';
import { readKey } from './directory-rows.ts';
import {
  type Period,
  periodId,
  periodOf,
  type Subscription,
  subscriptionRecord,
} from './subscriptions.ts';
import { statementCache } from './statement-cache.ts';

const DAY_MS = 86_400_000;

export class DirectoryWriter {
  readonly #accounts: Accounts;
  readonly #ids: IdSource;
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync, accounts: Accounts, ids: IdSource) {
    this.#sql = statementCache(database);
    this.#accounts = accounts;
    this.#ids = ids;
  }

  /** Creates the plans and the customer of a first start where they are missing. */
  seed(nowMs: number): void {
    const anyPlan = this.#sql('SELECT 1 FROM plan_version LIMIT 1').get() !== undefined;
    if (anyPlan) return;
    for (const plan of SEED_PLANS) this.#insertPlan(plan, { version: 1, apply: 'now', nowMs });
    this.#accounts.refreshPlans();
    this.createCustomer(
      {
        ...SEED_CUSTOMER,
        name: null,
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      },
      nowMs,
    );
  }

  createPlan(plan: PlanInput, nowMs: number): PlanRecord {
    if (this.#accounts.versions.has(plan.id)) {
      throw new GatewayError('conflict', {
        message: `A plan with the id "${plan.id}" exists: add a version to it instead.`,
        param: 'id',
      });
    }
    return this.#newVersion(plan, { version: 1, apply: 'now', nowMs });
  }

  addPlanVersion(plan: PlanInput, apply: 'now' | 'period_end', nowMs: number): PlanRecord {
    const last = this.#accounts.versions.get(plan.id)?.at(-1);
    if (last === undefined) {
      throw new GatewayError('not_found', { message: `There is no plan "${plan.id}".` });
    }
    return this.#newVersion(plan, { version: last.version + 1, apply, nowMs });
  }

  createCustomer(
    customer: NewCustomer,
    nowMs: number,
  ): { readonly customer: CustomerRecord; readonly subscription: SubscriptionRecord } {
    const version = this.#accounts.versions.get(customer.planId)?.at(-1)?.version;
    if (version === undefined) {
      throw new GatewayError('not_found', {
        message: `There is no plan "${customer.planId}".`,
        param: 'plan',
      });
    }
    checkTimezone(customer.timezone, 'timezone');
    const { externalId, name } = customer;
    if (this.#sql('SELECT 1 FROM customer WHERE external_id = ?').get(externalId) !== undefined) {
      throw new GatewayError('conflict', {
        message: `A customer with the externalId "${externalId}" exists.`,
        param: 'externalId',
      });
    }
    const id = this.#ids.next('cus');
    this.#sql('INSERT INTO customer (id, external_id, name, created_at) VALUES (?, ?, ?, ?)').run(
      id,
      externalId,
      name,
      nowMs,
    );
    this.#insertSubscription(id, customer, { version, nowMs });
    return {
      customer: { id, externalId, name, createdAtMs: nowMs },
      subscription: this.#record(id, nowMs),
    };
  }

  patchSubscription(customerId: string, patch: SubscriptionPatch, unit: Unit): SubscriptionRecord {
    const { nowMs } = unit;
    const subscription = this.#accounts.subscription(customerId);
    const period = periodOf(subscription, nowMs);
    if (patch.planId !== undefined) {
      this.#schedulePlan(subscription, { ...patch, planId: patch.planId }, { period, nowMs });
    } else if (patch.mode === 'restart' && patch.at === 'now') {
      this.#restart(subscription, period, nowMs);
    }
    if (patch.status !== undefined) this.#setStatus(subscription, patch, period);
    this.#sql('UPDATE subscription SET rev = rev + 1 WHERE id = ?').run(subscription.id);
    this.#accounts.load(this.#accounts.subscription(customerId), unit);
    return this.#record(customerId, nowMs);
  }

  createKey(key: KeyRecord): void {
    const { hash, id } = key;
    if (this.#sql('SELECT 1 FROM api_key WHERE id = ? OR hash = ?').get(id, hash) !== undefined) {
      throw new GatewayError('conflict', { message: 'This key exists.' });
    }
    for (const customerId of [key.customerId, key.defaultCustomerId]) {
      if (customerId !== null) this.#accounts.subscription(customerId);
    }
    this.#sql(
      `INSERT INTO api_key (id, type, name, hash, prefix, last4, customer_id, default_customer_id,
         scopes, created_at, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      id,
      key.type,
      key.name,
      hash,
      key.prefix,
      key.last4,
      key.customerId,
      key.defaultCustomerId,
      key.scopes === null ? null : JSON.stringify(key.scopes),
      key.createdAtMs,
      key.expiresAtMs,
      key.revokedAtMs,
    );
  }

  revokeKey(keyId: string, atMs: number): KeyRecord {
    this.#sql(
      'UPDATE api_key SET revoked_at = min(coalesce(revoked_at, ?1), ?1) WHERE id = ?2',
    ).run(atMs, keyId);
    const row = this.#sql('SELECT * FROM api_key WHERE id = ?').get(keyId);
    if (row === undefined) {
      throw new GatewayError('not_found', { message: `There is no key ${keyId}.` });
    }
    return readKey(row);
  }

  #newVersion(
    plan: PlanInput,
    as: { readonly version: number; readonly apply: 'now' | 'period_end'; readonly nowMs: number },
  ): PlanRecord {
    compilePlan(plan, as.version);
    this.#insertPlan(plan, as);
    this.#accounts.refreshPlans();
    return { id: plan.id, version: as.version, plan, createdAtMs: as.nowMs };
  }

  #insertPlan(
    plan: PlanInput,
    as: { readonly version: number; readonly apply: 'now' | 'period_end'; readonly nowMs: number },
  ): void {
    this.#sql(
      'INSERT INTO plan_version (plan_id, version, apply, created_at, body) VALUES (?, ?, ?, ?, ?)',
    ).run(plan.id, as.version, as.apply, as.nowMs, JSON.stringify(plan));
  }

  #insertSubscription(
    customerId: string,
    customer: NewCustomer,
    { version, nowMs }: { readonly version: number; readonly nowMs: number },
  ): void {
    const { timezone, cadence, planId, trialDays } = customer;
    const id = this.#ids.next('sub');
    const trialEndMs = trialDays === null ? null : nowMs + trialDays * DAY_MS;
    const anchorLocal =
      customer.anchorLocal === null
        ? wallTimeAt(timezone, trialEndMs ?? nowMs)
        : parseAnchor(customer.anchorLocal, 'anchor');
    this.#sql(
      `INSERT INTO subscription (id, customer_id, status, cadence, timezone, anchor_local, first_seq,
         first_start, trial_end, grace_until, cancel_at, rev)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, NULL, NULL, 1)`,
    ).run(
      id,
      customerId,
      trialEndMs === null ? 'active' : 'trial',
      cadence,
      timezone,
      anchorLocal,
      trialEndMs,
    );
    this.#sql(
      `INSERT INTO sub_phase (sub_id, n, plan_id, plan_version, from_ts, mode, applied)
       VALUES (?, 1, ?, ?, ?, 'keep_used', 1)`,
    ).run(id, planId, version, nowMs);
    if (trialEndMs !== null && customer.anchorLocal === null) {
      // The trial is one period of its own, however long; the paid ones are anchored at its end.
      const endMs = periodBoundaryMs({ anchorLocal, timezone, months: 1 }, 0);
      this.#accounts.writePeriod(id, { id: periodId(id, -1), seq: -1, startMs: nowMs, endMs });
    }
  }

  #schedulePlan(
    subscription: Subscription,
    patch: SubscriptionPatch & { readonly planId: string },
    { period, nowMs }: { readonly period: Period; readonly nowMs: number },
  ): void {
    const version = this.#accounts.versions.get(patch.planId)?.at(-1)?.version;
    if (version === undefined) {
      throw new GatewayError('not_found', {
        message: `There is no plan "${patch.planId}".`,
        param: 'plan',
      });
    }
    this.#sql('DELETE FROM sub_phase WHERE sub_id = ? AND from_ts > ?').run(subscription.id, nowMs);
    const atEnd = patch.at === 'period_end';
    if (!atEnd && patch.mode === 'restart') this.#restart(subscription, period, nowMs);
    this.#accounts.addPhase(subscription, {
      planId: patch.planId,
      planVersion: version,
      fromMs: atEnd ? period.endMs : nowMs,
      mode: atEnd ? 'keep_used' : patch.mode,
      applied: false,
    });
  }

  /** Ends the running period now and anchors the next ones here. */
  #restart(subscription: Subscription, period: Period, nowMs: number): void {
    const anchorLocal = wallTimeAt(subscription.timezone, nowMs);
    this.#accounts.writePeriod(subscription.id, period);
    this.#sql('UPDATE period SET end_ts = ? WHERE id = ?').run(
      Math.max(nowMs, period.startMs + 1),
      period.id,
    );
    this.#sql(
      'UPDATE subscription SET anchor_local = ?, first_seq = ?, first_start = ? WHERE id = ?',
    ).run(anchorLocal, period.seq + 1, nowMs, subscription.id);
  }

  #setStatus(subscription: Subscription, patch: SubscriptionPatch, period: Period): void {
    const { status, at } = patch;
    if (status === undefined) return;
    if (at === 'period_end') {
      if (status !== 'cancelled') {
        throw new GatewayError('invalid_request', {
          message: 'Only "cancelled" can be set for the end of the period.',
          param: 'at',
        });
      }
      this.#sql('UPDATE subscription SET cancel_at = ? WHERE id = ?').run(
        period.endMs,
        subscription.id,
      );
      return;
    }
    this.#sql(
      `UPDATE subscription SET status = ?, cancel_at = NULL,
         trial_end = CASE WHEN ? = 'trial' THEN trial_end ELSE NULL END WHERE id = ?`,
    ).run(status, status, subscription.id);
  }

  #record(customerId: string, nowMs: number): SubscriptionRecord {
    return subscriptionRecord(
      this.#accounts.subscription(customerId),
      this.#accounts.versions,
      nowMs,
    );
  }
}
