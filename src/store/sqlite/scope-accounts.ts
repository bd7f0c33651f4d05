/**
 * Accounts beside those of customers: of keys with limits of their own, of client tokens with a bound of theirs, and
 * of the whole deployment. They are brought into the engine's memory when a call first needs them.
 *
 * A call that needs none of them costs two look-ups in memory.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LimitInput } from '../../contracts/metering.ts';
import { formatUsd } from '../../contracts/money.ts';
import {
  compileDeploymentLimits,
  type CompiledPlan,
  compileOwnLimits,
  DEPLOYMENT_ACCOUNT,
} from '../../metering/core/compiled-plan.ts';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { AccountInput } from '../../metering/core/types.ts';
import type { TokenClaim } from '../../metering/ports.ts';
import type { Accounts, Unit } from './accounts.ts';
import { integer, nullableText, text } from './subscriptions.ts';
import { utcWindows } from './utc-windows.ts';

/** Id of the limit that a client token's `max_spend_usd` makes. */
export const MAX_SPEND_LIMIT = 'max_spend_usd';

/** Under whom a call is made. */
export interface CallScope {
  readonly customerId: string;
  readonly keyId: string;
  readonly token?: TokenClaim | null | undefined;
}

interface KeyLimits {
  /** Null for a service key: its windows are UTC's, since it calls for many customers. */
  readonly customerId: string | null;
  readonly plan: CompiledPlan;
}

/** The account that a bucket's owner belongs to, off the bucket's id. */
function accountOfBucket(bucketId: string): string {
  return /^[^|#]*/.exec(bucketId)?.[0] ?? '';
}

function compileKey(keyId: string, limits: readonly LimitInput[], rev: number): CompiledPlan {
  return compileOwnLimits({ id: keyId, type: 'key' }, limits, rev);
}

export class ScopeAccounts {
  readonly #engine: MeteringEngine;
  readonly #accounts: Accounts;
  readonly #keyLimits: StatementSync;
  readonly #insert: StatementSync;
  readonly #customerOfKey: StatementSync;
  /** Keys that have limits. */
  readonly #keys = new Map<string, KeyLimits>();
  readonly #keysOfCustomer = new Map<string, Set<string>>();
  /** Keys whose customer's calendar may have changed. */
  readonly #doubtful = new Set<string>();
  /** Keys whose limits the batch under way has changed. */
  readonly #changed = new Set<string>();
  readonly #deployment: CompiledPlan | null;

  constructor(
    database: DatabaseSync,
    parts: {
      readonly engine: MeteringEngine;
      readonly accounts: Accounts;
      readonly deploymentLimits: readonly LimitInput[];
    },
  ) {
    this.#engine = parts.engine;
    this.#accounts = parts.accounts;
    const { deploymentLimits } = parts;
    this.#deployment =
      deploymentLimits.length === 0 ? null : compileDeploymentLimits(deploymentLimits);
    this.#keyLimits = database.prepare(
      'SELECT * FROM key_limit WHERE key_id = ? ORDER BY rev DESC LIMIT 1',
    );
    this.#insert = database.prepare(
      'INSERT INTO key_limit (key_id, rev, created_at, limits) VALUES (?, ?, ?, ?)',
    );
    this.#customerOfKey = database.prepare('SELECT customer_id FROM api_key WHERE id = ?');
    const limited = database.prepare('SELECT DISTINCT key_id FROM key_limit').all();
    for (const row of limited) this.#refreshKey(text(row, 'key_id'));
    this.#accounts.listen({
      loaded: (customerId) => {
        for (const keyId of this.#keysOfCustomer.get(customerId) ?? []) this.#doubtful.add(keyId);
      },
      batchEnded: (failed) => {
        if (failed) for (const keyId of this.#changed) this.#refreshKey(keyId);
        if (this.#changed.size > 0) this.#changed.clear();
      },
    });
  }

  /** Reads a key's limits anew: after a change, and after one that was taken back. */
  #refreshKey(keyId: string): void {
    const row = this.#keyLimits.get(keyId);
    const limits = row === undefined ? [] : (JSON.parse(text(row, 'limits')) as LimitInput[]);
    this.#doubtful.add(keyId);
    if (row === undefined || limits.length === 0) {
      this.#keys.delete(keyId);
      return;
    }
    const customerId = this.#customerOf(keyId);
    this.#keys.set(keyId, { customerId, plan: compileKey(keyId, limits, integer(row, 'rev')) });
    if (customerId === null) return;
    const ofCustomer = this.#keysOfCustomer.get(customerId) ?? new Set();
    this.#keysOfCustomer.set(customerId, ofCustomer.add(keyId));
  }

  /**
   * Gives a key other limits; none for an empty list. What a limit gained is granted at once, what it lost expires as
   * far as it is free.
   *
   * @throws GatewayError `invalid_request` naming the limit's path
   */
  setKeyLimits(keyId: string, limits: readonly LimitInput[], unit: Unit): void {
    const last = this.#keyLimits.get(keyId);
    if (last === undefined && limits.length === 0) return;
    const rev = (last === undefined ? 0 : integer(last, 'rev')) + 1;
    const plan = compileKey(keyId, limits, rev);
    const key = this.#keys.get(keyId) ?? { customerId: this.#customerOf(keyId), plan };
    // Its counters are there before they change, also those of limits that it had before.
    this.#load(this.#keyAccount(keyId, key, unit.nowMs), unit);
    this.#insert.run(keyId, rev, unit.nowMs, JSON.stringify(limits));
    this.#changed.add(keyId);
    this.#refreshKey(keyId);
    const account = this.#keyAccount(keyId, { ...key, plan }, unit.nowMs);
    const note = {
      eventId: `limits:${keyId}:${rev}`,
      body: { limits: JSON.stringify(limits) },
    };
    unit.keep(this.#engine.changePlan(account, unit.nowMs, note));
  }

  /** Makes sure that the engine knows what binds the call beside its customer's plan. */
  ensure(call: CallScope, unit: Unit): void {
    if (this.#keys.has(call.keyId)) this.#ensureKey(call.keyId, unit);
    const { token } = call;
    if (token !== undefined && token !== null) this.#ensureToken(token, unit);
    if (this.#deployment !== null) this.#ensureDeployment(unit);
  }

  /** Makes sure that the accounts of a stored hold's buckets are there, also those whose limits are gone. */
  ensureForBuckets(
    bucketIds: Iterable<string>,
    scope: Omit<CallScope, 'customerId'>,
    unit: Unit,
  ): void {
    this.ensure({ ...scope, customerId: '' }, unit);
    for (const bucketId of bucketIds) {
      const accountId = accountOfBucket(bucketId);
      if (this.#engine.hasAccount(accountId, 0)) continue;
      if (accountId.startsWith('cus_')) this.#accounts.ensure(accountId, unit);
      else this.#load({ ...this.#shared(accountId), plan: compileKey(accountId, [], 1) }, unit);
    }
  }

  /** At start: the deployment's counters are brought to what the settings say now. */
  applyDeployment(unit: Unit): void {
    if (this.#deployment === null) return;
    const account = { ...this.#shared(DEPLOYMENT_ACCOUNT), plan: this.#deployment };
    this.#load(account, unit);
    unit.keep(this.#engine.changePlan(account, unit.nowMs));
  }

  #ensureKey(keyId: string, unit: Unit): void {
    if (this.#engine.hasAccount(keyId, unit.nowMs) && !this.#doubtful.has(keyId)) return;
    const key = this.#keys.get(keyId);
    if (key === undefined) return;
    this.#load(this.#keyAccount(keyId, key, unit.nowMs), unit);
    this.#doubtful.delete(keyId);
  }

  #ensureToken(token: TokenClaim, unit: Unit): void {
    const { id, maxSpendNanoUsd, expiresAtMs } = token;
    if (maxSpendNanoUsd === null || this.#engine.hasAccount(id, unit.nowMs)) return;
    const limits: LimitInput[] = [
      {
        id: MAX_SPEND_LIMIT,
        meter: 'cost_usd',
        window: 'lifetime',
        amount: formatUsd(maxSpendNanoUsd),
      },
    ];
    const plan = compileOwnLimits({ id, type: 'client_token' }, limits, 1);
    this.#load({ ...this.#shared(id), plan, lifetimeEndMs: expiresAtMs }, unit);
  }

  #ensureDeployment(unit: Unit): void {
    if (this.#deployment === null || this.#engine.hasAccount(DEPLOYMENT_ACCOUNT, unit.nowMs))
      return;
    this.#load({ ...this.#shared(DEPLOYMENT_ACCOUNT), plan: this.#deployment }, unit);
  }

  #customerOf(keyId: string): string | null {
    const key = this.#customerOfKey.get(keyId);
    return key === undefined ? null : nullableText(key, 'customer_id');
  }

  #load(account: AccountInput, unit: Unit): void {
    this.#engine.loadAccount(account);
    this.#accounts.loadBuckets(account, unit.nowMs);
  }

  #keyAccount(keyId: string, key: KeyLimits, nowMs: number): AccountInput {
    const shared = { ...this.#shared(keyId), plan: key.plan };
    if (key.customerId === null) return shared;
    return { ...shared, ...this.#accounts.calendarOf(key.customerId, nowMs) };
  }

  #shared(customerId: string): Omit<AccountInput, 'plan'> {
    return { customerId, subscription: null, windowOf: utcWindows, phases: [], staleAtMs: null };
  }
}
