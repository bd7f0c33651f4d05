/**
 * Heads of replies as text, with what `node:http` puts into them: date, connection, framing.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http';
import type { ReplyHeaders } from '../../gateway/exchange.ts';
import { KEEP_ALIVE_MS } from '../keep-alive.ts';

const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const KEPT = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1_000}\r\n`;

let dateSecond = 0;
let dateLine = '';

/** `Date` of now; written once a second. */
function currentDateLine(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * 1_000).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** How a reply ends, and whether its connection goes on. */
export interface ReplyFraming {
  readonly isChunked: boolean;
  /** True where the connection ends with the reply. */
  readonly closes: boolean;
}

/**
 * The head of a reply to HTTP/1.1, its empty line included.
 *
 * @param headers names are the gateway's own words; values may hold what others have said
 * @throws Error for a value that would not stay within its header: nothing of it may be written then
 */
export function replyHead(status: number, headers: ReplyHeaders, framing: ReplyFraming): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (NOT_IN_VALUE.test(value)) throw new Error(`the header ${name} cannot be sent`);
    head += `${name}: ${value}\r\n`;
  }
  head += currentDateLine() + (framing.closes ? 'Connection: close\r\n' : KEPT);
  return framing.isChunked ? `${head}Transfer-Encoding: chunked\r\n\r\n` : `${head}\r\n`;
}
