/**
 * Which events changed a customer's credits: an index over the journal, so that the history of one wallet is found
 * without reading all of it.
 *
 * @module
 */
export const WALLET = `
CREATE TABLE wallet_entry (
  customer_id TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (customer_id, seq)
) STRICT, WITHOUT ROWID;
`;
