/**
 * Checks that bytes are one JSON value and notes a few keys on the way, without allocating: a relayed stream
 * frame is validated and classified in one pass, and only frames whose value is needed are parsed.
 *
 * @module
 */

/** Flags of the keys noted, wherever in the object they stand. */
export const FRAME_USAGE = 1;
export const FRAME_FINISH_REASON = 2;
export const FRAME_ERROR = 4;
export const FRAME_TOOL_CALLS = 8;
export const FRAME_CONTENT = 16;
export const FRAME_ROLE = 32;
export const FRAME_CHOICES = 64;
/** OpenAI's `obfuscation`: a text of random length in every chunk. */
const FRAME_FILLER = 128;
/** Returned for bytes that are not one JSON object. */
export const FRAME_INVALID = -1;

const MAX_DEPTH = 256;

/** Bytes that may stand unescaped inside a string: everything but controls, quote and backslash. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
PLAIN[0x22] = 0;
PLAIN[0x5c] = 0;

function flagOf(bytes: Uint8Array, start: number, length: number): number {
  const first = bytes[start];
  switch (length) {
    case 4:
      return first === 0x72 && bytes[start + 1] === 0x6f && bytes[start + 3] === 0x65
        ? FRAME_ROLE
        : 0;
    case 5:
      if (first === 0x75 && bytes[start + 4] === 0x65 && bytes[start + 1] === 0x73)
        return FRAME_USAGE;
      if (first === 0x65 && bytes[start + 1] === 0x72 && bytes[start + 4] === 0x72)
        return FRAME_ERROR;
      return 0;
    case 7:
      if (first !== 0x63) return 0;
      if (bytes[start + 1] === 0x6f && bytes[start + 6] === 0x74) return FRAME_CONTENT;
      return bytes[start + 1] === 0x68 && bytes[start + 6] === 0x73 ? FRAME_CHOICES : 0;
    case 10:
      return first === 0x74 && bytes[start + 4] === 0x5f && bytes[start + 9] === 0x73
        ? FRAME_TOOL_CALLS
        : 0;
    case 11:
      return first === 0x6f && bytes[start + 1] === 0x62 && bytes[start + 10] === 0x6e
        ? FRAME_FILLER
        : 0;
    case 13:
      return first === 0x66 && bytes[start + 6] === 0x5f && bytes[start + 12] === 0x6e
        ? FRAME_FINISH_REASON
        : 0;
    default:
      return 0;
  }
}

/** Offset just past the string whose opening quote is before `from`, or -1. */
export function scanString(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (;;) {
    while (at < end && PLAIN[bytes[at] as number] === 1) at += 1;
    if (at >= end) return -1;
    const byte = bytes[at];
    if (byte === 0x22) return at + 1;
    if (byte !== 0x5c) return -1;
    const escaped = bytes[at + 1];
    if (escaped === 0x75) {
      if (at + 6 > end) return -1;
      for (let digit = at + 2; digit < at + 6; digit += 1) {
        const hex = bytes[digit] as number;
        const isHex =
          (hex >= 0x30 && hex <= 0x39) || ((hex | 0x20) >= 0x61 && (hex | 0x20) <= 0x66);
        if (!isHex) return -1;
      }
      at += 6;
    } else if (
      escaped === 0x22 ||
      escaped === 0x5c ||
      escaped === 0x2f ||
      escaped === 0x62 ||
      escaped === 0x66 ||
      escaped === 0x6e ||
      escaped === 0x72 ||
      escaped === 0x74
    ) {
      at += 2;
    } else {
      return -1;
    }
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Offset just past the number at `from`, or -1 (RFC 8259 §6: no leading zeros, digits after the point). */
function scanNumber(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from;
  if (!isDigit(bytes[at])) return -1;
  if (bytes[at] === 0x30) at += 1;
  else while (isDigit(bytes[at])) at += 1;
  if (bytes[at] === 0x2e) {
    at += 1;
    if (!isDigit(bytes[at])) return -1;
    while (isDigit(bytes[at])) at += 1;
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at += 1;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1;
    if (!isDigit(bytes[at])) return -1;
    while (isDigit(bytes[at])) at += 1;
  }
  return at;
}

/** Offset just past `true`, `false`, `null` or a number at `from`, or -1. */
function scanScalar(bytes: Uint8Array, from: number): number {
  const byte = bytes[from];
  if (byte === 0x74) {
    return bytes[from + 1] === 0x72 && bytes[from + 2] === 0x75 && bytes[from + 3] === 0x65
      ? from + 4
      : -1;
  }
  if (byte === 0x66) {
    return bytes[from + 1] === 0x61 &&
      bytes[from + 2] === 0x6c &&
      bytes[from + 3] === 0x73 &&
      bytes[from + 4] === 0x65
      ? from + 5
      : -1;
  }
  if (byte === 0x6e) {
    return bytes[from + 1] === 0x75 && bytes[from + 2] === 0x6c && bytes[from + 3] === 0x6c
      ? from + 4
      : -1;
  }
  return scanNumber(bytes, from);
}

/** Open containers of the scan in progress: 1 object, 0 array. */
const containers = new Uint8Array(MAX_DEPTH);

/**
 * State of the one scan in progress. Module-level and mutable on purpose: a scan never yields, and an object
 * per frame would cost as much as the scan.
 */
let depth = 0;
let flags = 0;
let pendingFlag = 0;
/** Insides of the last `content` and `obfuscation` strings of the scan; -1 where there was none. */
let contentFrom = -1;
let contentTo = -1;
let fillerFrom = -1;
let fillerTo = -1;

const EXPECT_VALUE = 0;
const EXPECT_KEY_OR_CLOSE = 1;
const EXPECT_COMMA_OR_CLOSE = 2;
const EXPECT_KEY = 3;
const EXPECT_VALUE_OR_CLOSE = 4;
let expecting = EXPECT_VALUE;

function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at += 1;
  }
  return at;
}

/** Reads `"key":` and leaves the key's flag pending for its value. */
function scanKey(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] === 0x7d && expecting === EXPECT_KEY_OR_CLOSE) {
    depth -= 1;
    expecting = EXPECT_COMMA_OR_CLOSE;
    return from + 1;
  }
  if (bytes[from] !== 0x22) return -1;
  const keyEnd = scanString(bytes, from + 1, end);
  if (keyEnd === -1) return -1;
  pendingFlag = flagOf(bytes, from + 1, keyEnd - from - 2);
  const colonAt = skipSpace(bytes, keyEnd, end);
  if (bytes[colonAt] !== 0x3a) return -1;
  expecting = EXPECT_VALUE;
  return colonAt + 1;
}

function scanAfterValue(bytes: Uint8Array, at: number): number {
  const isObject = containers[depth - 1] === 1;
  const byte = bytes[at];
  if (byte === 0x2c) expecting = isObject ? EXPECT_KEY : EXPECT_VALUE;
  else if (byte === (isObject ? 0x7d : 0x5d)) depth -= 1;
  else return -1;
  return at + 1;
}

function scanValue(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at];
  if (byte === 0x5d && expecting === EXPECT_VALUE_OR_CLOSE) {
    depth -= 1;
    expecting = EXPECT_COMMA_OR_CLOSE;
    return at + 1;
  }
  const noted = pendingFlag;
  if (byte !== 0x6e) flags |= noted;
  pendingFlag = 0;
  if (byte === 0x7b || byte === 0x5b) {
    if (depth === MAX_DEPTH) return -1;
    containers[depth] = byte === 0x7b ? 1 : 0;
    depth += 1;
    expecting = byte === 0x7b ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
    return at + 1;
  }
  if (depth === 0) return -1;
  expecting = EXPECT_COMMA_OR_CLOSE;
  if (byte !== 0x22) return scanScalar(bytes, at);
  const stringEnd = scanString(bytes, at + 1, end);
  if (noted === FRAME_CONTENT) {
    contentFrom = at + 1;
    contentTo = stringEnd - 1;
  } else if (noted === FRAME_FILLER) {
    fillerFrom = at + 1;
    fillerTo = stringEnd - 1;
  }
  return stringEnd;
}

/**
 * Scans `bytes[start, end)` as one JSON object.
 *
 * @returns the flags of the noted keys that carry a value other than null, or {@link FRAME_INVALID}
 */
export function scanFrame(bytes: Uint8Array, start: number, end: number): number {
  depth = 0;
  flags = 0;
  pendingFlag = 0;
  contentFrom = -1;
  fillerFrom = -1;
  expecting = EXPECT_VALUE;
  let at = skipSpace(bytes, start, end);
  while (at < end) {
    if (expecting === EXPECT_KEY || expecting === EXPECT_KEY_OR_CLOSE) at = scanKey(bytes, at, end);
    else if (expecting === EXPECT_COMMA_OR_CLOSE) at = scanAfterValue(bytes, at);
    else at = scanValue(bytes, at, end);
    if (at === -1 || at > end) return FRAME_INVALID;
    at = skipSpace(bytes, at, end);
    if (depth === 0 && expecting === EXPECT_COMMA_OR_CLOSE)
      return at === end ? flags : FRAME_INVALID;
  }
  return FRAME_INVALID;
}

/** Where the insides stand of the strings that differ from frame to frame. */
export interface NotedStrings {
  /** Offset in the bytes that were scanned; -1 where there was no such string. */
  readonly contentFrom: number;
  readonly contentTo: number;
  /** Of the filler; -1 where there was none. */
  readonly fillerFrom: number;
  readonly fillerTo: number;
}

/** The last strings of their kinds that the last scan met. */
export function notedStrings(): NotedStrings {
  return { contentFrom, contentTo, fillerFrom, fillerTo };
}
