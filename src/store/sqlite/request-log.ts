/**
 * The request log of one customer by place.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { RequestLogQuery, RequestRecord } from '../../metering/ports.ts';
import { OF_CUSTOMER, REQUESTS_WITH_OWNER } from './request-owners.ts';
import { readRequest, REQUEST_COLUMNS } from './row-codec.ts';
import { integer } from './subscriptions.ts';

/** Members of a stored row (`row-codec.ts`). */
const PROVIDER = "json_extract(body, '$[5]')";
const STATUS = "json_extract(body, '$[7]')";

export function readRequestLog(
  database: DatabaseSync,
  query: RequestLogQuery,
): { readonly data: readonly RequestRecord[]; readonly total: number } {
  const conditions = [OF_CUSTOMER];
  const values: (string | number)[] = [query.customerId];
  const add = (condition: string, value: string | number | null): void => {
    if (value === null) return;
    conditions.push(condition);
    values.push(value);
  };
  add('started_at >= ?', query.fromMs);
  add('started_at < ?', query.toMs);
  add(`${PROVIDER} = ?`, query.provider);
  add(`${STATUS} = ?`, query.status);
  const where = conditions.join(' AND ');
  database.exec('BEGIN');
  try {
    const counted = database.prepare(`SELECT count(*) AS total FROM request WHERE ${where}`);
    const total = integer(counted.get(...values) ?? {}, 'total');
    const rows = database
      .prepare(
        `SELECT ${REQUEST_COLUMNS} FROM ${REQUESTS_WITH_OWNER} WHERE ${where} ORDER BY row DESC LIMIT ? OFFSET ?`,
      )
      .all(...values, query.limit, query.offset);
    return { data: rows.map(readRequest), total };
  } finally {
    database.exec('COMMIT');
  }
}
