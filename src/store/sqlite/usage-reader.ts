/**
 * Usage over a range, exact to the millisecond: whole hours come from the rollups, the parts of an hour at
 * either edge from the requests themselves.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Meter, METERS } from '../../contracts/metering.ts';
import { HOUR_MS } from '../../metering/core/windows.ts';
import type {
  MeterAmounts,
  UsageDimension,
  UsageQuery,
  UsageReport,
} from '../../metering/ports.ts';
import { readHold } from '../../metering/core/hold-bodies.ts';
import { EventReader } from './journal-tables.ts';
import { bigint, integer, nullableText, type SqlRow, text } from './subscriptions.ts';
import { providerOf, requestRowAt, reservedAtOfRow, unpackCharges } from './usage-tables.ts';

const SUMS = METERS.map((meter) => `sum(h.${meter}) AS ${meter}`).join(', ');
const DIMENSION_COLUMNS: Readonly<Record<UsageDimension, string>> = {
  provider: 'd.provider',
  model: 'd.model',
  customer: 'd.customer_id',
  key: 'd.key_id',
  operation: 'd.operation',
};

type Sums = Partial<Record<Meter, bigint>>;

interface Group {
  readonly key: Readonly<Record<string, string>>;
  readonly totals: Sums;
}

function add(sums: Sums, amounts: MeterAmounts): void {
  for (const meter of METERS) {
    const amount = amounts[meter];
    if (amount !== undefined && amount !== 0n) sums[meter] = (sums[meter] ?? 0n) + amount;
  }
}

/** Start of the time bucket of an instant, RFC 3339 UTC. */
function bucketStart(bucket: 'hour' | 'day' | 'month', atMs: number): string {
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

interface CallDimensions {
  readonly provider: string;
  readonly model: string;
  readonly customer: string;
  readonly key: string;
  readonly operation: string;
}

class Totals {
  readonly totals: Sums = {};
  readonly #groups = new Map<string, Group>();
  readonly #query: UsageQuery;

  constructor(query: UsageQuery) {
    this.#query = query;
  }

  count(of: Partial<CallDimensions>, atMs: number, amounts: MeterAmounts): void {
    add(this.totals, amounts);
    const { groupBy, bucket } = this.#query;
    if (groupBy.length === 0 && bucket === null) return;
    const key: Record<string, string> = {};
    if (bucket !== null) key['bucket'] = bucketStart(bucket, atMs);
    for (const dimension of groupBy) key[dimension] = of[dimension] ?? '';
    const id = JSON.stringify(key);
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = { key, totals: {} };
      this.#groups.set(id, group);
    }
    add(group.totals, amounts);
  }

  groups(): readonly Group[] {
    return [...this.#groups.entries()]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, group]) => group)
      .filter((group) => Object.keys(group.totals).length > 0);
  }
}

/** Sums of whole hours `[fromMs, toMs)`. */
function countHours(
  database: DatabaseSync,
  into: Totals,
  { query, fromMs, toMs }: { query: UsageQuery; fromMs: number; toMs: number },
): void {
  if (fromMs >= toMs) return;
  const dimensions = [...new Set(query.groupBy)];
  const columns = dimensions.map((name) => `${DIMENSION_COLUMNS[name]} AS dim_${name}`);
  const hour = query.bucket === null ? '0' : 'h.hour';
  const groups = dimensions.map((name) => DIMENSION_COLUMNS[name]);
  if (query.bucket !== null) groups.push('h.hour');
  const statement = database.prepare(
    `SELECT ${[`${hour} AS at`, ...columns, SUMS].join(', ')}
     FROM usage_dim d JOIN usage_hour h ON h.dim_id = d.id
     WHERE ${query.customerId === null ? '' : 'd.customer_id = ? AND'} h.hour >= ? AND h.hour < ?
     GROUP BY ${groups.length === 0 ? 'NULL' : groups.join(', ')}`,
  );
  const customer = query.customerId === null ? [] : [query.customerId];
  for (const row of statement.iterate(...customer, fromMs, toMs)) {
    const of: Partial<Record<UsageDimension, string>> = {};
    for (const name of dimensions) of[name] = text(row, `dim_${name}`);
    const amounts: Sums = {};
    for (const meter of METERS) amounts[meter] = bigint(row, meter);
    into.count(of, integer(row, 'at'), amounts);
  }
}

/** The requests reserved in `[fromMs, toMs)`, one by one. */
function countRequests(
  database: DatabaseSync,
  into: Totals,
  { query, fromMs, toMs }: { query: UsageQuery; fromMs: number; toMs: number },
): void {
  if (fromMs >= toMs) return;
  const statement = database.prepare(
    `SELECT row, body, usage FROM request
     WHERE ${query.customerId === null ? '' : 'customer_id = ? AND'} row >= ? AND row < ? AND usage IS NOT NULL`,
  );
  const customer = query.customerId === null ? [] : [query.customerId];
  for (const row of statement.iterate(...customer, requestRowAt(fromMs), requestRowAt(toMs))) {
    countRequest(into, row);
  }
}

function countRequest(into: Totals, row: SqlRow): void {
  const usage = nullableText(row, 'usage');
  if (usage === null) return;
  const [, customer = '', key = '', operation = ''] = JSON.parse(text(row, 'body')) as string[];
  for (const { model, amounts } of unpackCharges(usage)) {
    const of = { customer, key, operation, model, provider: providerOf(model) };
    into.count(of, reservedAtOfRow(integer(row, 'row')), amounts);
  }
}

/** What open holds have reserved: each call once, whatever the number of limits that bind it. */
function heldBy(database: DatabaseSync, holdIds: readonly string[]): Sums {
  const held: Sums = {};
  const last = database.prepare(
    `SELECT * FROM event WHERE event_id = 'hold:' || ?1
     UNION ALL SELECT * FROM event WHERE event_id > 'extend:' || ?1 || ':' AND event_id < 'extend:' || ?1 || ';'
     ORDER BY seq DESC LIMIT 1`,
  );
  const first = database.prepare("SELECT * FROM event WHERE event_id = 'hold:' || ?");
  const events = new EventReader(database);
  for (const holdId of holdIds) {
    const born = first.get(holdId);
    const newest = last.get(holdId);
    if (born === undefined || newest === undefined) continue;
    const opening = events.read(born).entry;
    const { covered, requests } = readHold({
      ...opening,
      body: { ...opening.body, ...events.read(newest).entry.body },
    });
    for (const { amounts } of covered) add(held, { ...amounts, requests: 0n });
    add(held, { requests });
  }
  return held;
}

/** Answers a usage query. `openHoldIds`: the holds now open that the query is about. */
export function readUsage(
  database: DatabaseSync,
  query: UsageQuery,
  at: { readonly nowMs: number; readonly openHoldIds: readonly string[] },
): UsageReport {
  database.exec('BEGIN');
  try {
    const totals = new Totals(query);
    const { fromMs } = query;
    // Nothing is later than now, so an hour that runs on beyond it is as good as whole.
    const toMs = query.toMs >= at.nowMs ? Math.ceil(query.toMs / HOUR_MS) * HOUR_MS : query.toMs;
    const firstHourMs = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
    const lastHourMs = Math.floor(toMs / HOUR_MS) * HOUR_MS;
    if (firstHourMs >= lastHourMs) {
      countRequests(database, totals, { query, fromMs, toMs });
    } else {
      countRequests(database, totals, { query, fromMs, toMs: firstHourMs });
      countHours(database, totals, { query, fromMs: firstHourMs, toMs: lastHourMs });
      countRequests(database, totals, { query, fromMs: lastHourMs, toMs });
    }
    return {
      totals: totals.totals,
      held: heldBy(database, at.openHoldIds),
      groups: totals.groups(),
      asOfMs: at.nowMs,
    };
  } finally {
    database.exec('COMMIT');
  }
}
