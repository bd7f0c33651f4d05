/**
 * Writes and reads the ledger's rows: events with their postings, bucket rows, marks.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { METERS } from '../../contracts/metering.ts';
import type { BucketImage, JournalEntry, Posting } from '../../metering/core/types.ts';
import { isWalletBucket } from '../../metering/core/credits.ts';
import { BulkInsert } from './bulk-insert.ts';
import {
  amountAt,
  bodyText,
  packPosting,
  readBody,
  type StoredBody,
  type StoredPosting,
} from './event-body.ts';
import { eventIdOf, storedEventId } from './event-key.ts';
import { HashChain } from './hash-chain.ts';
import type { AttemptRow } from './row-codec.ts';
import {
  bigint,
  integer,
  nullableInteger,
  nullableText,
  type SqlRow,
  text,
} from './subscriptions.ts';

const EVENT_COLUMNS = ['seq', 'event_id', 'kind', 'hold_id', 'customer_id', 'at', 'body'] as const;

/** Next numbers to be given out. */
export interface JournalPosition {
  readonly nextSeq: number;
  readonly nextNo: number;
}

/** An event as it was stored. */
export interface StoredEvent {
  readonly seq: number;
  readonly entry: JournalEntry;
  /** Attempts as rows of `row-codec.ts`; null where the event has none. */
  readonly attempts: readonly AttemptRow[] | null;
}

/** True for more than a hold and its release. */
function changesMore({ dGranted, dSpent, dOverrun, dExpired }: Posting): boolean {
  return dGranted !== 0n || dSpent !== 0n || dOverrun !== 0n || dExpired !== 0n;
}

/** Reads a `bucket` row. */
export function readBucket(row: SqlRow): BucketImage {
  const meter = text(row, 'meter');
  return {
    id: text(row, 'id'),
    ownerId: text(row, 'owner_id'),
    limitId: text(row, 'limit_id'),
    windowId: text(row, 'window_id'),
    sourceKey: text(row, 'source_key'),
    meter: METERS.find((known) => known === meter) ?? 'requests',
    priority: integer(row, 'priority'),
    effectiveAtMs: integer(row, 'effective_at'),
    expiresAtMs: nullableInteger(row, 'expires_at'),
    granted: bigint(row, 'granted'),
    held: bigint(row, 'held'),
    spent: bigint(row, 'spent'),
    overrun: bigint(row, 'overrun'),
    expired: bigint(row, 'expired'),
    leased: bigint(row, 'leased'),
  };
}

/** Turns `event` rows back into journal entries; one instance keeps the bucket ids it has met. */
export class EventReader {
  readonly #bucketIdByNo: StatementSync;
  readonly #bucketById: StatementSync;
  readonly #ids = new Map<number, string>();

  constructor(database: DatabaseSync) {
    this.#bucketIdByNo = database.prepare('SELECT id FROM bucket WHERE no = ?');
    this.#bucketById = database.prepare('SELECT * FROM bucket WHERE id = ?');
  }

  read(row: SqlRow): StoredEvent {
    const stored = JSON.parse(text(row, 'body')) as StoredBody;
    const kind = text(row, 'kind') as JournalEntry['kind'];
    const holdId = nullableText(row, 'hold_id');
    const eventId = eventIdOf(text(row, 'event_id'), holdId);
    const postings = (stored.p ?? []).map((posting) => this.#posting(posting));
    return {
      seq: integer(row, 'seq'),
      entry: {
        eventId,
        kind,
        holdId,
        customerId: text(row, 'customer_id'),
        atMs: integer(row, 'at'),
        body: readBody(kind, stored.b),
        postings,
        newBuckets: this.#bornWith(kind, eventId),
      },
      attempts: stored.a ?? null,
    };
  }

  bucketId(no: number): string {
    const known = this.#ids.get(no);
    if (known !== undefined) return known;
    const row = this.#bucketIdByNo.get(no);
    const id = row === undefined ? `#${no}` : text(row, 'id');
    this.#ids.set(no, id);
    return id;
  }

  /** The bucket that a grant made: its identity is in its row, its counters began at zero. */
  #bornWith(kind: string, eventId: string): readonly BucketImage[] {
    if (kind !== 'grant') return [];
    const row = this.#bucketById.get(eventId.slice('grant:'.length));
    if (row === undefined) return [];
    const zero = { granted: 0n, held: 0n, spent: 0n, overrun: 0n, expired: 0n, leased: 0n };
    return [{ ...readBucket(row), ...zero }];
  }

  #posting(stored: readonly (number | string)[]): Posting {
    return {
      bucketId: this.bucketId(Number(stored[0])),
      dGranted: amountAt(stored, 1),
      dHeld: amountAt(stored, 2),
      dSpent: amountAt(stored, 3),
      dOverrun: amountAt(stored, 4),
      dExpired: amountAt(stored, 5),
      dLeased: amountAt(stored, 6),
    };
  }
}

/** What the writer keeps in mind of a bucket. */
interface KnownBucket {
  readonly no: number;
  readonly isOfWallet: boolean;
  /** True while its counters have changed since they were last written. */
  isTouched: boolean;
}

/** The writer's side. Everything runs inside the caller's transaction. */
export class JournalTables {
  readonly #events: BulkInsert;
  readonly #insertBucket: StatementSync;
  readonly #insertWalletEntry: StatementSync;
  readonly #updateBucket: StatementSync;
  readonly #bucketNo: StatementSync;
  readonly #bucketById: StatementSync;
  readonly #putMark: StatementSync;
  readonly #putBucketMark: StatementSync;
  readonly #chain: HashChain;
  readonly #buckets = new Map<string, KnownBucket>();
  #nextSeq: number;
  #nextNo: number;
  /** Buckets whose counters have changed since they were last written. */
  #touched: string[] = [];
  /** Entries of the transaction that changed credits by more than a hold and its release. */
  #walletEntries: JournalEntry[] = [];
  /** Buckets changed since the last mark. */
  readonly #sinceMark = new Set<string>();
  /** What a mark has written whose transaction is not committed yet. */
  readonly #marking = new Set<string>();

  constructor(database: DatabaseSync) {
    this.#events = new BulkInsert(database, 'event', EVENT_COLUMNS);
    this.#insertWalletEntry = database.prepare(
      'INSERT INTO wallet_entry (customer_id, seq) VALUES (?, ?)',
    );
    this.#insertBucket = database.prepare(
      `INSERT INTO bucket (no, id, customer_id, owner_id, limit_id, window_id, source_key, meter,
         priority, effective_at, expires_at, granted, held, spent, overrun, expired, leased)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0)`,
    );
    this.#updateBucket = database.prepare(
      'UPDATE bucket SET granted = ?, held = ?, spent = ?, overrun = ?, expired = ?, leased = ? WHERE no = ?',
    );
    this.#bucketNo = database.prepare('SELECT no FROM bucket WHERE id = ?');
    this.#bucketById = database.prepare('SELECT * FROM bucket WHERE id = ?');
    this.#putMark = database.prepare('UPDATE ledger_mark SET next_seq = ?, open_seqs = ?');
    this.#putBucketMark = database.prepare(
      'INSERT OR REPLACE INTO bucket_mark (no, granted, held, spent, overrun, expired, leased) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#chain = new HashChain(database);
    this.#nextSeq =
      Number(database.prepare('SELECT max(seq) AS last FROM event').get()?.['last'] ?? 0) + 1;
    this.#nextNo =
      Number(database.prepare('SELECT max(no) AS last FROM bucket').get()?.['last'] ?? 0) + 1;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Entries of the transaction under way that changed credits by more than a hold and its release. */
  get walletEntries(): readonly JournalEntry[] {
    return this.#walletEntries;
  }

  /** What {@link reset} puts back when a transaction fails. */
  position(): JournalPosition {
    return { nextSeq: this.#nextSeq, nextNo: this.#nextNo };
  }

  reset(position: JournalPosition): void {
    this.#nextSeq = position.nextSeq;
    for (const bucketId of this.#touched) {
      const bucket = this.#buckets.get(bucketId);
      if (bucket !== undefined) bucket.isTouched = false;
    }
    for (const [id, { no }] of this.#buckets) {
      if (no >= position.nextNo) this.#buckets.delete(id);
    }
    this.#nextNo = position.nextNo;
    this.#events.drop();
    this.#chain.reset();
    this.#touched = [];
    this.#walletEntries = [];
    this.unmark();
  }

  /** The transaction is committed, and the mark in it with it. */
  committed(): void {
    if (this.#walletEntries.length > 0) this.#walletEntries = [];
    this.#marking.clear();
    this.#chain.committed();
  }

  /** The transaction with the mark was undone: what it noted is still to be noted. */
  unmark(): void {
    for (const bucketId of this.#marking) this.#sinceMark.add(bucketId);
    this.#marking.clear();
  }

  /** A bucket row; null when there never was one. */
  bucket(bucketId: string): BucketImage | null {
    const row = this.#bucketById.get(bucketId);
    return row === undefined ? null : readBucket(row);
  }

  /** Takes one entry, which {@link flush} writes, and returns its sequence number. */
  append(entry: JournalEntry, attemptsText: string | null): number {
    for (const bucket of entry.newBuckets) this.#addBucket(bucket, entry.customerId);
    const postings: StoredPosting[] = [];
    let touchesCredits = false;
    for (const posting of entry.postings) {
      const bucket = this.#known(posting.bucketId);
      if (!bucket.isTouched) {
        bucket.isTouched = true;
        this.#touched.push(posting.bucketId);
      }
      postings.push(packPosting(posting, bucket.no));
      touchesCredits ||= bucket.isOfWallet && changesMore(posting);
    }
    const seq = this.#nextSeq;
    this.#nextSeq += 1;
    const { eventId, kind, holdId, customerId, atMs } = entry;
    const body = bodyText(entry, postings, attemptsText);
    const stored = storedEventId(eventId, holdId);
    this.#events.add(seq, stored, kind, holdId, customerId, atMs, body);
    this.#chain.add({ seq, eventId, kind, holdId, customerId, atMs, body });
    if (touchesCredits) {
      this.#insertWalletEntry.run(entry.customerId, seq);
      this.#walletEntries.push(entry);
    }
    return seq;
  }

  /** Writes the hash over the transaction's entries; last before its commit. */
  seal(): void {
    this.#chain.seal();
  }

  /**
   * Writes the entries that were taken, and every touched bucket once, as it now stands in memory.
   *
   * @throws Error of SQLite: a UNIQUE violation when an event is already in the journal
   */
  flush(bucketOf: (bucketId: string) => BucketImage | null): void {
    this.#events.flush();
    for (const bucketId of this.#touched) {
      const bucket = bucketOf(bucketId);
      if (bucket === null) throw new Error(`bucket ${bucketId} was changed but is not in memory`);
      const known = this.#known(bucketId);
      this.#updateBucket.run(
        bucket.granted,
        bucket.held,
        bucket.spent,
        bucket.overrun,
        bucket.expired,
        bucket.leased,
        known.no,
      );
      known.isTouched = false;
      this.#sinceMark.add(bucketId);
    }
    if (this.#touched.length > 0) this.#touched = [];
  }

  /**
   * Notes where a start may begin to read: the open holds' events, and the counters of every bucket that
   * has changed since the last mark.
   */
  mark(openSeqs: readonly number[]): void {
    for (const bucketId of this.#sinceMark) {
      const bucket = this.bucket(bucketId);
      if (bucket === null) continue;
      const { granted, held, spent, overrun, expired, leased } = bucket;
      this.#putBucketMark.run(
        this.#known(bucketId).no,
        granted,
        held,
        spent,
        overrun,
        expired,
        leased,
      );
    }
    this.#putMark.run(this.#nextSeq, JSON.stringify(openSeqs));
    for (const bucketId of this.#sinceMark) this.#marking.add(bucketId);
    this.#sinceMark.clear();
  }

  /** After a start: these have changed since the last mark. */
  touchedSinceMark(bucketIds: Iterable<string>): void {
    for (const bucketId of bucketIds) this.#sinceMark.add(bucketId);
  }

  /** Forgets numbers of buckets that memory has dropped. */
  prune(isLive: (bucketId: string) => boolean): void {
    for (const id of this.#buckets.keys()) if (!isLive(id)) this.#buckets.delete(id);
  }

  #addBucket(bucket: BucketImage, customerId: string): void {
    const no = this.#nextNo;
    this.#nextNo += 1;
    this.#insertBucket.run(
      no,
      bucket.id,
      customerId,
      bucket.ownerId,
      bucket.limitId,
      bucket.windowId,
      bucket.sourceKey,
      bucket.meter,
      bucket.priority,
      bucket.effectiveAtMs,
      bucket.expiresAtMs,
    );
    this.#buckets.set(bucket.id, knownAs(bucket.id, no));
  }

  #known(bucketId: string): KnownBucket {
    const known = this.#buckets.get(bucketId);
    if (known !== undefined) return known;
    const row = this.#bucketNo.get(bucketId);
    if (row === undefined) throw new Error(`bucket ${bucketId} has no row`);
    const found = knownAs(bucketId, integer(row, 'no'));
    this.#buckets.set(bucketId, found);
    return found;
  }
}

function knownAs(bucketId: string, no: number): KnownBucket {
  return { no, isOfWallet: isWalletBucket(bucketId), isTouched: false };
}
