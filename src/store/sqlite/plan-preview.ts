/**
 * What a plan would have meant to those who have it, from the hourly rollups. Reads only.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Operation } from '../../contracts/metering.ts';
import { type CompiledPlan, compilePlan } from '../../metering/core/compiled-plan.ts';
import { type Overrides, withOverrides } from '../../metering/core/overrides.ts';
import { comparePlans, type PastHour } from '../../metering/core/plan-preview.ts';
import type { WindowBox, WindowOf } from '../../metering/core/types.ts';
import { HOUR_MS } from '../../metering/core/windows.ts';
import type {
  CustomerPreview,
  PlanPreviewPage,
  PlanPreviewQuestion,
  PlanPreviews,
} from '../../metering/plan-preview-port.ts';
import type { MeterAmounts, UsageColumn } from '../../metering/ports.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { statusAt } from './subscription-view.ts';
import {
  bigint,
  groupVersions,
  integer,
  phaseInForce,
  type PlanVersion,
  type Subscription,
  SubscriptionTables,
  text,
  windowOfSubscription,
} from './subscriptions.ts';
import { readUsedColumns } from './usage-meters.ts';
import { GRAIN } from './usage-subjects.ts';

interface Subscriber {
  readonly customerId: string;
  readonly externalId: string;
}

/** Boxes of hours by zone, which customers of one zone share: to find one in the calendar takes longer than all else. */
class HourBoxes {
  readonly #byZone = new Map<string, Map<number, WindowBox>>();

  /** The same, hours remembered. */
  remembering(windowOf: WindowOf, timezone: string): WindowOf {
    let boxes = this.#byZone.get(timezone);
    if (boxes === undefined) this.#byZone.set(timezone, (boxes = new Map<number, WindowBox>()));
    const known = boxes;
    return (window, atMs) => {
      if (window !== 'hour') return windowOf(window, atMs);
      const box = known.get(atMs) ?? windowOf(window, atMs);
      known.set(atMs, box);
      return box;
    };
  }
}

/** One answer's look at the database, at one moment. */
class Preview {
  readonly #question: PlanPreviewQuestion;
  readonly #nowMs: number;
  readonly #subscriptions: SubscriptionTables;
  readonly #versions: ReadonlyMap<string, readonly PlanVersion[]>;
  readonly #overrides: StatementSync;
  readonly #hours: StatementSync;
  readonly #columns: readonly UsageColumn[];
  readonly #after: CompiledPlan;
  readonly #hourBoxes = new HourBoxes();
  readonly #compiled = new Map<PlanVersion, CompiledPlan>();

  constructor(database: DatabaseSync, question: PlanPreviewQuestion, nowMs: number) {
    this.#question = question;
    this.#nowMs = nowMs;
    this.#subscriptions = new SubscriptionTables(database);
    this.#versions = groupVersions(this.#subscriptions.planVersions());
    this.#overrides = database.prepare(
      'SELECT overrides FROM limit_override WHERE customer_id = ? ORDER BY rev DESC LIMIT 1',
    );
    this.#columns = readUsedColumns(database);
    this.#hours = database.prepare(
      `SELECT ${['h.hour', 's.key_id', 's.operation', 's.model', ...this.#columns.map((column) => `h.${column}`)].join(', ')}
       FROM usage_subject s CROSS JOIN usage_hourly h ON h.subject_id = s.id AND h.hour >= ?2
       WHERE s.grain = ${GRAIN.full} AND s.customer_id = ?1 ORDER BY h.hour`,
    );
    this.#after = compilePlan(question.plan, 1);
  }

  /** Null for who is not to be judged: another plan's, or one whose subscription has ended. */
  of({ customerId, externalId }: Subscriber): CustomerPreview | null {
    const subscription = this.#subscriptions.ofCustomer(customerId);
    if (subscription === null) return null;
    if (['cancelled', 'expired'].includes(statusAt(subscription, this.#nowMs))) return null;
    const version = this.#versionOf(subscription);
    const { customerId: named, plan, fromMs } = this.#question;
    if (version === null || (named === null && version.id !== plan.id)) return null;
    const overrides = this.#overridesOf(customerId);
    const now = withOverrides(this.#compile(version), overrides, this.#nowMs);
    const after = withOverrides(this.#after, overrides, this.#nowMs);
    const windowOf = this.#hourBoxes.remembering(
      windowOfSubscription(subscription, () => undefined),
      subscription.timezone,
    );
    const hours = this.#hoursOf(customerId, this.#firstHourMs(windowOf, [now, after]));
    return {
      customerId,
      externalId,
      plan: { id: version.id, version: version.version },
      ...comparePlans({ now, after }, hours, { windowOf, fromMs }),
    };
  }

  #versionOf(subscription: Subscription): PlanVersion | null {
    const phase = subscription.phases.findLast(({ fromMs }) => fromMs <= this.#nowMs);
    const versions = this.#versions.get(phase?.planId ?? '') ?? [];
    const number = phaseInForce(subscription, versions, this.#nowMs)?.version;
    return versions.find(({ version }) => version === number) ?? null;
  }

  #compile(version: PlanVersion): CompiledPlan {
    let plan = this.#compiled.get(version);
    if (plan === undefined) {
      plan = compilePlan(version.plan, version.version);
      this.#compiled.set(version, plan);
    }
    return plan;
  }

  #overridesOf(customerId: string): Overrides {
    const row = this.#overrides.get(customerId);
    return row === undefined ? {} : (JSON.parse(text(row, 'overrides')) as Overrides);
  }

  /** Whole boxes: from the start of those that run at the beginning; from the first use for a lifetime. */
  #firstHourMs(windowOf: WindowOf, plans: readonly CompiledPlan[]): number {
    if (plans.some(({ limits }) => limits.some(({ window }) => window === 'lifetime'))) return 0;
    const { fromMs } = this.#question;
    const starts = (['period', 'week'] as const).map((unit) => windowOf(unit, fromMs).startMs);
    return Math.floor(Math.min(fromMs, ...starts) / HOUR_MS) * HOUR_MS;
  }

  #hoursOf(customerId: string, fromMs: number): readonly PastHour[] {
    if (this.#columns.length === 0) return [];
    return this.#hours.all(customerId, fromMs).map((row) => ({
      hourMs: integer(row, 'hour'),
      keyId: text(row, 'key_id'),
      operation: text(row, 'operation') as Operation,
      model: text(row, 'model'),
      amounts: Object.fromEntries(
        this.#columns.map((column) => [column, bigint(row, column)]),
      ) as MeterAmounts,
    }));
  }
}

/** Candidates after the cursor in the order of their ids, one more than the page has. */
function candidatesOf(
  database: DatabaseSync,
  { plan, customerId, cursor, limit }: PlanPreviewQuestion,
): readonly Subscriber[] {
  const rows =
    customerId === null
      ? database
          .prepare(
            `SELECT id, external_id FROM customer WHERE id > ?1 AND id IN (
               SELECT s.customer_id FROM sub_phase p JOIN subscription s ON s.id = p.sub_id WHERE p.plan_id = ?2)
             ORDER BY id LIMIT ?3`,
          )
          .all(cursor ?? '', plan.id, limit + 1)
      : database.prepare('SELECT id, external_id FROM customer WHERE id = ?').all(customerId);
  return rows.map((row) => ({
    customerId: text(row, 'id'),
    externalId: text(row, 'external_id'),
  }));
}

function isOtherwise({ breaches, relieved, models }: CustomerPreview): boolean {
  return breaches.length + relieved.length + models.length > 0;
}

/** @throws GatewayError `invalid_request` naming a limit's path */
export function previewPlan(
  database: DatabaseSync,
  question: PlanPreviewQuestion,
  nowMs: number,
): PlanPreviewPage {
  database.exec('BEGIN');
  try {
    const preview = new Preview(database, question, nowMs);
    const candidates = candidatesOf(database, question);
    const page = candidates.slice(0, question.limit);
    const judged = page.map((one) => preview.of(one)).filter((one) => one !== null);
    return {
      judged: judged.length,
      data: judged.filter(isOtherwise),
      nextCursor: candidates.length > page.length ? (page.at(-1)?.customerId ?? null) : null,
      asOfMs: nowMs,
    };
  } finally {
    database.exec('COMMIT');
  }
}

export function planPreviewQueries(database: DatabaseSync): QueryTable {
  return {
    previewPlan: ([question, nowMs]) =>
      previewPlan(database, question as PlanPreviewQuestion, nowMs as number),
  };
}

export function planPreviewsOver(
  readers: Pick<ReaderLink, 'ask'>,
  now: () => number,
): PlanPreviews {
  return { preview: (question) => readers.ask('previewPlan', [question, now()]) };
}
