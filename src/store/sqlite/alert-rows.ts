/**
 * Rows of alerts, events, webhooks and deliveries as records.
 *
 * @module
 */
import type {
  AlertBody,
  AlertKind,
  WebhookKind,
  AlertRecord,
  AlertSeverity,
  DeliveryRecord,
  DeliveryState,
  OutboxEvent,
  SealedSecret,
  WebhookRecord,
} from '../../metering/alerts-port.ts';
import { integer, nullableInteger, nullableText, type SqlRow, text } from './subscriptions.ts';

/** Columns of an alert with its customer's own id; `alert` must be joined to `customer` by a LEFT JOIN. */
export const ALERT_SELECT =
  'SELECT alert.*, customer.external_id FROM alert LEFT JOIN customer ON customer.id = alert.customer_id';

/** Reads a row of {@link ALERT_SELECT}; what stands in it was written from an `AlertDraft`. */
export function readAlert(row: SqlRow): AlertRecord {
  const body = {
    kind: text(row, 'kind') as AlertKind,
    data: JSON.parse(text(row, 'data')) as unknown,
  } as AlertBody;
  return {
    ...body,
    id: text(row, 'id'),
    severity: text(row, 'severity') as AlertSeverity,
    customerId: nullableText(row, 'customer_id'),
    externalId: nullableText(row, 'external_id'),
    key: text(row, 'key'),
    atMs: integer(row, 'at'),
    endsAtMs: nullableInteger(row, 'ends_at'),
    acknowledgedAtMs: nullableInteger(row, 'acknowledged_at'),
    recoveredAtMs: nullableInteger(row, 'recovered_at'),
  };
}

/** Reads the columns of `outbox` with `external_id`. */
export function readEvent(row: SqlRow): OutboxEvent {
  return {
    id: text(row, 'event_id'),
    topic: text(row, 'topic'),
    customerId: nullableText(row, 'customer_id'),
    externalId: nullableText(row, 'external_id'),
    atMs: integer(row, 'at'),
    body: JSON.parse(text(row, 'body')) as unknown,
  };
}

function jsonOrNull(row: SqlRow, column: string): unknown {
  const value = nullableText(row, column);
  return value === null ? null : JSON.parse(value);
}

/** Reads a row of `webhook`. */
export function readWebhook(row: SqlRow): WebhookRecord {
  return {
    id: text(row, 'id'),
    url: text(row, 'url'),
    description: nullableText(row, 'description'),
    kinds: jsonOrNull(row, 'kinds') as readonly WebhookKind[] | null,
    customerIds: jsonOrNull(row, 'customers') as readonly string[] | null,
    secrets: JSON.parse(text(row, 'secrets')) as readonly SealedSecret[],
    createdAtMs: integer(row, 'created_at'),
    disabledAtMs: nullableInteger(row, 'disabled_at'),
    disabledReason: nullableText(row, 'disabled_reason'),
  };
}

/** Reads a row of `delivery` with `topic`, and the rows of its attempts. */
export function readDelivery(row: SqlRow, attempts: readonly SqlRow[]): DeliveryRecord {
  const state = text(row, 'state') as DeliveryState;
  return {
    eventId: text(row, 'event_id'),
    topic: text(row, 'topic'),
    destination: text(row, 'destination'),
    state,
    createdAtMs: integer(row, 'created_at'),
    nextAttemptAtMs: state === 'pending' ? integer(row, 'next_at') : null,
    endedAtMs: nullableInteger(row, 'ended_at'),
    attempts: attempts.map((attempt) => ({
      n: integer(attempt, 'n'),
      startedAtMs: integer(attempt, 'at'),
      durationMs: integer(attempt, 'duration_ms'),
      status: nullableInteger(attempt, 'status'),
      error: nullableText(attempt, 'error'),
      reply: nullableText(attempt, 'reply'),
    })),
  };
}
