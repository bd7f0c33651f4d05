/**
 * The trail of changes: written beside the change it tells of, read newest first.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type {
  AuditedChange,
  AuditQuery,
  AuditRecord,
  AuditTrail,
} from '../../metering/audit-port.ts';
import type { Page } from '../../metering/ports.ts';
import { within } from './audit-scope.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { integer, type SqlRow, text } from './subscriptions.ts';
import { putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';
import type { OperationTable } from './writer-operations.ts';

/** Writes one row for each request, with the first thing that it changes. Runs inside the change's transaction. */
export function auditWriter(
  database: DatabaseSync,
): (change: AuditedChange, nowMs: number) => void {
  const insert = database.prepare(
    `INSERT INTO audit (request_id, at, key_id, action, target, body) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (request_id) DO NOTHING`,
  );
  return ({ requestId, keyId, action, target, body }, nowMs) => {
    insert.run(requestId, nowMs, keyId, action, target, body);
  };
}

function recordOf(row: SqlRow): AuditRecord {
  return {
    seq: integer(row, 'seq'),
    atMs: integer(row, 'at'),
    requestId: text(row, 'request_id'),
    keyId: text(row, 'key_id'),
    action: text(row, 'action'),
    target: text(row, 'target'),
    body: text(row, 'body'),
  };
}

export function auditQueries(database: DatabaseSync): QueryTable {
  const find = database.prepare(
    `SELECT * FROM audit WHERE seq < ?1 AND (?2 IS NULL OR key_id = ?2) AND (?3 IS NULL OR action = ?3)
       AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at < ?5)
     ORDER BY seq DESC LIMIT ?6`,
  );
  return {
    audit([argument]): Page<AuditRecord> {
      const { limit, cursor, keyId, action, fromMs, toMs } = argument as AuditQuery;
      const before = /^\d{1,15}$/.test(cursor ?? '') ? Number(cursor) : Number.MAX_SAFE_INTEGER;
      const rows = find.all(before, keyId, action, fromMs, toMs, limit + 1);
      const data = rows.slice(0, limit).map(recordOf);
      const last = data.at(-1);
      const more = rows.length > limit && last !== undefined;
      return { data, nextCursor: more ? String(last.seq) : null };
    },
  };
}

/** Changes nothing itself: the row of the change is written with every operation that writes. */
export function auditOperations(): OperationTable {
  return { markAudited: { writes: true, run: () => null } };
}

export function auditOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): AuditTrail {
  return {
    within,
    async mark() {
      await link.ask((flat, call) => {
        putCall(flat, call, { name: 'markAudited', args: [] });
      });
    },
    list: (query) => readers.ask('audit', [query]),
  };
}
