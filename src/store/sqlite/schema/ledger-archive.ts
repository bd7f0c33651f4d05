/**
 * What was archived out of the journal.
 *
 * @module
 */

/**
 * Events before `before_seq` stand in `file` (below the data folder) and are folded into the `checkpoint` events of the
 * same number. Those of a kept hold, which was open at that point, stay. Only what is archived can be deleted.
 */
export const LEDGER_ARCHIVE = `
CREATE TABLE ledger_archive (
  before_seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE ledger_kept_hold (hold_id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
DROP TRIGGER event_no_delete;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event
WHEN old.seq >= coalesce((SELECT max(before_seq) FROM ledger_archive), 0) BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
`;
