/**
 * What calls in flight have reserved.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { readHold } from '../../metering/core/hold-bodies.ts';
import { numberedIdsSql, storedIdSql } from './event-key.ts';
import { EventReader } from './journal-tables.ts';
import { addSums, type Sums } from './usage-totals.ts';

/** What open holds have reserved: each call once, whatever the number of limits that bind it. */
export function heldBy(database: DatabaseSync, holdIds: readonly string[]): Sums {
  const held: Sums = {};
  const last = database.prepare(
    `SELECT * FROM event WHERE event_id = ${storedIdSql('hold')}
     UNION ALL SELECT * FROM event WHERE ${numberedIdsSql('extend')}
     ORDER BY seq DESC LIMIT 1`,
  );
  const first = database.prepare(`SELECT * FROM event WHERE event_id = ${storedIdSql('hold')}`);
  const events = new EventReader(database);
  for (const holdId of holdIds) {
    const born = first.get(holdId);
    const newest = last.get(holdId);
    if (born === undefined || newest === undefined) continue;
    const opening = events.read(born).entry;
    const { covered, requests } = readHold({
      ...opening,
      body: { ...opening.body, ...events.read(newest).entry.body },
    });
    for (const { amounts } of covered) addSums(held, { ...amounts, requests: 0n });
    addSums(held, { requests });
  }
  return held;
}
