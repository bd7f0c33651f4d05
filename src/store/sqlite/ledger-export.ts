/**
 * The journal as lines of text, for whoever wants to fold it with a program of their own.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type {
  LedgerExportPage,
  LedgerExportQuery,
  LedgerExportRange,
} from '../../metering/ledger-operations-port.ts';
import { firstKeptSeq } from './ledger-checkpoint.ts';
import { readLink } from './hash-chain.ts';
import { type ChainLink, eventLine, type EventRow, readEventRow } from './ledger-line.ts';
import type { QueryTable } from './reader-queries.ts';
import { statementCache } from './statement-cache.ts';
import { integer, nullableInteger, type SqlRow, text } from './subscriptions.ts';

/** Transactions are never parted, so a page may have a few more. */
const EVENTS_OF_A_PAGE = 500;

/** What is stored of an event's postings. */
interface StoredPostings {
  readonly p?: readonly (readonly (number | string)[])[];
}

function bucketLine(row: SqlRow): string {
  const bucket = {
    no: integer(row, 'no'),
    id: text(row, 'id'),
    customer: text(row, 'customer_id'),
    owner: text(row, 'owner_id'),
    limit: text(row, 'limit_id'),
    window: text(row, 'window_id'),
    source: text(row, 'source_key'),
    meter: text(row, 'meter'),
    effective_at: integer(row, 'effective_at'),
    expires_at: nullableInteger(row, 'expires_at'),
  };
  return `${JSON.stringify({ bucket })}\n`;
}

/** A link as an export has it. */
export function linkLine({ firstSeq, lastSeq, hash }: ChainLink): string {
  return `${JSON.stringify({ link: { first_seq: firstSeq, last_seq: lastSeq, hash } })}\n`;
}

/** The reader's side: both run in the snapshot of one statement after another, over rows that never change. */
export class LedgerExport {
  readonly #database: DatabaseSync;
  readonly #sql: ReturnType<typeof statementCache>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sql = statementCache(database);
  }

  range(query: LedgerExportQuery): LedgerExportRange {
    const firstKept = firstKeptSeq(this.#database);
    if (query.fromSeq !== null && query.fromSeq < firstKept) {
      throw new GatewayError('invalid_request', {
        message: `from_seq: events before ${firstKept} were archived; their files stand in the folder "archive" of the data folder.`,
        param: 'from_seq',
      });
    }
    const newest = this.#seq('SELECT max(last_seq) AS seq FROM ledger_chain') ?? 0;
    const from = Math.max(
      query.fromSeq ?? firstKept,
      query.fromMs === null ? firstKept : (this.#firstAt(query.fromMs) ?? newest + 1),
    );
    const to = Math.min(
      query.toSeq ?? newest,
      query.toMs === null ? newest : this.#lastBefore(query.toMs),
    );
    return this.#wholeLinks({ from, to, newest });
  }

  #wholeLinks(at: {
    readonly from: number;
    readonly to: number;
    readonly newest: number;
  }): LedgerExportRange {
    const first = this.#linkOf(at.from);
    if (first === null) {
      return { fromSeq: at.newest + 1, toSeq: at.newest, previousHash: this.#hashAt(at.newest) };
    }
    // Events from before the chain have no hash; they are given as they stand.
    const begin = first.firstSeq === 0 ? 1 : first.firstSeq;
    const last = at.to < at.from ? null : this.#linkOf(at.to);
    return {
      fromSeq: begin,
      toSeq: last?.lastSeq ?? begin - 1,
      previousHash: this.#hashAt(begin - 1),
    };
  }

  page(range: LedgerExportRange): LedgerExportPage {
    const { fromSeq, toSeq } = range;
    const lines: string[] = [];
    const told = new Set<number>();
    let head = range.previousHash;
    let at = fromSeq;
    const links = this.#sql(
      'SELECT * FROM ledger_chain WHERE last_seq >= ? AND last_seq <= ? ORDER BY last_seq',
    );
    for (const row of links.iterate(fromSeq, toSeq)) {
      const link = readLink(row);
      for (const event of this.#events(at, link.lastSeq)) {
        // What stands before the chain has no transactions that are known, and may be much.
        if (link.firstSeq === 0 && event.seq - fromSeq >= EVENTS_OF_A_PAGE) {
          return { text: lines.join(''), nextSeq: event.seq, head };
        }
        lines.push(...this.#newBuckets(event, told), eventLine(event));
      }
      lines.push(linkLine(link));
      head = link.hash;
      at = link.lastSeq + 1;
      if (at - fromSeq >= EVENTS_OF_A_PAGE) break;
    }
    return { text: lines.join(''), nextSeq: at > toSeq ? null : at, head };
  }

  /** What the buckets are that an event is the first of the page to name. */
  #newBuckets(event: EventRow, told: Set<number>): readonly string[] {
    const lines: string[] = [];
    for (const [no] of (JSON.parse(event.body) as StoredPostings).p ?? []) {
      const number = Number(no);
      if (told.has(number)) continue;
      told.add(number);
      const row = this.#sql('SELECT * FROM bucket WHERE no = ?').get(number);
      if (row !== undefined) lines.push(bucketLine(row));
    }
    return lines;
  }

  *#events(fromSeq: number, toSeq: number): Generator<EventRow> {
    const rows = this.#sql('SELECT * FROM event WHERE seq >= ? AND seq <= ? ORDER BY seq');
    for (const row of rows.iterate(fromSeq, toSeq)) yield readEventRow(row);
  }

  #linkOf(seq: number): ChainLink | null {
    const row = this.#sql(
      'SELECT * FROM ledger_chain WHERE last_seq >= ? ORDER BY last_seq LIMIT 1',
    ).get(seq);
    return row === undefined ? null : readLink(row);
  }

  #hashAt(seq: number): string {
    const row = this.#sql(
      'SELECT * FROM ledger_chain WHERE last_seq <= ? ORDER BY last_seq DESC LIMIT 1',
    ).get(seq);
    if (row !== undefined) return readLink(row).hash;
    const first = this.#linkOf(0);
    return first?.hash ?? '0'.repeat(64);
  }

  #firstAt(atMs: number): number | null {
    return this.#seq('SELECT seq FROM event WHERE at >= ? ORDER BY seq LIMIT 1', atMs);
  }

  #lastBefore(atMs: number): number {
    return this.#seq('SELECT seq FROM event WHERE at < ? ORDER BY seq DESC LIMIT 1', atMs) ?? 0;
  }

  #seq(sql: string, ...values: readonly number[]): number | null {
    const row = this.#sql(sql).get(...values);
    return row === undefined ? null : nullableInteger(row, 'seq');
  }
}

export function ledgerExportQueries(database: DatabaseSync): QueryTable {
  const ledger = new LedgerExport(database);
  return {
    ledgerExportRange: ([query]) => ledger.range(query as LedgerExportQuery),
    ledgerExportPage: ([range]) => ledger.page(range as LedgerExportRange),
  };
}
