import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { METERS } from '../../../contracts/metering.ts';
import { readUsage } from '../usage-reader.ts';
import { USAGE_2 } from './usage.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The usage tables as version 1 had them. */
const VERSION_1 = `
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
CREATE TABLE event (seq INTEGER, event_id TEXT);
CREATE TABLE bucket (no INTEGER, id TEXT);
`;

function addHour(database: DatabaseSync, dim: number, hour: number, requests: number): void {
  const values = METERS.map((meter) => (meter === 'requests' ? requests : 0));
  const places = METERS.map(() => '?').join(', ');
  database
    .prepare(`INSERT INTO usage_hour VALUES (?, ?, ${places})`)
    .run(dim, hour * HOUR_MS, ...values);
}

describe('usage of version 1', () => {
  it('is told in full by version 2, of no plan', () => {
    const database = new DatabaseSync(':memory:', { readBigInts: true });
    database.exec(VERSION_1);
    database.exec(`INSERT INTO usage_dim VALUES
      (1, 'cus_1', 'key_1', 'text.generate', 'sim', 'sim/chat'),
      (2, 'cus_1', 'key_2', 'text.generate', 'sim', 'sim/chat'),
      (7, 'cus_2', 'key_3', 'image.generate', 'sim', 'sim/image')`);
    addHour(database, 1, 0, 2);
    addHour(database, 1, 30, 3);
    addHour(database, 2, 0, 5);
    addHour(database, 7, 1, 7);
    database.exec(`BEGIN; ${USAGE_2} COMMIT;`);
    const ask = (groupBy: readonly ('key' | 'plan' | 'customer')[]) =>
      readUsage(
        database,
        { customerId: null, fromMs: 0, toMs: 2 * DAY_MS, groupBy, bucket: null },
        { nowMs: 3 * DAY_MS, openHoldIds: [] },
      );
    expect(ask([]).totals).toEqual({ requests: 17n });
    expect(ask(['plan']).groups).toEqual([{ key: { plan: '' }, totals: { requests: 17n } }]);
    const counts = (groupBy: 'key' | 'customer') =>
      ask([groupBy]).groups.map(({ key, totals }) => [key[groupBy], totals.requests]);
    expect(counts('key')).toEqual([
      ['key_1', 5n],
      ['key_2', 5n],
      ['key_3', 7n],
    ]);
    expect(counts('customer')).toEqual([
      ['cus_1', 10n],
      ['cus_2', 7n],
    ]);
    database.close();
  });
});
