/**
 * The body of an event as it is stored: `{"p":[posting…],"b":what the engine decided,"a":attempts}`.
 *
 * A posting is `[bucket no, d_granted, d_held, d_spent, d_overrun, d_expired, d_leased]` without its trailing zeros. `b`
 * is an object of named members; of a `hold` and a `settle`, which every call has, it is a list of members by place
 * ({@link HOLD_PLACES}, {@link SETTLE_PLACES}), since names repeated a million times are most of such a row. Version 1
 * of the schema named the members of these too.
 *
 * @module
 */
import { packAmount } from '../../metering/core/meter-amounts.ts';
import type { JournalEntry, JsonValue, Posting } from '../../metering/core/types.ts';
import type { AttemptRow } from './row-codec.ts';

type Body = JournalEntry['body'];
export type StoredPosting = readonly (number | string)[];

/** An event's body as it is parsed. */
export interface StoredBody {
  readonly p?: readonly StoredPosting[];
  readonly b?: JsonValue;
  readonly a?: readonly AttemptRow[];
}

/** What stands where in the body of a `hold`; what follows is an object of what few holds have. */
export const HOLD_PLACES = [
  'request',
  'key',
  'operation',
  'plan',
  'plan_version',
  'price_book',
  'fingerprint',
  'requests',
  'observed_floor',
  'output_tokens',
  'covered',
] as const;

/** What stands where in the body of a `settle`. */
export const SETTLE_PLACES = ['charges', 'overrun'] as const;

/** Members that most holds have like this: they are not written. */
const HOLD_DEFAULTS: Body = {
  state: 'dispatched',
  expires_at: null,
  tags: null,
  soft_breaches: [],
};

/** Stands for a fingerprint that is the request's id. */
const SAME_AS_REQUEST = 0;

/** A posting on the bucket of that number, as it is stored. */
export function packPosting(posting: Posting, no: number): StoredPosting {
  const { dGranted, dHeld, dSpent, dOverrun, dExpired, dLeased } = posting;
  if (dOverrun === 0n && dExpired === 0n && dLeased === 0n) {
    // Of each length its own list: one that grows has room for seventeen members, and each call makes six of them.
    if (dSpent !== 0n) return [no, packAmount(dGranted), packAmount(dHeld), packAmount(dSpent)];
    if (dHeld !== 0n) return [no, packAmount(dGranted), packAmount(dHeld)];
    return dGranted === 0n ? [no] : [no, packAmount(dGranted)];
  }
  const packed = [no, ...[dGranted, dHeld, dSpent, dOverrun].map(packAmount)];
  if (dExpired !== 0n || dLeased !== 0n) packed.push(packAmount(dExpired));
  if (dLeased !== 0n) packed.push(packAmount(dLeased));
  return packed;
}

function packHold(body: Body): JsonValue {
  const { request, fingerprint, state, expires_at, tags, soft_breaches, token, quote } = body;
  const list: JsonValue[] = [
    request ?? null,
    body['key'] ?? null,
    body['operation'] ?? null,
    body['plan'] ?? null,
    body['plan_version'] ?? null,
    body['price_book'] ?? null,
    fingerprint === request ? SAME_AS_REQUEST : (fingerprint ?? null),
    body['requests'] ?? null,
    body['observed_floor'] ?? null,
    body['output_tokens'] ?? null,
    body['covered'] ?? null,
  ];
  const isPlain =
    state === 'dispatched' &&
    expires_at === null &&
    tags === null &&
    Array.isArray(soft_breaches) &&
    soft_breaches.length === 0 &&
    token === undefined &&
    quote === undefined;
  if (isPlain) return list;
  const rest: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(body)) {
    if (!HOLD_MEMBERS.has(name)) rest[name] = value;
  }
  list.push(rest);
  return list;
}

const HOLD_MEMBERS: ReadonlySet<string> = new Set(HOLD_PLACES);

function packBody({ kind, body }: JournalEntry): JsonValue {
  if (kind === 'hold') return packHold(body);
  if (kind === 'settle') return [body['charges'] ?? [], body['overrun'] ?? 0];
  return body;
}

/**
 * The text that is stored of an entry.
 *
 * @param attempts text of `row-codec.ts`; null where the event has none
 */
export function bodyText(
  entry: JournalEntry,
  postings: readonly StoredPosting[],
  attempts: string | null,
): string {
  // One text of all: what is put together from small pieces is copied piece by piece when it is stored and hashed.
  const text = JSON.stringify({ p: postings, b: packBody(entry) });
  return attempts === null ? text : `${text.slice(0, -1)},"a":${attempts}}`;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function named(list: readonly JsonValue[], places: readonly string[]): Record<string, JsonValue> {
  const body: Record<string, JsonValue> = {};
  places.forEach((name, place) => {
    body[name] = list[place] ?? null;
  });
  return body;
}

/** Reads `b` of an event of that kind. */
export function readBody(kind: JournalEntry['kind'], stored: JsonValue | undefined): Body {
  if (typeof stored !== 'object' || stored === null) return {};
  if (!isList(stored)) return stored;
  if (kind === 'settle') return named(stored, SETTLE_PLACES);
  if (kind !== 'hold') return {};
  const rest = stored[HOLD_PLACES.length];
  const body = { ...HOLD_DEFAULTS, ...named(stored, HOLD_PLACES), ...objectOf(rest) };
  return body['fingerprint'] === SAME_AS_REQUEST
    ? { ...body, fingerprint: body['request'] ?? null }
    : body;
}

function objectOf(value: JsonValue | undefined): Body {
  return typeof value === 'object' && value !== null && !isList(value) ? value : {};
}

/** Amount at a place of a stored posting, the first place being 1. */
export function amountAt(stored: StoredPosting, place: number): bigint {
  return BigInt(stored[place] ?? 0);
}
