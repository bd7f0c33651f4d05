/**
 * Keys of idempotent calls. `request_id` names the call that has the key; `hold_id` the hold it may have reached a
 * provider under. `sealed` is ciphertext.
 *
 * @module
 */
export const IDEMPOTENCY = `
CREATE TABLE idempotency (
  scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
  request_id TEXT NOT NULL, hold_id TEXT,
  state TEXT NOT NULL CHECK (state IN ('open', 'kept', 'too_large', 'cut_off')),
  expires_at INTEGER NOT NULL, sealed BLOB,
  PRIMARY KEY (scope, key),
  CHECK ((state = 'kept') = (sealed IS NOT NULL))
) STRICT;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
`;
