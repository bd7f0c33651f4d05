/**
 * Changes to subscriptions: state, plan, trial, cancellation, and the course of the periods. Each runs inside the
 * batch's transaction, under a savepoint of its own.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { checkTimezone, parseAnchor, wallTimeAt } from '../../metering/core/period.ts';
import type { NewCustomer, SubscriptionPatch, SubscriptionRecord } from '../../metering/ports.ts';
import type { RevocableChange } from '../../metering/subscription-port.ts';
import type { Accounts, Unit } from './accounts.ts';
import { PeriodCourse } from './period-course.ts';
import { statementCache } from './statement-cache.ts';
import { checkPatch, endsTrial, stateAfter } from './subscription-rules.ts';
import { subscriptionRecord, termEndMs } from './subscription-view.ts';
import type { Subscription } from './subscriptions.ts';

const DAY_MS = 86_400_000;

export class SubscriptionWriter {
  readonly #accounts: Accounts;
  readonly #course: PeriodCourse;
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync, accounts: Accounts) {
    this.#sql = statementCache(database);
    this.#accounts = accounts;
    this.#course = new PeriodCourse(database);
  }

  /** The subscription of a new customer, on a plan that exists. */
  create(
    ids: { readonly customerId: string; readonly subscriptionId: string },
    customer: NewCustomer,
    at: { readonly version: number; readonly nowMs: number },
  ): void {
    const { timezone, cadence, planId, trialDays } = customer;
    const { nowMs } = at;
    const id = ids.subscriptionId;
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
      ids.customerId,
      trialEndMs === null ? 'active' : 'trial',
      cadence,
      timezone,
      anchorLocal,
      trialEndMs,
    );
    this.#sql(
      `INSERT INTO sub_phase (sub_id, n, plan_id, plan_version, from_ts, mode, applied)
       VALUES (?, 1, ?, ?, ?, 'keep_used', 1)`,
    ).run(id, planId, at.version, nowMs);
    if (trialEndMs === null) return;
    this.#course.beginTrial(
      { id, timezone },
      { startMs: nowMs, seq: -1 },
      { endMs: trialEndMs, anchorLocal },
    );
  }

  /**
   * @throws GatewayError `not_found` for an unknown customer or plan, `invalid_request` naming the member that
   *   contradicts the state, `conflict` where it is too late
   */
  patch(customerId: string, patch: SubscriptionPatch, unit: Unit): SubscriptionRecord {
    const { nowMs } = unit;
    const current = (): Subscription => this.#accounts.subscription(customerId);
    checkPatch(current(), patch, nowMs);
    if (patch.status !== undefined) this.#setStatus(current(), patch, nowMs);
    else if (patch.trialEndMs !== undefined) this.#moveTrialEnd(current(), patch.trialEndMs, nowMs);
    this.#setMoments(current(), patch);
    this.#reshape(current(), patch, nowMs);
    const { planId } = patch;
    if (planId !== undefined) this.#schedulePlan(current(), { ...patch, planId }, nowMs);
    else if (patch.mode === 'restart') this.#restart(current(), nowMs);
    return this.#finish(customerId, unit);
  }

  /** @throws GatewayError `not_found` where none of the kind is scheduled */
  revoke(customerId: string, change: RevocableChange, unit: Unit): SubscriptionRecord {
    const { nowMs } = unit;
    const record = this.record(customerId, nowMs);
    if (!record.scheduled.some((scheduled) => scheduled.change === change)) {
      throw new GatewayError('not_found', {
        message: `No change of the kind "${change}" is scheduled for this subscription.`,
        param: 'change',
      });
    }
    const { id } = record;
    switch (change) {
      case 'plan':
        this.#dropScheduledPlans(id, nowMs);
        break;
      case 'cancel':
        this.#sql('UPDATE subscription SET cancel_at = NULL WHERE id = ?').run(id);
        break;
      case 'activate':
        this.#sql(`UPDATE subscription SET after_trial = 'expire' WHERE id = ?`).run(id);
        break;
      default:
        change satisfies never;
    }
    return this.#finish(customerId, unit);
  }

  record(customerId: string, nowMs: number): SubscriptionRecord {
    return subscriptionRecord(
      this.#accounts.subscription(customerId),
      this.#accounts.versions,
      nowMs,
    );
  }

  #finish(customerId: string, unit: Unit): SubscriptionRecord {
    const { id } = this.#accounts.subscription(customerId);
    this.#sql('UPDATE subscription SET rev = rev + 1 WHERE id = ?').run(id);
    this.#accounts.load(this.#accounts.subscription(customerId), unit);
    return this.record(customerId, unit.nowMs);
  }

  #schedulePlan(
    subscription: Subscription,
    patch: SubscriptionPatch & { readonly planId: string },
    nowMs: number,
  ): void {
    const version = this.#accounts.versions.get(patch.planId)?.at(-1)?.version;
    if (version === undefined) {
      throw new GatewayError('not_found', {
        message: `There is no plan "${patch.planId}".`,
        param: 'plan',
      });
    }
    // The last word on the plan counts: what was scheduled before is off.
    this.#dropScheduledPlans(subscription.id, nowMs);
    const atEnd = patch.at === 'period_end';
    if (!atEnd && patch.mode === 'restart') this.#restart(subscription, nowMs);
    this.#accounts.addPhase(this.#accounts.subscription(subscription.customerId), {
      planId: patch.planId,
      planVersion: version,
      fromMs: atEnd ? termEndMs(subscription, nowMs) : nowMs,
      mode: atEnd ? 'keep_used' : patch.mode,
      applied: false,
    });
  }

  #dropScheduledPlans(subscriptionId: string, nowMs: number): void {
    this.#sql('DELETE FROM sub_phase WHERE sub_id = ? AND from_ts > ?').run(subscriptionId, nowMs);
  }

  #setStatus(subscription: Subscription, patch: SubscriptionPatch, nowMs: number): void {
    const { status, at } = patch;
    const { id } = subscription;
    if (status === undefined) return;
    if (at === 'period_end') {
      if (status === 'cancelled') {
        this.#sql('UPDATE subscription SET cancel_at = ? WHERE id = ?').run(
          termEndMs(subscription, nowMs),
          id,
        );
      } else {
        this.#sql(`UPDATE subscription SET after_trial = 'activate' WHERE id = ?`).run(id);
      }
      return;
    }
    const row = stateAfter(subscription, { ...patch, status }, nowMs);
    this.#sql(
      `UPDATE subscription SET status = ?, trial_end = ?, grace_until = ?, cancel_at = ?,
         after_trial = 'expire' WHERE id = ?`,
    ).run(row.status, row.trialEndMs, row.graceUntilMs, row.cancelAtMs, id);
    if (status === 'trial') this.#enterTrial(subscription, patch, nowMs);
    else if (status === 'active' && endsTrial(subscription, nowMs)) {
      this.#restart(this.#accounts.subscription(subscription.customerId), nowMs);
    }
  }

  #setMoments(subscription: Subscription, patch: SubscriptionPatch): void {
    const { cancelAtMs, graceUntilMs } = patch;
    if (cancelAtMs !== undefined) {
      this.#sql('UPDATE subscription SET cancel_at = ? WHERE id = ?').run(
        cancelAtMs,
        subscription.id,
      );
    }
    if (graceUntilMs !== undefined) {
      this.#sql('UPDATE subscription SET grace_until = ? WHERE id = ?').run(
        graceUntilMs,
        subscription.id,
      );
    }
  }

  /** A trial that begins now gets a period of its own; one that was only interrupted goes on in its period. */
  #enterTrial(before: Subscription, patch: SubscriptionPatch, nowMs: number): void {
    const subscription = this.#accounts.subscription(before.customerId);
    const { trialEndMs } = subscription;
    if (trialEndMs === null) return;
    if (before.trialEndMs !== null && before.trialEndMs > nowMs) {
      if (patch.trialEndMs !== undefined && patch.trialEndMs !== before.trialEndMs) {
        this.#course.moveTrialEnd(subscription, trialEndMs, nowMs);
      }
      return;
    }
    this.#course.beginTrial(subscription, this.#course.cut(subscription, nowMs), {
      endMs: trialEndMs,
      anchorLocal: wallTimeAt(subscription.timezone, trialEndMs),
    });
  }

  /** Cadence at once; anchor and zone from the end of the running period (of the trial) on. */
  #reshape(subscription: Subscription, patch: SubscriptionPatch, nowMs: number): void {
    const { cadence, timezone, anchorLocal } = patch;
    const { id } = subscription;
    if (cadence !== undefined) {
      this.#sql('UPDATE subscription SET cadence = ? WHERE id = ?').run(cadence, id);
    }
    if (timezone !== undefined || anchorLocal !== undefined) {
      const zone = timezone ?? subscription.timezone;
      checkTimezone(zone, 'timezone');
      const anchor = parseAnchor(anchorLocal ?? subscription.anchorLocal, 'anchor');
      this.#course.reshape(subscription, { timezone: zone, anchorLocal: anchor }, nowMs);
    }
    if (cadence !== undefined || timezone !== undefined || anchorLocal !== undefined) {
      this.#moveScheduledPlans(subscription, nowMs);
    }
  }

  #moveTrialEnd(subscription: Subscription, endMs: number, nowMs: number): void {
    this.#sql('UPDATE subscription SET trial_end = ? WHERE id = ?').run(endMs, subscription.id);
    this.#course.moveTrialEnd(subscription, endMs, nowMs);
    this.#moveScheduledPlans(subscription, nowMs);
  }

  #restart(subscription: Subscription, nowMs: number): void {
    this.#course.restart(subscription, nowMs);
    this.#moveScheduledPlans(subscription, nowMs);
  }

  /** A change of plan that waits for the end of the term waits for its new end. */
  #moveScheduledPlans(before: Subscription, nowMs: number): void {
    const subscription = this.#accounts.subscription(before.customerId);
    this.#sql('UPDATE sub_phase SET from_ts = ? WHERE sub_id = ? AND from_ts > ?').run(
      termEndMs(subscription, nowMs),
      subscription.id,
      nowMs,
    );
  }
}
