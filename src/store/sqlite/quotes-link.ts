/**
 * The gateway's end of quotes.
 *
 * @module
 */
import type { Quotes } from '../../metering/quote-port.ts';
import type { ReaderLink } from './reader-link.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';

export function quotesOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): Quotes {
  const call = <Value>(name: string, ...args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, number) => {
      putCall(flat, number, { name, args });
    });
  return {
    evaluate: (command) => call('evaluateQuote', command),
    create: (command) => call('createQuote', command),
    standing: (quoteId) => call('quoteStanding', quoteId),
    release: (customerId, quoteId) => call('releaseQuote', customerId, quoteId),
    reserve: (command) => call('drawOnQuote', command),
    outputRatios: (customerId, models) => readers.ask('outputRatios', [customerId, models]),
  };
}
