/**
 * Pages of lists out of rows.
 *
 * @module
 */
import type { Page, PageQuery } from '../../metering/ports.ts';
import type { SqlRow } from './subscriptions.ts';

const MAX_PAGE = 1000;

export function pageSize(query: PageQuery): number {
  return Math.max(1, Math.min(MAX_PAGE, query.limit));
}

/** Cuts one row more than asked into a page. */
export function pageOf<Row>(
  rows: readonly SqlRow[],
  limit: number,
  as: { readonly read: (row: SqlRow) => Row; readonly cursor: (row: SqlRow) => string },
): Page<Row> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    data: kept.map(as.read),
    nextCursor: rows.length > limit && last !== undefined ? as.cursor(last) : null,
  };
}

/** A cursor that is no number starts nowhere: an empty page, not the first one again. */
export function numberCursor(cursor: string | null, start: number): number {
  if (cursor === null) return start;
  return /^\d{1,16}$/.test(cursor) ? Number(cursor) : -1;
}

/** Position of a list in order of creation. */
export function placeCursor(cursor: string | null): number {
  const place = numberCursor(cursor, 0);
  return place < 0 ? Number.MAX_SAFE_INTEGER : place;
}
