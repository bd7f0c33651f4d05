/**
 * Adds usage up: in all, and by what the question groups by.
 *
 * @module
 */
import type {
  UsageAmounts,
  UsageColumn,
  UsageDimension,
  UsageQuery,
  UsageReport,
} from '../../metering/ports.ts';
import { USAGE_COLUMNS } from './usage-columns.ts';
import { NO_VALUE } from './usage-tags.ts';

/** Sums by column. */
export type Sums = Partial<Record<UsageColumn, bigint>>;

/** What usage is of, by dimension; of a tag, its value. */
export type UsageOf = Readonly<Partial<Record<UsageDimension, string>>>;

interface Group {
  readonly key: Readonly<Record<string, string>>;
  readonly totals: Sums;
}

export function addSums(sums: Sums, amounts: UsageAmounts, sign: 1n | -1n = 1n): void {
  for (const name in amounts) {
    const column = name as UsageColumn;
    const amount = amounts[column];
    if (amount === undefined || amount === 0n) continue;
    sums[column] = (sums[column] ?? 0n) + (sign === 1n ? amount : -amount);
  }
}

/** Without what has come to zero. */
export function nonZero(sums: Sums): Sums {
  const kept: Sums = {};
  for (const column of USAGE_COLUMNS) {
    const amount = sums[column];
    if (amount !== undefined && amount !== 0n) kept[column] = amount;
  }
  return kept;
}

/** Start of the UTC time bucket of an instant, RFC 3339. */
export function bucketStart(bucket: NonNullable<UsageQuery['bucket']>, atMs: number): string {
  const iso = new Date(atMs).toISOString();
  switch (bucket) {
    case 'hour':
      return `${iso.slice(0, 13)}:00:00Z`;
    case 'day':
      return `${iso.slice(0, 10)}T00:00:00Z`;
    case 'month':
      return `${iso.slice(0, 7)}-01T00:00:00Z`;
    default:
      return bucket satisfies never;
  }
}

export class Totals {
  readonly #totals: Sums = {};
  readonly #groups = new Map<string, Group>();
  readonly #query: UsageQuery;
  readonly #tag: UsageDimension | null;

  constructor(query: UsageQuery) {
    this.#query = query;
    this.#tag = query.groupBy.find((name) => name.startsWith('tag:')) ?? null;
  }

  /** Counts usage, as one without the tag where the question groups by one. */
  count(of: UsageOf, atMs: number, amounts: UsageAmounts): void {
    addSums(this.#totals, amounts);
    this.#addToGroup(this.#tag === null ? of : { ...of, [this.#tag]: NO_VALUE }, atMs, { amounts });
  }

  /** Moves usage that was counted before from "without the tag" to the value that it has. */
  countTagged(of: UsageOf, atMs: number, amounts: UsageAmounts): void {
    if (this.#tag === null) return;
    this.#addToGroup(of, atMs, { amounts });
    this.#addToGroup({ ...of, [this.#tag]: NO_VALUE }, atMs, { amounts, sign: -1n });
  }

  totals(): UsageAmounts {
    return nonZero(this.#totals);
  }

  groups(): UsageReport['groups'] {
    return [...this.#groups.entries()]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { key, totals }]) => ({ key, totals: nonZero(totals) }))
      .filter((group) => Object.keys(group.totals).length > 0);
  }

  #addToGroup(
    of: UsageOf,
    atMs: number,
    { amounts, sign = 1n }: { readonly amounts: UsageAmounts; readonly sign?: 1n | -1n },
  ): void {
    const { groupBy, bucket } = this.#query;
    if (groupBy.length === 0 && bucket === null) return;
    const start = bucket === null ? '' : bucketStart(bucket, atMs);
    let id = start;
    for (const dimension of groupBy) id += `\0${of[dimension] ?? ''}`;
    let group = this.#groups.get(id);
    if (group === undefined) {
      const key: Record<string, string> = bucket === null ? {} : { bucket: start };
      for (const dimension of groupBy) key[dimension] = of[dimension] ?? '';
      group = { key, totals: {} };
      this.#groups.set(id, group);
    }
    addSums(group.totals, amounts, sign);
  }
}
