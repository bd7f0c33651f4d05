/**
 * Changes to plans, customers and keys. Each runs inside the batch's transaction, under a
 * savepoint of its own.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { IdSource } from '../../contracts/ids.ts';
import type { PlanInput } from '../../contracts/metering.ts';
import { checkPlan } from '../../metering/core/check-limits.ts';
import { checkTimezone } from '../../metering/core/period.ts';
import type {
  CustomerRecord,
  KeyRecord,
  NewCustomer,
  PlanRecord,
  SubscriptionRecord,
} from '../../metering/ports.ts';
import { SEED_CUSTOMER, SEED_PLANS } from '../../metering/seed-plans.ts';
import type { Accounts } from './accounts.ts';
import { KEY_ROWS, readKey } from './directory-rows.ts';
import { statementCache } from './statement-cache.ts';
import { SubscriptionWriter } from './subscription-writer.ts';

export class DirectoryWriter {
  readonly subscriptions: SubscriptionWriter;
  readonly #accounts: Accounts;
  readonly #ids: IdSource;
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync, accounts: Accounts, ids: IdSource) {
    this.#sql = statementCache(database);
    this.#accounts = accounts;
    this.#ids = ids;
    this.subscriptions = new SubscriptionWriter(database, accounts);
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
    const subscriptionId = this.#ids.next('sub');
    this.subscriptions.create({ customerId: id, subscriptionId }, customer, { version, nowMs });
    return {
      customer: { id, externalId, name, createdAtMs: nowMs },
      subscription: this.subscriptions.record(id, nowMs),
    };
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
    const row = this.#sql(`${KEY_ROWS} WHERE id = ?`).get(keyId);
    if (row === undefined) {
      throw new GatewayError('not_found', { message: `There is no key ${keyId}.` });
    }
    return readKey(row);
  }

  #newVersion(
    plan: PlanInput,
    as: { readonly version: number; readonly apply: 'now' | 'period_end'; readonly nowMs: number },
  ): PlanRecord {
    checkPlan(plan);
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
}
