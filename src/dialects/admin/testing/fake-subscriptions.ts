/**
 * Scheduled changes and events of subscriptions in memory; the events change nothing, as far as tests of the control plane need them.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { SubscriptionRecord } from '../../../metering/ports.ts';
import type {
  SubscriptionEventRecord,
  Subscriptions,
} from '../../../metering/subscription-port.ts';

export function fakeSubscriptions(records: Map<string, SubscriptionRecord>): Subscriptions {
  const events: SubscriptionEventRecord[] = [];
  return {
    async revokeScheduled(customerId, change) {
      const record = records.get(customerId);
      if (record === undefined || record.scheduled.every((one) => one.change !== change)) {
        throw new GatewayError('not_found', { message: 'Nothing is scheduled.', param: 'change' });
      }
      const scheduled = record.scheduled.filter((one) => one.change !== change);
      const revoked = { ...record, rev: record.rev + 1, scheduled };
      records.set(customerId, revoked);
      return revoked;
    },
    async recordEvent(told) {
      const { source, id, type, occurredAtMs, body } = told;
      const customerId = [...records.keys()].find((known) => known === told.customer) ?? null;
      const event: SubscriptionEventRecord = {
        source,
        id,
        type,
        occurredAtMs,
        body,
        customerId,
        receivedAtMs: occurredAtMs,
        outcome: 'applied',
        reason: null,
        tries: 1,
      };
      events.unshift(event);
      return { event, failure: null, created: null, replayed: false };
    },
    events: async ({ limit, customerId }) => ({
      data: events
        .filter((event) => customerId === null || event.customerId === customerId)
        .slice(0, limit),
      nextCursor: null,
    }),
  };
}
