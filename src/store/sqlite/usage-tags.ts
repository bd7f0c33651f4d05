/**
 * Usage by tag: beside the plain rollups, for calls that carry tags. What is tagged is told apart by value, what is not
 * is the rest of the plain ones, so a call without tags writes nothing here.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integer, text } from './subscriptions.ts';
import { COLUMN_ADDITIONS, COLUMN_NAMES, COLUMN_PLACES, noAmounts } from './usage-columns.ts';

/** Names of tags that a customer's usage is told apart by on one UTC day; calls with further ones count as without. */
export const TAG_NAMES_PER_DAY = 32;
/** Values of one name that are told apart on one UTC day; further ones are {@link OTHER_VALUE}. */
export const TAG_VALUES_PER_DAY = 100;
/** What values beyond {@link TAG_VALUES_PER_DAY} are called. */
export const OTHER_VALUE = '(other)';
/** What calls without the tag are called. */
export const NO_VALUE = '(none)';

export const DAY_MS = 86_400_000;

/** Start of the UTC day of an instant. */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS) * DAY_MS;
}

/** Ids by value by name. */
type DayTags = Map<string, Map<string, number>>;

const KEPT_MAX = 5_000;

interface TagRollup {
  readonly customerId: string;
  readonly name: string;
  readonly value: string;
  readonly subjectId: () => number;
  readonly hourMs: number;
  readonly amounts: bigint[];
}

/** One cell of usage that carries tags. */
export interface TaggedCell {
  readonly customerId: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Unique for the subject. */
  readonly subjectKey: string;
  readonly subjectId: () => number;
  readonly hourMs: number;
}

export class UsageTags {
  readonly #load: StatementSync;
  readonly #insert: StatementSync;
  readonly #add: StatementSync;
  readonly #days = new Map<string, DayTags>();
  readonly #rollups = new Map<string, TagRollup>();

  constructor(database: DatabaseSync) {
    this.#load = database.prepare(
      'SELECT id, name, value FROM usage_tag WHERE customer_id = ? AND day = ?',
    );
    this.#insert = database.prepare(
      'INSERT INTO usage_tag (customer_id, day, name, value) VALUES (?, ?, ?, ?)',
    );
    this.#add = database.prepare(
      `INSERT INTO usage_tag_hourly (tag_id, subject_id, hour, ${COLUMN_NAMES})
       VALUES (?, ?, ?, ${COLUMN_PLACES}) ON CONFLICT DO UPDATE SET ${COLUMN_ADDITIONS}`,
    );
  }

  /** The rollups of a cell, one for each of its tags; what is added to their amounts is written by {@link flush}. */
  *cells(cell: TaggedCell): Iterable<bigint[]> {
    const { customerId, hourMs, subjectId } = cell;
    for (const [name, value] of Object.entries(cell.tags)) {
      const key = `${cell.subjectKey}\n${hourMs}\n${name}\n${value}`;
      let rollup = this.#rollups.get(key);
      if (rollup === undefined) {
        const amounts = noAmounts();
        rollup = { customerId, name, value, subjectId, hourMs, amounts };
        this.#rollups.set(key, rollup);
      }
      yield rollup.amounts;
    }
  }

  /** Adds what was noted to the rollups. */
  flush(): void {
    if (this.#rollups.size === 0) return;
    for (const rollup of this.#rollups.values()) {
      const tagId = this.#tagId(rollup);
      if (tagId !== null) {
        this.#add.run(tagId, rollup.subjectId(), rollup.hourMs, ...rollup.amounts);
      }
    }
    this.#rollups.clear();
  }

  /** After a failed transaction: forgets what was noted, and numbers that may not have been written. */
  reset(): void {
    this.#rollups.clear();
    this.#days.clear();
  }

  /** Null for a name beyond the day's bound. A value is told apart for the whole of a day or not at all. */
  #tagId({ customerId, name, value, hourMs }: TagRollup): number | null {
    const dayMs = dayOf(hourMs);
    const names = this.#tagsOf(customerId, dayMs);
    let values = names.get(name);
    if (values === undefined) {
      if (names.size >= TAG_NAMES_PER_DAY) return null;
      values = new Map();
      names.set(name, values);
    }
    const known = values.get(value);
    if (known !== undefined) return known;
    const isFull = values.size >= TAG_VALUES_PER_DAY;
    const kept = isFull ? OTHER_VALUE : value;
    const id =
      values.get(kept) ?? Number(this.#insert.run(customerId, dayMs, name, kept).lastInsertRowid);
    values.set(kept, id);
    return id;
  }

  #tagsOf(customerId: string, dayMs: number): DayTags {
    const key = `${customerId}\n${dayMs}`;
    const known = this.#days.get(key);
    if (known !== undefined) return known;
    const names: DayTags = new Map();
    for (const row of this.#load.all(customerId, dayMs)) {
      const name = text(row, 'name');
      const values = names.get(name) ?? new Map<string, number>();
      values.set(text(row, 'value'), integer(row, 'id'));
      names.set(name, values);
    }
    if (this.#days.size >= KEPT_MAX) this.#days.clear();
    this.#days.set(key, names);
    return names;
  }
}
