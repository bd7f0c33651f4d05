/**
 * The door to what was once a price: every book that was in force, and every item that a call may have been priced by.
 * Nothing here is ever changed or removed, so that any booked cost can be recomputed for as long as it is kept.
 *
 * @module
 */

/** A price as it was written: the JSON text of a price row, under the id by which attempts name it. */
export interface ArchivedPrice {
  readonly id: string;
  readonly row: string;
}

/** A time in which a price book was in force. The same book can come into force again. */
export interface BookInForce {
  readonly id: string;
  readonly fromMs: number;
  /** Exclusive; null for the one that is in force. */
  readonly untilMs: number | null;
  /** How many prices it has. */
  readonly prices: number;
}

/** A rule by which customers pay another price than the provider's; never changed but for its end. */
export interface PriceRuleRecord {
  readonly id: string;
  /** Null: for everyone. */
  readonly customerId: string | null;
  /** The rule as JSON text. */
  readonly body: string;
  readonly createdAtMs: number;
  readonly retiredAtMs: number | null;
}

/** Price books, their items and the rules upon them, over time. */
export interface PriceArchive {
  /** States the book in force from now on; one that is in force already stays as it is. */
  putBook(book: { readonly id: string; readonly prices: readonly ArchivedPrice[] }): Promise<void>;
  /** Newest first. */
  books(): Promise<readonly BookInForce[]>;
  /** The prices of the book that was in force at an instant; null before the first. */
  bookAt(atMs: number): Promise<{
    readonly id: string;
    readonly prices: readonly ArchivedPrice[];
  } | null>;
  /** Those of the named items that are known, in no order. */
  prices(ids: readonly string[]): Promise<readonly ArchivedPrice[]>;
  putRule(rule: PriceRuleRecord): Promise<void>;
  retireRule(ruleId: string, atMs: number): Promise<void>;
  /** Oldest first, those that are retired too. */
  rules(): Promise<readonly PriceRuleRecord[]>;
}
