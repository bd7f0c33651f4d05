/**
 * Reads the head of a plain HTTP/1.1 request (RFC 9112) off the bytes that have come, strictly: whatever two readers
 * could understand in two ways, and whatever is not of the usual form, is not read here but left to a general parser.
 *
 * @module
 */

import { contentLengthOf, endOfPath, HeadFields, isLineEnd } from './head-fields.ts';

/** A POST with a body of a known length, on a connection that goes on. */
export class RequestHead {
  readonly path: string;
  readonly contentLength: number;
  /** Length of the head: where the body begins. */
  readonly bytes: number;
  readonly #fields: HeadFields;

  constructor(path: string, fields: HeadFields, contentLength: number) {
    this.path = path;
    this.contentLength = contentLength;
    this.bytes = fields.bytes;
    this.#fields = fields;
  }

  /** The value of a field by its lower-case name; null where there is none. No name stands twice. */
  field(name: string): string | null {
    return this.#fields.field(name);
  }
}

const FIELDS_MAX = 64;
const METHOD = Buffer.from('POST ');
const VERSION = Buffer.from(' HTTP/1.1');
const SLASH = 0x2f;

/** What frames a request otherwise, changes the connection, or waits for an interim reply. */
const NOT_PLAIN = [
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'proxy-connection',
  'http2-settings',
] as const;

function startsWith(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}

/** Where the path ends in the line that a head begins with; -1 where it is no POST of HTTP/1.1 to a plain path. */
function endOfTarget(bytes: Buffer): number {
  if (!startsWith(bytes, 0, METHOD) || bytes[METHOD.length] !== SLASH) return -1;
  const end = endOfPath(bytes, METHOD.length);
  return startsWith(bytes, end, VERSION) && isLineEnd(bytes, end + VERSION.length) ? end : -1;
}

/** Whether fields frame a body of a known length on a connection that goes on. */
function isPlain(fields: HeadFields): boolean {
  if (fields.count > FIELDS_MAX || fields.hasRepeated || !fields.has('host')) return false;
  for (const name of NOT_PLAIN) if (fields.has(name)) return false;
  const connection = fields.field('connection');
  return connection === null || connection.toLowerCase() === 'keep-alive';
}

/**
 * The head of a plain POST at the beginning of `bytes`; null where it is incomplete, of `maxBytes` or more, or anything
 * else: no host, no or a strange content-length, a field twice, a connection that is not kept, a transfer coding, an
 * expectation. What is accepted here, Node's own parser accepts and reads alike.
 */
export function readRequestHead(bytes: Buffer, maxBytes: number): RequestHead | null {
  const pathEnd = endOfTarget(bytes);
  if (pathEnd < 0) return null;
  const fields = HeadFields.find(bytes, pathEnd + VERSION.length + 2);
  if (fields === null || fields.bytes - 4 >= maxBytes || !isPlain(fields)) return null;
  const path = fields.text.slice(METHOD.length, pathEnd);
  const length = contentLengthOf(fields.field('content-length') ?? '');
  return length === null ? null : new RequestHead(path, fields, length);
}
