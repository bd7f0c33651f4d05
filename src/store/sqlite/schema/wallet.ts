/**
 * Which events changed a customer's credits: an index over the journal, so that the history of one wallet is found
 * without reading all of it. And which credits end when, so that their end is noticed without a call.
 *
 * @module
 */
export const WALLET = `
CREATE TABLE wallet_entry (
  customer_id TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (customer_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX bucket_credit_end ON bucket (expires_at)
  WHERE limit_id = 'wallet' AND window_id = '' AND expires_at IS NOT NULL;
`;
