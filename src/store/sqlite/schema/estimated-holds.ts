/**
 * Holds that ended by an estimate, until their provider has said what it billed. What they were stands in the journal.
 *
 * @module
 */

/** `at`: when the estimate was booked. */
export const ESTIMATED_HOLDS = `
CREATE TABLE estimated_hold (hold_id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
