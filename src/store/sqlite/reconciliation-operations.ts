/**
 * Invoices against the ledger: reports that the writer keeps, attempts that the reader sums up, and the gateway's end
 * of both.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  mergeBooked,
  type BookedLine,
  type BookedQuery,
  type KeptReport,
  type Reconciliations,
} from '../../metering/reconciliation-port.ts';
import type { AttemptRecord } from '../../metering/ports.ts';
import { eventIdOf } from './event-key.ts';
import { HoldHistory } from './hold-history.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { type AttemptRow, decodeAttempts } from './row-codec.ts';
import { statementCache } from './statement-cache.ts';
import { integer, type SqlRow, text } from './subscriptions.ts';
import { putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

const DAY_MS = 86_400_000;
/** Events read in one answer: between two of them the reader serves others. */
const EVENTS_PER_STEP = 20_000;

export function reconciliationOperations({
  database,
}: Pick<OperationParts, 'database'>): OperationTable {
  return {
    putReconciliation: {
      writes: true,
      run([argument]) {
        const report = argument as KeptReport;
        database
          .prepare('INSERT OR REPLACE INTO reconciliation VALUES (?, ?, ?, ?)')
          .run(report.id, report.createdAtMs, report.head, report.lines);
        return null;
      },
    },
  };
}

interface Step {
  readonly lines: readonly BookedLine[];
  /** Where the next step goes on; null: this was the last. */
  readonly afterSeq: number | null;
}

function lineOf(attempt: AttemptRecord, sign: 1 | -1): BookedLine {
  const isBilled = attempt.billable === 'yes';
  const cost = attempt.providerCostNanoUsd ?? attempt.costNanoUsd;
  return {
    provider: attempt.provider,
    model: attempt.modelServed ?? attempt.modelRequested,
    dayMs: attempt.dispatchedAtMs - (attempt.dispatchedAtMs % DAY_MS),
    attempts: isBilled ? sign : 0,
    unknown: attempt.billable === 'unknown' ? sign : 0,
    usage: isBilled
      ? Object.fromEntries(
          Object.entries(attempt.usage).map(([unit, count]) => [unit, (count ?? 0) * sign]),
        )
      : {},
    costNanoUsd: isBilled ? cost * BigInt(sign) : 0n,
  };
}

/** Reads a part of the journal. An attempt is never younger than the event that books it. */
function bookedReader(database: DatabaseSync): (query: BookedQuery, afterSeq: number) => Step {
  const sql = statementCache(database);
  const history = new HoldHistory(database);
  return (query, afterSeq) => {
    const isAsked = (attempt: AttemptRecord): boolean =>
      query.providers.includes(attempt.provider) &&
      attempt.dispatchedAtMs >= query.fromMs &&
      attempt.dispatchedAtMs < query.toMs;
    const last = sql(
      'SELECT max(seq) AS seq FROM (SELECT seq FROM event WHERE seq > ? ORDER BY seq LIMIT ?)',
    ).get(afterSeq, EVENTS_PER_STEP)?.['seq'];
    if (last === null || last === undefined) return { lines: [], afterSeq: null };
    const lines: BookedLine[] = [];
    const rows = sql(
      `SELECT seq, hold_id, event_id, json_extract(body, '$.a') AS attempts FROM event
       WHERE seq > ? AND seq <= ? AND at >= ? AND kind <> 'hold' AND json_type(body, '$.a') IS NOT NULL`,
    ).all(afterSeq, last, query.fromMs);
    for (const row of rows) {
      const told = decodeAttempts(JSON.parse(text(row, 'attempts')) as AttemptRow[]);
      for (const attempt of told.filter(isAsked)) lines.push(lineOf(attempt, 1));
      // What a later event tells of a hold replaces what was told before.
      for (const attempt of toldBefore(history, row).filter(isAsked)) {
        lines.push(lineOf(attempt, -1));
      }
    }
    return { lines: mergeBooked(lines), afterSeq: Number(last) };
  };
}

/** Attempts of the event that a late one replaces; only late ones do. */
function toldBefore(history: HoldHistory, row: SqlRow): readonly AttemptRecord[] {
  const eventId = eventIdOf(text(row, 'event_id'), text(row, 'hold_id'));
  if (!eventId.startsWith('late:')) return [];
  const seq = integer(row, 'seq');
  const events = history.story(text(row, 'hold_id'))?.events ?? [];
  const before = events.findLast((event) => event.seq < seq && event.attempts !== null);
  return decodeAttempts(before?.attempts ?? []);
}

function headOf(row: SqlRow): Omit<KeptReport, 'lines'> {
  return { id: text(row, 'id'), createdAtMs: integer(row, 'created_at'), head: text(row, 'head') };
}

export function reconciliationQueries(database: DatabaseSync): QueryTable {
  const sql = statementCache(database);
  const booked = bookedReader(database);
  return {
    bookedAttempts: ([query, afterSeq]) => booked(query as BookedQuery, afterSeq as number),
    reconciliations: () =>
      sql('SELECT id, created_at, head FROM reconciliation ORDER BY created_at DESC, id')
        .all()
        .map(headOf),
    reconciliation([id]) {
      const row = sql('SELECT * FROM reconciliation WHERE id = ?').get(id as string);
      return row === undefined ? null : { ...headOf(row), lines: text(row, 'lines') };
    },
  };
}

export function reconciliationsOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): Reconciliations {
  return {
    async booked(query) {
      let lines: readonly BookedLine[] = [];
      for (let afterSeq: number | null = 0; afterSeq !== null;) {
        const step: Step = await readers.ask('bookedAttempts', [query, afterSeq]);
        lines = mergeBooked([...lines, ...step.lines]);
        afterSeq = step.afterSeq;
      }
      return lines.filter((line) => line.attempts !== 0 || line.unknown !== 0);
    },
    async put(report) {
      const stored = { ...report };
      await link.ask((flat, call) => {
        putCall(flat, call, { name: 'putReconciliation', args: [stored] });
      });
    },
    list: () => readers.ask('reconciliations', []),
    find: (id) => readers.ask('reconciliation', [id]),
  };
}
