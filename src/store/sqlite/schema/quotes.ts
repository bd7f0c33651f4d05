/**
 * Quotes as they were given, kept a while beyond their end. What they hold stands in the ledger, as holds.
 *
 * @module
 */

/** `body` is JSON: the gateway's record, the evaluation, and which hold stands for which operation. */
export const QUOTES = `
CREATE TABLE quote (
  id TEXT NOT NULL PRIMARY KEY, customer_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL, released_at INTEGER, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX quote_expiry ON quote (expires_at);
`;
