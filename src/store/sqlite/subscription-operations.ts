/**
 * Changes to subscriptions, as the gateway's end asks for them.
 *
 * @module
 */
import type { SubscriptionPatch } from '../../metering/ports.ts';
import type { RevocableChange, SubscriptionEvent } from '../../metering/subscription-port.ts';
import type { Aspect } from './subscription-event-rules.ts';
import { SubscriptionEvents } from './subscription-events.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

function aspectsSetBy({ status, planId, cancelAtMs }: SubscriptionPatch): readonly Aspect[] {
  const ends = cancelAtMs !== undefined || status === 'active' || status === 'cancelled';
  return [
    ...(status === undefined ? [] : (['state'] as const)),
    ...(planId === undefined ? [] : (['plan'] as const)),
    ...(ends ? (['cancellation'] as const) : []),
  ];
}

const ASPECT_OF_CHANGE: Readonly<Record<RevocableChange, Aspect>> = {
  plan: 'plan',
  cancel: 'cancellation',
  activate: 'state',
};

export function subscriptionOperations(
  parts: Pick<OperationParts, 'database' | 'accounts' | 'directory'>,
): OperationTable {
  const { subscriptions } = parts.directory;
  const events = new SubscriptionEvents(parts);
  return {
    patchSubscription: {
      writes: true,
      run([customerId, patch], unit) {
        const asked = patch as SubscriptionPatch;
        const record = subscriptions.patch(customerId as string, asked, unit);
        events.touch(customerId as string, aspectsSetBy(asked), unit.nowMs);
        return record;
      },
    },
    revokeScheduled: {
      writes: true,
      run([customerId, change], unit) {
        const asked = change as RevocableChange;
        const record = subscriptions.revoke(customerId as string, asked, unit);
        events.touch(customerId as string, [ASPECT_OF_CHANGE[asked]], unit.nowMs);
        return record;
      },
    },
    recordSubscriptionEvent: {
      writes: true,
      run: ([event], unit) => events.record(event as SubscriptionEvent, unit),
    },
  };
}
