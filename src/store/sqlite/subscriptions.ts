/**
 * What the subscription tables say at a given moment: the plan version in force, the period, the window
 * boxes. Reads only; the same code serves the writer and the reader.
 *
 * Nothing is ever switched by a job: a plan version, a scheduled change and a period are found by looking
 * at the clock when the subscription is next used.
 *
 * @module
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { type PlanInput, SUBSCRIPTION_STATUSES } from '../../contracts/metering.ts';
import { periodAt } from '../../metering/core/period.ts';
import type { WindowBox, WindowOf } from '../../metering/core/types.ts';
import { calendarSpanAt } from '../../metering/core/windows.ts';
import type { PlanRecord, SubscriptionPatch, SubscriptionRecord } from '../../metering/ports.ts';

export type SqlRow = Record<string, SQLOutputValue>;

/** A plan version with how it came into force. */
export interface PlanVersion extends PlanRecord {
  readonly apply: 'now' | 'period_end';
}

export interface Phase {
  readonly n: number;
  readonly planId: string;
  readonly planVersion: number;
  readonly fromMs: number;
  readonly mode: SubscriptionPatch['mode'];
  /** False for a change that the ledger has not been told of yet. */
  readonly applied: boolean;
}

export interface Period {
  readonly id: string;
  readonly seq: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Subscription {
  readonly id: string;
  readonly customerId: string;
  readonly status: SubscriptionRecord['status'];
  readonly cadence: 'month' | 'year';
  readonly timezone: string;
  readonly anchorLocal: string;
  /** Sequence number of the period that starts at the anchor. */
  readonly firstSeq: number;
  /** Nothing before this moment belongs to this anchor. */
  readonly firstStartMs: number;
  readonly trialEndMs: number | null;
  readonly graceUntilMs: number | null;
  readonly cancelAtMs: number | null;
  /** What becomes of a trial at its end: it needs a payment, or is known to go on as a paid subscription. */
  readonly afterTrial: 'expire' | 'activate';
  readonly rev: number;
  /** In the order in which they begin. */
  readonly phases: readonly Phase[];
  /** Periods that have been used, newest first; their instants stay as they were frozen. */
  readonly periods: readonly Period[];
}

/** Months of one metering period: also a yearly subscription is metered by the month (alwrity.md §1.1). */
const PERIOD_MONTHS = 1;
const PERIODS_KEPT = 16;

export function text(row: SqlRow, column: string): string {
  return String(row[column]);
}

export function nullableText(row: SqlRow, column: string): string | null {
  const value = row[column];
  return value === null || value === undefined ? null : String(value);
}

export function integer(row: SqlRow, column: string): number {
  return Number(row[column]);
}

export function nullableInteger(row: SqlRow, column: string): number | null {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
}

export function bigint(row: SqlRow, column: string): bigint {
  return BigInt(row[column] as bigint | number);
}

function readStatus(row: SqlRow): SubscriptionRecord['status'] {
  const status = text(row, 'status');
  return SUBSCRIPTION_STATUSES.find((known) => known === status) ?? 'expired';
}

function readPhase(row: SqlRow): Phase {
  const mode = text(row, 'mode');
  return {
    n: integer(row, 'n'),
    planId: text(row, 'plan_id'),
    planVersion: integer(row, 'plan_version'),
    fromMs: integer(row, 'from_ts'),
    mode: mode === 'prorate' || mode === 'restart' ? mode : 'keep_used',
    applied: integer(row, 'applied') === 1,
  };
}

/** Prepared look-ups of one connection. */
export class SubscriptionTables {
  readonly #subscription: StatementSync;
  readonly #phases: StatementSync;
  readonly #periods: StatementSync;
  readonly #plans: StatementSync;

  constructor(database: DatabaseSync) {
    this.#subscription = database.prepare('SELECT * FROM subscription WHERE customer_id = ?');
    this.#phases = database.prepare('SELECT * FROM sub_phase WHERE sub_id = ? ORDER BY from_ts, n');
    this.#periods = database.prepare(
      'SELECT * FROM period WHERE sub_id = ? ORDER BY seq DESC LIMIT ?',
    );
    this.#plans = database.prepare('SELECT * FROM plan_version ORDER BY rowid');
  }

  ofCustomer(customerId: string): Subscription | null {
    const row = this.#subscription.get(customerId);
    if (row === undefined) return null;
    const id = text(row, 'id');
    return {
      id,
      customerId,
      status: readStatus(row),
      cadence: text(row, 'cadence') === 'year' ? 'year' : 'month',
      timezone: text(row, 'timezone'),
      anchorLocal: text(row, 'anchor_local'),
      firstSeq: integer(row, 'first_seq'),
      firstStartMs: integer(row, 'first_start'),
      trialEndMs: nullableInteger(row, 'trial_end'),
      graceUntilMs: nullableInteger(row, 'grace_until'),
      cancelAtMs: nullableInteger(row, 'cancel_at'),
      afterTrial: text(row, 'after_trial') === 'activate' ? 'activate' : 'expire',
      rev: integer(row, 'rev'),
      phases: this.#phases.all(id).map(readPhase),
      periods: this.#periods.all(id, PERIODS_KEPT).map((period) => ({
        id: text(period, 'id'),
        seq: integer(period, 'seq'),
        startMs: integer(period, 'start_ts'),
        endMs: integer(period, 'end_ts'),
      })),
    };
  }

  /** Every version of every plan. */
  planVersions(): readonly PlanVersion[] {
    return this.#plans.all().map((row) => ({
      id: text(row, 'plan_id'),
      version: integer(row, 'version'),
      plan: JSON.parse(text(row, 'body')) as PlanInput,
      createdAtMs: integer(row, 'created_at'),
      apply: text(row, 'apply') === 'now' ? 'now' : 'period_end',
    }));
  }
}

/** Id of a period: derived, so that whoever computes it first gets the same. */
export function periodId(subscriptionId: string, seq: number): string {
  return `per_${subscriptionId.slice(subscriptionId.indexOf('_') + 1)}.${seq}`;
}

/** The period that holds `atMs`: as frozen, else as the anchor yields it. */
export function periodOf(subscription: Subscription, atMs: number): Period {
  for (const period of subscription.periods) {
    if (atMs >= period.startMs && atMs < period.endMs) return period;
  }
  const span = periodAt(
    {
      anchorLocal: subscription.anchorLocal,
      timezone: subscription.timezone,
      months: PERIOD_MONTHS,
    },
    atMs,
  );
  // A frozen neighbour may differ from today's time-zone data: the computed period gives way to it.
  let { startMs, endMs } = span;
  for (const period of subscription.periods) {
    if (period.endMs > startMs && period.endMs <= atMs) startMs = period.endMs;
    if (period.startMs < endMs && period.startMs > atMs) endMs = period.startMs;
  }
  if (startMs < subscription.firstStartMs && subscription.firstStartMs <= atMs) {
    startMs = subscription.firstStartMs;
  }
  const seq = subscription.firstSeq + span.seq;
  return { id: periodId(subscription.id, seq), seq, startMs, endMs };
}

/** The boxes of the calendar windows of a subscription. */
export function windowOfSubscription(
  subscription: Subscription,
  onPeriod: (period: Period) => void,
): WindowOf {
  return (window, nowMs): WindowBox => {
    if (window === 'period') {
      const period = periodOf(subscription, nowMs);
      onPeriod(period);
      return { id: period.id, startMs: period.startMs, endMs: period.endMs };
    }
    const span = calendarSpanAt(window, subscription.timezone, nowMs);
    return { id: String(span.startMs), startMs: span.startMs, endMs: span.endMs };
  };
}

/** The phase that runs at `atMs`, and the plan version that its plan has reached by then. */
export function phaseInForce(
  subscription: Subscription,
  versions: readonly PlanVersion[],
  atMs: number,
): { readonly phase: Phase; readonly version: number } | null {
  const phase =
    subscription.phases.findLast((candidate) => candidate.fromMs <= atMs) ?? subscription.phases[0];
  if (phase === undefined) return null;
  const periodStartMs = periodOf(subscription, atMs).startMs;
  let version = phase.planVersion;
  for (const candidate of versions) {
    const reachedMs = candidate.apply === 'now' ? atMs : periodStartMs;
    if (candidate.createdAtMs <= reachedMs && candidate.version > version) {
      version = candidate.version;
    }
  }
  return { phase, version };
}

/** Earlier plans of the current period that count pro rata, oldest first. */
export function proratedPhases(
  subscription: Subscription,
  atMs: number,
): readonly { readonly phase: Phase; readonly untilMs: number }[] {
  const { startMs } = periodOf(subscription, atMs);
  const past = subscription.phases.filter((phase) => phase.fromMs <= atMs);
  const found: { readonly phase: Phase; readonly untilMs: number }[] = [];
  for (let index = past.length - 1; index > 0; index -= 1) {
    const later = past[index];
    const earlier = past[index - 1];
    if (later === undefined || earlier === undefined) break;
    if (later.mode !== 'prorate' || later.fromMs <= startMs) break;
    found.unshift({ phase: earlier, untilMs: later.fromMs });
  }
  return found;
}

/** When what was loaded must be looked at again: a period ends or a scheduled change begins. */
export function staleAtMs(subscription: Subscription, atMs: number): number {
  let earliestMs = periodOf(subscription, atMs).endMs;
  for (const phase of subscription.phases) {
    if (phase.fromMs > atMs && phase.fromMs < earliestMs) earliestMs = phase.fromMs;
  }
  return earliestMs;
}

/** Versions by plan id, ascending. */
export function groupVersions(
  versions: readonly PlanVersion[],
): Map<string, readonly PlanVersion[]> {
  const grouped = new Map<string, PlanVersion[]>();
  for (const version of versions) {
    const list = grouped.get(version.id);
    if (list === undefined) grouped.set(version.id, [version]);
    else list.push(version);
  }
  return grouped;
}
