/**
 * Rows of quotes. Everything runs inside the caller's transaction.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Operation } from '../../contracts/metering.ts';
import type { QuoteCommand, QuoteEvaluation } from '../../metering/quote-port.ts';
import { storedIdSql } from './event-key.ts';
import { integer, nullableInteger, type SqlRow, text } from './subscriptions.ts';

/** How long a quote can be read after its end. */
const KEPT_MS = 24 * 3_600_000;
/** Bounds one transaction. */
const PRUNED_AT_ONCE = 100;

/** An operation that was held. */
export interface StoredLeg {
  readonly operationId: string;
  readonly holdId: string;
  readonly operation: Operation;
  /** As the caller wrote it. */
  readonly model: string;
  /** `provider/model` of those that may serve it. */
  readonly candidates: readonly string[];
  readonly uses: number;
}

interface QuoteBody {
  readonly priceBookId: string;
  readonly record: string;
  readonly evaluation: QuoteEvaluation;
  readonly legs: readonly StoredLeg[];
}

export interface StoredQuote extends QuoteBody {
  readonly quoteId: string;
  readonly customerId: string;
  readonly expiresAtMs: number;
  readonly releasedAtMs: number | null;
}

export class QuoteTable {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #release: StatementSync;
  readonly #prune: StatementSync;
  readonly #end: StatementSync;
  readonly #hold: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO quote (id, customer_id, expires_at, body) VALUES (?, ?, ?, ?)',
    );
    this.#find = database.prepare('SELECT * FROM quote WHERE id = ?');
    this.#release = database.prepare(
      'UPDATE quote SET released_at = ? WHERE id = ? AND released_at IS NULL',
    );
    this.#prune = database.prepare(
      `DELETE FROM quote WHERE id IN
         (SELECT id FROM quote WHERE expires_at < ? ORDER BY expires_at LIMIT ${PRUNED_AT_ONCE})`,
    );
    this.#end = database.prepare(
      `SELECT kind, body FROM event WHERE event_id IN (${storedIdSql('void')}, ${storedIdSql('expire')})`,
    );
    this.#hold = database.prepare(`SELECT 1 FROM event WHERE event_id = ${storedIdSql('hold')}`);
  }

  /** Null when there is no such quote, or no longer. */
  find(quoteId: string): StoredQuote | null {
    const row = this.#find.get(quoteId);
    if (row === undefined) return null;
    const body = JSON.parse(text(row, 'body')) as QuoteBody;
    return {
      quoteId,
      customerId: text(row, 'customer_id'),
      expiresAtMs: integer(row, 'expires_at'),
      releasedAtMs: nullableInteger(row, 'released_at'),
      ...body,
    };
  }

  /** Keeps a quote, and lets go of some that ended long ago. */
  add(command: QuoteCommand, evaluation: QuoteEvaluation): void {
    this.#prune.run(evaluation.asOfMs - KEPT_MS);
    const held = new Set(evaluation.held);
    const body: QuoteBody = {
      priceBookId: command.priceBookId,
      record: command.record,
      evaluation,
      legs: command.operations
        .filter((operation) => held.has(operation.id))
        .map((operation) => ({
          operationId: operation.id,
          holdId: operation.holdId,
          operation: operation.operation,
          model: operation.model,
          candidates: operation.candidates.map((candidate) => candidate.model),
          uses: operation.count,
        })),
    };
    const { quoteId, customerId } = command;
    this.#insert.run(quoteId, customerId, evaluation.expiresAtMs, JSON.stringify(body));
  }

  release(quoteId: string, atMs: number): void {
    this.#release.run(atMs, quoteId);
  }

  /** How a leg ended by the journal; null while it is open. */
  endOf(holdId: string): 'used' | 'released' | 'expired' | null {
    const row: SqlRow | undefined = this.#end.get(holdId);
    if (row === undefined) return null;
    if (text(row, 'kind') === 'expire') return 'expired';
    const { b } = JSON.parse(text(row, 'body')) as { b?: { reason?: string } };
    return b?.reason === 'used' ? 'used' : 'released';
  }

  /** True when the journal has a hold of that id. */
  knowsHold(holdId: string): boolean {
    return this.#hold.get(holdId) !== undefined;
  }
}
