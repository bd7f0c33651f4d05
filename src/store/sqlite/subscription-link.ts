/**
 * The gateway's end of subscriptions.
 *
 * @module
 */
import type { Subscriptions } from '../../metering/subscription-port.ts';
import type { ReaderLink } from './reader-link.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';

export function subscriptionsOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): Subscriptions {
  const call = <Value>(name: string, args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, number) => {
      putCall(flat, number, { name, args });
    });
  return {
    revokeScheduled: (customerId, change) => call('revokeScheduled', [customerId, change]),
    recordEvent: (event) => call('recordSubscriptionEvent', [event]),
    events: (query) => readers.ask('subscriptionEvents', [query]),
  };
}
