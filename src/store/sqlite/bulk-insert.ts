/**
 * Rows that a transaction adds to one table, several a statement.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Fewer save nothing, more cost more in calling the statement than they save in it. */
const ROWS_A_STATEMENT = 8;

function insertOf(table: string, columns: readonly string[], rows: number): string {
  const row = `(${columns.map(() => '?').join(', ')})`;
  return `INSERT OR ROLLBACK INTO ${table} (${columns.join(', ')}) VALUES ${Array.from({ length: rows }, () => row).join(', ')}`;
}

/**
 * Collects rows until {@link flush}. A row that breaks a constraint undoes the whole transaction (`OR ROLLBACK`): to undo
 * only the statement, SQLite would keep a copy of every page that it changes.
 */
export class BulkInsert {
  readonly #one: StatementSync;
  readonly #several: StatementSync;
  readonly #columns: number;
  #values: SQLInputValue[] = [];

  constructor(database: DatabaseSync, table: string, columns: readonly string[]) {
    this.#columns = columns.length;
    this.#one = database.prepare(insertOf(table, columns, 1));
    this.#several = database.prepare(insertOf(table, columns, ROWS_A_STATEMENT));
  }

  /** Takes a row: its values in the order of the columns. */
  add(...row: readonly SQLInputValue[]): void {
    this.#values.push(...row);
  }

  /** Writes what was collected. @throws Error of SQLite; the transaction is undone then where a constraint is broken */
  flush(): void {
    const values = this.#values;
    if (values.length === 0) return;
    this.#values = [];
    const several = ROWS_A_STATEMENT * this.#columns;
    let at = 0;
    // `get` rather than `run`: neither has a row to give, but `run` makes an object of numbers that nobody reads.
    for (; at + several <= values.length; at += several) {
      this.#several.get(...values.slice(at, at + several));
    }
    for (; at < values.length; at += this.#columns) {
      this.#one.get(...values.slice(at, at + this.#columns));
    }
  }

  /** Forgets what was collected: its transaction was undone. */
  drop(): void {
    this.#values = [];
  }
}
