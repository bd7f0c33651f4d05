/**
 * What subscriptions need beyond version 1: what a trial turns into, and the events by which payment systems
 * drive them.
 *
 * `subscription_clock` holds, for each thing that an event can set (state, plan, cancellation), the moment of what
 * set it last: an older event never undoes a newer one, whatever order they arrive in.
 *
 * @module
 */
export const SUBSCRIPTION_TABLES = `
ALTER TABLE subscription ADD COLUMN after_trial TEXT NOT NULL DEFAULT 'expire'
  CHECK (after_trial IN ('expire', 'activate'));

CREATE TABLE subscription_event (
  row INTEGER PRIMARY KEY, source TEXT NOT NULL, event_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  type TEXT NOT NULL, occurred_at INTEGER NOT NULL, received_at INTEGER NOT NULL, tries INTEGER NOT NULL,
  customer_id TEXT, outcome TEXT NOT NULL CHECK (outcome IN ('applied', 'ignored', 'failed')),
  reason TEXT, body TEXT NOT NULL,
  UNIQUE (source, event_id)
) STRICT;
CREATE INDEX subscription_event_customer ON subscription_event (customer_id);

CREATE TABLE subscription_clock (
  customer_id TEXT NOT NULL REFERENCES customer (id),
  aspect TEXT NOT NULL CHECK (aspect IN ('state', 'plan', 'cancellation')),
  occurred_at INTEGER NOT NULL, sequence INTEGER NOT NULL, reference TEXT,
  PRIMARY KEY (customer_id, aspect)
) STRICT, WITHOUT ROWID;

CREATE TABLE payment_customer (
  source TEXT NOT NULL, reference TEXT NOT NULL, customer_id TEXT NOT NULL REFERENCES customer (id),
  PRIMARY KEY (source, reference)
) STRICT, WITHOUT ROWID;
`;
