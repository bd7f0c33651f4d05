/**
 * Who owns which stored media, and until when. The bytes lie in the asset store, under `hash`.
 *
 * @module
 */
export const ASSETS = `
CREATE TABLE asset (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
  hash TEXT NOT NULL CHECK (length(hash) = 64), bytes INTEGER NOT NULL CHECK (bytes >= 0),
  type TEXT NOT NULL, width INTEGER, height INTEGER, name TEXT,
  created_at INTEGER NOT NULL, expires_at INTEGER, request_id TEXT NOT NULL
) STRICT;
CREATE INDEX asset_customer ON asset (customer_id);
CREATE INDEX asset_hash ON asset (hash);
CREATE INDEX asset_expiry ON asset (expires_at) WHERE expires_at IS NOT NULL;
`;
