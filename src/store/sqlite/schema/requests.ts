/**
 * The request log as version 2 has it.
 *
 * @module
 */

/**
 * A request names its customer by a number of `request_owner`: the id in every row and once more in the index took a
 * tenth of what a call writes. No foreign key, which every call would have looked up; owners are never removed.
 */
export const REQUESTS_2 = `
CREATE TABLE request_owner (no INTEGER PRIMARY KEY, customer_id TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO request_owner (customer_id) SELECT DISTINCT customer_id FROM request ORDER BY customer_id;

ALTER TABLE request RENAME TO request_1;
CREATE TABLE request (
  row INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, owner_no INTEGER NOT NULL,
  started_at INTEGER NOT NULL, hold_id TEXT NOT NULL, body TEXT NOT NULL, usage TEXT
) STRICT;
INSERT INTO request SELECT r.row, r.request_id, o.no, r.started_at, r.hold_id, r.body, r.usage
  FROM request_1 r JOIN request_owner o ON o.customer_id = r.customer_id ORDER BY r.row;
DROP TABLE request_1;
CREATE INDEX request_owner_rows ON request (owner_no);
`;
