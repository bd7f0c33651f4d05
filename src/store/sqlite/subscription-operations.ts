/**
 * Changes to subscriptions, as the gateway's end asks for them.
 *
 * @module
 */
import type { SubscriptionPatch } from '../../metering/ports.ts';
import type { RevocableChange } from '../../metering/subscription-port.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

export function subscriptionOperations({
  directory,
}: Pick<OperationParts, 'directory'>): OperationTable {
  const { subscriptions } = directory;
  return {
    patchSubscription: {
      writes: true,
      run: ([customerId, patch], unit) =>
        subscriptions.patch(customerId as string, patch as SubscriptionPatch, unit),
    },
    revokeScheduled: {
      writes: true,
      run: ([customerId, change], unit) =>
        subscriptions.revoke(customerId as string, change as RevocableChange, unit),
    },
  };
}
