/**
 * Tables of usage as version 2 has them: what is counted by hour in the settlement's own transaction, and what
 * maintenance sums up of days that are over.
 *
 * @module
 */
import { METERS } from '../../../contracts/metering.ts';

const COUNTS = [
  ...METERS.map((meter) => `${meter} INTEGER NOT NULL`),
  'margin_usd INTEGER NOT NULL DEFAULT 0',
].join(', ');
const NAMES = METERS.join(', ');

/**
 * `usage_subject` is whose usage it is, at one of three grains: every dimension (0), all customers together (1), or one
 * customer with everything (2); a subject of grain 0 names the two that it is part of. Subjects of version 1 knew no
 * plan, so theirs is empty.
 *
 * A `usage_tag` is one value of one tag of a customer on one UTC day.
 *
 * `usage_mark`: days before `rolled_before` are summed up, in the day that begins there subjects up to `rolled_subject`;
 * requests reserved before `removed_before` may have been removed; `meters` has a bit for each column that was ever counted, the
 * margin's the lowest.
 *
 * `margin_usd` is by how much price rules charge more than providers do, nano-USD; version 1 knew no rules.
 */
export const USAGE_2 = `
CREATE TABLE usage_subject (
  id INTEGER PRIMARY KEY, grain INTEGER NOT NULL CHECK (grain BETWEEN 0 AND 2),
  customer_id TEXT NOT NULL, key_id TEXT NOT NULL, operation TEXT NOT NULL,
  provider TEXT NOT NULL, model TEXT NOT NULL, plan_id TEXT NOT NULL,
  kind_id INTEGER REFERENCES usage_subject (id), owner_id INTEGER REFERENCES usage_subject (id),
  UNIQUE (grain, customer_id, key_id, operation, provider, model, plan_id),
  CHECK ((grain = 0) = (kind_id IS NOT NULL) AND (grain = 0) = (owner_id IS NOT NULL))
) STRICT;

CREATE TABLE usage_hourly (
  subject_id INTEGER NOT NULL REFERENCES usage_subject (id), hour INTEGER NOT NULL, ${COUNTS},
  PRIMARY KEY (subject_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_daily (
  subject_id INTEGER NOT NULL REFERENCES usage_subject (id), day INTEGER NOT NULL, ${COUNTS},
  PRIMARY KEY (subject_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_tag (
  id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL, day INTEGER NOT NULL,
  name TEXT NOT NULL, value TEXT NOT NULL,
  UNIQUE (customer_id, day, name, value)
) STRICT;
CREATE INDEX usage_tag_name ON usage_tag (name, day, value);

CREATE TABLE usage_tag_hourly (
  tag_id INTEGER NOT NULL REFERENCES usage_tag (id),
  subject_id INTEGER NOT NULL REFERENCES usage_subject (id), hour INTEGER NOT NULL, ${COUNTS},
  PRIMARY KEY (tag_id, subject_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_mark (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  rolled_before INTEGER, rolled_subject INTEGER NOT NULL, removed_before INTEGER NOT NULL, meters INTEGER NOT NULL
) STRICT;
INSERT INTO usage_mark SELECT 1, NULL, 0, 0, iif(EXISTS (SELECT 1 FROM usage_hour), ${((1n << BigInt(METERS.length)) - 1n) << 1n}, 0);

INSERT INTO usage_subject (grain, customer_id, key_id, operation, provider, model, plan_id)
  SELECT DISTINCT 1, '', '', operation, provider, model, '' FROM usage_dim;
INSERT INTO usage_subject (grain, customer_id, key_id, operation, provider, model, plan_id)
  SELECT DISTINCT 2, customer_id, '', '', '', '', '' FROM usage_dim;
INSERT INTO usage_subject (grain, customer_id, key_id, operation, provider, model, plan_id, kind_id, owner_id)
  SELECT 0, d.customer_id, d.key_id, d.operation, d.provider, d.model, '', k.id, o.id
  FROM usage_dim d
  JOIN usage_subject k ON k.grain = 1 AND k.operation = d.operation AND k.provider = d.provider AND k.model = d.model
  JOIN usage_subject o ON o.grain = 2 AND o.customer_id = d.customer_id;
INSERT INTO usage_hourly (subject_id, hour, ${NAMES})
  SELECT s.id, h.hour, ${METERS.map((meter) => `h.${meter}`).join(', ')}
  FROM usage_hour h JOIN usage_dim d ON d.id = h.dim_id
  JOIN usage_subject s ON s.grain = 0 AND s.customer_id = d.customer_id AND s.key_id = d.key_id
    AND s.operation = d.operation AND s.provider = d.provider AND s.model = d.model AND s.plan_id = '';
DROP TABLE usage_hour;
DROP TABLE usage_dim;
`;
