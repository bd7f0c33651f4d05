/**
 * Takes events of closed periods out of the journal into a file: what may go, and the file itself.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { BucketCounters, Checkpoint } from '../../metering/core/checkpoint.ts';
import { JournalFold } from '../../metering/core/rebuild.ts';
import type { ArchiveBound, ArchivePlan } from '../../metering/ledger-operations-port.ts';
import { ChainWalk } from './chain-walk.ts';
import { storedIdSql } from './event-key.ts';
import { EventReader } from './journal-tables.ts';
import { bucketsThen, firstKeptSeq, newestCheckpoint } from './ledger-checkpoint.ts';
import { LedgerExport } from './ledger-export.ts';
import { readEventRow } from './ledger-line.ts';
import type { QueryTable } from './reader-queries.ts';
import { statementCache } from './statement-cache.ts';
import { integer, nullableInteger } from './subscriptions.ts';
import { chainLinks } from './verify-ledger.ts';

const DAY_MS = 86_400_000;
/** Holds that ended more recently may be asked for again, and settled late. */
const KEPT_AT_LEAST_MS = 7 * DAY_MS;

export interface ArchiveQuestion {
  readonly beforeMs: number;
  readonly nowMs: number;
  readonly openHoldIds: readonly string[];
}

export class LedgerArchive {
  readonly #database: DatabaseSync;
  readonly #sql: ReturnType<typeof statementCache>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sql = statementCache(database);
  }

  /** What may go: whole transactions that are older than everything that is still needed. */
  plan(question: ArchiveQuestion): ArchivePlan {
    const fromSeq = firstKeptSeq(this.#database);
    const { atMs, by } = this.#timeBound(question);
    const byTime = this.#seq(
      'SELECT seq FROM event WHERE seq >= ? AND at >= ? ORDER BY seq LIMIT 1',
      [fromSeq, atMs],
    );
    const newest = this.#seq('SELECT max(last_seq) AS seq FROM ledger_chain', []) ?? 0;
    const inTime = byTime ?? newest + 1;
    const oldestOpen = this.#oldestOpen(question.openHoldIds);
    const bound = Math.min(inTime, oldestOpen ?? inTime);
    const last = this.#seq('SELECT max(last_seq) AS seq FROM ledger_chain WHERE last_seq < ?', [
      bound,
    ]);
    const beforeSeq = Math.max(fromSeq, (last ?? 0) + 1);
    const isHeldBack = oldestOpen !== null && oldestOpen < inTime;
    return {
      fromSeq,
      beforeSeq,
      events: beforeSeq - fromSeq,
      boundBy: isHeldBack ? 'open_hold' : by,
    };
  }

  /**
   * Writes the file of a plan and folds what is in it. Nothing else is changed; repeated, the file is written anew.
   *
   * @throws GatewayError `conflict` when something else was archived since, or the events are not what was written
   */
  write(plan: ArchivePlan, dataDir: string): Checkpoint {
    const { fromSeq, beforeSeq } = plan;
    if (firstKeptSeq(this.#database) !== fromSeq) {
      throw new GatewayError('conflict', {
        message: 'Another archive was written meanwhile; ask again.',
      });
    }
    const fold = this.#folded(plan);
    const exported = new LedgerExport(this.#database);
    const file = join('archive', `ledger-${fromSeq}-${beforeSeq - 1}.ndjson`);
    const { sha256, hash } = writeLines(join(dataDir, file), (write) => {
      const range = exported.range({ fromSeq, toSeq: beforeSeq - 1, fromMs: null, toMs: null });
      const { previousHash } = range;
      const start = { format: 'alwrity-ledger/1', from_seq: fromSeq, previous_hash: previousHash };
      write(`${JSON.stringify({ start })}\n`);
      let head = previousHash;
      for (let at: number | null = fromSeq; at !== null && at < beforeSeq;) {
        const page = exported.page({ ...range, fromSeq: at, previousHash: head });
        write(page.text);
        head = page.head;
        at = page.nextSeq;
      }
      write(`${JSON.stringify({ end: { next_seq: beforeSeq, hash: head } })}\n`);
      return head;
    });
    const numbers = this.#sql('SELECT no FROM bucket WHERE id = ?');
    const counters = [...fold.buckets.values()].map((bucket): BucketCounters => {
      const row = numbers.get(bucket.id);
      const { granted, held, spent, overrun, expired, leased } = bucket;
      const amounts = [granted, held, spent, overrun, expired, leased].map(String);
      return [row === undefined ? 0 : integer(row, 'no'), ...amounts];
    });
    return { beforeSeq, hash, file, sha256, counters, holds: [...fold.openHolds.values()] };
  }

  /** Folds up to the plan's end. @throws GatewayError `conflict` when the hashes do not fit */
  #folded({ fromSeq, beforeSeq }: ArchivePlan): JournalFold {
    const events = new EventReader(this.#database);
    const fold = new JournalFold();
    const before = newestCheckpoint(this.#database, events);
    if (before !== null) fold.start(bucketsThen(this.#database, before), before.holds);
    const walk = new ChainWalk(chainLinks(this.#database, fromSeq - 1, beforeSeq - 1));
    const rows = this.#sql('SELECT * FROM event WHERE seq >= ? AND seq < ? ORDER BY seq');
    for (const row of rows.iterate(fromSeq, beforeSeq)) {
      walk.add(readEventRow(row));
      fold.add(events.read(row).entry);
    }
    const [mismatch] = walk.end().mismatches;
    if (mismatch !== undefined) {
      throw new GatewayError('conflict', {
        message: `The hash over ${mismatch.bucket} does not fit: nothing is archived. Run "ledger verify".`,
      });
    }
    return fold;
  }

  /** Nothing younger may go: the date asked for, a week, the start of the oldest period that runs. */
  #timeBound({ beforeMs, nowMs }: ArchiveQuestion): { atMs: number; by: ArchiveBound } {
    const row = this.#sql('SELECT min(start_ts) AS at FROM period WHERE end_ts > ?').get(nowMs);
    const openMs = (row === undefined ? null : nullableInteger(row, 'at')) ?? beforeMs;
    const agedMs = nowMs - KEPT_AT_LEAST_MS;
    const atMs = Math.min(beforeMs, openMs, agedMs);
    if (atMs === beforeMs) return { atMs, by: 'date' };
    return { atMs, by: atMs === openMs ? 'open_period' : 'age' };
  }

  #oldestOpen(holdIds: readonly string[]): number | null {
    const seqs = holdIds.flatMap(
      (holdId) =>
        this.#seq(`SELECT seq FROM event WHERE event_id = ${storedIdSql('hold')}`, [holdId]) ?? [],
    );
    return seqs.length === 0 ? null : seqs.reduce((one, other) => Math.min(one, other));
  }

  #seq(sql: string, values: readonly (number | string)[]): number | null {
    const row = this.#sql(sql).get(...values);
    return row === undefined ? null : nullableInteger(row, 'seq');
  }
}

/** Writes a file that appears only when it is whole and on the disk. */
function writeLines(
  path: string,
  lines: (write: (text: string) => void) => string,
): { readonly sha256: string; readonly hash: string } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  const file = openSync(partial, 'wx', 0o600);
  const digest = createHash('sha256');
  let hash = '';
  try {
    hash = lines((text) => {
      const bytes = Buffer.from(text);
      digest.update(bytes);
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    });
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(partial, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return { sha256: digest.digest('hex'), hash };
}

export function ledgerArchiveQueries(database: DatabaseSync): QueryTable {
  const archive = new LedgerArchive(database);
  const inSnapshot = <Result>(read: () => Result): Result => {
    database.exec('BEGIN');
    try {
      return read();
    } finally {
      database.exec('COMMIT');
    }
  };
  return {
    planArchive: ([question]) => inSnapshot(() => archive.plan(question as ArchiveQuestion)),
    writeArchive: ([plan]) =>
      inSnapshot(() => archive.write(plan as ArchivePlan, dirname(database.location() ?? ''))),
  };
}
