/**
 * Writes alerts and their outbox rows, inside the transaction of what they tell.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { IdSource } from '../../contracts/ids.ts';
import type { AlertDraft, AlertRecord, Recovery } from '../../metering/alerts-port.ts';
import { ALERT_SELECT, readAlert } from './alert-rows.ts';
import { signalOutbox } from './outbox-signal.ts';
import { statementCache } from './statement-cache.ts';
import { text } from './subscriptions.ts';

/** An event of any topic that must reach its destinations. */
export interface NewEvent {
  readonly id: string;
  readonly topic: string;
  readonly customerId: string | null;
  readonly atMs: number;
  readonly body: unknown;
}

export class AlertTables {
  readonly #sql: (statement: string) => StatementSync;
  readonly #ids: IdSource;

  constructor(database: DatabaseSync, ids: IdSource) {
    this.#sql = statementCache(database);
    this.#ids = ids;
  }

  /** Raises an alert; null while one of its key stands. */
  raise(draft: AlertDraft): AlertRecord | null {
    const { kind, severity, customerId, key, atMs, endsAtMs, data } = draft;
    const standing = 'SELECT 1 FROM alert WHERE key = ? AND recovered_at IS NULL';
    if (this.#sql(standing).get(key) !== undefined) return null;
    const id = this.#ids.next('evt');
    this.#sql(
      `INSERT INTO alert (id, kind, severity, key, customer_id, at, ends_at, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(id, kind, severity, key, customerId, atMs, endsAtMs, JSON.stringify(data));
    this.append({ id, topic: `alert.${kind}`, customerId, atMs, body: { severity, data } });
    return this.#alert(id);
  }

  /** Ends standing alerts and tells so by one alert. */
  recover(recovery: Recovery): AlertRecord | null {
    const { keys, standing, thresholds, atMs, customerId } = recovery;
    const ended: string[] = [];
    for (const key of keys) {
      const row = this.#sql(
        'UPDATE alert SET recovered_at = ? WHERE key = ? AND recovered_at IS NULL RETURNING id',
      ).get(atMs, key);
      if (row !== undefined) ended.push(text(row, 'id'));
    }
    if (ended.length === 0 || standing === null) return null;
    return this.raise({
      kind: 'recovered',
      severity: 'info',
      customerId,
      key: `recovered:${ended.join(',')}`,
      atMs,
      endsAtMs: atMs,
      data: { ...standing, thresholds, recovers: ended },
    });
  }

  /** Puts an event into the outbox. */
  append({ id, topic, customerId, atMs, body }: NewEvent): void {
    this.#sql(
      'INSERT INTO outbox (event_id, topic, customer_id, at, body) VALUES (?, ?, ?, ?, ?)',
    ).run(id, topic, customerId, atMs, JSON.stringify(body));
    signalOutbox();
  }

  acknowledge(id: string, atMs: number): AlertRecord {
    this.#sql('UPDATE alert SET acknowledged_at = coalesce(acknowledged_at, ?) WHERE id = ?').run(
      atMs,
      id,
    );
    return this.#alert(id);
  }

  /** Drops what has been delivered, and alerts that are closed. */
  prune(before: { readonly deliveriesMs: number; readonly alertsMs: number }): number {
    const ended = `DELETE FROM delivery WHERE ended_at < ?`;
    const deliveries = this.#sql(ended).run(before.deliveriesMs).changes;
    const events = this.#sql(
      `DELETE FROM outbox WHERE at < ? AND routed_at IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event_id = outbox.event_id)`,
    ).run(before.deliveriesMs).changes;
    const alerts = this.#sql(
      'DELETE FROM alert WHERE at < ?1 AND (ends_at < ?1 OR recovered_at < ?1 OR acknowledged_at < ?1)',
    ).run(before.alertsMs).changes;
    return Number(deliveries) + Number(events) + Number(alerts);
  }

  #alert(id: string): AlertRecord {
    const row = this.#sql(`${ALERT_SELECT} WHERE alert.id = ?`).get(id);
    if (row === undefined) {
      throw new GatewayError('not_found', { message: `There is no alert ${id}.`, param: 'id' });
    }
    return readAlert(row);
  }
}
