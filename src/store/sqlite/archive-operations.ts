/**
 * The writer's part of archiving: the checkpoint, and dropping what stands before it.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Checkpoint, checkpointEntries } from '../../metering/core/checkpoint.ts';
import { firstKeptSeq } from './ledger-checkpoint.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

type Parts = Pick<OperationParts, 'database' | 'journal' | 'openCalls'>;

export function archiveOperations({ database, journal, openCalls }: Parts): OperationTable {
  return {
    /** True when the checkpoint was made, false when the journal begins there or later already. */
    checkpoint: {
      writes: true,
      run([argument], unit): boolean {
        const checkpoint = argument as Checkpoint;
        const { beforeSeq, file, sha256, holds } = checkpoint;
        if (beforeSeq <= firstKeptSeq(database)) return false;
        unit.keep({
          result: null,
          journal: checkpointEntries(checkpoint, unit.nowMs),
          crossings: [],
          undo: () => undefined,
        });
        database
          .prepare('INSERT INTO ledger_archive (before_seq, at, file, sha256) VALUES (?, ?, ?, ?)')
          .run(beforeSeq, unit.nowMs, file, sha256);
        database.exec('DELETE FROM ledger_kept_hold');
        const keep = database.prepare('INSERT INTO ledger_kept_hold VALUES (?)');
        for (const { holdId } of holds) keep.run(holdId);
        // A start must not look for what is about to go.
        journal.mark(Array.from(openCalls.values(), ({ seq }) => seq));
        return true;
      },
    },
  };
}

/** Bounds one transaction. */
const EVENTS_AT_ONCE = 2_000;

const DROPPABLE = `seq < ?
  AND (hold_id IS NULL OR hold_id NOT IN (SELECT hold_id FROM ledger_kept_hold))
  AND NOT (kind = 'grant' AND EXISTS (
    SELECT 1 FROM wallet_entry w WHERE w.customer_id = event.customer_id AND w.seq = event.seq))`;

/** Drops archived events, some at a time, in rounds of maintenance; a start goes on where another ended. */
export class ArchiveDrop {
  readonly #database: DatabaseSync;
  /** Where the journal began when nothing was left to drop. */
  #doneBefore = 1;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** True while archived events may still be there. */
  isDue(): boolean {
    return firstKeptSeq(this.#database) > this.#doneBefore;
  }

  /** One step; inside a transaction. Grants of credit stay, since a repeated one must be known. @returns true when all are gone */
  step(): boolean {
    const beforeSeq = firstKeptSeq(this.#database);
    const { changes } = this.#database
      .prepare(
        `DELETE FROM event WHERE seq IN (
           SELECT seq FROM event WHERE ${DROPPABLE} ORDER BY seq LIMIT ${EVENTS_AT_ONCE})`,
      )
      .run(beforeSeq);
    if (Number(changes) === EVENTS_AT_ONCE) return false;
    this.#database
      .prepare('DELETE FROM wallet_entry WHERE seq < ? AND seq NOT IN (SELECT seq FROM event)')
      .run(beforeSeq);
    this.#database.prepare('DELETE FROM ledger_chain WHERE last_seq < ?').run(beforeSeq - 1);
    return true;
  }

  /** The step that dropped the last was committed. */
  done(): void {
    this.#doneBefore = firstKeptSeq(this.#database);
  }
}
