/**
 * The schema, as a list of steps that are applied in order, each in its own transaction.
 *
 * Truth stands in `event`; `bucket`, `request` and the usage tables are projections changed in the same
 * transaction. Times are milliseconds since the epoch, amounts whole base units.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { METERS } from '../../contracts/metering.ts';
import { STORED_EVENT_ID_SQL } from './event-key.ts';
import { ESTIMATED_HOLDS } from './schema/estimated-holds.ts';
import { IDEMPOTENCY } from './schema/idempotency.ts';
import { QUOTES } from './schema/quotes.ts';
import { LEDGER_ARCHIVE } from './schema/ledger-archive.ts';
import { LEDGER_CHAIN } from './schema/ledger-chain.ts';
import { LIMIT_SCOPES } from './schema/limit-scopes.ts';
import { USAGE_2 } from './schema/usage.ts';
import { SUBSCRIPTION_TABLES } from './schema/subscriptions.ts';
import { ALERTS } from './schema/alerts.ts';
import { PRICES } from './schema/prices.ts';
import { RECONCILIATION } from './schema/reconciliation.ts';
import { REQUESTS_2 } from './schema/requests.ts';
import { WALLET } from './schema/wallet.ts';
import { AUDIT } from './schema/audit.ts';
import { ASSETS } from './schema/assets.ts';
import { JOBS } from './schema/jobs.ts';
import { VOICES } from './schema/voices.ts';

const DIRECTORY = `
CREATE TABLE plan_version (
  plan_id TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0),
  apply TEXT NOT NULL CHECK (apply IN ('now', 'period_end')),
  created_at INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (plan_id, version)
) STRICT;

CREATE TABLE customer (
  id TEXT NOT NULL PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, name TEXT, created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE subscription (
  id TEXT NOT NULL PRIMARY KEY, customer_id TEXT NOT NULL UNIQUE REFERENCES customer (id),
  status TEXT NOT NULL, cadence TEXT NOT NULL CHECK (cadence IN ('month', 'year')),
  timezone TEXT NOT NULL, anchor_local TEXT NOT NULL,
  first_seq INTEGER NOT NULL, first_start INTEGER NOT NULL,
  trial_end INTEGER, grace_until INTEGER, cancel_at INTEGER, rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sub_phase (
  sub_id TEXT NOT NULL REFERENCES subscription (id), n INTEGER NOT NULL,
  plan_id TEXT NOT NULL, plan_version INTEGER NOT NULL, from_ts INTEGER NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('keep_used', 'prorate', 'restart')),
  applied INTEGER NOT NULL CHECK (applied IN (0, 1)),
  PRIMARY KEY (sub_id, n),
  FOREIGN KEY (plan_id, plan_version) REFERENCES plan_version (plan_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE period (
  id TEXT NOT NULL PRIMARY KEY, sub_id TEXT NOT NULL REFERENCES subscription (id),
  seq INTEGER NOT NULL, start_ts INTEGER NOT NULL, end_ts INTEGER NOT NULL,
  UNIQUE (sub_id, seq), CHECK (end_ts > start_ts)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
  id TEXT NOT NULL PRIMARY KEY, type TEXT NOT NULL CHECK (type IN ('customer', 'service', 'admin')),
  name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, prefix TEXT NOT NULL, last4 TEXT NOT NULL,
  customer_id TEXT, default_customer_id TEXT, scopes TEXT,
  created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER
) STRICT;
CREATE INDEX api_key_customer ON api_key (customer_id);
`;

/** Most frequent first: SQLite stops at the one that fits, while `IN` builds a table for every row. */
const EVENT_KINDS = [
  'hold',
  'settle',
  'void',
  'extend',
  'grant',
  'dispatch',
  'expire',
  'unknown',
  'reconcile',
  'adjust',
];

/** Kinds that came with version 2. */
const LATER_KINDS = ['rollover', 'cover', 'lease', 'checkpoint'];

const LEDGER = `
CREATE TABLE bucket (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  customer_id TEXT NOT NULL, owner_id TEXT NOT NULL, limit_id TEXT NOT NULL, window_id TEXT NOT NULL,
  source_key TEXT NOT NULL, meter TEXT NOT NULL, priority INTEGER NOT NULL,
  effective_at INTEGER NOT NULL, expires_at INTEGER,
  granted INTEGER NOT NULL CHECK (granted >= 0), held INTEGER NOT NULL CHECK (held >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0), overrun INTEGER NOT NULL CHECK (overrun >= 0),
  expired INTEGER NOT NULL CHECK (expired >= 0), leased INTEGER NOT NULL CHECK (leased >= 0),
  UNIQUE (owner_id, limit_id, window_id, source_key),
  CHECK (held + spent + expired + leased <= granted)
) STRICT;
CREATE INDEX bucket_customer ON bucket (customer_id, expires_at);

CREATE TABLE event (
  seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (${EVENT_KINDS.map((kind) => `kind = '${kind}'`).join(' OR ')}),
  hold_id TEXT, customer_id TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TABLE bucket_mark (
  no INTEGER PRIMARY KEY, granted INTEGER NOT NULL, held INTEGER NOT NULL, spent INTEGER NOT NULL,
  overrun INTEGER NOT NULL, expired INTEGER NOT NULL, leased INTEGER NOT NULL
) STRICT;

CREATE TABLE ledger_mark (
  only INTEGER PRIMARY KEY CHECK (only = 1), next_seq INTEGER NOT NULL, open_seqs TEXT NOT NULL
) STRICT;
INSERT INTO ledger_mark VALUES (1, 1, '[]');

CREATE TABLE progress (
  hold_id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, charges TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

const RECORDS = `
CREATE TABLE request (
  row INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
  started_at INTEGER NOT NULL, hold_id TEXT NOT NULL, body TEXT NOT NULL, usage TEXT
) STRICT;
CREATE INDEX request_customer ON request (customer_id);

CREATE TABLE usage_dim (
  id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL, key_id TEXT NOT NULL, operation TEXT NOT NULL,
  provider TEXT NOT NULL, model TEXT NOT NULL,
  UNIQUE (customer_id, key_id, operation, provider, model)
) STRICT;

CREATE TABLE usage_hour (
  dim_id INTEGER NOT NULL REFERENCES usage_dim (id), hour INTEGER NOT NULL,
  ${METERS.map((meter) => `${meter} INTEGER NOT NULL`).join(', ')},
  PRIMARY KEY (dim_id, hour)
) STRICT, WITHOUT ROWID;
`;

/**
 * SQLite cannot widen a CHECK in place, so the table is written anew with the kinds that version 1 did not know.
 * The journal's rows are copied as they are, but for the order of words in their ids (`event-key.ts`).
 */
const WIDER_EVENTS = `
DROP TRIGGER event_no_update;
DROP TRIGGER event_no_delete;
ALTER TABLE event RENAME TO event_1;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (${[...EVENT_KINDS, ...LATER_KINDS].map((kind) => `kind = '${kind}'`).join(' OR ')}),
  hold_id TEXT, customer_id TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
INSERT INTO event SELECT seq, ${STORED_EVENT_ID_SQL}, kind, hold_id, customer_id, at, body FROM event_1;
DROP TABLE event_1;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
`;

/** Version 2, a line for each topic; a topic with tables of its own has a file in `schema/`. */
const VERSION_2: readonly string[] = [
  WIDER_EVENTS,
  WALLET,
  IDEMPOTENCY,
  QUOTES,
  USAGE_2,
  REQUESTS_2,
  SUBSCRIPTION_TABLES,
  ALERTS,
  LIMIT_SCOPES,
  PRICES,
  RECONCILIATION,
  LEDGER_CHAIN,
  ASSETS,
  VOICES,
  LEDGER_ARCHIVE,
  JOBS,
  ESTIMATED_HOLDS,
  AUDIT,
];

/** One step per schema version; a step that was released is never changed. */
const STEPS: readonly string[] = [DIRECTORY + LEDGER + RECORDS, VERSION_2.join('')];

/** Version that this build reads and writes. */
export const SCHEMA_VERSION = STEPS.length;

/**
 * Brings a database to {@link SCHEMA_VERSION}, or to an older version where a test wants one.
 *
 * @throws Error with one sentence for the operator when a newer build has written the database
 */
export function migrate(
  database: DatabaseSync,
  path: string,
  toVersion: number = SCHEMA_VERSION,
): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (found > SCHEMA_VERSION) {
    throw new Error(
      `${path} was written by a newer version of the gateway (schema ${found}, this one reads up to ${SCHEMA_VERSION}): start that version, or restore a backup.`,
    );
  }
  for (let version = found; version < toVersion; version += 1) {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(STEPS[version] ?? '');
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }
}
