/**
 * Reads of alerts, deliveries and webhooks, and the figures that the hourly rules judge.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { METERS } from '../../contracts/metering.ts';
import type {
  AlertKind,
  AlertQuery,
  AlertRecord,
  AlertState,
  DeliveryQuery,
  DeliveryRecord,
  PeriodUse,
  SpendHistory,
  WebhookRecord,
} from '../../metering/alerts-port.ts';
import type { Page, PageQuery } from '../../metering/ports.ts';
import { ALERT_SELECT, readAlert, readDelivery, readWebhook } from './alert-rows.ts';
import { numberCursor, pageOf, pageSize, placeCursor } from './paging.ts';
import type { QueryTable } from './reader-queries.ts';
import { statementCache } from './statement-cache.ts';
import { bigint, integer, nullableText, type SqlRow, text } from './subscriptions.ts';

/** As `alertStateOf` has it; `:now` is the moment that counts. */
const STATE_CONDITIONS: Readonly<Record<AlertState, string>> = {
  recovered: 'recovered_at IS NOT NULL',
  acknowledged: 'recovered_at IS NULL AND acknowledged_at IS NOT NULL',
  past: 'recovered_at IS NULL AND acknowledged_at IS NULL AND ends_at <= :now',
  open: 'recovered_at IS NULL AND acknowledged_at IS NULL AND (ends_at IS NULL OR ends_at > :now)',
};

const seqOf = (row: SqlRow): string => text(row, 'seq');

class AlertsReader {
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync) {
    this.#sql = statementCache(database);
  }

  list(query: AlertQuery): Page<AlertRecord> {
    const limit = pageSize(query);
    const conditions = ['alert.seq < :before'];
    const values: Record<string, string | number> = {
      before: numberCursor(query.cursor, Number.MAX_SAFE_INTEGER),
      limit: limit + 1,
    };
    if (query.customerId !== null) {
      conditions.push('alert.customer_id = :customer');
      values['customer'] = query.customerId;
    }
    if (query.kind !== null) {
      conditions.push('alert.kind = :kind');
      values['kind'] = query.kind;
    }
    if (query.state !== null) {
      const condition = STATE_CONDITIONS[query.state];
      conditions.push(condition);
      if (condition.includes(':now')) values['now'] = query.nowMs;
    }
    const rows = this.#sql(
      `${ALERT_SELECT} WHERE ${conditions.join(' AND ')} ORDER BY alert.seq DESC LIMIT :limit`,
    ).all(values);
    return pageOf(rows, limit, { read: readAlert, cursor: seqOf });
  }

  alert(id: string): AlertRecord | null {
    const row = this.#sql(`${ALERT_SELECT} WHERE alert.id = ?`).get(id);
    return row === undefined ? null : readAlert(row);
  }

  counts(customerId: string): { readonly total: number; readonly unread: number } {
    const row = this.#sql(
      `SELECT count(*) AS total, count(*) FILTER (WHERE acknowledged_at IS NULL) AS unread
       FROM alert WHERE customer_id = ?`,
    ).get(customerId);
    if (row === undefined) return { total: 0, unread: 0 };
    return { total: integer(row, 'total'), unread: integer(row, 'unread') };
  }

  standing(kind: AlertKind, nowMs: number): readonly AlertRecord[] {
    return this.#sql(
      `${ALERT_SELECT} WHERE alert.kind = ? AND recovered_at IS NULL AND (ends_at IS NULL OR ends_at > ?)
       ORDER BY alert.seq`,
    )
      .all(kind, nowMs)
      .map(readAlert);
  }

  /** Overage grants nothing that a forecast could count on. */
  periodUse(nowMs: number): readonly PeriodUse[] {
    return this.#sql(
      `SELECT CASE WHEN bucket.customer_id LIKE 'cus\\_%' ESCAPE '\\' THEN bucket.customer_id
           ELSE (SELECT api_key.customer_id FROM api_key WHERE api_key.id = bucket.owner_id) END AS customer,
         owner_id, limit_id, window_id, meter,
         min(effective_at) AS start_at, max(expires_at) AS end_at,
         sum(CASE WHEN source_key LIKE 'overage%' THEN 0 ELSE granted - expired END) AS size,
         sum(spent + overrun) AS used, sum(held) AS held
       FROM bucket WHERE window_id LIKE 'per\\_%' ESCAPE '\\' AND effective_at <= ?1 AND expires_at > ?1
       GROUP BY owner_id, limit_id, window_id, meter HAVING used > 0 AND size > 0`,
    )
      .all(nowMs)
      .map((row) => ({
        customerId: nullableText(row, 'customer'),
        ownerId: text(row, 'owner_id'),
        limitId: text(row, 'limit_id'),
        windowId: text(row, 'window_id'),
        meter: METERS.find((meter) => meter === text(row, 'meter')) ?? 'requests',
        startMs: integer(row, 'start_at'),
        endMs: integer(row, 'end_at'),
        limit: bigint(row, 'size'),
        used: bigint(row, 'used'),
        held: bigint(row, 'held'),
      }));
  }

  spendHistory(range: {
    readonly fromMs: number;
    readonly lastHourMs: number;
    readonly minimumNanoUsd: bigint;
  }): readonly SpendHistory[] {
    const customers = this.#sql(
      `SELECT s.customer_id, sum(h.cost_usd) AS spent FROM usage_subject s
         CROSS JOIN usage_hourly h ON h.subject_id = s.id
       WHERE s.grain = 0 AND h.hour = ? GROUP BY s.customer_id HAVING spent >= ?`,
    ).all(range.lastHourMs, range.minimumNanoUsd);
    return customers.map((row) => {
      const customerId = text(row, 'customer_id');
      const hours = this.#sql(
        `SELECT h.hour, sum(h.cost_usd) AS spent FROM usage_subject s
           CROSS JOIN usage_hourly h ON h.subject_id = s.id
         WHERE s.grain = 0 AND s.customer_id = ? AND h.hour >= ? AND h.hour <= ? GROUP BY h.hour HAVING spent > 0
         ORDER BY h.hour`,
      ).all(customerId, range.fromMs, range.lastHourMs);
      return {
        customerId,
        hours: hours.map((hour) => ({
          startMs: integer(hour, 'hour'),
          nanoUsd: bigint(hour, 'spent'),
        })),
      };
    });
  }

  deliveries(query: DeliveryQuery): Page<DeliveryRecord> {
    const limit = pageSize(query);
    const conditions = ['delivery.seq < ?'];
    const values: (string | number)[] = [numberCursor(query.cursor, Number.MAX_SAFE_INTEGER)];
    if (query.destination !== null) {
      conditions.push('destination = ?');
      values.push(query.destination);
    }
    if (query.state !== null) {
      conditions.push('state = ?');
      values.push(query.state);
    }
    const rows = this.#sql(
      `SELECT delivery.*, outbox.topic FROM delivery JOIN outbox USING (event_id)
       WHERE ${conditions.join(' AND ')} ORDER BY delivery.seq DESC LIMIT ?`,
    ).all(...values, limit + 1);
    const attempts = this.#sql('SELECT * FROM delivery_attempt WHERE delivery_seq = ? ORDER BY n');
    return pageOf(rows, limit, {
      read: (row) => readDelivery(row, attempts.all(integer(row, 'seq'))),
      cursor: seqOf,
    });
  }

  depth(): { readonly pending: number; readonly dead: number } {
    const count = (statement: string): number => {
      const row = this.#sql(statement).get();
      return row === undefined ? 0 : integer(row, 'n');
    };
    return {
      pending:
        count(`SELECT count(*) AS n FROM delivery WHERE state = 'pending'`) +
        count('SELECT count(*) AS n FROM outbox WHERE routed_at IS NULL'),
      dead: count(`SELECT count(*) AS n FROM delivery WHERE state = 'dead'`),
    };
  }

  webhooks(query: PageQuery): Page<WebhookRecord> {
    const limit = pageSize(query);
    const rows = this.#sql(
      'SELECT rowid AS seq, * FROM webhook WHERE deleted_at IS NULL AND rowid > ? ORDER BY rowid LIMIT ?',
    ).all(placeCursor(query.cursor), limit + 1);
    return pageOf(rows, limit, { read: readWebhook, cursor: seqOf });
  }

  webhook(id: string): WebhookRecord | null {
    const row = this.#sql('SELECT * FROM webhook WHERE id = ? AND deleted_at IS NULL').get(id);
    return row === undefined || nullableText(row, 'id') === null ? null : readWebhook(row);
  }
}

export function alertsQueries(database: DatabaseSync): QueryTable {
  const reader = new AlertsReader(database);
  return {
    alerts: ([query]) => reader.list(query as AlertQuery),
    alert: ([id]) => reader.alert(id as string),
    alertCounts: ([customerId]) => reader.counts(customerId as string),
    standingAlerts: ([kind, nowMs]) => reader.standing(kind as AlertKind, nowMs as number),
    periodUse: ([nowMs]) => reader.periodUse(nowMs as number),
    spendHistory: ([range]) =>
      reader.spendHistory(range as Parameters<AlertsReader['spendHistory']>[0]),
    deliveries: ([query]) => reader.deliveries(query as DeliveryQuery),
    outboxDepth: () => reader.depth(),
    webhooks: ([page]) => reader.webhooks(page as PageQuery),
    webhook: ([id]) => reader.webhook(id as string),
  };
}
