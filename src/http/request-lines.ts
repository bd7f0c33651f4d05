/**
 * Heads of requests to an origin as text. What calls have alike is checked and put together once.
 *
 * @module
 */
import type { WireRequest } from '../contracts/wire.ts';
import { flatText } from '../contracts/flat-text.ts';

type Headers = WireRequest['headers'];

/** Written by the transport itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
]);
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_PATH = /^[\x21-\xff]+$/;

/** A line for each header; null where a part of one could not be told from the framing. */
function writeLines(headers: Headers): string | null {
  let lines = '';
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || OWN_HEADERS.has(name)) continue;
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) return null;
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function hasAny(headers: Headers, names: Headers): boolean {
  for (const name in names) if (Object.hasOwn(headers, name)) return true;
  return false;
}

function lengthOf({ body, bodyPieces, bodyText }: WireRequest): number {
  if (bodyText !== undefined) return bodyText.length;
  if (bodyPieces === undefined) return body?.length ?? 0;
  let length = 0;
  for (const piece of bodyPieces) length += piece.length;
  return length;
}

export class RequestLines {
  readonly #host: string;
  readonly #prefix: string;
  /** The first lines of the last request, and what they are made of. */
  #first = { method: '', path: '', lines: '' };
  /** Lines of headers that cannot change, and so are known again by their identity. */
  readonly #known = new WeakMap<Headers, string>();

  /**
   * @param host `Host` of its requests
   * @param prefix path of the base URL, put before every request path
   */
  constructor(host: string, prefix: string) {
    this.#host = host;
    this.#prefix = prefix;
  }

  /** The head of a request; null where a part of it could not be told from the framing. */
  headOf(request: WireRequest): string | null {
    const { method, body } = request;
    const first = this.#firstLines(method, request.path);
    const lines = this.#allLines(request);
    if (first === null || lines === null) return null;
    const length = lengthOf(request);
    const hasBody = length > 0 || body !== null || method === 'POST' || method === 'PUT';
    return hasBody ? `${first}${lines}content-length: ${length}\r\n\r\n` : `${first}${lines}\r\n`;
  }

  #firstLines(method: string, path: string): string | null {
    const last = this.#first;
    if (last.path === path && last.method === method) return last.lines;
    const target = this.#prefix + path;
    if (!REQUEST_PATH.test(target)) return null;
    const lines = flatText(
      `${method} ${target} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive\r\n`,
    );
    this.#first = { method, path, lines };
    return lines;
  }

  #allLines({ headers, callHeaders }: WireRequest): string | null {
    if (callHeaders === undefined) return this.#linesOf(headers);
    if (hasAny(headers, callHeaders)) return writeLines({ ...headers, ...callHeaders });
    const shared = this.#linesOf(headers);
    const own = this.#linesOf(callHeaders);
    return shared === null || own === null ? null : shared + own;
  }

  #linesOf(headers: Headers): string | null {
    const known = this.#known.get(headers);
    if (known !== undefined) return known;
    const lines = writeLines(headers);
    if (lines !== null && Object.isFrozen(headers)) this.#known.set(headers, flatText(lines));
    return lines;
  }
}
