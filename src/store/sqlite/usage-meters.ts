/**
 * Which meters were ever counted. Most deployments use a few of the many, and adding up zeros is most of a report's time.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { UsageColumn } from '../../metering/ports.ts';
import { integer } from './subscriptions.ts';
import { USAGE_COLUMNS } from './usage-columns.ts';

/** Columns with a count, in their order. */
export function readUsedColumns(database: DatabaseSync): readonly UsageColumn[] {
  const bits = integer(database.prepare('SELECT meters FROM usage_mark').get() ?? {}, 'meters');
  return USAGE_COLUMNS.filter((_, index) => (bits & (1 << index)) !== 0);
}

/** The writer's side: notes a meter with its first count, in the same transaction. */
export class UsedMeters {
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  #bits: number | null = null;

  constructor(database: DatabaseSync) {
    this.#read = database.prepare('SELECT meters FROM usage_mark');
    this.#write = database.prepare('UPDATE usage_mark SET meters = ?');
  }

  note(amounts: readonly bigint[]): void {
    const before = (this.#bits ??= integer(this.#read.get() ?? {}, 'meters'));
    let bits = before;
    for (let index = 0; index < amounts.length; index += 1) {
      if (amounts[index] !== 0n) bits |= 1 << index;
    }
    if (bits === before) return;
    this.#write.run(bits);
    this.#bits = bits;
  }

  /** After a failed transaction: what was noted may not have been written. */
  reset(): void {
    this.#bits = null;
  }
}
