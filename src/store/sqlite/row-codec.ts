/**
 * The request record and its attempts as compact JSON rows: positional, since names repeated a million
 * times are most of such a row. Money stands in nano-USD as in every row (`packAmount`), counts of a usage vector by place
 * ({@link UNIT_PLACES}), later instants as milliseconds since the first. Rows of version 1 have money as decimal text, a usage
 * vector as an object and instants since the epoch: both are read.
 *
 * @module
 */
import { toMicroseconds } from '../../contracts/durations.ts';
import type { Operation } from '../../contracts/metering.ts';
import type { CountedUnit, UsageVector } from '../../contracts/usage.ts';
import { packAmount } from '../../metering/core/meter-amounts.ts';
import type { AttemptRecord, RequestRecord } from '../../metering/ports.ts';
import { integer, type SqlRow, text } from './subscriptions.ts';

/** Stands for what the row has in a column of its own. Rows of version 1 of the schema say it twice. */
const IN_COLUMN = 0;

/** Where the count of a unit stands: numbers are stored, so a further unit takes the next one. */
const UNIT_PLACES: Readonly<Record<CountedUnit, number>> = {
  input_text_tokens: 0,
  output_text_tokens: 1,
  cache_read_tokens: 2,
  reasoning_tokens: 3,
  cache_write_tokens: 4,
  cache_write_1h_tokens: 5,
  input_image_tokens: 6,
  input_audio_tokens: 7,
  input_video_tokens: 8,
  cache_read_audio_tokens: 9,
  output_audio_tokens: 10,
  output_image_tokens: 11,
  web_searches: 12,
  requests: 13,
  images: 14,
  image_pixels: 15,
  image_steps: 16,
  video_clips: 17,
  video_ms: 18,
  characters: 19,
  audio_ms: 20,
  voice_clones: 21,
  inputs: 22,
};

const UNITS_BY_PLACE: ReadonlyMap<number, CountedUnit> = new Map(
  (Object.keys(UNIT_PLACES) as CountedUnit[]).map((unit) => [UNIT_PLACES[unit], unit]),
);

/** A usage vector as it is stored: `[place of the unit, count, …]`. */
type StoredUsage = readonly number[] | UsageVector;

function packUsage(usage: UsageVector): readonly number[] {
  const packed: number[] = [];
  for (const name in usage) {
    const unit = name as CountedUnit;
    const count = usage[unit];
    if (count !== undefined) packed.push(UNIT_PLACES[unit], count);
  }
  return packed;
}

function isList(stored: StoredUsage): stored is readonly number[] {
  return Array.isArray(stored);
}

function readUsage(stored: StoredUsage): UsageVector {
  if (!isList(stored)) return stored;
  const usage: Partial<Record<CountedUnit, number>> = {};
  for (let at = 0; at + 1 < stored.length; at += 2) {
    const unit = UNITS_BY_PLACE.get(stored[at] ?? -1);
    if (unit !== undefined) usage[unit] = stored[at + 1] ?? 0;
  }
  return usage;
}

/** Differences are below, instants above: a hundred billion milliseconds are three years, or March 1973. */
const DIFFERENCES_BELOW = 100_000_000_000;

/** A later instant as it is stored. A small number is made text of in a fraction of an instant's time. */
function sinceThen(atMs: number, firstMs: number): number {
  const difference = atMs - firstMs;
  return difference < DIFFERENCES_BELOW ? difference : atMs;
}

function instantOf(stored: number, firstMs: number): number {
  return stored < DIFFERENCES_BELOW ? firstMs + stored : stored;
}

type Tags = Readonly<Record<string, string>> | null;

type RequestRow = [
  requestId: string | typeof IN_COLUMN,
  customerId: string | typeof IN_COLUMN,
  keyId: string,
  operation: Operation,
  modelAsked: string,
  provider: string | null,
  modelServed: string | null,
  status: number,
  errorCode: string | null,
  flags: number,
  /** `IN_COLUMN`; in rows of version 1 the instant. */
  startedAtMs: number,
  firstTokenMs: number | null,
  finishedMs: number,
  overheadMs: number,
  attempts: number,
  usage: StoredUsage,
  costNanoUsd: number | string,
  warnings: readonly string[],
  tags: Tags,
];

const STREAM = 1;
const CLIENT_CLOSED = 2;
const ESTIMATED = 4;
const SIMULATED = 8;

/** The text of `request.body`: the record without its ids and its start, which have columns. */
export function encodeRequest(record: RequestRecord): string {
  const flags =
    (record.stream ? STREAM : 0) |
    (record.clientClosed ? CLIENT_CLOSED : 0) |
    (record.estimated ? ESTIMATED : 0) |
    (record.simulated ? SIMULATED : 0);
  const row: RequestRow = [
    IN_COLUMN,
    IN_COLUMN,
    record.keyId,
    record.operation,
    record.modelAsked,
    record.provider,
    record.modelServed,
    record.status,
    record.errorCode,
    flags,
    IN_COLUMN,
    record.firstTokenAtMs === null ? null : sinceThen(record.firstTokenAtMs, record.startedAtMs),
    sinceThen(record.finishedAtMs, record.startedAtMs),
    toMicroseconds(record.overheadMs),
    record.attempts,
    packUsage(record.usage),
    packAmount(record.costNanoUsd),
    record.warnings,
    record.tags,
  ];
  return JSON.stringify(row);
}

/** What {@link readRequest} needs of a row of `request` with its owner (`request-owners.ts`). */
export const REQUEST_COLUMNS = 'request_id, customer_id, started_at, body';

/** Reads a row with {@link REQUEST_COLUMNS}. */
export function readRequest(stored: SqlRow): RequestRecord {
  const row: RequestRow = JSON.parse(text(stored, 'body'));
  const flags = row[9];
  const startedAtMs = row[10] === IN_COLUMN ? integer(stored, 'started_at') : row[10];
  return {
    requestId: text(stored, 'request_id'),
    customerId: text(stored, 'customer_id'),
    keyId: row[2],
    operation: row[3],
    modelAsked: row[4],
    provider: row[5],
    modelServed: row[6],
    status: row[7],
    errorCode: row[8],
    stream: (flags & STREAM) !== 0,
    clientClosed: (flags & CLIENT_CLOSED) !== 0,
    startedAtMs,
    firstTokenAtMs: row[11] === null ? null : instantOf(row[11], startedAtMs),
    finishedAtMs: instantOf(row[12], startedAtMs),
    overheadMs: row[13],
    attempts: row[14],
    usage: readUsage(row[15]),
    costNanoUsd: BigInt(row[16]),
    estimated: (flags & ESTIMATED) !== 0,
    simulated: (flags & SIMULATED) !== 0,
    warnings: row[17],
    tags: row[18],
  };
}

/** One attempt as it is stored. */
export type AttemptRow = [
  n: number,
  provider: string,
  modelRequested: string,
  modelServed: string | null,
  providerRequestId: string | null,
  dispatchedAtMs: number,
  firstByteMs: number | null,
  finishedMs: number,
  outcome: string,
  httpStatus: number | null,
  billable: AttemptRecord['billable'],
  usage: StoredUsage,
  estimated: 0 | 1,
  costNanoUsd: number | string,
  priceItemId: string | null,
  more?: AttemptExtras,
];

/** What few attempts have; the member is left out where there is none of it. */
interface AttemptExtras {
  /** Dimensions of the price. */
  readonly d?: Readonly<Record<string, string>>;
  /** Provider's cost in nano-USD where it is not the customer's. */
  readonly p?: string;
}

function extrasOf({ dimensions, providerCostNanoUsd }: AttemptRecord): AttemptExtras | null {
  if (dimensions === undefined && providerCostNanoUsd === undefined) return null;
  return {
    ...(dimensions === undefined ? {} : { d: dimensions }),
    ...(providerCostNanoUsd === undefined ? {} : { p: String(providerCostNanoUsd) }),
  };
}

function attemptRow(attempt: AttemptRecord): AttemptRow {
  const row: AttemptRow = [
    attempt.n,
    attempt.provider,
    attempt.modelRequested,
    attempt.modelServed,
    attempt.providerRequestId,
    attempt.dispatchedAtMs,
    attempt.firstByteAtMs === null
      ? null
      : sinceThen(attempt.firstByteAtMs, attempt.dispatchedAtMs),
    sinceThen(attempt.finishedAtMs, attempt.dispatchedAtMs),
    attempt.outcome,
    attempt.httpStatus,
    attempt.billable,
    packUsage(attempt.usage),
    attempt.estimated ? 1 : 0,
    packAmount(attempt.costNanoUsd),
    attempt.priceItemId,
  ];
  const extras = extrasOf(attempt);
  if (extras !== null) row.push(extras);
  return row;
}

/** The text of all attempts of a call. */
export function encodeAttempts(attempts: readonly AttemptRecord[]): string {
  return JSON.stringify(attempts.map(attemptRow));
}

/** Reads parsed rows that {@link encodeAttempts} wrote. */
export function decodeAttempts(rows: readonly AttemptRow[]): readonly AttemptRecord[] {
  return rows.map((row) => ({
    n: row[0],
    provider: row[1],
    modelRequested: row[2],
    modelServed: row[3],
    providerRequestId: row[4],
    dispatchedAtMs: row[5],
    firstByteAtMs: row[6] === null ? null : instantOf(row[6], row[5]),
    finishedAtMs: instantOf(row[7], row[5]),
    outcome: row[8],
    httpStatus: row[9],
    billable: row[10],
    usage: readUsage(row[11]),
    estimated: row[12] === 1,
    costNanoUsd: BigInt(row[13]),
    priceItemId: row[14],
    ...(row[15]?.d === undefined ? {} : { dimensions: row[15].d }),
    ...(row[15]?.p === undefined ? {} : { providerCostNanoUsd: BigInt(row[15].p) }),
  }));
}
