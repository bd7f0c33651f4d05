/**
 * Makes the journal tamper-evident: every transaction that writes events adds one hash over them and the hash before.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ChainLink, eventLine, type EventRow, headEnd, linkHash } from './ledger-line.ts';
import { integer, type SqlRow, text } from './subscriptions.ts';

/** Reads a row of `ledger_chain`. */
export function readLink(row: SqlRow): ChainLink {
  return {
    firstSeq: integer(row, 'first_seq'),
    lastSeq: integer(row, 'last_seq'),
    hash: text(row, 'hash'),
  };
}

/** The writer's side. Everything runs inside the caller's transaction. */
export class HashChain {
  readonly #insert: StatementSync;
  #head: string;
  #sealed: string;
  #lines = '';
  #firstSeq = 0;
  #lastSeq = 0;
  /** Events of a batch are of one moment, and most of them in a row of one customer. */
  #customerId = '';
  #atMs = 0;
  #headEnd = '';

  /** @throws Error with one sentence when the database has no chain */
  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO ledger_chain (last_seq, first_seq, hash) VALUES (?, ?, ?)',
    );
    const newest = database
      .prepare('SELECT * FROM ledger_chain ORDER BY last_seq DESC LIMIT 1')
      .get();
    if (newest === undefined) {
      throw new Error(
        'The ledger has lost its chain of hashes: the gateway will not serve. Restore a backup, or run "alwrity-gateway doctor" for the whole list.',
      );
    }
    this.#head = readLink(newest).hash;
    this.#sealed = this.#head;
  }

  /** Takes an event that the transaction has written; they come in order. */
  add(row: EventRow): void {
    if (this.#lines === '') this.#firstSeq = row.seq;
    this.#lastSeq = row.seq;
    if (row.customerId !== this.#customerId || row.atMs !== this.#atMs) {
      this.#customerId = row.customerId;
      this.#atMs = row.atMs;
      this.#headEnd = headEnd(row);
    }
    this.#lines += eventLine(row, this.#headEnd);
  }

  /** Writes the hash over what was added; nothing where nothing was. Last before the commit. */
  seal(): void {
    if (this.#lines === '') return;
    const range = { firstSeq: this.#firstSeq, lastSeq: this.#lastSeq };
    this.#sealed = linkHash(this.#head, range, this.#lines);
    this.#insert.run(range.lastSeq, range.firstSeq, this.#sealed);
    this.#lines = '';
  }

  /** The transaction is committed. */
  committed(): void {
    this.#head = this.#sealed;
  }

  /** The transaction was undone. */
  reset(): void {
    this.#lines = '';
    this.#sealed = this.#head;
  }
}
