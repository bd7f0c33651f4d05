/**
 * The chain of hashes over the journal: one row for each transaction that wrote events.
 *
 * @module
 */

/**
 * `hash` covers the row's events and the hash before it. The first row is what the chain begins with: what stands
 * before it, up to `last_seq`, is not covered. A database of version 1 begins its chain here.
 */
export const LEDGER_CHAIN = `
CREATE TABLE ledger_chain (
  last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
INSERT INTO ledger_chain SELECT coalesce(max(seq), 0), 0, '${'0'.repeat(64)}' FROM event;
`;
