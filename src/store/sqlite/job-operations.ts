/**
 * Durable jobs: what the writer is asked to change, what the reader is asked for, and the gateway's end of both.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { formatUsd } from '../../contracts/money.ts';
import {
  isEnded,
  type JobChange,
  type JobEnding,
  type JobQuery,
  type JobRecord,
  type Jobs,
} from '../../metering/job-port.ts';
import type { Held, Refused, ReserveCommand } from '../../metering/ports.ts';
import type { NoLeg, QuotedReserve } from '../../metering/quote-port.ts';
import { AlertTables, type NewEvent } from './alert-tables.ts';
import type { BatchUnit } from './batch-unit.ts';
import { HoldHistory } from './hold-history.ts';
import { endHold, takeHold } from './hold-steps.ts';
import { JobTable, readJob } from './job-table.ts';
import { numberCursor, pageOf, pageSize } from './paging.ts';
import { draw } from './quote-operations.ts';
import { QuoteTable } from './quote-table.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { recallHold } from './recall-hold.ts';
import { encodeAttempts, encodeRequest } from './row-codec.ts';
import { statementCache } from './statement-cache.ts';
import { integer, text } from './subscriptions.ts';
import { type FlatValue, putCall, type SettleOrder } from './wire.ts';
import type { WriterLink } from './writer-link.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

const OPEN = "state IN ('queued', 'running')";

/** Holds of jobs that have not ended. */
export function openJobHolds(database: DatabaseSync): ReadonlySet<string> {
  const rows = database.prepare(`SELECT hold_id FROM job WHERE ${OPEN}`).all();
  return new Set(rows.map((row) => text(row, 'hold_id')));
}

/** Takes the hold as a plain call does. */
function hold(parts: OperationParts, command: ReserveCommand, unit: BatchUnit): Held | Refused {
  const { engine, accounts, scopes } = parts;
  accounts.ensure(command.customerId, unit);
  scopes.ensure(command, unit);
  return takeHold(engine, command, unit);
}

/** Books the end of a job's hold. */
function book(
  parts: OperationParts & { readonly history: HoldHistory },
  job: JobRecord,
  { booking, unit }: { readonly booking: JobEnding['booking']; readonly unit: BatchUnit },
): void {
  const { engine, accounts, history, openCalls } = parts;
  const { holdId } = job;
  accounts.ensure(job.customerId, unit);
  if (booking.type === 'unknown') {
    const applied = engine.markUnknown([holdId], unit.nowMs);
    if (applied.journal.length > 0) unit.keep(applied);
    return;
  }
  recallHold(parts, holdId, unit);
  const identity =
    unit.opened.get(holdId) ?? openCalls.get(holdId)?.identity ?? history.identity(holdId);
  if (identity === null) return;
  const isSettled = booking.type === 'settle';
  const order: SettleOrder = {
    kind: booking.type,
    holdId,
    charges: isSettled ? booking.charges : [],
    reason: isSettled ? '' : booking.reason,
    attemptsText: encodeAttempts(booking.attempts),
    requestText: encodeRequest(booking.request),
    startedAtMs: booking.request.startedAtMs,
  };
  endHold(engine, { identity, order }, unit);
}

/** The end of a job as webhooks are told. */
function eventOf(job: JobRecord, id: string): NewEvent {
  const { state, operation, modelAsked, requestId, usage, costNanoUsd, error, warnings } = job;
  return {
    id,
    topic: `job.${state}`,
    customerId: job.customerId,
    atMs: job.endedAtMs ?? job.createdAtMs,
    body: {
      id: job.id,
      object: 'job',
      status: state,
      operation,
      model: modelAsked,
      request_id: requestId,
      outputs: job.outputs.map(({ assetId, type, bytes }) => ({
        asset_id: assetId,
        content_type: type,
        bytes,
      })),
      error,
      usage,
      cost: costNanoUsd === null ? null : formatUsd(costNanoUsd),
      warnings,
      tags: job.tags,
    },
  };
}

export function jobOperations(parts: OperationParts): OperationTable {
  const { database } = parts;
  const table = new JobTable(database);
  const quotes = new QuoteTable(database);
  const outbox = new AlertTables(database, parts.ids);
  const history = new HoldHistory(database);
  return {
    reserveJob: {
      writes: true,
      run([command, job], unit) {
        const answer = hold(parts, command as ReserveCommand, unit);
        if (answer.type === 'held') table.add(job as JobRecord);
        return answer;
      },
    },
    reserveQuotedJob: {
      writes: true,
      run([command, job], unit): Held | Refused | NoLeg {
        const answer = draw({ ...parts, table: quotes }, command as QuotedReserve, unit);
        if (answer.type === 'held') table.add(job as JobRecord);
        return answer;
      },
    },
    changeJob: {
      writes: true,
      run([jobId, change]) {
        const job = table.find(jobId as string);
        if (job === null || isEnded(job.state)) return null;
        return table.write(job, change as JobChange);
      },
    },
    endJob: {
      writes: true,
      run([jobId, argument], unit) {
        const { booking, ...end } = argument as JobEnding;
        const job = table.find(jobId as string);
        if (job === null || (isEnded(job.state) && job.state !== 'unknown')) return null;
        book({ ...parts, history }, job, { booking, unit });
        const ended = table.write(job, { ...end, endedAtMs: unit.nowMs });
        outbox.append(eventOf(ended, parts.ids.next('evt')));
        return ended;
      },
    },
    openJobs: { writes: false, run: () => table.open() },
    removeExpiredJobs: {
      writes: true,
      run: ([nowMs, limit]) => table.removeExpired(nowMs as number, limit as number),
    },
    removeJob: {
      writes: true,
      run: ([jobId], unit) => table.remove(jobId as string, unit.nowMs),
    },
  };
}

export function jobQueries(database: DatabaseSync): QueryTable {
  const sql = statementCache(database);
  const placeBefore = (cursor: string | null): number => {
    if (cursor?.startsWith('after:') !== true) {
      return numberCursor(cursor, Number.MAX_SAFE_INTEGER);
    }
    const row = sql('SELECT seq FROM job WHERE id = ?').get(cursor.slice('after:'.length));
    return row === undefined ? -1 : integer(row, 'seq');
  };
  return {
    job([id]) {
      const row = sql('SELECT body FROM job WHERE id = ? AND removed_at IS NULL').get(id as string);
      return row === undefined ? null : readJob(row);
    },
    jobByRequest([requestId]) {
      const row = sql('SELECT body FROM job WHERE request_id = ? AND removed_at IS NULL').get(
        requestId as string,
      );
      return row === undefined ? null : readJob(row);
    },
    jobByTicket([provider, ticketId]) {
      const row = sql('SELECT body FROM job WHERE provider = ? AND ticket_id = ?').get(
        provider as string,
        ticketId as string,
      );
      return row === undefined ? null : readJob(row);
    },
    jobs([argument]) {
      const query = argument as JobQuery;
      const limit = pageSize(query);
      const before = placeBefore(query.cursor);
      const rows = sql(
        `SELECT seq, body FROM job
         WHERE removed_at IS NULL AND seq < ?1 AND (?2 IS NULL OR customer_id = ?2)
           AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR operation GLOB ?4)
         ORDER BY seq DESC LIMIT ?5`,
      ).all(before, query.customerId, query.state, query.operation, limit + 1);
      return pageOf(rows, limit, { read: readJob, cursor: (row) => String(integer(row, 'seq')) });
    },
  };
}

export function jobsOver(link: Pick<WriterLink, 'ask'>, readers: Pick<ReaderLink, 'ask'>): Jobs {
  const write = <Value>(name: string, ...args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, call) => {
      putCall(flat, call, { name, args });
    });
  return {
    reserve: (command, job) => write('reserveJob', command, job),
    reserveQuoted: (command, job) => write('reserveQuotedJob', command, job),
    change: (jobId, change) => write('changeJob', jobId, change),
    end: (jobId, ending) => write('endJob', jobId, ending),
    open: () => write('openJobs'),
    find: (jobId) => readers.ask('job', [jobId]),
    findByRequest: (requestId) => readers.ask('jobByRequest', [requestId]),
    findByTicket: (provider, ticketId) => readers.ask('jobByTicket', [provider, ticketId]),
    list: (query) => readers.ask('jobs', [query]),
    remove: (jobId) => write('removeJob', jobId),
    removeExpired: (nowMs, limit) => write('removeExpiredJobs', nowMs, limit),
  };
}
