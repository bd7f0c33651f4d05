/**
 * Whose usage a rollup is: a customer's key with operation, model and plan, and the two coarser subjects that it is
 * part of.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integer } from './subscriptions.ts';

/** How much a subject tells apart. */
export const GRAIN = {
  /** Every dimension. */
  full: 0,
  /** All customers together: operation, provider, model, plan. */
  kind: 1,
  /** One customer with everything. */
  owner: 2,
} as const;

export interface Subject {
  readonly id: number;
  readonly kindId: number;
  readonly ownerId: number;
}

/** Dimensions of a full subject, in the order of the table's columns. */
export type SubjectNames = readonly [
  customerId: string,
  keyId: string,
  operation: string,
  provider: string,
  model: string,
  planId: string,
];

/** Bounds the memory that knows numbers of subjects. */
const KEPT_MAX = 20_000;

/** Numbers of subjects, made with their first usage. */
export class UsageSubjects {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #known = new Map<string, Subject>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO usage_subject (grain, customer_id, key_id, operation, provider, model, plan_id, kind_id, owner_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#find = database.prepare(
      `SELECT id, kind_id, owner_id FROM usage_subject
       WHERE grain = ? AND customer_id = ? AND key_id = ? AND operation = ? AND provider = ? AND model = ? AND plan_id = ?`,
    );
  }

  /** @param key unique for the names, and cheaper to make than they are */
  subject(key: string, names: () => SubjectNames): Subject {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const subject = this.#ensure(names());
    if (this.#known.size >= KEPT_MAX) this.#known.clear();
    this.#known.set(key, subject);
    return subject;
  }

  /** After a failed transaction: numbers may not have been written. */
  reset(): void {
    this.#known.clear();
  }

  #ensure(names: SubjectNames): Subject {
    const found = this.#find.get(GRAIN.full, ...names);
    if (found !== undefined) {
      return {
        id: integer(found, 'id'),
        kindId: integer(found, 'kind_id'),
        ownerId: integer(found, 'owner_id'),
      };
    }
    const [customerId, , operation, provider, model, planId] = names;
    const kindId = this.#coarse(GRAIN.kind, ['', '', operation, provider, model, planId]);
    const ownerId = this.#coarse(GRAIN.owner, [customerId, '', '', '', '', '']);
    const made = this.#insert.run(GRAIN.full, ...names, kindId, ownerId);
    return { id: Number(made.lastInsertRowid), kindId, ownerId };
  }

  #coarse(grain: 1 | 2, names: SubjectNames): number {
    this.#insert.run(grain, ...names, null, null);
    return integer(this.#find.get(grain, ...names) ?? {}, 'id');
  }
}
