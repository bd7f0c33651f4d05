/**
 * Reads the head of a plain HTTP/1.1 request (RFC 9112) off the bytes that have come, strictly: whatever two readers
 * could understand in two ways, and whatever is not of the usual form, is not read here but left to a general parser.
 *
 * @module
 */

/** A POST with a body of a known length, on a connection that goes on. */
export class RequestHead {
  readonly path: string;
  readonly contentLength: number;
  /** Length of the head: where the body begins. */
  readonly bytes: number;
  readonly #fields: Fields;

  constructor(path: string, fields: Fields, sizes: { contentLength: number; bytes: number }) {
    this.path = path;
    this.contentLength = sizes.contentLength;
    this.bytes = sizes.bytes;
    this.#fields = fields;
  }

  /** The value of a field by its lower-case name; null where there is none. */
  field(name: string): string | null {
    return valueOf(this.#fields, name);
  }
}

/** Lower-case names and trimmed values by turns; no name stands twice. */
type Fields = readonly string[];

const HEAD_END = Buffer.from('\r\n\r\n');
const FIELDS_MAX = 64;
/** A POST to a path without a query or escapes, and fields, none of them folded. */
const HEAD =
  /^POST (\/[!$&'()*+,\-./0-9:;=@A-Z_a-z~]*) HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)+$/;
const LENGTH = /^\d{1,15}$/;

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
const USUAL = [
  'host',
  'connection',
  'content-type',
  'content-length',
  'authorization',
  'accept',
  'accept-encoding',
  'accept-language',
  'user-agent',
  'x-gateway-customer',
  'idempotency-key',
] as const;

/**
 * Names in lower case by what clients write; null: not for this reader. Names out of this table are compared by their
 * place in memory, those cut out of a head letter by letter.
 */
const NAMES: ReadonlyMap<string, string | null> = new Map([
  ...USUAL.flatMap((name): [string, string][] => [
    [name, name],
    [name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase()), name],
  ]),
  ...NOT_PLAIN.map((name): [string, null] => [name, null]),
]);

/** A name in lower case; null where it is not for this reader. */
function readName(text: string): string | null {
  const known = NAMES.get(text);
  if (known !== undefined) return known;
  const name = text.toLowerCase();
  return NAMES.get(name) === null ? null : name;
}

function valueOf(fields: Fields, name: string): string | null {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] === name) return fields[at + 1] ?? null;
  }
  return null;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Optional white space around a value, taken off. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Fields of lines that are well formed, from `start` on; null where one stands twice or is not for this reader. */
function fieldsOf(text: string, start: number): Fields | null {
  const fields: string[] = [];
  let at = start;
  while (at < text.length) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r', colon);
    const name = readName(text.slice(at, colon));
    if (name === null || valueOf(fields, name) !== null) return null;
    if (fields.length === 2 * FIELDS_MAX) return null;
    fields.push(name, trimmed(text, colon + 1, end));
    at = end + 2;
  }
  return fields;
}

/**
 * The head of a plain POST at the beginning of `bytes`; null where it is incomplete, of `maxBytes` or more, or anything
 * else: no host, no or a strange content-length, a field twice, a connection that is not kept, a transfer coding, an
 * expectation. What is accepted here, Node's own parser accepts and reads alike.
 */
export function readRequestHead(bytes: Buffer, maxBytes: number): RequestHead | null {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end >= maxBytes) return null;
  const text = bytes.toString('latin1', 0, end + 2);
  const path = HEAD.exec(text)?.[1];
  if (path === undefined) return null;
  const fields = fieldsOf(text, text.indexOf('\n') + 1);
  if (fields === null || valueOf(fields, 'host') === null) return null;
  const connection = valueOf(fields, 'connection');
  if (connection !== null && connection.toLowerCase() !== 'keep-alive') return null;
  const length = valueOf(fields, 'content-length');
  if (length === null || !LENGTH.test(length)) return null;
  return new RequestHead(path, fields, { contentLength: Number(length), bytes: end + 4 });
}
