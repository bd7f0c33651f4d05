/**
 * Usage of days that are over, summed up: for each subject, for all customers together, and for each customer.
 *
 * Maintenance sums up one day after the other, some subjects at a time; what is booked later into a day that has been
 * summed up is added to its sums in the same transaction. So the hot path writes hours only, and both tell the same.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integer, nullableInteger } from './subscriptions.ts';
import { COLUMN_ADDITIONS, COLUMN_NAMES, COLUMN_PLACES, USAGE_COLUMNS } from './usage-columns.ts';
import type { Subject } from './usage-subjects.ts';
import { DAY_MS, dayOf } from './usage-tags.ts';

/** Subjects that one step sums up: bounds how long the writer is busy. */
const SUBJECTS_PER_STEP = 2_000;
/** How long after its end a day is summed up: most of what ends late has ended by then. */
const SETTLING_MS = 15 * 60_000;

const SUMS = USAGE_COLUMNS.map((column) => `sum(h.${column})`).join(', ');

/** Sums of the hours of a day over subjects `?1 < id ≤ ?2`. */
function sumUp(target: string, into: 'hour' | 'day'): string {
  const time = into === 'hour' ? 'h.hour' : '?3';
  const table = into === 'hour' ? 'usage_hourly' : 'usage_daily';
  return `INSERT INTO ${table} (subject_id, ${into}, ${COLUMN_NAMES})
    SELECT s.${target}, ${time}, ${SUMS}
    FROM usage_subject s CROSS JOIN usage_hourly h ON h.subject_id = s.id AND h.hour >= ?3 AND h.hour < ?3 + ${DAY_MS}
    WHERE s.id > ?1 AND s.id <= ?2 AND s.grain = 0
    GROUP BY s.${target}${into === 'hour' ? ', h.hour' : ''}
    ON CONFLICT DO UPDATE SET ${COLUMN_ADDITIONS}`;
}

/** Where summing up has come to. */
export interface DayMark {
  /** Days before are done; null while nothing was ever counted. */
  readonly rolledBeforeMs: number | null;
  /** In the day that begins there: subjects up to this number are done. */
  readonly rolledSubject: number;
}

/** Reads the mark. */
export function readDayMark(database: DatabaseSync): DayMark {
  const row = database.prepare('SELECT rolled_before, rolled_subject FROM usage_mark').get() ?? {};
  return {
    rolledBeforeMs: nullableInteger(row, 'rolled_before'),
    rolledSubject: integer(row, 'rolled_subject'),
  };
}

export class UsageDays {
  readonly #database: DatabaseSync;
  readonly #addHour: StatementSync;
  readonly #addDay: StatementSync;
  readonly #steps: readonly StatementSync[];
  readonly #setMark: StatementSync;
  #mark: DayMark | null = null;
  #firstDayMs: number | null = null;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const upsert = (table: string, time: string): StatementSync =>
      database.prepare(
        `INSERT INTO ${table} (subject_id, ${time}, ${COLUMN_NAMES}) VALUES (?, ?, ${COLUMN_PLACES})
         ON CONFLICT DO UPDATE SET ${COLUMN_ADDITIONS}`,
      );
    this.#addHour = upsert('usage_hourly', 'hour');
    this.#addDay = upsert('usage_daily', 'day');
    this.#steps = [
      sumUp('id', 'day'),
      sumUp('kind_id', 'hour'),
      sumUp('kind_id', 'day'),
      sumUp('owner_id', 'day'),
    ].map((statement) => database.prepare(statement));
    this.#setMark = database.prepare('UPDATE usage_mark SET rolled_before = ?, rolled_subject = ?');
  }

  /** Whether the sums of this hour's day hold the subject already. */
  hasSummedUp(subject: Subject, hourMs: number): boolean {
    const { rolledBeforeMs, rolledSubject } = this.#markNow();
    if (rolledBeforeMs === null || hourMs >= rolledBeforeMs + DAY_MS) return false;
    return hourMs < rolledBeforeMs || subject.id <= rolledSubject;
  }

  /** Adds to the sums what was added to an hour. */
  add(subject: Subject, hourMs: number, amounts: readonly bigint[]): void {
    this.#addHour.run(subject.kindId, hourMs, ...amounts);
    for (const id of [subject.id, subject.kindId, subject.ownerId]) {
      this.#addDay.run(id, dayOf(hourMs), ...amounts);
    }
  }

  /** Whether {@link step} would find a day to sum up. */
  isDue(nowMs: number): boolean {
    const dayMs = this.#markNow().rolledBeforeMs ?? this.#firstDay();
    return dayMs !== null && dayMs + DAY_MS + SETTLING_MS <= nowMs;
  }

  /** Sums up some subjects of the oldest day that is over and not yet done. Runs inside a transaction. */
  step(nowMs: number): void {
    // A call of a day before may have been booked since the first day was read.
    this.#firstDayMs = null;
    if (!this.isDue(nowMs)) return;
    const { rolledSubject } = this.#markNow();
    const rolledBeforeMs = this.#markNow().rolledBeforeMs ?? this.#firstDay();
    if (rolledBeforeMs === null) return;
    const last = this.#database.prepare('SELECT coalesce(max(id), 0) AS last FROM usage_subject');
    const lastId = integer(last.get() ?? {}, 'last');
    const upTo = Math.min(rolledSubject + SUBJECTS_PER_STEP, lastId);
    for (const statement of this.#steps) statement.run(rolledSubject, upTo, rolledBeforeMs);
    if (upTo < lastId) this.#moveTo(rolledBeforeMs, upTo);
    else this.#moveTo(rolledBeforeMs + DAY_MS, 0);
  }

  /** After a failed transaction: the mark may not have moved. */
  reset(): void {
    this.#mark = null;
    this.#firstDayMs = null;
  }

  /** First day with usage; asked for while nothing has been summed up, and read once. */
  #firstDay(): number | null {
    if (this.#firstDayMs !== null) return this.#firstDayMs;
    const row = this.#database.prepare('SELECT min(hour) AS first FROM usage_hourly').get() ?? {};
    const firstMs = nullableInteger(row, 'first');
    if (firstMs !== null) this.#firstDayMs = dayOf(firstMs);
    return this.#firstDayMs;
  }

  #moveTo(rolledBeforeMs: number, rolledSubject: number): void {
    this.#setMark.run(rolledBeforeMs, rolledSubject);
    this.#mark = { rolledBeforeMs, rolledSubject };
  }

  #markNow(): DayMark {
    return (this.#mark ??= readDayMark(this.#database));
  }
}
