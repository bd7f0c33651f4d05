/**
 * Finds in one pass over the bytes of a JSON object where its members stand, and what must be known of it before it is
 * trusted: how many keys it has at all levels, how deep it nests and how many values it holds.
 *
 * @module
 */
import type { MemberPlaces } from '../contracts/wire.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Strings longer than this are skipped by a native search instead of a byte loop. */
const SHORT_STRING_BYTES = 48;

/** Offsets that {@link MemberPlaces} has of each member. */
export const PLACES_PER_MEMBER = 4;

/** What is known of an object that was scanned. */
export interface ObjectScan {
  /** Keys of all levels as they stand: more than the parsed object has are duplicates. */
  readonly keys: number;
  readonly members: MemberPlaces;
}

/** Deepest nesting, and most values (members and items, empty lists and objects counting as one). */
export interface ScanCaps {
  readonly depth: number;
  readonly values: number;
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Offset of the first byte from `from` on that is no space. */
export function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function isEscaped(bytes: Buffer, quoteAt: number): boolean {
  let backslashes = 0;
  while (bytes[quoteAt - 1 - backslashes] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** Offset just past the string whose opening quote is at `from`. */
function skipString(bytes: Buffer, from: number): number {
  let at = from + 1;
  const shortEnd = at + SHORT_STRING_BYTES;
  while (at < shortEnd) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  at = bytes.indexOf(QUOTE, at);
  while (at !== -1 && isEscaped(bytes, at)) at = bytes.indexOf(QUOTE, at + 1);
  return at === -1 ? bytes.length : at + 1;
}

/** Offset just past the value that ends before `delimiterAt`. */
function endOfValue(bytes: Buffer, delimiterAt: number): number {
  let end = delimiterAt;
  while (isSpace(bytes[end - 1])) end -= 1;
  return end;
}

/**
 * Scans a JSON object, and stops where it goes beyond a cap, so that refusing costs less than reading. What `JSON.parse` would
 * not accept gives a meaningless answer, but it ends, and never notes more members than values are allowed.
 *
 * @returns what was found, or the cap that is exceeded
 */
export function scanObject(bytes: Buffer, caps: ScanCaps): ObjectScan | keyof ScanCaps {
  const members: number[] = [];
  let keys = 0;
  let values = 0;
  let depth = 0;
  let stringFrom = 0;
  let stringEnd = 0;
  let isInMember = false;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      stringFrom = at;
      at = skipString(bytes, at);
      stringEnd = at;
      continue;
    }
    if (byte === COLON) {
      // Outside strings a colon follows every key, and nothing else. Valid objects have no more keys than values.
      keys += 1;
      if (keys > caps.values) return 'values';
      if (depth === 1) {
        isInMember = true;
        members.push(stringFrom, stringEnd, skipSpace(bytes, at + 1));
      }
    } else if (byte === COMMA) {
      values += 1;
      if (values > caps.values) return 'values';
      if (depth === 1 && isInMember) {
        isInMember = false;
        members.push(endOfValue(bytes, at));
      }
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      values += 1;
      depth += 1;
      if (values > caps.values) return 'values';
      if (depth > caps.depth) return 'depth';
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0 && isInMember) {
        isInMember = false;
        members.push(endOfValue(bytes, at));
      }
    }
    at += 1;
  }
  return { keys, members };
}
