/**
 * Proves the ledger from its events: that they are the ones that were written, and that the counters follow from them.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { JournalFold } from '../../metering/core/rebuild.ts';
import type { VerifyReport } from '../../metering/ports.ts';
import { ChainWalk } from './chain-walk.ts';
import type { Checkpoint } from '../../metering/core/checkpoint.ts';
import { bucketsThen, firstKeptSeq, newestCheckpoint } from './ledger-checkpoint.ts';
import { readLink } from './hash-chain.ts';
import { EventReader, readBucket } from './journal-tables.ts';
import { type ChainLink, readEventRow } from './ledger-line.ts';

type Mismatch = VerifyReport['mismatches'][number];

/** Links of the chain in order, those that end from `fromSeq` to `toSeq`. */
export function* chainLinks(
  database: DatabaseSync,
  fromSeq = 0,
  toSeq = Number.MAX_SAFE_INTEGER,
): Generator<ChainLink> {
  const rows = database.prepare(
    'SELECT * FROM ledger_chain WHERE last_seq >= ? AND last_seq <= ? ORDER BY last_seq',
  );
  for (const row of rows.iterate(fromSeq, toSeq)) yield readLink(row);
}

/** The checkpoint to begin at, and what is wrong with it. */
function beginning(
  database: DatabaseSync,
  events: EventReader,
): { readonly checkpoint: Checkpoint | null; readonly faults: readonly Mismatch[] } {
  const firstSeq = firstKeptSeq(database);
  const what = { bucket: `checkpoint before event ${firstSeq}`, field: 'hash' };
  try {
    const checkpoint = newestCheckpoint(database, events);
    if (checkpoint === null) return { checkpoint, faults: [] };
    const [link] = chainLinks(database, firstSeq - 1, firstSeq - 1);
    const { hash } = checkpoint;
    if (link?.hash === hash) return { checkpoint, faults: [] };
    return { checkpoint, faults: [{ ...what, expected: hash, actual: link?.hash ?? 'none' }] };
  } catch (error) {
    const actual = error instanceof Error ? error.message : String(error);
    return { checkpoint: null, faults: [{ ...what, expected: 'a checkpoint', actual }] };
  }
}

/** Reads every event from the newest checkpoint on; run it in one snapshot. */
export function verifyLedger(database: DatabaseSync): VerifyReport {
  const events = new EventReader(database);
  const fold = new JournalFold();
  const { checkpoint, faults } = beginning(database, events);
  if (checkpoint !== null) fold.start(bucketsThen(database, checkpoint), checkpoint.holds);
  const firstSeq = firstKeptSeq(database);
  const walk = new ChainWalk(chainLinks(database, firstSeq - 1));
  const unreadable: Mismatch[] = [];
  const rows = database.prepare('SELECT * FROM event WHERE seq >= ? ORDER BY seq');
  for (const row of rows.iterate(firstSeq)) {
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
  const all = [...faults, ...mismatches, ...unreadable, ...report.mismatches];
  const archived =
    checkpoint === null
      ? null
      : { before_seq: firstSeq, file: checkpoint.file, sha256: checkpoint.sha256 };
  return { ...report, ok: all.length === 0, mismatches: all, chain, archived };
}
