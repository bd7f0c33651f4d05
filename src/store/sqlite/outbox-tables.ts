/**
 * The outbox's far end: deliveries of each event to each destination that wants it, attempts, dead letters; and the
 * webhooks themselves. Runs inside the caller's transaction.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type {
  AttemptResult,
  DueDelivery,
  FixedDestination,
  OutboxClaim,
  OutboxEvent,
  WebhookPatch,
  WebhookRecord,
} from '../../metering/alerts-port.ts';
import { readEvent, readWebhook } from './alert-rows.ts';
import { signalOutbox } from './outbox-signal.ts';
import { statementCache } from './statement-cache.ts';
import { integer, nullableInteger, type SqlRow } from './subscriptions.ts';

const EVENT_SELECT =
  'SELECT outbox.*, customer.external_id FROM outbox LEFT JOIN customer ON customer.id = outbox.customer_id';

/** Events given their deliveries in one transaction. */
const ROUTED_AT_ONCE = 500;

interface Destination {
  readonly id: string;
  readonly wants: (event: OutboxEvent) => boolean;
}

function kindOf(topic: string): string {
  return topic.slice(topic.indexOf('.') + 1);
}

const JOB_TOPIC = 'job.';

function wantsKind(kinds: readonly string[] | null, event: OutboxEvent): boolean {
  // Who names no kinds gets every alert; the ends of jobs are asked for by name.
  if (event.topic.startsWith(JOB_TOPIC)) return kinds?.includes('job') === true;
  return kinds === null || kinds.includes(kindOf(event.topic));
}

function webhookDestination(webhook: WebhookRecord): Destination {
  const { id, kinds, customerIds } = webhook;
  return {
    id,
    wants: (event) =>
      wantsKind(kinds, event) &&
      (customerIds === null ||
        (event.customerId !== null && customerIds.includes(event.customerId))),
  };
}

export class OutboxTables {
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync) {
    this.#sql = statementCache(database);
  }

  claim(request: {
    readonly nowMs: number;
    readonly perDestination: number;
    readonly fixed: readonly FixedDestination[];
  }): OutboxClaim {
    const { nowMs, fixed } = request;
    const webhooks = this.#liveWebhooks();
    this.#route(webhooks, fixed, nowMs);
    const byId = new Map(webhooks.map((webhook) => [webhook.id, webhook]));
    const due: DueDelivery[] = [];
    let nextDueAtMs: number | null = null;
    for (const destination of [...byId.keys(), ...fixed.map(({ id }) => id)]) {
      const webhook = byId.get(destination) ?? null;
      for (const row of this.#due(destination, nowMs, request.perDestination)) {
        due.push({
          event: readEvent(row),
          destination,
          webhook,
          attempts: integer(row, 'attempts'),
          queuedAtMs: integer(row, 'queued_at'),
        });
      }
      const nextMs = this.#nextDue(destination, nowMs);
      if (nextMs !== null) nextDueAtMs = Math.min(nextDueAtMs ?? nextMs, nextMs);
    }
    due.sort((one, other) => one.event.atMs - other.event.atMs);
    return { due, nextDueAtMs };
  }

  record(result: AttemptResult): void {
    const row = this.#sql('SELECT * FROM delivery WHERE event_id = ? AND destination = ?').get(
      result.eventId,
      result.destination,
    );
    // The operator may have removed it meanwhile.
    if (row === undefined) return;
    const seq = integer(row, 'seq');
    this.#sql(
      `INSERT INTO delivery_attempt (delivery_seq, n, at, duration_ms, status, error, reply)
       VALUES (?1, 1 + (SELECT coalesce(max(n), 0) FROM delivery_attempt WHERE delivery_seq = ?1), ?, ?, ?, ?, ?)`,
    ).run(
      seq,
      result.startedAtMs,
      Math.round(result.durationMs),
      result.status,
      result.error,
      result.reply,
    );
    const { next } = result;
    const endedAtMs = result.startedAtMs + Math.round(result.durationMs);
    if (typeof next === 'object') {
      this.#sql(
        `UPDATE delivery SET attempts = attempts + 1, next_at = ? WHERE seq = ? AND state = 'pending'`,
      ).run(Math.round(next.retryAtMs), seq);
    } else {
      this.#sql(
        'UPDATE delivery SET attempts = attempts + 1, state = ?, ended_at = ? WHERE seq = ?',
      ).run(next, endedAtMs, seq);
    }
    if (result.disable !== null) this.#disable(result.destination, result.disable, endedAtMs);
  }

  redeliver(which: {
    readonly destination: string;
    readonly eventId: string | null;
    readonly nowMs: number;
  }): number {
    const { destination, eventId, nowMs } = which;
    const set = `UPDATE delivery SET state = 'pending', attempts = 0, queued_at = ?1, next_at = ?1, ended_at = NULL
       WHERE destination = ?2`;
    const changed =
      eventId === null
        ? this.#sql(`${set} AND state = 'dead'`).run(nowMs, destination)
        : this.#sql(`${set} AND event_id = ?3`).run(nowMs, destination, eventId);
    if (changed.changes > 0) signalOutbox();
    return Number(changed.changes);
  }

  create(webhook: WebhookRecord): void {
    this.#sql(
      `INSERT INTO webhook (id, url, description, kinds, customers, secrets, created_at, disabled_at, disabled_reason)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(webhook.id, ...columnsOf(webhook), webhook.createdAtMs, ...disabledColumns(webhook));
  }

  patch(id: string, patch: WebhookPatch): WebhookRecord {
    const changed = { ...this.#webhook(id), ...patch };
    this.#sql(
      `UPDATE webhook SET url = ?, description = ?, kinds = ?, customers = ?, secrets = ?,
         disabled_at = ?, disabled_reason = ? WHERE id = ?`,
    ).run(...columnsOf(changed), ...disabledColumns(changed), id);
    signalOutbox();
    return changed;
  }

  /** The row stays for its deliveries' sake; its secrets go. */
  remove(id: string, atMs: number): void {
    this.#webhook(id);
    this.#sql(`UPDATE webhook SET deleted_at = ?, secrets = '[]' WHERE id = ?`).run(atMs, id);
    this.#sql(
      `UPDATE delivery SET state = 'dead', ended_at = ? WHERE destination = ? AND state = 'pending'`,
    ).run(atMs, id);
  }

  #webhook(id: string): WebhookRecord {
    const row = this.#sql('SELECT * FROM webhook WHERE id = ? AND deleted_at IS NULL').get(id);
    if (row === undefined) {
      throw new GatewayError('not_found', { message: `There is no webhook ${id}.`, param: 'id' });
    }
    return readWebhook(row);
  }

  #liveWebhooks(): readonly WebhookRecord[] {
    return this.#sql('SELECT * FROM webhook WHERE deleted_at IS NULL AND disabled_at IS NULL')
      .all()
      .map(readWebhook);
  }

  /** A delivery for each new event and each destination that wants it. */
  #route(
    webhooks: readonly WebhookRecord[],
    fixed: readonly FixedDestination[],
    nowMs: number,
  ): void {
    const destinations: readonly Destination[] = [
      ...webhooks.map(webhookDestination),
      ...fixed.map(({ id, kinds }) => ({
        id,
        wants: (event: OutboxEvent) => wantsKind(kinds, event),
      })),
    ];
    const rows = this.#sql(`${EVENT_SELECT} WHERE routed_at IS NULL ORDER BY seq LIMIT ?`).all(
      ROUTED_AT_ONCE,
    );
    for (const row of rows) {
      const event = readEvent(row);
      for (const { id, wants } of destinations) {
        if (!wants(event)) continue;
        this.#sql(
          `INSERT INTO delivery (event_id, destination, state, attempts, queued_at, created_at, next_at)
           VALUES (?, ?, 'pending', 0, ?3, ?3, ?3) ON CONFLICT DO NOTHING`,
        ).run(event.id, id, nowMs);
      }
      this.#sql('UPDATE outbox SET routed_at = ? WHERE seq = ?').run(nowMs, integer(row, 'seq'));
    }
    if (rows.length === ROUTED_AT_ONCE) signalOutbox();
  }

  #due(destination: string, nowMs: number, limit: number): readonly SqlRow[] {
    return this.#sql(
      `SELECT outbox.*, customer.external_id, delivery.attempts, delivery.queued_at
       FROM delivery JOIN outbox USING (event_id) LEFT JOIN customer ON customer.id = outbox.customer_id
       WHERE delivery.destination = ? AND delivery.state = 'pending' AND delivery.next_at <= ?
       ORDER BY delivery.next_at LIMIT ?`,
    ).all(destination, nowMs, limit);
  }

  #nextDue(destination: string, nowMs: number): number | null {
    const row = this.#sql(
      `SELECT min(next_at) AS next FROM delivery
       WHERE destination = ? AND state = 'pending' AND next_at > ?`,
    ).get(destination, nowMs);
    return row === undefined ? null : nullableInteger(row, 'next');
  }

  #disable(webhookId: string, reason: string, atMs: number): void {
    this.#sql(
      'UPDATE webhook SET disabled_at = ?, disabled_reason = ? WHERE id = ? AND disabled_at IS NULL',
    ).run(atMs, reason, webhookId);
  }
}

type Columns = [
  url: string,
  description: string | null,
  kinds: string | null,
  customers: string | null,
  secrets: string,
];

function columnsOf(webhook: WebhookRecord): Columns {
  const json = (list: readonly string[] | null): string | null =>
    list === null ? null : JSON.stringify(list);
  return [
    webhook.url,
    webhook.description,
    json(webhook.kinds),
    json(webhook.customerIds),
    JSON.stringify(webhook.secrets),
  ];
}

function disabledColumns(webhook: WebhookRecord): [atMs: number | null, reason: string | null] {
  return [webhook.disabledAtMs, webhook.disabledReason];
}
