/**
 * Edits top-level members of a JSON object in its bytes, so that a 100 kB prompt is neither decoded nor
 * serialised again for one changed member.
 *
 * @module
 */
import type { MemberPlaces } from '../contracts/wire.ts';
import { PLACES_PER_MEMBER, skipSpace } from './json-members.ts';

const BACKSLASH = 0x5c;
const FIRST_BEYOND_ASCII = 0x80;

/** An object as it came, and where its members stand. */
export interface ScannedObject {
  readonly bytes: Buffer;
  readonly members: MemberPlaces;
  /** The bytes as letters (latin1), where somebody has made them already; else null. */
  readonly letters: string | null;
}

/** The name of a member, ready to be looked for and to be written. */
export interface MemberKey {
  readonly name: string;
  /** Its string in JSON with the quotes, its bytes as letters. */
  readonly letters: string;
  /** The same as bytes. */
  readonly bytes: Buffer;
}

/** What becomes of one top-level member. */
export interface MemberEdit {
  readonly key: MemberKey;
  /** Key and value in JSON, their bytes as letters (latin1); null removes the member. */
  readonly member: string | null;
}

/** The UTF-8 of a text, its bytes as letters (latin1). */
function bytesAsLetters(text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) >= FIRST_BEYOND_ASCII) return Buffer.from(text).toString('latin1');
  }
  return text;
}

/** A key; one that many edits name is made once. */
export function memberKey(name: string): MemberKey {
  const bytes = Buffer.from(JSON.stringify(name));
  return { name, letters: bytes.toString('latin1'), bytes };
}

/** Sets a member to `value`, or removes it where that is undefined. */
export function memberEdit(key: MemberKey, value: unknown): MemberEdit {
  if (value === undefined) return { key, member: null };
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  const json = isWhole ? String(value) : bytesAsLetters(JSON.stringify(value));
  return { key, member: `${key.letters}:${json}` };
}

/** The key of the member that is noted at `place`. */
function nameAt(
  { bytes, members }: Pick<ScannedObject, 'bytes' | 'members'>,
  place: number,
): string {
  return String(JSON.parse(bytes.toString('utf8', members[place], members[place + 1])));
}

/** Keys of the top-level members, in order, duplicates included. */
export function keysOf(object: Pick<ScannedObject, 'bytes' | 'members'>): readonly string[] {
  const keys: string[] = [];
  for (let place = 0; place < object.members.length; place += PLACES_PER_MEMBER) {
    keys.push(nameAt(object, place));
  }
  return keys;
}

/** Whether `part` stands in the bytes from `from` on. */
function standsAt(part: Buffer, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < part.length; at += 1) {
    if (part[at] !== bytes[from + at]) return false;
  }
  return true;
}

/** The edit of the member that is noted at `place`; undefined where it stays. */
function editAt(
  object: ScannedObject,
  place: number,
  edits: readonly MemberEdit[],
): MemberEdit | undefined {
  const { bytes, members } = object;
  const from = members[place] ?? 0;
  const end = members[place + 1] ?? 0;
  for (const edit of edits) {
    const key = edit.key.bytes;
    if (key.length === end - from && standsAt(key, bytes, from)) return edit;
  }
  // The string of a key can be written in several ways only with escapes.
  for (let at = from; at < end; at += 1) {
    if (bytes[at] !== BACKSLASH) continue;
    const name = nameAt(object, place);
    return edits.find((edit) => edit.key.name === name);
  }
  return undefined;
}

/** Takes an edited object from its first byte to its last. */
interface Sink {
  /** A member that is set, its bytes as letters. */
  member(separator: string, member: string): void;
  /** Bytes of the original. */
  range(separator: string, from: number, to: number): void;
}

/** Writes the object with the edits made: new members stand first, all others where they stood. */
function writeEdited(object: ScannedObject, edits: readonly MemberEdit[], sink: Sink): void {
  const { bytes, members } = object;
  const found: (MemberEdit | undefined)[] = [];
  for (let place = 0; place < members.length; place += PLACES_PER_MEMBER) {
    found.push(editAt(object, place, edits));
  }
  let separator = '';
  let end = skipSpace(bytes, 0) + 1;
  sink.range('', 0, end);
  for (const edit of edits) {
    if (edit.member === null || found.includes(edit)) continue;
    sink.member(separator, edit.member);
    separator = ',';
  }
  for (let index = 0; index < found.length; index += 1) {
    const edit = found[index];
    const from = members[index * PLACES_PER_MEMBER] ?? 0;
    if (edit === undefined) {
      // Members that stay leave in one piece with those behind them that stay, too.
      while (index + 1 < found.length && found[index + 1] === undefined) index += 1;
    }
    end = members[index * PLACES_PER_MEMBER + 3] ?? 0;
    if (edit === undefined) sink.range(separator, from, end);
    else if (edit.member === null) continue;
    else sink.member(separator, edit.member);
    separator = ',';
  }
  sink.range('', skipSpace(bytes, end), bytes.length);
}

/** Puts together one text: no part of it is copied before it is written to where it goes. */
class TextSink implements Sink {
  written = '';
  readonly #original: string;

  constructor({ bytes, letters }: ScannedObject) {
    this.#original = letters ?? bytes.toString('latin1');
  }

  member(separator: string, member: string): void {
    this.written += separator + member;
  }

  range(separator: string, from: number, to: number): void {
    this.written += separator + this.#original.slice(from, to);
  }
}

/**
 * A JSON object with top-level members set, added (first in the object) or removed. All other bytes stay as they were.
 *
 * @param object one that `JSON.parse` has accepted
 * @param edits of two with one key the first is for the member that stands, and the second is a new member
 * @returns its bytes as the letters of a text (latin1)
 */
export function spliceIntoText(object: ScannedObject, edits: readonly MemberEdit[]): string {
  const sink = new TextSink(object);
  writeEdited(object, edits, sink);
  return sink.written;
}

/** Collects pieces, those that stay as parts of the original. */
class PieceSink implements Sink {
  readonly pieces: Buffer[] = [];
  readonly #original: Buffer;
  #text = '';

  constructor(original: Buffer) {
    this.#original = original;
  }

  member(separator: string, member: string): void {
    this.#text += separator + member;
  }

  range(separator: string, from: number, to: number): void {
    const text = this.#text + separator;
    this.#text = '';
    if (text !== '') this.pieces.push(Buffer.from(text, 'latin1'));
    if (from < to) this.pieces.push(this.#original.subarray(from, to));
  }
}

/** {@link spliceIntoText} of a large object: pieces that make it up one after the other, most of them parts of its bytes. */
export function spliceIntoPieces(
  object: ScannedObject,
  edits: readonly MemberEdit[],
): readonly Buffer[] {
  const sink = new PieceSink(object.bytes);
  writeEdited(object, edits, sink);
  return sink.pieces;
}
