/**
 * JSON that keeps what JSON has no form for: `bigint`, `Set` and `Map`. Objects come back as they were.
 *
 * @module
 */

const BIGINT = '$bigint';
const SET = '$set';
const MAP = '$map';

function pack(value: unknown): unknown {
  if (typeof value === 'bigint') return { [BIGINT]: value.toString() };
  if (value instanceof Set) return { [SET]: [...(value as ReadonlySet<unknown>)].map(pack) };
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<unknown, unknown>)];
    return { [MAP]: entries.map(([key, member]) => [pack(key), pack(member)]) };
  }
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, pack(member)]));
}

function unpack(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (BIGINT in value) return BigInt(value[BIGINT] as string);
  if (SET in value) return new Set(value[SET] as unknown[]);
  if (MAP in value) return new Map(value[MAP] as [unknown, unknown][]);
  return value;
}

/** The text of plain data. */
export function freeze(value: unknown): string {
  return JSON.stringify(pack(value));
}

/** Reads what {@link freeze} wrote; the writer of the text vouches for the type. */
export function thaw<Value>(text: string): Value {
  return JSON.parse(text, unpack) as Value;
}
