/**
 * Progress marks of running streams. Write-behind: a crash loses the marks of the last interval, never
 * more; they only serve the estimate of a call whose end nobody saw.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Charge } from '../../metering/ports.ts';
import { nullableText, type SqlRow, text } from './subscriptions.ts';
import { unpackCharges, packAllCharges } from './usage-tables.ts';
import type { ProgressMark } from './wire.ts';

export class ProgressTable {
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #get: StatementSync;
  readonly #pending = new Map<string, { readonly mark: ProgressMark; readonly atMs: number }>();
  readonly #stored = new Set<string>();

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO progress (hold_id, at, charges, provider_request_id) VALUES (?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM progress WHERE hold_id = ?');
    this.#get = database.prepare('SELECT * FROM progress WHERE hold_id = ?');
    for (const row of database.prepare('SELECT hold_id FROM progress').iterate()) {
      this.#stored.add(text(row, 'hold_id'));
    }
  }

  /** False while no call has a mark. */
  get hasAny(): boolean {
    return this.#pending.size > 0 || this.#stored.size > 0;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  note(holdId: string, mark: ProgressMark, atMs: number): void {
    this.#pending.set(holdId, { mark, atMs });
  }

  /** Writes the marks that have come since the last time; inside a transaction. */
  flush(): void {
    for (const [holdId, { mark, atMs }] of this.#pending) {
      this.#put.run(holdId, atMs, packAllCharges(mark.charges), mark.providerRequestId);
      this.#stored.add(holdId);
    }
    this.#pending.clear();
  }

  /** The newest mark; empty when there is none. */
  read(holdId: string): readonly Charge[] {
    const pending = this.#pending.get(holdId);
    if (pending !== undefined) return pending.mark.charges;
    const row = this.#row(holdId);
    return row === undefined ? [] : unpackCharges(text(row, 'charges'));
  }

  /** The provider's id of the call, as the newest mark has it; null when it has none. */
  providerRequestId(holdId: string): string | null {
    const pending = this.#pending.get(holdId);
    if (pending !== undefined) return pending.mark.providerRequestId;
    const row = this.#row(holdId);
    return row === undefined ? null : nullableText(row, 'provider_request_id');
  }

  #row(holdId: string): SqlRow | undefined {
    return this.#stored.has(holdId) ? this.#get.get(holdId) : undefined;
  }

  /** The hold has ended; inside a transaction. */
  drop(holdId: string): void {
    this.#pending.delete(holdId);
    if (!this.#stored.has(holdId)) return;
    this.#delete.run(holdId);
    this.#stored.delete(holdId);
  }
}
