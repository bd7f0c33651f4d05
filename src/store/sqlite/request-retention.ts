/**
 * Removes rows of the request log that are older than the operator keeps them. Usage and ledger stay as they are.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { requestRowAt } from './usage-tables.ts';
import { dayOf } from './usage-tags.ts';

/** Rows that one step removes: bounds how long the writer is busy. */
const ROWS_PER_STEP = 500;

/**
 * An estimate may still be replaced by its late settlement, whose usage is counted against the row's own: such a row
 * stays. There is one for each call that a crash cut off.
 */
const IS_FINAL = `instr(body, '"settled_by_estimate"') = 0`;

export class RequestRetention {
  readonly #keepMs: number | null;
  readonly #remove: StatementSync;
  readonly #mark: StatementSync;
  /** Everything before is gone. */
  #doneBeforeMs: number | null = null;

  /** @param keepMs how long a request is kept after its reserve; null: for ever */
  constructor(database: DatabaseSync, keepMs: number | null) {
    this.#keepMs = keepMs;
    this.#remove = database.prepare(
      `DELETE FROM request WHERE row IN (SELECT row FROM request WHERE row < ? AND ${IS_FINAL} ORDER BY row LIMIT ${ROWS_PER_STEP})`,
    );
    this.#mark = database.prepare('UPDATE usage_mark SET removed_before = max(removed_before, ?)');
  }

  /** Whether {@link step} would look for rows to remove. */
  isDue(nowMs: number): boolean {
    const beforeMs = this.#cutOff(nowMs);
    return beforeMs !== null && (this.#doneBeforeMs === null || this.#doneBeforeMs < beforeMs);
  }

  /** Removes some of the rows that are due. Runs inside a transaction. @returns whether none is left */
  step(nowMs: number): boolean {
    const beforeMs = this.#cutOff(nowMs);
    if (beforeMs === null) return true;
    const removed = Number(this.#remove.run(requestRowAt(beforeMs)).changes);
    if (removed > 0) this.#mark.run(beforeMs);
    return removed < ROWS_PER_STEP;
  }

  /** After the commit of a step that left none. */
  done(nowMs: number): void {
    this.#doneBeforeMs = this.#cutOff(nowMs);
  }

  /** Whole UTC days are removed, so that the mark moves once a day. */
  #cutOff(nowMs: number): number | null {
    return this.#keepMs === null ? null : dayOf(nowMs - this.#keepMs);
  }
}
