/**
 * Finds event ends in a `text/event-stream` body by the WHATWG rules (LF, CRLF, CR and mixtures, any chunk
 * boundary), without decoding or copying what passes through untouched.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 *
 * @module
 */
import type { ServerSentEvent } from '../contracts/wire.ts';
import { JoinRoom } from './join-room.ts';

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);
/** From this size on an unfinished event grows in place: joined anew for every chunk, a large one costs its square. */
const GROWING_FROM_BYTES = 256 * 1024;

/** Where chunks are joined to what was held back, for as long as they are searched: a search never yields. */
const JOINED = new JoinRoom(GROWING_FROM_BYTES);

export class SseFramer {
  readonly #maxEventBytes: number;
  #tail: Buffer = EMPTY;
  /** Holds a large tail with room behind it; the tail ends at `#storedBytes`. Nothing before that is written again. */
  #storage: Buffer | null = null;
  #storedBytes = 0;
  #tailHasCarriageReturn = false;
  /** Where in the tail the search for the event's end goes on. */
  #searched = 0;
  #lineIsEmpty = true;
  #afterCarriageReturn = false;
  #usesCrLf = false;
  /** Up to where `onEvent` has found the events itself. */
  #goOnAt = 0;
  /** A last byte that is looked at again with what follows it: 0 or 1. */
  #undecided = 0;
  #started = false;

  /** @param maxEventBytes longest event accepted; a longer one makes `push` return null */
  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** Bytes of the unfinished event, held back until its blank line arrives. */
  get tail(): Buffer {
    return this.#tail;
  }

  /**
   * Adds a chunk. `onEvent` is called with the buffer that holds the event and its range, blank line included. The buffer
   * is that of all events of the chunk; it is overwritten with the next one, of whatever stream.
   *
   * @param chunk is not needed any more once this has returned
   * @returns false when an event is longer than the cap
   */
  push(chunk: Buffer, onEvent: (bytes: Buffer, start: number, end: number) => void): boolean {
    const bytes = this.#joined(chunk);
    this.#goOnAt = 0;
    let from = this.#skipByteOrderMark(bytes);
    let at = Math.max(this.#searched, from);
    const hasCarriageReturn = this.#tailHasCarriageReturn || chunk.includes(CR);
    const fast = !this.#afterCarriageReturn && !hasCarriageReturn;
    for (;;) {
      const end = fast ? this.#nextEndFast(bytes, at, from) : this.#nextEnd(bytes, at);
      if (end === -1) break;
      onEvent(bytes, from, end);
      from = at = Math.max(end, this.#goOnAt);
    }
    this.#tail = this.#kept(bytes, from);
    this.#tailHasCarriageReturn = hasCarriageReturn && this.#tail.length > 0;
    this.#searched = this.#tail.length - this.#undecided;
    if (fast) this.#lineIsEmpty = this.#tail.length === 0 || this.#tail.at(-1) === LF;
    return this.#tail.length <= this.#maxEventBytes;
  }

  /** For `onEvent`: the events up to `end` are known, all of which end with two LF. The search goes on there. */
  goOnAt(end: number): void {
    this.#goOnAt = end;
  }

  /** The unfinished event and what follows it. */
  #joined(chunk: Buffer): Buffer {
    const tail = this.#tail;
    const length = tail.length + chunk.length;
    if (tail.length === 0 || length < GROWING_FROM_BYTES) {
      this.#storage = null;
      return tail.length === 0 ? chunk : JOINED.join([tail, chunk]);
    }
    if (this.#storage === null || this.#storedBytes + chunk.length > this.#storage.length) {
      this.#storage = Buffer.allocUnsafe(length * 2);
      this.#storedBytes = tail.copy(this.#storage);
    }
    const start = this.#storedBytes - tail.length;
    this.#storedBytes += chunk.copy(this.#storage, this.#storedBytes);
    return this.#storage.subarray(start, this.#storedBytes);
  }

  /** What is left over, apart from memory that others write to. */
  #kept(bytes: Buffer, from: number): Buffer {
    if (from === bytes.length) return EMPTY;
    const rest = bytes.subarray(from);
    return this.#storage === null ? Buffer.from(rest) : rest;
  }

  /** LF-only streams: a native search for two line feeds in a row. */
  #nextEndFast(bytes: Buffer, at: number, from: number): number {
    if (bytes[from] === LF && at <= from) return from + 1;
    let position = bytes.indexOf(LF, Math.max(from, at - 1));
    while (position !== -1) {
      if (position + 1 < bytes.length && bytes[position + 1] === LF) return position + 2;
      position = bytes.indexOf(LF, position + 1);
    }
    return -1;
  }

  /** Any mixture of line ends, byte by byte. */
  #nextEnd(bytes: Buffer, from: number): number {
    this.#undecided = 0;
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === LF && this.#afterCarriageReturn) {
        this.#afterCarriageReturn = false;
        this.#usesCrLf = true;
        continue;
      }
      // Where lines end in CRLF, the LF that is still to come belongs to this event: cut off from it, what is
      // passed on would end in a lone CR, which simple clients do not take for a blank line.
      if (byte === CR && this.#lineIsEmpty && this.#usesCrLf && at + 1 === bytes.length) {
        this.#undecided = 1;
        return -1;
      }
      this.#afterCarriageReturn = byte === CR;
      if (byte !== LF && byte !== CR) {
        this.#lineIsEmpty = false;
        continue;
      }
      if (!this.#lineIsEmpty) {
        this.#lineIsEmpty = true;
        continue;
      }
      if (byte === CR && bytes[at + 1] === LF) {
        this.#afterCarriageReturn = false;
        return at + 2;
      }
      return at + 1;
    }
    return -1;
  }

  #skipByteOrderMark(bytes: Buffer): number {
    if (this.#started) return 0;
    if (bytes.length < 3) return 0;
    this.#started = true;
    return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }
}

/** Parses one framed event; null when it dispatches nothing (comments, empty data). */
export function parseEvent(bytes: Buffer, start: number, end: number): ServerSentEvent | null {
  let event = '';
  let data: string | null = null;
  for (const line of bytes.toString('utf8', start, end).split(/\r\n|\n|\r/)) {
    if (line === '' || line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') data = data === null ? value : `${data}\n${value}`;
    else if (field === 'event') event = value;
  }
  if (data === null) return null;
  return { event: event === '' ? 'message' : event, data };
}
