/**
 * Numbers by which the request log names customers.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integer } from './subscriptions.ts';

/** SQL of the request log with the ids of its customers, in the order of its rows. */
export const REQUESTS_WITH_OWNER =
  'request CROSS JOIN request_owner ON request_owner.no = request.owner_no';

/** SQL condition for the requests of one customer, whose id is the parameter. */
export const OF_CUSTOMER = 'owner_no = (SELECT no FROM request_owner WHERE customer_id = ?)';

/** Bounds the memory that knows numbers. */
const KEPT_MAX = 20_000;

/** The writer's side: gives numbers to customers with their first request. */
export class RequestOwners {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #known = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO request_owner (customer_id) VALUES (?) ON CONFLICT DO NOTHING',
    );
    this.#find = database.prepare('SELECT no FROM request_owner WHERE customer_id = ?');
  }

  numberOf(customerId: string): number {
    const known = this.#known.get(customerId);
    if (known !== undefined) return known;
    this.#insert.run(customerId);
    const no = integer(this.#find.get(customerId) ?? {}, 'no');
    if (this.#known.size >= KEPT_MAX) this.#known.clear();
    this.#known.set(customerId, no);
    return no;
  }

  /** After a failed transaction: numbers may not have been written. */
  reset(): void {
    this.#known.clear();
  }
}
