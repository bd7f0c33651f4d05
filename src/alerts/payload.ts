/**
 * An event as it is sent: the same bytes at every attempt.
 *
 * @module
 */
import { describeAlert, type AlertText } from '../metering/alert-text.ts';
import type { AlertBody, OutboxEvent } from '../metering/alerts-port.ts';

const ALERT_TOPIC = 'alert.';

interface StoredAlert {
  readonly severity: string;
  readonly data: unknown;
}

/** What people read of an event. */
export function textOf(event: OutboxEvent): AlertText {
  if (!event.topic.startsWith(ALERT_TOPIC)) {
    return { title: event.topic, message: JSON.stringify(event.body) };
  }
  const { data } = event.body as StoredAlert;
  // The outbox holds what an AlertDraft held.
  return describeAlert({ kind: event.topic.slice(ALERT_TOPIC.length), data } as AlertBody);
}

/** Severity of an alert; null for other events. */
export function severityOf(event: OutboxEvent): string | null {
  return event.topic.startsWith(ALERT_TOPIC) ? (event.body as StoredAlert).severity : null;
}

/** The body of a webhook: `{type, timestamp, data}` as Standard Webhooks recommends. */
export function webhookBody(event: OutboxEvent): string {
  const { customerId, externalId } = event;
  const customer = customerId === null ? null : { id: customerId, externalId };
  const isAlert = event.topic.startsWith(ALERT_TOPIC);
  return JSON.stringify({
    type: event.topic,
    timestamp: new Date(event.atMs).toISOString(),
    data: {
      id: event.id,
      customer,
      ...(isAlert
        ? {
            severity: severityOf(event),
            ...textOf(event),
            details: (event.body as StoredAlert).data,
          }
        : { details: event.body }),
    },
  });
}
