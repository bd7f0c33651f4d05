/**
 * What a data folder says, as text that two folders can be compared by.
 *
 * @module
 */
import { DatabaseSync } from 'node:sqlite';
import { databasePath } from '../../src/store/sqlite/database.ts';

/**
 * Marks only shorten the next start; progress marks are write-behind by design; hashes are over what else is shown,
 * and over the places of rows.
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'ledger_mark',
  'bucket_mark',
  'progress',
  'ledger_chain',
  'sqlite_sequence',
]);

/** Where a row stands says nothing of what happened: attempts that failed leave gaps. */
const PLACES: ReadonlySet<string> = new Set(['event.seq', 'request.row']);

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  return String(value);
}

/** Rows of every table, sorted, without the places of rows and the `unknown` events, which are the crash's own. */
export function dumpDataDir(dataDir: string): string {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true, readBigInts: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all()
      .map((row) => String(row['name']))
      .filter((name) => !LEFT_OUT.has(name));
    return tables.map((table) => dumpTable(database, table)).join('\n');
  } finally {
    database.close();
  }
}

function dumpTable(database: DatabaseSync, table: string): string {
  const rows = database
    .prepare(`SELECT * FROM "${table}"`)
    .all()
    .filter((row) => table !== 'event' || row['kind'] !== 'unknown')
    .map((row) =>
      Object.entries(row)
        .filter(([column]) => !PLACES.has(`${table}.${column}`))
        .map(([column, value]) => `${column}=${shown(value)}`)
        .join(' '),
    );
  return [`${table}:`, ...rows.toSorted()].join('\n  ');
}

/** What was booked and is held, by bucket, and every request: what no start may change. */
export function dumpBookings(dataDir: string): string {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true, readBigInts: true });
  try {
    const rows = [
      ...database
        .prepare('SELECT id, held, spent, overrun FROM bucket WHERE held + spent + overrun > 0')
        .all(),
      ...database.prepare('SELECT request_id, hold_id, usage FROM request').all(),
    ];
    return rows
      .map((row) => Object.values(row).map(shown).join(' '))
      .toSorted()
      .join('\n');
  } finally {
    database.close();
  }
}

/** Counts `unknown` events: calls that a crash cut off. */
export function countUnknown(dataDir: string): number {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    const row = database.prepare("SELECT count(*) AS n FROM event WHERE kind = 'unknown'").get();
    return Number(row?.['n'] ?? 0);
  } finally {
    database.close();
  }
}
