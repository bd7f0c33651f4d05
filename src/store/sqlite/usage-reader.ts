/**
 * Usage over a range, exact to the millisecond: days that are over come from their sums, other whole hours from the
 * hourly rollups, the parts of an hour at either edge from the requests themselves.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { HOUR_MS } from '../../metering/core/windows.ts';
import type { UsageColumn, UsageDimension, UsageQuery, UsageReport } from '../../metering/ports.ts';
import { bigint, integer, type SqlRow, text } from './subscriptions.ts';
import { readDayMark } from './usage-days.ts';
import { countRequests } from './usage-edges.ts';
import { heldBy } from './usage-held.ts';
import { readUsedColumns } from './usage-meters.ts';
import { GRAIN } from './usage-subjects.ts';
import { DAY_MS } from './usage-tags.ts';
import { type Sums, Totals } from './usage-totals.ts';

type Column = Exclude<UsageDimension, `tag:${string}`>;
const COLUMNS: Readonly<Record<Column, string>> = {
  provider: 's.provider',
  model: 's.model',
  customer: 's.customer_id',
  key: 's.key_id',
  plan: 's.plan_id',
  modality: "substr(s.operation, 1, instr(s.operation, '.') - 1)",
  operation: 's.operation',
};

function isColumn(name: UsageDimension): name is Column {
  return name in COLUMNS;
}

/** The coarsest grain that tells apart what the question asks for. */
function grainOf({ customerId, groupBy }: UsageQuery): number {
  const columns = groupBy.filter(isColumn);
  if (customerId === null && !columns.some((name) => name === 'customer' || name === 'key')) {
    return GRAIN.kind;
  }
  return columns.every((name) => name === 'customer') ? GRAIN.owner : GRAIN.full;
}

interface Part {
  readonly table: 'usage_hourly' | 'usage_daily';
  readonly grain: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What every part of an answer is made with. */
interface Reading {
  readonly database: DatabaseSync;
  readonly into: Totals;
  readonly query: UsageQuery;
  readonly counted: readonly UsageColumn[];
}

function sumsOf(counted: readonly UsageColumn[]): string[] {
  return counted.map((column) => `sum(h.${column}) AS ${column}`);
}

function amountsOf(row: SqlRow, counted: readonly UsageColumn[]): Sums {
  const amounts: Sums = {};
  for (const column of counted) amounts[column] = bigint(row, column);
  return amounts;
}

function dimensionsOf(
  row: SqlRow,
  columns: readonly Column[],
): Partial<Record<UsageDimension, string>> {
  const of: Partial<Record<UsageDimension, string>> = {};
  columns.forEach((name, index) => {
    of[name] = text(row, `dim_${index}`);
  });
  return of;
}

function namedColumns(columns: readonly Column[]): string[] {
  return columns.map((name, index) => `${COLUMNS[name]} AS dim_${index}`);
}

/** Every column of a subject in the order of its index: rows come grouped, nothing has to be sorted. */
const SUBJECT_COLUMNS = 'customer_id, key_id, operation, provider, model, plan_id';

function partStatement({ query, counted }: Reading, { table, grain }: Part): string {
  const columns = query.groupBy.filter(isColumn);
  const time = table === 'usage_daily' ? 'h.day' : 'h.hour';
  const rows = `FROM usage_subject s CROSS JOIN ${table} h ON h.subject_id = s.id AND ${time} >= ?1 AND ${time} < ?2
    WHERE s.grain = ?3 ${query.customerId === null ? '' : 'AND s.customer_id = ?4'}`;
  const names = namedColumns(columns);
  const groups = columns.map((name) => COLUMNS[name]);
  if (query.bucket !== null) groups.push(time);
  const grouped = `GROUP BY ${groups.length === 0 ? 'NULL' : groups.join(', ')}`;
  if (query.bucket !== null || grain !== GRAIN.full || columns.length === 0) {
    const at = query.bucket === null ? '0' : time;
    return `SELECT ${[`${at} AS at`, ...names, ...sumsOf(counted)].join(', ')} ${rows} ${grouped}`;
  }
  // Over all time first for each subject, then over subjects: far fewer rows are left to sort.
  return `SELECT ${['0 AS at', ...names, ...counted.map((column) => `sum(s.${column}) AS ${column}`)].join(', ')}
    FROM (SELECT ${[SUBJECT_COLUMNS, ...sumsOf(counted)].join(', ')} ${rows} GROUP BY ${SUBJECT_COLUMNS}) s ${grouped}`;
}

function countPart(reading: Reading, part: Part): void {
  const { database, into, query, counted } = reading;
  if (part.fromMs >= part.toMs) return;
  const columns = query.groupBy.filter(isColumn);
  const statement = database.prepare(partStatement(reading, part));
  const customer = query.customerId === null ? [] : [query.customerId];
  for (const row of statement.iterate(part.fromMs, part.toMs, part.grain, ...customer)) {
    into.count(dimensionsOf(row, columns), integer(row, 'at'), amountsOf(row, counted));
  }
}

interface Hours {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Moves what carries the tag from "without" to its values. */
function countTags({ database, into, query, counted }: Reading, { fromMs, toMs }: Hours): void {
  const tag = query.groupBy.find((name) => name.startsWith('tag:'));
  if (tag === undefined || fromMs >= toMs) return;
  const columns = query.groupBy.filter(isColumn);
  // By day and value is the order of the index.
  const groups = ['t.day', 't.value', ...columns.map((name) => COLUMNS[name])];
  const time = query.bucket === 'hour' ? 'h.hour' : 't.day';
  if (query.bucket === 'hour') groups.push(time);
  const subject = columns.length === 0 ? '' : 'JOIN usage_subject s ON s.id = h.subject_id';
  const statement = database.prepare(
    `SELECT ${[`${time} AS at`, 't.value AS value', ...namedColumns(columns), ...sumsOf(counted)].join(', ')}
     FROM usage_tag t CROSS JOIN usage_tag_hourly h ON h.tag_id = t.id ${subject}
     WHERE t.name = ?3 AND t.day > ?1 - ${DAY_MS} AND t.day < ?2 AND h.hour >= ?1 AND h.hour < ?2
       ${query.customerId === null ? '' : 'AND t.customer_id = ?4'}
     GROUP BY ${groups.join(', ')}`,
  );
  const customer = query.customerId === null ? [] : [query.customerId];
  const name = tag.slice('tag:'.length);
  for (const row of statement.iterate(fromMs, toMs, name, ...customer)) {
    const of = { ...dimensionsOf(row, columns), [tag]: text(row, 'value') };
    into.countTagged(of, integer(row, 'at'), amountsOf(row, counted));
  }
}

/** Cuts whole hours `[fromMs, toMs)` into parts, days that are summed up as days where the question allows it. */
function partsOf(query: UsageQuery, span: Hours, rolledBeforeMs: number): readonly Part[] {
  const grain = grainOf(query);
  // Single hours are not summed up by customer.
  const hourGrain = grain === GRAIN.owner ? GRAIN.full : grain;
  const hours = (fromMs: number, toMs: number, of: number): Part => ({
    table: 'usage_hourly',
    grain: of,
    fromMs,
    toMs,
  });
  const rolledToMs = Math.max(span.fromMs, Math.min(span.toMs, rolledBeforeMs));
  const rest = hours(rolledToMs, span.toMs, GRAIN.full);
  const firstDayMs = Math.ceil(span.fromMs / DAY_MS) * DAY_MS;
  const lastDayMs = Math.floor(rolledToMs / DAY_MS) * DAY_MS;
  if (query.bucket === 'hour' || firstDayMs >= lastDayMs) {
    return [hours(span.fromMs, rolledToMs, hourGrain), rest];
  }
  return [
    hours(span.fromMs, firstDayMs, hourGrain),
    { table: 'usage_daily', grain, fromMs: firstDayMs, toMs: lastDayMs },
    hours(lastDayMs, rolledToMs, hourGrain),
    rest,
  ];
}

function countHours(reading: Reading, hours: Hours): void {
  if (reading.counted.length === 0) return;
  const { rolledBeforeMs } = readDayMark(reading.database);
  for (const part of partsOf(reading.query, hours, rolledBeforeMs ?? 0)) countPart(reading, part);
  countTags(reading, hours);
}

/** Requests reserved before this moment may have been removed; 0 when none have. */
function removedBefore(database: DatabaseSync): number {
  const row = database.prepare('SELECT removed_before FROM usage_mark').get();
  return row === undefined ? 0 : integer(row, 'removed_before');
}

function floorHour(atMs: number): number {
  return Math.floor(atMs / HOUR_MS) * HOUR_MS;
}

/**
 * The range that can be told: an edge within an hour whose requests have been removed moves to the start of the hour,
 * so that ranges that touch still share nothing and miss nothing.
 */
function tellableRange(
  database: DatabaseSync,
  { fromMs, toMs }: UsageQuery,
): { readonly fromMs: number; readonly toMs: number } {
  const removedBeforeMs = removedBefore(database);
  const move = (atMs: number): number =>
    floorHour(atMs) < removedBeforeMs ? floorHour(atMs) : atMs;
  return { fromMs: move(fromMs), toMs: move(toMs) };
}

function assertOneTag({ groupBy }: UsageQuery): void {
  if (groupBy.filter((name) => name.startsWith('tag:')).length <= 1) return;
  throw new GatewayError('invalid_request', {
    message: 'Usage is told apart by one tag at a time; leave one of the tags out.',
    param: 'group_by',
  });
}

/**
 * Answers a usage query. `openHoldIds`: the holds now open that the query is about.
 *
 * @throws GatewayError `invalid_request` for more than one tag
 */
export function readUsage(
  database: DatabaseSync,
  query: UsageQuery,
  at: { readonly nowMs: number; readonly openHoldIds: readonly string[] },
): UsageReport {
  assertOneTag(query);
  database.exec('BEGIN');
  try {
    const totals = new Totals(query);
    const range = tellableRange(database, query);
    const { fromMs } = range;
    // Nothing is later than now, so an hour that runs on beyond it is as good as whole.
    const toMs = range.toMs >= at.nowMs ? Math.ceil(range.toMs / HOUR_MS) * HOUR_MS : range.toMs;
    const firstHourMs = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
    const lastHourMs = floorHour(toMs);
    if (firstHourMs >= lastHourMs) {
      countRequests(database, totals, { query, fromMs, toMs });
    } else {
      countRequests(database, totals, { query, fromMs, toMs: firstHourMs });
      const reading = { database, into: totals, query, counted: readUsedColumns(database) };
      countHours(reading, { fromMs: firstHourMs, toMs: lastHourMs });
      countRequests(database, totals, { query, fromMs: lastHourMs, toMs });
    }
    return {
      ...range,
      totals: totals.totals(),
      held: heldBy(database, at.openHoldIds),
      groups: totals.groups(),
      asOfMs: at.nowMs,
    };
  } finally {
    database.exec('COMMIT');
  }
}
