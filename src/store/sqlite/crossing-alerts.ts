/**
 * Turns thresholds that the engine saw passed into alerts, in the transaction of the booking that passed them.
 *
 * An alert fires once a box of a limit and threshold. It recovers, and may fire again, when use is below the share
 * again: more was granted (a larger plan, an override), or a correction gave use back.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { IdSource } from '../../contracts/ids.ts';
import { METERS } from '../../contracts/metering.ts';
import type { AlertSeverity, LimitStanding } from '../../metering/alerts-port.ts';
import type { Applied, ThresholdCrossing } from '../../metering/core/types.ts';
import { limitStanding } from '../../metering/limit-standing.ts';
import { AlertTables } from './alert-tables.ts';
import { statementCache } from './statement-cache.ts';
import { bigint, integer, nullableInteger, nullableText, text } from './subscriptions.ts';

type Box = Pick<ThresholdCrossing, 'ownerId' | 'limitId' | 'windowId'>;

function boxKey({ ownerId, limitId, windowId }: Box): string {
  return `${ownerId}|${limitId}|${windowId}`;
}

const CLIENT_TOKEN = 'agt_';

function isCustomer(id: string): boolean {
  return id.startsWith('cus_');
}

function belongsTo(crossing: ThresholdCrossing, first: ThresholdCrossing): boolean {
  return crossing.direction === first.direction && boxKey(crossing) === boxKey(first);
}

function alertKey(crossing: ThresholdCrossing): string {
  return `threshold:${boxKey(crossing)}:${crossing.threshold}`;
}

/**
 * The crossings of an operation, those of a client token under its customer: a token is kept nowhere, but the
 * settlement that passed its threshold names who called.
 */
export function namedCrossings({
  crossings,
  journal,
}: Applied<unknown>): readonly ThresholdCrossing[] {
  return crossings.map((crossing) => {
    if (!crossing.ownerId.startsWith(CLIENT_TOKEN)) return crossing;
    const entry = journal.find(({ customerId }) => isCustomer(customerId));
    return entry === undefined ? crossing : { ...crossing, customerId: entry.customerId };
  });
}

function severityOf(threshold: number): AlertSeverity {
  if (threshold >= 100) return 'critical';
  return threshold >= 90 ? 'warning' : 'info';
}

interface BoxStanding {
  readonly standing: LimitStanding;
  readonly endMs: number | null;
}

export class CrossingAlerts {
  readonly #alerts: AlertTables;
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync, ids: IdSource) {
    this.#alerts = new AlertTables(database, ids);
    this.#sql = statementCache(database);
  }

  /** Called once the bucket rows of the batch are written. */
  note(crossings: readonly ThresholdCrossing[]): void {
    let run: ThresholdCrossing[] = [];
    for (const crossing of crossings) {
      const [first] = run;
      // In their order: what recovers and is passed anew in one batch stands at its end.
      if (first !== undefined && !belongsTo(crossing, first)) {
        this.#noteRun(run);
        run = [];
      }
      run.push(crossing);
    }
    this.#noteRun(run);
  }

  /** Crossings of one box in one direction. */
  #noteRun(run: readonly ThresholdCrossing[]): void {
    if (run[0]?.direction === 'recovered') this.#recovered(run);
    else for (const crossing of run) this.#crossed(crossing);
  }

  #crossed(crossing: ThresholdCrossing): void {
    const box = this.#standing(crossing);
    if (box === null) return;
    const { threshold, atMs } = crossing;
    this.#alerts.raise({
      kind: 'threshold',
      severity: severityOf(threshold),
      customerId: this.#customerOf(crossing),
      key: alertKey(crossing),
      atMs,
      endsAtMs: box.endMs,
      data: { ...box.standing, threshold },
    });
  }

  #recovered(crossings: readonly ThresholdCrossing[]): void {
    const [first] = crossings;
    if (first === undefined) return;
    this.#alerts.recover({
      customerId: this.#customerOf(first),
      keys: crossings.map(alertKey),
      standing: this.#standing(first)?.standing ?? null,
      thresholds: crossings.map(({ threshold }) => threshold),
      atMs: first.atMs,
    });
  }

  /** Whose counter it is; null for one of a service key, the deployment or a provider, which is nobody's. */
  #customerOf({ customerId }: ThresholdCrossing): string | null {
    if (isCustomer(customerId)) return customerId;
    const row = this.#sql('SELECT customer_id FROM api_key WHERE id = ?').get(customerId);
    return row === undefined ? null : nullableText(row, 'customer_id');
  }

  /** The box as its rows have it; overage grants nothing that a percentage counts. */
  #standing({ ownerId, limitId, windowId }: Box): BoxStanding | null {
    const row = this.#sql(
      `SELECT meter, min(effective_at) AS start_at, max(expires_at) AS end_at,
         sum(CASE WHEN source_key LIKE 'overage%' THEN 0 ELSE granted - expired END) AS size,
         sum(spent + overrun) AS used, sum(held) AS held
       FROM bucket WHERE owner_id = ? AND limit_id = ? AND window_id = ? GROUP BY meter`,
    ).get(ownerId, limitId, windowId);
    if (row === undefined) return null;
    const meter = METERS.find((known) => known === text(row, 'meter')) ?? 'requests';
    const endMs = nullableInteger(row, 'end_at');
    const standing = limitStanding({
      ownerId,
      limitId,
      meter,
      startMs: integer(row, 'start_at'),
      endMs,
      limit: bigint(row, 'size'),
      used: bigint(row, 'used'),
      held: bigint(row, 'held'),
    });
    return { standing, endMs };
  }
}
