/**
 * Where folding the journal begins: at its first event, or at the newest checkpoint.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  type BucketCounters,
  type Checkpoint,
  readCheckpoint,
} from '../../metering/core/checkpoint.ts';
import type { BucketImage } from '../../metering/core/types.ts';
import { type EventReader, readBucket } from './journal-tables.ts';
import { nullableInteger } from './subscriptions.ts';

/** Number of the first event that is not archived; 1 where none is. */
export function firstKeptSeq(database: DatabaseSync): number {
  const row = database.prepare('SELECT max(before_seq) AS seq FROM ledger_archive').get();
  return (row === undefined ? null : nullableInteger(row, 'seq')) ?? 1;
}

/** The newest checkpoint; null where nothing was archived. @throws Error when it is not whole */
export function newestCheckpoint(database: DatabaseSync, events: EventReader): Checkpoint | null {
  const beforeSeq = firstKeptSeq(database);
  if (beforeSeq === 1) return null;
  const rows = database
    .prepare(
      `SELECT * FROM event WHERE event_id > 'checkpoint:' || ?1 || ':' AND event_id < 'checkpoint:' || ?1 || ';'
       ORDER BY seq`,
    )
    .all(String(beforeSeq));
  return readCheckpoint(rows.map((row) => events.read(row).entry));
}

/** A bucket with the counters of a checkpoint; null when it has no row. */
function bucketThen(database: DatabaseSync, [no, ...counters]: BucketCounters): BucketImage | null {
  const row = database.prepare('SELECT * FROM bucket WHERE no = ?').get(no);
  if (row === undefined) return null;
  const [granted, held, spent, overrun, expired, leased] = counters.map(BigInt);
  return {
    ...readBucket(row),
    granted: granted ?? 0n,
    held: held ?? 0n,
    spent: spent ?? 0n,
    overrun: overrun ?? 0n,
    expired: expired ?? 0n,
    leased: leased ?? 0n,
  };
}

/** Every bucket as it stood at a checkpoint. */
export function bucketsThen(
  database: DatabaseSync,
  checkpoint: Checkpoint,
): readonly BucketImage[] {
  return checkpoint.counters.flatMap((counters) => bucketThen(database, counters) ?? []);
}
