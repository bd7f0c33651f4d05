/**
 * Scheduled changes of subscriptions in memory, as far as tests of the control plane need them.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { SubscriptionRecord } from '../../../metering/ports.ts';
import type { Subscriptions } from '../../../metering/subscription-port.ts';

export function fakeSubscriptions(records: Map<string, SubscriptionRecord>): Subscriptions {
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
  };
}
