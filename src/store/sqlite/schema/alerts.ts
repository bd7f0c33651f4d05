/**
 * Tables of alerts, of the outbox that carries them, and of where they go.
 *
 * @module
 */

/** - `alert.key` is unique among alerts that stand. - A `delivery` is one event for one destination. */
export const ALERTS = `
CREATE TABLE alert (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, severity TEXT NOT NULL,
  key TEXT NOT NULL, customer_id TEXT, at INTEGER NOT NULL, ends_at INTEGER, data TEXT NOT NULL,
  acknowledged_at INTEGER, recovered_at INTEGER
) STRICT;
CREATE UNIQUE INDEX alert_standing ON alert (key) WHERE recovered_at IS NULL;
CREATE INDEX alert_customer ON alert (customer_id, seq);

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, customer_id TEXT,
  at INTEGER NOT NULL, body TEXT NOT NULL, routed_at INTEGER
) STRICT;
CREATE INDEX outbox_unrouted ON outbox (seq) WHERE routed_at IS NULL;

CREATE TABLE webhook (
  id TEXT NOT NULL PRIMARY KEY, url TEXT NOT NULL, description TEXT, kinds TEXT, customers TEXT,
  secrets TEXT NOT NULL, created_at INTEGER NOT NULL, disabled_at INTEGER, disabled_reason TEXT,
  deleted_at INTEGER
) STRICT;

CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL REFERENCES outbox (event_id), destination TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts INTEGER NOT NULL, queued_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL, ended_at INTEGER,
  UNIQUE (event_id, destination)
) STRICT;
CREATE INDEX delivery_due ON delivery (destination, next_at) WHERE state = 'pending';
CREATE INDEX delivery_dead ON delivery (destination, seq) WHERE state = 'dead';
CREATE INDEX delivery_destination ON delivery (destination, seq);

CREATE TABLE delivery_attempt (
  delivery_seq INTEGER NOT NULL REFERENCES delivery (seq) ON DELETE CASCADE, n INTEGER NOT NULL,
  at INTEGER NOT NULL, duration_ms INTEGER NOT NULL, status INTEGER, error TEXT, reply TEXT,
  PRIMARY KEY (delivery_seq, n)
) STRICT, WITHOUT ROWID;
`;
