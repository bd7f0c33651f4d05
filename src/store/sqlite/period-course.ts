/**
 * The course of a subscription's periods: where the running one ends and what follows it.
 *
 * A period that has begun keeps its start for ever, and its end unless it is cut short; whatever else changes the
 * course (another anchor, zone or trial end) does so from the end of the running period on. So the periods tile, and
 * what was granted in one stays there.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { periodsFrom, wallTimeAt } from '../../metering/core/period.ts';
import { statementCache } from './statement-cache.ts';
import { onTrial } from './subscription-view.ts';
import { type Period, periodId, periodOf, type Subscription } from './subscriptions.ts';

/** Where a period begins. */
interface PeriodBegin {
  readonly startMs: number;
  readonly seq: number;
}

type Owner = Pick<Subscription, 'id' | 'timezone'>;

/** The subscription as if no later period had been set. */
function withoutLater(subscription: Subscription, nowMs: number): Subscription {
  const periods = subscription.periods.filter((period) => period.startMs <= nowMs);
  return { ...subscription, periods };
}

export class PeriodCourse {
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync) {
    this.#sql = statementCache(database);
  }

  /** A trial is one period, however long; the paid ones begin at its end. */
  beginTrial(
    owner: Owner,
    from: PeriodBegin,
    trial: { readonly endMs: number; readonly anchorLocal: string },
  ): void {
    this.#freeze(owner.id, { ...from, endMs: trial.endMs });
    this.#follow(owner, trial.anchorLocal, { startMs: trial.endMs, seq: from.seq + 1 });
  }

  /** Ends the running period now. Returns where the next begins: a millisecond later where the running one is new. */
  cut(subscription: Subscription, nowMs: number): PeriodBegin {
    this.#dropLater(subscription.id, nowMs);
    const running = periodOf(withoutLater(subscription, nowMs), nowMs);
    const startMs = Math.max(nowMs, running.startMs + 1);
    this.#freeze(subscription.id, running);
    this.#end(running, startMs);
    return { startMs, seq: running.seq + 1 };
  }

  /**
   * Ends the running period now and begins another: anchored here, or, in a trial, of the trial's rest with the paid
   * periods where they were.
   */
  restart(subscription: Subscription, nowMs: number): void {
    const next = this.cut(subscription, nowMs);
    const { trialEndMs, anchorLocal, timezone } = subscription;
    if (trialEndMs !== null && onTrial(subscription, nowMs)) {
      this.beginTrial(subscription, next, { endMs: trialEndMs, anchorLocal });
    } else {
      this.#follow(subscription, wallTimeAt(timezone, nowMs), next);
    }
  }

  /** A trial ends earlier by a cut of its period, and later by a further period; the paid ones are anchored there. */
  moveTrialEnd(subscription: Subscription, endMs: number, nowMs: number): void {
    const { id, timezone } = subscription;
    this.#dropLater(id, nowMs);
    const running = periodOf(withoutLater(subscription, nowMs), nowMs);
    this.#freeze(id, running);
    let seq = running.seq + 1;
    if (endMs > running.endMs) {
      this.#freeze(id, { seq, startMs: running.endMs, endMs });
      seq += 1;
    } else {
      this.#end(running, endMs);
    }
    this.#follow(subscription, wallTimeAt(timezone, endMs), { startMs: endMs, seq });
  }

  /** Another anchor or zone from the end of the running period (of the trial) on. */
  reshape(
    subscription: Subscription,
    shape: { readonly timezone: string; readonly anchorLocal: string },
    nowMs: number,
  ): void {
    const { id } = subscription;
    const { timezone, anchorLocal } = shape;
    this.#sql('UPDATE subscription SET timezone = ? WHERE id = ?').run(timezone, id);
    let last: Period;
    if (onTrial(subscription, nowMs)) {
      last = periodOf(subscription, subscription.trialEndMs - 1);
      this.#dropLater(id, last.startMs);
    } else {
      last = periodOf(withoutLater(subscription, nowMs), nowMs);
      this.#dropLater(id, nowMs);
    }
    this.#freeze(id, last);
    this.#follow({ id, timezone }, anchorLocal, { startMs: last.endMs, seq: last.seq + 1 });
  }

  #follow(owner: Owner, anchorLocal: string, from: PeriodBegin): void {
    const { id, timezone } = owner;
    const { firstSeq, firstStartMs, first } = periodsFrom({ anchorLocal, timezone }, from);
    if (first !== null) this.#freeze(id, first);
    this.#sql(
      'UPDATE subscription SET anchor_local = ?, first_seq = ?, first_start = ? WHERE id = ?',
    ).run(anchorLocal, firstSeq, firstStartMs, id);
  }

  #freeze(subscriptionId: string, period: PeriodBegin & { readonly endMs: number }): void {
    const { seq, startMs, endMs } = period;
    this.#sql(
      'INSERT INTO period (id, sub_id, seq, start_ts, end_ts) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ).run(periodId(subscriptionId, seq), subscriptionId, seq, startMs, endMs);
  }

  #end(period: Period, endMs: number): void {
    this.#sql('UPDATE period SET end_ts = ? WHERE id = ?').run(endMs, period.id);
  }

  #dropLater(subscriptionId: string, nowMs: number): void {
    this.#sql('DELETE FROM period WHERE sub_id = ? AND start_ts > ?').run(subscriptionId, nowMs);
  }
}
