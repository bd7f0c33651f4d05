/**
 * What a start does before it serves: compare the journal with the counters, load the open holds, book what
 * the emergency file has, and mark calls that a crash cut off as `unknown`.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { Accounts } from './accounts.ts';
import { type HoldHistory, identityOf } from './hold-history.ts';
import { bigint, integer, nullableText, type SqlRow, text } from './subscriptions.ts';
import type { ScopeAccounts } from './scope-accounts.ts';
import { readDeferredOrder } from './emergency-journal.ts';
import { openJobHolds } from './job-operations.ts';
import { restoreRates } from './rate-recovery.ts';
import type { Writer } from './writer.ts';

const COUNTERS = ['granted', 'held', 'spent', 'overrun', 'expired', 'leased'] as const;
const NEVER_ENDS = 'expires_at IS NULL OR expires_at > ?';

interface Tail {
  /** Ids of holds that no event has ended. */
  readonly openHolds: readonly string[];
  /** Sums of postings by bucket number since the mark. */
  readonly sums: ReadonlyMap<number, readonly bigint[]>;
}

/** Reads what has happened since the last mark. */
function readTail(database: DatabaseSync): Tail {
  const mark = database.prepare('SELECT * FROM ledger_mark').get();
  const openHolds = new Set<string>();
  const holdOf = database.prepare('SELECT hold_id FROM event WHERE seq = ?');
  for (const seq of JSON.parse(mark === undefined ? '[]' : text(mark, 'open_seqs')) as number[]) {
    const row = holdOf.get(seq);
    if (row !== undefined) openHolds.add(text(row, 'hold_id'));
  }
  const sums = new Map<number, bigint[]>();
  const events = database.prepare(
    'SELECT kind, hold_id, body FROM event WHERE seq >= ? ORDER BY seq',
  );
  for (const row of events.iterate(mark === undefined ? 1 : integer(mark, 'next_seq'))) {
    const holdId = nullableText(row, 'hold_id');
    const kind = text(row, 'kind');
    if (holdId !== null && kind === 'hold') openHolds.add(holdId);
    if (holdId !== null && ['settle', 'void', 'expire', 'reconcile'].includes(kind)) {
      openHolds.delete(holdId);
    }
    const { p } = JSON.parse(text(row, 'body')) as { p: readonly (readonly (number | string)[])[] };
    for (const [no, ...amounts] of p) {
      const sum = sums.get(Number(no)) ?? COUNTERS.map(() => 0n);
      amounts.forEach((amount, index) => {
        sum[index] = (sum[index] ?? 0n) + BigInt(amount);
      });
      sums.set(Number(no), sum);
    }
  }
  return { openHolds: [...openHolds], sums };
}

function refuse(bucketId: string, counter: string): never {
  throw new Error(
    `The ledger does not match its journal (${counter} of ${bucketId}): the gateway will not serve. Restore a backup, or run "alwrity-gateway doctor" for the whole list.`,
  );
}

/**
 * Compares the counters of every bucket that can still be used with the last mark plus what was posted since.
 *
 * @throws Error with one sentence when they differ
 */
function checkCounters(database: DatabaseSync, tail: Tail, nowMs: number): void {
  const marked = database.prepare('SELECT * FROM bucket_mark WHERE no = ?');
  const buckets = database.prepare(`SELECT * FROM bucket WHERE ${NEVER_ENDS} OR held > 0`);
  for (const row of buckets.iterate(nowMs)) {
    const no = integer(row, 'no');
    const before: SqlRow | undefined = marked.get(no);
    const since = tail.sums.get(no);
    COUNTERS.forEach((counter, index) => {
      const expected =
        (before === undefined ? 0n : bigint(before, counter)) + (since?.[index] ?? 0n);
      if (expected !== bigint(row, counter)) refuse(text(row, 'id'), counter);
    });
  }
}

export interface RecoveryParts {
  readonly database: DatabaseSync;
  readonly engine: MeteringEngine;
  readonly accounts: Accounts;
  readonly scopes: ScopeAccounts;
  readonly history: HoldHistory;
  readonly writer: Writer;
  readonly deferred: readonly unknown[];
  readonly nowMs: number;
}

/**
 * Brings memory to where the database is.
 *
 * @throws Error with one sentence when the ledger is not sound
 */
export function recover(parts: RecoveryParts): void {
  const { database, engine, accounts, scopes, history, writer, nowMs } = parts;
  const tail = readTail(database);
  checkCounters(database, tail, nowMs);
  writer.journal.touchedSinceMark(bucketIdsOf(database, tail.sums.keys()));
  for (const holdId of tail.openHolds) {
    const story = history.story(holdId);
    if (story === null || story.resolved !== null) continue;
    const { hold } = story;
    writer.transact(nowMs, (unit) => {
      accounts.ensure(hold.customerId, unit);
      scopes.ensureForBuckets(
        hold.legs.map(({ bucketId }) => bucketId),
        hold,
        unit,
      );
    });
    for (const { bucketId } of hold.legs) {
      const bucket = engine.bucket(bucketId) === null ? writer.journal.bucket(bucketId) : null;
      if (bucket !== null) engine.loadBucket(bucket);
    }
    engine.loadHold(hold, accounts.compiled(hold.planId, hold.planVersion));
    writer.trackOpen(holdId, { identity: identityOf(hold), seq: story.seq });
    if (story.unknownSinceMs !== null) writer.unknownSince.set(holdId, story.unknownSinceMs);
  }
  restoreRates(parts);
  if (parts.deferred.length > 0) writer.replay(parts.deferred.map(readDeferredOrder), nowMs);
  writer.transact(nowMs, (unit) => {
    // Jobs go on: what they do does not end with the process.
    const ofJobs = openJobHolds(database);
    const calls = engine.openHolds().flatMap(({ holdId }) => (ofJobs.has(holdId) ? [] : holdId));
    unit.keep(engine.markUnknown(calls, nowMs));
  });
}

function bucketIdsOf(database: DatabaseSync, numbers: Iterable<number>): string[] {
  const byNumber = database.prepare('SELECT id FROM bucket WHERE no = ?');
  const ids: string[] = [];
  for (const no of numbers) {
    const row = byNumber.get(no);
    if (row !== undefined) ids.push(text(row, 'id'));
  }
  return ids;
}
