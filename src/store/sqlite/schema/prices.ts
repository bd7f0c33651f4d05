/**
 * Price books over time, and the rules by which customers pay other prices. `price_item.body` is the price row as JSON; `price_book.items` the ids of a book's items, in
 * order, as a JSON array.
 *
 * @module
 */
export const PRICES = `
CREATE TABLE price_item (
  id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE price_book (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, from_ts INTEGER NOT NULL, items TEXT NOT NULL
) STRICT;
CREATE INDEX price_book_from ON price_book (from_ts);

CREATE TABLE price_rule (
  id TEXT NOT NULL UNIQUE, customer_id TEXT, body TEXT NOT NULL,
  created_at INTEGER NOT NULL, retired_at INTEGER
) STRICT;
`;
