/**
 * Edits top-level members of a JSON object in its bytes, so that a 100 kB prompt is neither decoded nor
 * serialised again for one changed member.
 *
 * @module
 */

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

export interface MemberRange {
  readonly key: string;
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  readonly valueStart: number;
  /** Offset just past the value. */
  readonly valueEnd: number;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(bytes: Buffer, from: number): number {
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
  const shortEnd = Math.min(at + SHORT_STRING_BYTES, bytes.length);
  while (at < shortEnd) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  at = bytes.indexOf(QUOTE, at);
  while (at !== -1 && isEscaped(bytes, at)) at = bytes.indexOf(QUOTE, at + 1);
  return at === -1 ? bytes.length : at + 1;
}

/** Offset just past the value that starts at `from`. */
function skipValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return skipString(bytes, from);
  let at = from;
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    while (at < bytes.length) {
      const byte = bytes[at];
      if (byte === COMMA || byte === CLOSE_BRACE || isSpace(byte)) return at;
      at += 1;
    }
    return at;
  }
  let depth = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return at;
}

/**
 * Keys of all levels as they stand: more than the parsed object has are duplicates.
 *
 * @param bytes JSON text that `JSON.parse` has accepted
 */
export function countKeys(bytes: Buffer): number {
  let keys = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    // Outside strings a colon follows every key, and nothing else.
    if (byte === COLON) keys += 1;
    at += 1;
  }
  return keys;
}

/**
 * Looks at the structure of JSON text without parsing it: which of the caps it goes beyond, if any. Stops there, so that
 * refusing costs less than reading. Of text that is not JSON it says something meaningless, but it ends.
 *
 * @param caps deepest nesting, and most values (members and items, empty lists and objects counting as one)
 */
export function exceededCap(
  bytes: Buffer,
  caps: { readonly depth: number; readonly values: number },
): 'depth' | 'values' | null {
  let depth = 0;
  let values = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    else if (byte === COMMA || byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      values += 1;
      if (values > caps.values) return 'values';
      if (byte === COMMA) continue;
      depth += 1;
      if (depth > caps.depth) return 'depth';
    }
  }
  return null;
}

/**
 * Ranges of the top-level members, in order, duplicates included.
 *
 * @param bytes a JSON object that `JSON.parse` has accepted; anything else gives a meaningless answer, never a hang
 */
export function scanMembers(bytes: Buffer): MemberRange[] {
  const members: MemberRange[] = [];
  let at = skipSpace(bytes, 0) + 1;
  while (at < bytes.length) {
    at = skipSpace(bytes, at);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    if (bytes[at] !== QUOTE) break;
    const keyStart = at;
    const keyEnd = skipString(bytes, keyStart);
    const valueStart = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    const valueEnd = skipValue(bytes, valueStart);
    const rawKey = bytes.toString('utf8', keyStart + 1, keyEnd - 1);
    const key = rawKey.includes('\\') ? String(JSON.parse(`"${rawKey}"`)) : rawKey;
    members.push({ key, keyStart, valueStart, valueEnd });
    at = valueEnd;
  }
  return members;
}

/** Up to so many members comparing each with each is faster than a set; beyond, it would cost their square. */
const FEW_MEMBERS = 32;

/** The first key that stands twice at the top level, or null: what authorises and what the upstream reads must be one parse. */
export function duplicateKeyOf(members: readonly MemberRange[]): string | null {
  if (members.length > FEW_MEMBERS) {
    const seen = new Set<string>();
    for (const { key } of members) {
      if (seen.has(key)) return key;
      seen.add(key);
    }
    return null;
  }
  for (let index = 1; index < members.length; index += 1) {
    const key = members[index]?.key;
    for (let before = 0; before < index; before += 1) {
      if (members[before]?.key === key) return key ?? null;
    }
  }
  return null;
}

/** New text, and the range of the original that follows it. */
interface Part {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

function memberText(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** What an edited object is put together from, in order. */
function partsOf(bytes: Buffer, edits: ReadonlyMap<string, unknown>): readonly Part[] {
  const members = scanMembers(bytes);
  const open = skipSpace(bytes, 0) + 1;
  let text = '';
  for (const [key, value] of edits) {
    if (value !== undefined && !members.some((member) => member.key === key)) {
      text += `${text === '' ? '' : ','}${memberText(key, value)}`;
    }
  }
  const parts: Part[] = [{ text: '', from: 0, to: open }];
  let isFirst = text === '';
  let keptFrom = -1;
  let keptTo = open;
  const flush = (): void => {
    if (keptFrom === -1) return;
    parts.push({ text: isFirst ? text : `${text},`, from: keptFrom, to: keptTo });
    text = '';
    isFirst = false;
    keptFrom = -1;
  };
  for (const member of members) {
    if (!edits.has(member.key)) {
      if (keptFrom === -1) keptFrom = member.keyStart;
      keptTo = member.valueEnd;
      continue;
    }
    flush();
    const value = edits.get(member.key);
    if (value === undefined) continue;
    text += `${isFirst ? '' : ','}${memberText(member.key, value)}`;
    isFirst = false;
  }
  flush();
  const last = members.at(-1);
  const tail = skipSpace(bytes, last === undefined ? open : last.valueEnd);
  parts.push({ text, from: tail, to: bytes.length });
  return parts;
}

/**
 * A copy of a JSON object with top-level members set, added (first in the object) or, for `undefined`, removed.
 * All other bytes stay as they were.
 */
export function spliceMembers(bytes: Buffer, edits: ReadonlyMap<string, unknown>): Buffer {
  const parts = partsOf(bytes, edits);
  let length = 0;
  for (const { text, from, to } of parts) length += Buffer.byteLength(text) + to - from;
  const spliced = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { text, from, to } of parts) {
    if (text !== '') at += spliced.write(text, at);
    at += bytes.copy(spliced, at, from, to);
  }
  return spliced;
}

/** {@link spliceMembers} without a copy: pieces that make up the object one after the other, most of them parts of `bytes`. */
export function spliceIntoPieces(
  bytes: Buffer,
  edits: ReadonlyMap<string, unknown>,
): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (const { text, from, to } of partsOf(bytes, edits)) {
    if (text !== '') pieces.push(Buffer.from(text));
    if (from < to) pieces.push(bytes.subarray(from, to));
  }
  return pieces;
}
