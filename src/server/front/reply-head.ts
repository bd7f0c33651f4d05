/**
 * Heads of replies as text, with what `node:http` puts into them: date, connection, framing.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http';
import type { ReplyHeaders } from '../../gateway/exchange.ts';
import { flatText } from '../../http/flat-text.ts';
import { KEEP_ALIVE_MS } from '../keep-alive.ts';

const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const KEPT = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1_000}\r\n`;

/** `Date` of now and what stands behind it in a whole reply on a connection that goes on; written once a second. */
let ofSecond = { second: 0, date: '', kept: '' };

function currentLines(): typeof ofSecond {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== ofSecond.second) {
    const date = `\r\nDate: ${new Date(second * 1_000).toUTCString()}\r\n`;
    ofSecond = { second, date: flatText(date), kept: flatText(`${date}${KEPT}\r\n`) };
  }
  return ofSecond;
}

/** What stands before the values of headers, by their names, which are the gateway's own words. */
const beginnings = new Map<string, string>();

function beginningOf(name: string): string {
  let beginning = beginnings.get(name);
  if (beginning === undefined) {
    beginning = flatText(`\r\n${name}: `);
    beginnings.set(name, beginning);
  }
  return beginning;
}

const OK = 'HTTP/1.1 200 OK';

function statusLine(status: number): string {
  return status === 200 ? OK : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}`;
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
  let head = statusLine(status);
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (NOT_IN_VALUE.test(value)) throw new Error(`the header ${name} cannot be sent`);
    head += beginningOf(name) + value;
  }
  const { date, kept } = currentLines();
  if (!framing.closes && !framing.isChunked) return head + kept;
  const connection = framing.closes ? 'Connection: close\r\n' : KEPT;
  const coding = framing.isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
  return `${head}${date}${connection}${coding}\r\n`;
}
