/**
 * Work that outlives one exchange with a provider. `body` is the whole record as JSON; the columns beside it are what is
 * looked for. `removed_at`: its owner has deleted it.
 *
 * @module
 */
export const JOBS = `
CREATE TABLE job (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, hold_id TEXT NOT NULL UNIQUE, request_id TEXT NOT NULL,
  customer_id TEXT NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL, ticket_id TEXT,
  state TEXT NOT NULL CHECK (
    state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired', 'unknown')
  ),
  created_at INTEGER NOT NULL, removed_at INTEGER, expires_at INTEGER, body TEXT NOT NULL
) STRICT;
CREATE INDEX job_request ON job (request_id);
CREATE INDEX job_customer ON job (customer_id, seq);
CREATE INDEX job_ticket ON job (provider, ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX job_expiry ON job (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX job_open ON job (seq) WHERE state IN ('queued', 'running');
`;
