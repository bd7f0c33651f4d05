/**
 * Reports of provider invoices held against the ledger. `head` and `lines` are JSON.
 *
 * @module
 */
export const RECONCILIATION = `
CREATE TABLE reconciliation (
  id TEXT NOT NULL PRIMARY KEY, created_at INTEGER NOT NULL, head TEXT NOT NULL, lines TEXT NOT NULL
) STRICT;
`;
