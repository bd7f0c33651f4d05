/**
 * Rows of jobs.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { JobRecord } from '../../metering/job-port.ts';
import { type AttemptRow, decodeAttempts, encodeAttempts } from './row-codec.ts';
import { statementCache } from './statement-cache.ts';
import { type SqlRow, text } from './subscriptions.ts';

type StoredJob = Omit<JobRecord, 'attempts' | 'costNanoUsd'> & {
  readonly attempts: readonly AttemptRow[];
  readonly costNanoUsd: string | null;
};

/** The job in a row that has its `body`. */
export function readJob(row: SqlRow): JobRecord {
  const stored = JSON.parse(text(row, 'body')) as StoredJob;
  return {
    ...stored,
    attempts: decodeAttempts(stored.attempts),
    costNanoUsd: stored.costNanoUsd === null ? null : BigInt(stored.costNanoUsd),
  };
}

function bodyOf(job: JobRecord): string {
  const stored: StoredJob = {
    ...job,
    attempts: JSON.parse(encodeAttempts(job.attempts)) as AttemptRow[],
    costNanoUsd: job.costNanoUsd === null ? null : String(job.costNanoUsd),
  };
  return JSON.stringify(stored);
}

export class JobTable {
  readonly #sql: (statement: string) => StatementSync;

  constructor(database: DatabaseSync) {
    this.#sql = statementCache(database);
  }

  add(job: JobRecord): void {
    this.#sql(
      `INSERT INTO job (id, hold_id, request_id, customer_id, operation, provider, ticket_id, state, created_at, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      job.id,
      job.holdId,
      job.requestId,
      job.customerId,
      job.operation,
      job.provider,
      job.ticket?.id ?? null,
      job.state,
      job.createdAtMs,
      bodyOf(job),
    );
  }

  find(id: string): JobRecord | null {
    const row = this.#sql('SELECT body FROM job WHERE id = ?').get(id);
    return row === undefined ? null : readJob(row);
  }

  /** Writes a job with what has changed. @returns as it is now */
  write(job: JobRecord, change: Partial<JobRecord>): JobRecord {
    const next: JobRecord = { ...job, ...change, version: job.version + 1 };
    this.#sql(
      'UPDATE job SET provider = ?, ticket_id = ?, state = ?, expires_at = ?, body = ? WHERE id = ?',
    ).run(
      next.provider,
      next.ticket?.id ?? null,
      next.state,
      next.expiresAtMs,
      bodyOf(next),
      next.id,
    );
    return next;
  }

  /** Oldest first. */
  open(): readonly JobRecord[] {
    return this.#sql("SELECT body FROM job WHERE state IN ('queued', 'running') ORDER BY seq")
      .all()
      .map(readJob);
  }

  /** Removes at most `limit` that have ended and whose time is over. @returns how many */
  removeExpired(nowMs: number, limit: number): number {
    const { changes } = this.#sql(
      `DELETE FROM job WHERE seq IN (
         SELECT seq FROM job WHERE expires_at <= ? AND state NOT IN ('queued', 'running') LIMIT ?
       )`,
    ).run(nowMs, limit);
    return Number(changes);
  }

  /** Takes one that has ended out of sight. */
  remove(id: string, nowMs: number): boolean {
    const { changes } = this.#sql(
      "UPDATE job SET removed_at = ? WHERE id = ? AND removed_at IS NULL AND state NOT IN ('queued', 'running')",
    ).run(nowMs, id);
    return Number(changes) > 0;
  }
}
