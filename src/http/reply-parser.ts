/**
 * Reads HTTP/1.1 replies off a connection (RFC 9112), strictly: whatever two readers could understand in two ways is an
 * error, after which the connection must not be used again.
 *
 * @module
 */

import { contentLengthOf, endOfValue, HeadFields, isLineEnd } from './head-fields.ts';

/** Receives what is read. Any of its methods may {@link ReplyParser.halt} the parser. */
export interface ReplyReceiver {
  onHead(status: number, fields: HeadFields): void;
  /** @param chunk is overwritten once this has returned */
  onBody(chunk: Buffer): void;
  onComplete(): void;
}

/** Why a reply cannot be read. */
export class ReplyError extends Error {
  readonly code: 'INVALID_REPLY' | 'REPLY_HEAD_TOO_LARGE' | 'REPLY_CUT_SHORT';

  constructor(code: ReplyError['code'], message: string) {
    super(message);
    this.name = 'ReplyError';
    this.code = code;
  }
}

/** Bounds head, trailers and the line of a chunk, each. */
const HEAD_BYTES_MAX = 16 * 1024;
const CHUNK_LINE_BYTES_MAX = 256;
const HEAD_END = Buffer.from('\r\n\r\n');
const VERSION = Buffer.from('HTTP/1.');
const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const CHUNK_DIGITS_MAX = 12;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const KEEP_ALIVE_TIMEOUT = /(?:^|[,\s])timeout=(\d{1,6})(?:$|[,\s])/i;

type State =
  | 'head'
  | 'sized'
  | 'until_close'
  | 'chunk_line'
  | 'chunk'
  | 'chunk_end'
  | 'trailers'
  | 'complete';

function invalid(message: string): ReplyError {
  return new ReplyError('INVALID_REPLY', message);
}

/** A field that must not stand twice. @throws ReplyError */
function single(fields: HeadFields, name: string): string | null {
  if (fields.isRepeated(name)) throw invalid(`${name} twice`);
  return fields.field(name);
}

/** Where the line ends that a reply begins with, `HTTP/1.1 200 OK`; -1 where it is malformed or not all there. */
function endOfStatusLine(bytes: Buffer): number {
  for (let at = 0; at < VERSION.length; at += 1) if (bytes[at] !== VERSION[at]) return -1;
  const minor = bytes[7] ?? 0;
  if ((minor !== 0x30 && minor !== 0x31) || bytes[8] !== SPACE) return -1;
  const status = statusOf(bytes);
  if (status < 100 || status > 599) return -1;
  const end = bytes[12] === SPACE ? endOfValue(bytes, 13) : 12;
  return isLineEnd(bytes, end) ? end : -1;
}

/** Whether the first bytes of a head, which is not all there, can be those of a reply: nobody waits for the rest else. */
function mayBegin(bytes: Buffer): boolean {
  const known = Math.min(bytes.length, VERSION.length);
  if (VERSION.compare(bytes, 0, known, 0, known) !== 0) return false;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) return false;
  }
  return true;
}

/** The status of a line that begins as it must; beyond all of them where a digit is none. */
function statusOf(bytes: Buffer): number {
  let status = 0;
  for (let at = 9; at < 12; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.POSITIVE_INFINITY;
    status = status * 10 + digit;
  }
  return status;
}

/**
 * Fields from `start` on; null where more bytes are needed.
 *
 * @param start -1 where what stands before them is malformed or not all there
 * @throws ReplyError
 */
function findFields(
  bytes: Buffer,
  start: number,
  names: 'headers' | 'trailers',
): HeadFields | null {
  const fields = start < 0 ? null : HeadFields.find(bytes, start);
  // What cannot be read may still be incomplete.
  const end =
    fields === null ? bytes.indexOf(HEAD_END) : Math.max(0, fields.bytes - HEAD_END.length);
  if (end > HEAD_BYTES_MAX || (end < 0 && bytes.length > HEAD_BYTES_MAX)) {
    throw new ReplyError('REPLY_HEAD_TOO_LARGE', `${names} of more than ${HEAD_BYTES_MAX} bytes`);
  }
  if (fields === null && end >= 0) throw invalid(`malformed ${names}`);
  return fields;
}

/** Where the line of a chunk has its LF; -1 where it has none within its bounds. It is near: looking is cheaper than a search. */
function endOfChunkLine(bytes: Buffer, start: number): number {
  const limit = Math.min(bytes.length, start + CHUNK_LINE_BYTES_MAX + 2);
  for (let at = start; at < limit; at += 1) if (bytes[at] === 0x0a) return at;
  return -1;
}

/** Size that the line of a chunk names; -1 where it is malformed. */
function chunkSizeOf(bytes: Buffer, start: number, end: number): number {
  let size = 0;
  for (let at = start; at < end; at += 1) {
    const digit = hexDigitOf(bytes[at] ?? 0);
    if (digit < 0 || at - start === CHUNK_DIGITS_MAX) {
      // Extensions are allowed, and rare.
      const [, digits] = CHUNK_LINE.exec(bytes.toString('latin1', start, end)) ?? [];
      return digits === undefined ? -1 : Number.parseInt(digits, 16);
    }
    size = size * 16 + digit;
  }
  return end <= start ? -1 : size;
}

function hexDigitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Whether a list has a token, which is in lower case. */
function hasToken(list: string | null, token: string): boolean {
  const text = list?.toLowerCase() ?? '';
  return text.includes(token) && text.split(',').some((part) => part.trim() === token);
}

export class ReplyParser {
  /** The call that is being answered; bytes without one are an error. */
  receiver: ReplyReceiver | null = null;
  /** Whether another request may follow on the connection, once the reply is complete. */
  canReuse = true;
  /** What the other side says of how long it keeps an idle connection, milliseconds; null where it says nothing. */
  keepAliveMs: number | null = null;
  #state: State = 'head';
  /** Bytes still to come of a sized body or of a chunk. */
  #left = 0;
  #rest: Buffer | null = null;
  #isHalted = false;
  #isReading = false;
  #hasEnded = false;

  /** Delivers nothing more until {@link resume}. */
  halt(): void {
    this.#isHalted = true;
  }

  /** Goes on with what had come. @throws ReplyError */
  resume(): void {
    this.#isHalted = false;
    if (!this.#isReading) this.#read();
  }

  get isHalted(): boolean {
    return this.#isHalted;
  }

  /** True while bytes wait. */
  get hasRest(): boolean {
    return this.#rest !== null;
  }

  /**
   * Takes what the connection has brought.
   *
   * @param bytes are written to, and not needed any more once this has returned
   * @throws ReplyError
   */
  push(bytes: Buffer): void {
    if (this.receiver === null) throw invalid('bytes that nobody asked for');
    const isLent = this.#rest === null;
    this.#rest = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#isReading) this.#read();
    if (isLent && this.#rest !== null) this.#rest = Buffer.from(this.#rest);
  }

  /** The other side has closed its half. @throws ReplyError where a reply is incomplete */
  end(): void {
    this.#hasEnded = true;
    if (!this.#isReading) this.#read();
  }

  #read(): void {
    this.#isReading = true;
    try {
      while (!this.#isHalted && this.#next());
      if (!this.#hasEnded || this.#isHalted || this.receiver === null) return;
      if (this.#state !== 'until_close' || this.#rest !== null) {
        throw new ReplyError('REPLY_CUT_SHORT', 'the connection ended inside a reply');
      }
      this.#complete();
    } finally {
      this.#isReading = false;
    }
  }

  /** @returns false when there is nothing more to be done */
  #next(): boolean {
    if (this.#state === 'complete') {
      this.#complete();
      return true;
    }
    const { receiver } = this;
    return this.#rest !== null && receiver !== null && this.#step(this.#rest, receiver);
  }

  /** @returns false when it needs more bytes */
  #step(bytes: Buffer, receiver: ReplyReceiver): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, receiver);
      case 'until_close':
        this.#rest = null;
        receiver.onBody(bytes);
        return true;
      case 'sized':
        return this.#readSized(bytes, receiver);
      case 'chunk':
      case 'chunk_line':
      case 'chunk_end':
        return this.#readChunks(bytes, receiver);
      case 'trailers':
        return this.#readTrailers(bytes);
      case 'complete':
        return true;
    }
  }

  #readHead(bytes: Buffer, receiver: ReplyReceiver): boolean {
    const lineEnd = endOfStatusLine(bytes);
    const fields = findFields(bytes, lineEnd < 0 ? -1 : lineEnd + 2, 'headers');
    if (fields === null) {
      if (!mayBegin(bytes)) throw invalid('no reply');
      return false;
    }
    this.#keep(bytes, fields.bytes);
    const status = statusOf(bytes);
    // Interim replies say nothing that a call waits for; to other protocols nobody has asked to go over.
    if (status === 101) throw invalid('another protocol');
    if (status < 200) return true;
    this.#state = 'complete';
    this.#frame(status, fields, bytes[7] === 0x31);
    receiver.onHead(status, fields);
    return true;
  }

  /** How long the body is (RFC 9112 §6.3); the reply is complete where there is none. */
  #frame(status: number, fields: HeadFields, isVersion11: boolean): void {
    const coding = single(fields, 'transfer-encoding');
    const lengthText = single(fields, 'content-length');
    if (
      coding !== null &&
      (lengthText !== null || !isVersion11 || coding.toLowerCase() !== 'chunked')
    ) {
      throw invalid('a body of unclear length');
    }
    const length = lengthText === null ? null : contentLengthOf(lengthText);
    if (length === null && lengthText !== null) throw invalid('a malformed content-length');
    this.canReuse = isVersion11
      ? !hasToken(fields.field('connection'), 'close')
      : hasToken(fields.field('connection'), 'keep-alive');
    const hint = fields.field('keep-alive');
    const seconds = hint === null ? undefined : KEEP_ALIVE_TIMEOUT.exec(hint)?.[1];
    this.keepAliveMs = seconds === undefined ? null : Number(seconds) * 1_000;
    if (status === 204 || status === 304) return;
    if (coding !== null) this.#state = 'chunk_line';
    else if (length === null) {
      this.canReuse = false;
      this.#state = 'until_close';
    } else if (length > 0) {
      this.#left = length;
      this.#state = 'sized';
    }
  }

  #readSized(bytes: Buffer, receiver: ReplyReceiver): boolean {
    const isAll = bytes.length <= this.#left;
    const part = isAll ? bytes : bytes.subarray(0, this.#left);
    this.#keep(bytes, part.length);
    this.#left -= part.length;
    if (this.#left === 0) this.#state = 'complete';
    receiver.onBody(part);
    return true;
  }

  /**
   * Reads all chunks that have come and delivers their data in one piece: the pieces are moved together in place, which
   * is much cheaper than a delivery each where a burst of events has a chunk for every one.
   */
  #readChunks(bytes: Buffer, receiver: ReplyReceiver): boolean {
    let at = 0;
    let dataStart = 0;
    let dataEnd = 0;
    while (at < bytes.length) {
      if (this.#state === 'chunk') {
        const part = Math.min(this.#left, bytes.length - at);
        if (dataEnd === 0) dataStart = dataEnd = at;
        else bytes.copyWithin(dataEnd, at, at + part);
        dataEnd += part;
        at += part;
        this.#left -= part;
        if (this.#left === 0) this.#state = 'chunk_end';
        continue;
      }
      // What is wrong behind good data is found again, and told, after the data.
      const next = this.#readFraming(bytes, at, dataEnd > 0);
      if (next === at) break;
      at = next;
      if (this.#state === 'trailers') break;
    }
    this.#keep(bytes, at);
    if (dataEnd > dataStart) receiver.onBody(bytes.subarray(dataStart, dataEnd));
    return at > 0;
  }

  /** @returns where it ends; `at` itself when more bytes are needed, or where it is wrong and `isLenient` is set */
  #readFraming(bytes: Buffer, at: number, isLenient: boolean): number {
    if (this.#state === 'chunk_end') {
      if (bytes.length - at < 2) return at;
      if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) {
        this.#state = 'chunk_line';
        return at + 2;
      }
      if (isLenient) return at;
      throw invalid('a chunk of another length');
    }
    const end = endOfChunkLine(bytes, at);
    const lineEnd = end < 0 ? bytes.length : end - 1;
    const isTooLong = lineEnd - at > CHUNK_LINE_BYTES_MAX;
    if (end < 0 && !isTooLong) return at;
    const size = isTooLong || bytes[lineEnd] !== 0x0d ? -1 : chunkSizeOf(bytes, at, lineEnd);
    if (size >= 0) {
      this.#left = size;
      this.#state = size === 0 ? 'trailers' : 'chunk';
      return end + 1;
    }
    if (isLenient) return at;
    throw invalid('a malformed chunk');
  }

  /** Trailers are read and dropped: nothing here knows a meaning for any. */
  #readTrailers(bytes: Buffer): boolean {
    const trailers = findFields(bytes, 0, 'trailers');
    if (trailers === null) return false;
    this.#keep(bytes, trailers.bytes);
    this.#state = 'complete';
    return true;
  }

  #keep(bytes: Buffer, from: number): void {
    this.#rest = from === bytes.length ? null : bytes.subarray(from);
  }

  #complete(): void {
    const { receiver } = this;
    this.#state = 'head';
    this.receiver = null;
    receiver?.onComplete();
  }
}
