/**
 * Progress marks of running streams. Write-behind: a crash loses the marks of the last interval, never
 * more; they only serve the estimate of a call whose end nobody saw.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Charge } from '../../metering/ports.ts';
import { text } from './subscriptions.ts';
import { unpackCharges, packAllCharges } from './usage-tables.ts';

export class ProgressTable {
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #get: StatementSync;
  readonly #pending = new Map<
    string,
    { readonly charges: readonly Charge[]; readonly atMs: number }
  >();
  readonly #stored = new Set<string>();

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO progress (hold_id, at, charges) VALUES (?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM progress WHERE hold_id = ?');
    this.#get = database.prepare('SELECT charges FROM progress WHERE hold_id = ?');
    for (const row of database.prepare('SELECT hold_id FROM progress').iterate()) {
      this.#stored.add(text(row, 'hold_id'));
    }
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  note(holdId: string, charges: readonly Charge[], atMs: number): void {
    this.#pending.set(holdId, { charges, atMs });
  }

  /** Writes the marks that have come since the last time; inside a transaction. */
  flush(): void {
    for (const [holdId, { charges, atMs }] of this.#pending) {
      this.#put.run(holdId, atMs, packAllCharges(charges));
      this.#stored.add(holdId);
    }
    this.#pending.clear();
  }

  /** The newest mark; empty when there is none. */
  read(holdId: string): readonly Charge[] {
    const pending = this.#pending.get(holdId);
    if (pending !== undefined) return pending.charges;
    const row = this.#stored.has(holdId) ? this.#get.get(holdId) : undefined;
    return row === undefined ? [] : unpackCharges(text(row, 'charges'));
  }

  /** The hold has ended; inside a transaction. */
  drop(holdId: string): void {
    this.#pending.delete(holdId);
    if (!this.#stored.has(holdId)) return;
    this.#delete.run(holdId);
    this.#stored.delete(holdId);
  }
}
