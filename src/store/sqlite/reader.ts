/**
 * Reads that may take long, on a connection that can only read: usage, requests, events, verification, and
 * the directory's lists. Every answer is of one snapshot.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type {
  CustomerRecord,
  Directory,
  DirectorySnapshot,
  KeyRecord,
  LedgerEvent,
  Page,
  PageQuery,
  PlanRecord,
  RequestDetail,
  RequestQuery,
  RequestRecord,
  VerifyReport,
} from '../../metering/ports.ts';
import { namedBody } from '../../metering/core/hold-bodies.ts';
import { KEY_ROWS, readCustomer, readKey } from './directory-rows.ts';
import { HoldHistory } from './hold-history.ts';
import { EventReader } from './journal-tables.ts';
import { pageOf, pageSize, numberCursor, placeCursor } from './paging.ts';
import { OF_CUSTOMER, REQUESTS_WITH_OWNER } from './request-owners.ts';
import { decodeAttempts, readRequest, REQUEST_COLUMNS } from './row-codec.ts';
import {
  groupVersions,
  integer,
  phaseInForce,
  type SqlRow,
  SubscriptionTables,
  text,
} from './subscriptions.ts';
import { subscriptionRecord } from './subscription-view.ts';
import { requestRowAt } from './usage-tables.ts';
import { verifyLedger } from './verify-ledger.ts';
import { statementCache } from './statement-cache.ts';

/** A request may have begun this much before or after its reserve and still be found by its start. */
const START_SLACK_MS = 3_600_000;

function placeOf(row: SqlRow): string {
  return text(row, 'place');
}

export class Reader {
  readonly #database: DatabaseSync;
  readonly #tables: SubscriptionTables;
  readonly #history: HoldHistory;
  readonly #events: EventReader;
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sql = statementCache(database);
    this.#tables = new SubscriptionTables(database);
    this.#history = new HoldHistory(database);
    this.#events = new EventReader(database);
  }

  snapshot(): DirectorySnapshot {
    return this.#inSnapshot(() => ({
      keys: this.#sql(`${KEY_ROWS} ORDER BY rowid`).all().map(readKey),
      customers: this.#sql('SELECT * FROM customer ORDER BY rowid').all().map(readCustomer),
    }));
  }

  /** The newest version of every plan, in order of creation. */
  plans(): readonly PlanRecord[] {
    const grouped = groupVersions(this.#tables.planVersions());
    return [...grouped.values()].flatMap((list) =>
      list
        .slice(-1)
        .map(({ id, version, plan, createdAtMs }) => ({ id, version, plan, createdAtMs })),
    );
  }

  /** In order of creation. */
  customers(query: PageQuery): Page<CustomerRecord> {
    const limit = pageSize(query);
    const rows = this.#sql(
      'SELECT rowid AS place, * FROM customer WHERE rowid > ? ORDER BY rowid LIMIT ?',
    ).all(placeCursor(query.cursor), limit + 1);
    return pageOf(rows, limit, { read: readCustomer, cursor: placeOf });
  }

  customer(idOrExternalId: string, nowMs: number): Awaited<ReturnType<Directory['customer']>> {
    return this.#inSnapshot(() => {
      const column = idOrExternalId.startsWith('cus_') ? 'id' : 'external_id';
      const row = this.#sql(`SELECT * FROM customer WHERE ${column} = ?`).get(idOrExternalId);
      if (row === undefined) return null;
      const subscription = this.#tables.ofCustomer(text(row, 'id'));
      if (subscription === null) return null;
      const versions = groupVersions(this.#tables.planVersions());
      const record = subscriptionRecord(subscription, versions, nowMs);
      const inForce = phaseInForce(subscription, versions.get(record.planId) ?? [], nowMs);
      const plan = versions
        .get(record.planId)
        ?.find((candidate) => candidate.version === inForce?.version);
      if (plan === undefined) return null;
      const { id, version, createdAtMs } = plan;
      return {
        customer: readCustomer(row),
        subscription: record,
        plan: { id, version, plan: plan.plan, createdAtMs },
      };
    });
  }

  /** In order of creation. */
  keys(query: PageQuery & { readonly customerId: string | null }): Page<KeyRecord> {
    const limit = pageSize(query);
    const ofCustomer = query.customerId === null ? '' : 'customer_id = ? AND';
    const customer = query.customerId === null ? [] : [query.customerId];
    const rows = this.#sql(`${KEY_ROWS} WHERE ${ofCustomer} rowid > ? ORDER BY rowid LIMIT ?`).all(
      ...customer,
      placeCursor(query.cursor),
      limit + 1,
    );
    return pageOf(rows, limit, { read: readKey, cursor: placeOf });
  }

  /** Newest first. */
  requests(query: RequestQuery): Page<RequestRecord> {
    const limit = pageSize(query);
    const fromMs = query.fromMs ?? 0;
    const toMs = query.toMs ?? Number.MAX_SAFE_INTEGER / 2048;
    const before = numberCursor(query.cursor, requestRowAt(toMs + START_SLACK_MS));
    const bounds = [requestRowAt(Math.max(0, fromMs - START_SLACK_MS)), before, fromMs, toMs];
    const where = 'row >= ? AND row < ? AND started_at >= ? AND started_at < ?';
    const rows =
      query.customerId === null
        ? this.#sql(
            `SELECT row, ${REQUEST_COLUMNS} FROM ${REQUESTS_WITH_OWNER} WHERE ${where} ORDER BY row DESC LIMIT ?`,
          ).all(...bounds, limit + 1)
        : this.#sql(
            `SELECT row, ${REQUEST_COLUMNS} FROM ${REQUESTS_WITH_OWNER} WHERE ${OF_CUSTOMER} AND ${where} ORDER BY row DESC LIMIT ?`,
          ).all(query.customerId, ...bounds, limit + 1);
    return pageOf(rows, limit, {
      read: readRequest,
      cursor: (row) => text(row, 'row'),
    });
  }

  request(requestId: string): RequestDetail | null {
    return this.#inSnapshot(() => {
      const row = this.#sql(
        `SELECT hold_id, ${REQUEST_COLUMNS} FROM ${REQUESTS_WITH_OWNER} WHERE request_id = ?`,
      ).get(requestId);
      if (row === undefined) return null;
      const story = this.#history.story(text(row, 'hold_id'));
      const attempts = story?.events.findLast((event) => event.attempts !== null)?.attempts;
      return {
        ...readRequest(row),
        hold:
          story === null
            ? null
            : {
                id: story.hold.holdId,
                state: story.resolved?.type ?? story.hold.state,
                priceBookId: story.hold.priceBookId,
                legs: story.hold.legs.map(({ bucketId, amount }) => ({
                  limit: this.#limitOf(bucketId),
                  amount: String(amount),
                })),
              },
        attemptRows: attempts === undefined || attempts === null ? [] : decodeAttempts(attempts),
      };
    });
  }

  /** Oldest first. */
  events(query: PageQuery): Page<LedgerEvent> {
    const limit = pageSize(query);
    const rows = this.#sql('SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?').all(
      placeCursor(query.cursor),
      limit + 1,
    );
    return pageOf(rows, limit, {
      read: (row) => this.#eventOf(row),
      cursor: (row) => text(row, 'seq'),
    });
  }

  /** Rebuilds every bucket from the journal and compares; the journal itself is compared with its hashes. */
  verify(): VerifyReport {
    return this.#inSnapshot(() => verifyLedger(this.#database));
  }

  #eventOf(row: SqlRow): LedgerEvent {
    const { seq, entry, attempts } = this.#events.read(row);
    const { eventId, kind, holdId, atMs, customerId } = entry;
    const postings = entry.postings.map((posting) => ({
      bucket: posting.bucketId,
      granted: String(posting.dGranted),
      held: String(posting.dHeld),
      spent: String(posting.dSpent),
      overrun: String(posting.dOverrun),
      expired: String(posting.dExpired),
      leased: String(posting.dLeased),
    }));
    return {
      seq,
      eventId,
      kind,
      holdId,
      atMs,
      body: {
        customer: customerId,
        ...namedBody(entry),
        postings,
        ...(attempts === null
          ? {}
          : {
              attempts: decodeAttempts(attempts).map((attempt) => ({
                ...attempt,
                costNanoUsd: String(attempt.costNanoUsd),
              })),
            }),
      },
    };
  }

  #limitOf(bucketId: string): string {
    const row = this.#sql('SELECT limit_id FROM bucket WHERE id = ?').get(bucketId);
    return row === undefined ? bucketId : text(row, 'limit_id');
  }

  #inSnapshot<Result>(read: () => Result): Result {
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  /** Highest sequence number of the journal; 0 when it is empty. */
  lastSeq(): number {
    const row = this.#sql('SELECT coalesce(max(seq), 0) AS last FROM event').get();
    return row === undefined ? 0 : integer(row, 'last');
  }
}
