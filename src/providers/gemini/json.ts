/**
 * Reading untrusted JSON: an answer of a provider may be of any shape, so every member is looked at before use.
 *
 * @module
 */
import { BELIEVED_COUNT_MAX } from '../../contracts/usage.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

/** Integers that a double cannot hold have at least 16 digits; most bodies have none and parse natively. */
const LONG_INTEGER = /(?:^|[^.\d])\d{16}/;

interface ReviverContext {
  readonly source?: string;
}

function keepLongInteger(...step: unknown[]): unknown {
  const [, value, context] = step;
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) {
    return value;
  }
  const source = (context as ReviverContext | undefined)?.source;
  const rawJson: unknown = Reflect.get(JSON, 'rawJSON');
  if (source === undefined || typeof rawJson !== 'function') return value;
  return Reflect.apply(rawJson, JSON, [source]);
}

/**
 * Parses JSON so that integers beyond 2^53 come out of `JSON.stringify` with every digit they came in with
 * (ids in tool arguments): such a number is an opaque value, not a `number`.
 *
 * @throws SyntaxError when the text is not JSON
 */
export function parseJson(text: string): unknown {
  const parsed: unknown = LONG_INTEGER.test(text)
    ? JSON.parse(text, keepLongInteger)
    : JSON.parse(text);
  return parsed;
}

/** As {@link parseJson}; undefined when the text is not JSON. */
export function parseJsonOrUndefined(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** The value as an object with members, null for anything else. */
export function asRecord(value: unknown): JsonRecord | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonRecord)
    : null;
}

/** The value as a list, empty for anything else. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The objects of a list; members of other kinds are left out. */
export function asRecords(value: unknown): readonly JsonRecord[] {
  return asList(value)
    .map(asRecord)
    .filter((entry) => entry !== null);
}

/** The value as text, null for anything else and for the empty text. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The value as a whole, non-negative number; 0 for anything else, since proto3 JSON leaves zeros out. */
export function asCount(value: unknown): number {
  const counts = typeof value === 'number' && Number.isInteger(value) && value > 0;
  return counts ? Math.min(BELIEVED_COUNT_MAX, value) : 0;
}
