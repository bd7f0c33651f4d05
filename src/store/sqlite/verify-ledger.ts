/**
 * Proves the ledger from its events: that they are the ones that were written, and that the counters follow from them.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { JournalFold } from '../../metering/core/rebuild.ts';
import type { VerifyReport } from '../../metering/ports.ts';
import { ChainWalk } from './chain-walk.ts';
import { readLink } from './hash-chain.ts';
import { EventReader, readBucket } from './journal-tables.ts';
import { type ChainLink, readEventRow } from './ledger-line.ts';

/** Links of the chain in order. */
export function* chainLinks(database: DatabaseSync): Generator<ChainLink> {
  const rows = database.prepare('SELECT * FROM ledger_chain ORDER BY last_seq');
  for (const row of rows.iterate()) yield readLink(row);
}

/** Reads every event; run it in one snapshot. */
export function verifyLedger(database: DatabaseSync): VerifyReport {
  const events = new EventReader(database);
  const fold = new JournalFold();
  const walk = new ChainWalk(chainLinks(database));
  const unreadable: VerifyReport['mismatches'][number][] = [];
  for (const row of database.prepare('SELECT * FROM event ORDER BY seq').iterate()) {
    const stored = readEventRow(row);
    walk.add(stored);
    try {
      fold.add(events.read(row).entry);
    } catch (error) {
      const actual = error instanceof Error ? error.message : String(error);
      const what = { bucket: `event ${stored.seq}`, field: 'body', expected: 'an event' };
      unreadable.push({ ...what, actual });
    }
  }
  const buckets = database.prepare('SELECT * FROM bucket').all().map(readBucket);
  const report = fold.compare(buckets, fold.openHolds.values());
  const { chain, mismatches } = walk.end();
  const all = [...mismatches, ...unreadable, ...report.mismatches];
  return { ...report, ok: all.length === 0, mismatches: all, chain };
}
