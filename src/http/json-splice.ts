/**
 * Edits top-level members of a JSON object in its bytes, so that a 100 kB prompt is neither decoded nor
 * serialised again for one changed member.
 *
 * @module
 */
import type { MemberPlaces } from '../contracts/wire.ts';
import { PLACES_PER_MEMBER, skipSpace } from './json-members.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const FIRST_BEYOND_ASCII = 0x80;

/** Most bytes that a character of a JavaScript string has in UTF-8. */
const BYTES_PER_CHARACTER_MAX = 3;

/** Ranges up to this are copied by a loop: calling the native copy costs more than so few bytes. */
const SHORT_RANGE_BYTES = 48;

/** An object as it came, and where its members stand. */
export interface ScannedObject {
  readonly bytes: Buffer;
  readonly members: MemberPlaces;
}

/** What becomes of one top-level member. */
export interface MemberEdit {
  readonly key: string;
  /** JSON text of the value to be set; null removes the member. */
  readonly json: string | null;
}

function isPlain(code: number): boolean {
  return (
    code >= FIRST_PRINTABLE && code < FIRST_BEYOND_ASCII && code !== QUOTE && code !== BACKSLASH
  );
}

/** The inside of a key's string in JSON. */
function insideOfKey(key: string): string {
  for (let at = 0; at < key.length; at += 1) {
    if (!isPlain(key.charCodeAt(at))) return JSON.stringify(key).slice(1, -1);
  }
  return key;
}

/** The key of the member that is noted at `place`. */
function keyAt({ bytes, members }: ScannedObject, place: number): string {
  return String(JSON.parse(bytes.toString('utf8', members[place], members[place + 1])));
}

/** Keys of the top-level members, in order, duplicates included. */
export function keysOf(object: ScannedObject): readonly string[] {
  const keys: string[] = [];
  for (let place = 0; place < object.members.length; place += PLACES_PER_MEMBER) {
    keys.push(keyAt(object, place));
  }
  return keys;
}

/** Whether `text` stands in the bytes from `from` on, letter by letter. */
function standsAt(text: string, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (bytes[from + at] !== text.charCodeAt(at)) return false;
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
  const from = (members[place] ?? 0) + 1;
  const end = (members[place + 1] ?? 0) - 1;
  for (let at = from; at < end; at += 1) {
    if (isPlain(bytes[at] ?? 0)) continue;
    const key = keyAt(object, place);
    return edits.find((edit) => edit.key === key);
  }
  for (const edit of edits) {
    if (edit.key.length === end - from && standsAt(edit.key, bytes, from)) return edit;
  }
  return undefined;
}

/** Takes an edited object from its first byte to its last. */
interface Sink {
  text(text: string): void;
  /** Bytes of the original. */
  range(from: number, to: number): void;
}

/** Writes the object with the edits made: new members stand first, all others where they stood. */
function writeEdited(object: ScannedObject, edits: readonly MemberEdit[], sink: Sink): void {
  const { bytes, members } = object;
  const found: (MemberEdit | undefined)[] = [];
  for (let place = 0; place < members.length; place += PLACES_PER_MEMBER) {
    found.push(editAt(object, place, edits));
  }
  let separator = '';
  const writeMember = ({ key, json }: MemberEdit): void => {
    if (json === null) return;
    sink.text(separator);
    sink.text('"');
    sink.text(insideOfKey(key));
    sink.text('":');
    sink.text(json);
    separator = ',';
  };
  const open = skipSpace(bytes, 0) + 1;
  sink.range(0, open);
  for (const edit of edits) if (!found.includes(edit)) writeMember(edit);
  let end = open;
  for (let index = 0; index < found.length; index += 1) {
    const edit = found[index];
    const place = index * PLACES_PER_MEMBER;
    if (edit !== undefined) {
      writeMember(edit);
    } else {
      // Members that stay leave in one piece with those that stay behind them.
      while (index + 1 < found.length && found[index + 1] === undefined) index += 1;
      sink.text(separator);
      sink.range(members[place] ?? 0, members[index * PLACES_PER_MEMBER + 3] ?? 0);
      separator = ',';
    }
    end = members[index * PLACES_PER_MEMBER + 3] ?? 0;
  }
  sink.range(skipSpace(bytes, end), bytes.length);
}

/** Writes into one buffer that has room enough. */
class BufferSink implements Sink {
  readonly #original: Buffer;
  readonly #written: Buffer;
  #at = 0;

  constructor(original: Buffer, roomBytes: number) {
    this.#original = original;
    this.#written = Buffer.allocUnsafe(roomBytes);
  }

  /** Texts are short, so that a loop writes them in less time than a call of the native writer takes. */
  text(text: string): void {
    const written = this.#written;
    const from = this.#at;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code >= FIRST_BEYOND_ASCII) {
        this.#at = from + written.write(text, from);
        return;
      }
      written[from + at] = code;
    }
    this.#at = from + text.length;
  }

  range(from: number, to: number): void {
    const written = this.#written;
    const start = this.#at;
    this.#at = start + to - from;
    if (to - from > SHORT_RANGE_BYTES) this.#original.copy(written, start, from, to);
    else for (let at = from; at < to; at += 1) written[start + at - from] = this.#original[at] ?? 0;
  }

  take(): Buffer {
    return this.#written.subarray(0, this.#at);
  }
}

function roomFor(bytes: Buffer, edits: readonly MemberEdit[]): number {
  let room = bytes.length;
  for (const { key, json } of edits) {
    if (json === null) continue;
    const characters = insideOfKey(key).length + json.length + '"":,'.length;
    room += characters * BYTES_PER_CHARACTER_MAX;
  }
  return room;
}

/**
 * A copy of a JSON object with top-level members set, added (first in the object) or removed. All other bytes stay as they
 * were.
 *
 * @param object one that `JSON.parse` has accepted
 * @param edits of two with one key the first is for the member that stands, and the second is a new member
 */
export function spliceMembers(object: ScannedObject, edits: readonly MemberEdit[]): Buffer {
  const sink = new BufferSink(object.bytes, roomFor(object.bytes, edits));
  writeEdited(object, edits, sink);
  return sink.take();
}

/** Collects pieces, those that stay as parts of the original. */
class PieceSink implements Sink {
  readonly pieces: Buffer[] = [];
  readonly #original: Buffer;
  #text = '';

  constructor(original: Buffer) {
    this.#original = original;
  }

  text(text: string): void {
    this.#text += text;
  }

  range(from: number, to: number): void {
    if (this.#text !== '') this.pieces.push(Buffer.from(this.#text));
    this.#text = '';
    if (from < to) this.pieces.push(this.#original.subarray(from, to));
  }
}

/** {@link spliceMembers} without a copy: pieces that make up the object one after the other, most of them parts of its bytes. */
export function spliceIntoPieces(
  object: ScannedObject,
  edits: readonly MemberEdit[],
): readonly Buffer[] {
  const sink = new PieceSink(object.bytes);
  writeEdited(object, edits, sink);
  return sink.pieces;
}
