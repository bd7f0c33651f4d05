/**
 * Holds that ended by an estimate, until their provider has said what it billed. What they were stands in the journal.
 *
 * @module
 */

/** `at`: when the estimate was booked. By the provider's id of a call some find it again. */
export const ESTIMATED_HOLDS = `
ALTER TABLE progress ADD COLUMN provider_request_id TEXT;
CREATE TABLE estimated_hold (
  hold_id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, provider_request_id TEXT
) STRICT, WITHOUT ROWID;
`;
