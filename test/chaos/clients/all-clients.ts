/**
 * Every kind of client that calls in the kill loop.
 *
 * @module
 */
import type { KillClient } from './client.ts';
import { KeyedClient } from './keyed.ts';
import { PayingClient } from './paying.ts';
import { PlainClient } from './plain.ts';
import { QuotedClient } from './quoted.ts';
import { WorkingClient } from './working.ts';

/** New ones, for one life of the data. */
export function allClients(): readonly KillClient[] {
  return [
    new PlainClient(),
    new KeyedClient(),
    new QuotedClient(),
    new PayingClient(),
    new WorkingClient(),
  ];
}
