/**
 * The gateway's end of customers' credits.
 *
 * @module
 */
import type { Wallets } from '../../metering/wallet-port.ts';
import type { ReaderLink } from './reader-link.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';

export function walletsOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
  now: () => number,
): Wallets {
  const call = <Value>(name: string, args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, number) => {
      putCall(flat, number, { name, args });
    });
  return {
    async wallet(customerId) {
      // What is over is booked first, so that balance, ledger and history say the same.
      await call('tidyCredits', [customerId]);
      return readers.ask('wallet', [customerId, now()]);
    },
    entries: (customerId, page) => readers.ask('walletEntries', [customerId, page]),
    grant: (credit) => call('grantCredit', [credit]),
    withdraw: (customerId, reference) => call('withdrawCredit', [customerId, reference]),
  };
}
