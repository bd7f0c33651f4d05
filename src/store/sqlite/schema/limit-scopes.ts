/**
 * Limits that keys have of their own, and what customers have otherwise than their plan says. Every change is a new
 * revision; the newest is in force. `limits` and `overrides` are JSON as the control plane takes it.
 *
 * @module
 */
export const LIMIT_SCOPES = `
CREATE TABLE key_limit (
  key_id TEXT NOT NULL REFERENCES api_key (id), rev INTEGER NOT NULL CHECK (rev > 0),
  created_at INTEGER NOT NULL, limits TEXT NOT NULL,
  PRIMARY KEY (key_id, rev)
) STRICT, WITHOUT ROWID;

CREATE TABLE limit_override (
  customer_id TEXT NOT NULL REFERENCES customer (id), rev INTEGER NOT NULL CHECK (rev > 0),
  created_at INTEGER NOT NULL, overrides TEXT NOT NULL,
  PRIMARY KEY (customer_id, rev)
) STRICT, WITHOUT ROWID;
`;
