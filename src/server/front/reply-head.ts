/**
 * Heads of replies as text, with what `node:http` puts into them: date, connection, framing.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http';
import { flatText } from '../../contracts/flat-text.ts';
import { KEEP_ALIVE_MS } from '../keep-alive.ts';

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
 * @param lines of its headers, as `HeadLines` has them
 */
export function replyHead(status: number, lines: string, framing: ReplyFraming): string {
  const head = statusLine(status) + lines;
  const { date, kept } = currentLines();
  if (!framing.closes && !framing.isChunked) return head + kept;
  const connection = framing.closes ? 'Connection: close\r\n' : KEPT;
  const coding = framing.isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
  return `${head}${date}${connection}${coding}\r\n`;
}
