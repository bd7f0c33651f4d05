/**
 * A POST over a bare TCP socket, for tests that must see what an HTTP client would hide.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';

export interface RawReply {
  /** Everything received. */
  readonly bytes: Buffer;
  /** As text, one character a byte. */
  readonly text: string;
  /** Header block without the status line's CRLF end, lower case. */
  readonly head: string;
  /** After the header block, with chunk framing. */
  readonly body: string;
  /** After the header block, chunks joined. */
  readonly payload: Buffer;
  /** True when the body had HTTP's own end: the last chunk, or as many bytes as announced. */
  readonly whole: boolean;
  readonly pieces: readonly Buffer[];
  /** `open`: still open when the test stopped waiting. */
  readonly ended: 'end' | 'reset' | 'open';
}

export interface RawOptions {
  readonly port: number;
  readonly path: string;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Stop after so many ms without the connection's end. */
  readonly patienceMs?: number;
  /** Default: the connection is closed by the server after one reply. */
  readonly keepAlive?: boolean;
  /** Stop once this text has come. */
  readonly until?: string;
}

function dechunk(body: Buffer): { readonly payload: Buffer; readonly whole: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < body.length) {
    const lineEnd = body.indexOf('\r\n', at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (size === 0) return { payload: Buffer.concat(parts), whole: true };
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return { payload: Buffer.concat(parts), whole: false };
}

function readReply(pieces: readonly Buffer[], ended: RawReply['ended']): RawReply {
  const bytes = Buffer.concat(pieces);
  const split = bytes.indexOf('\r\n\r\n');
  const headEnd = split < 0 ? bytes.length : split;
  const head = bytes.toString('latin1', 0, headEnd).toLowerCase();
  const rest = bytes.subarray(Math.min(bytes.length, headEnd + 4));
  const length = /content-length: (\d+)/.exec(head)?.[1];
  const chunked = head.includes('transfer-encoding: chunked');
  const read = chunked
    ? dechunk(rest)
    : { payload: rest, whole: length !== undefined && rest.length === Number(length) };
  const text = bytes.toString('latin1');
  return { bytes, text, head, body: rest.toString('latin1'), ...read, pieces, ended };
}

/** Sends the request on the socket. */
export function writeCall(socket: Socket, options: RawOptions): void {
  const body = JSON.stringify(options.body);
  const headers = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: options.keepAlive === true ? 'keep-alive' : 'close',
    ...options.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`POST ${options.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** One call; settles at the end of the connection, at a reset, or when patience ends. */
export function rawCall(options: RawOptions): Promise<RawReply> {
  const { promise, resolve } = Promise.withResolvers<RawReply>();
  const pieces: Buffer[] = [];
  const socket = connect(options.port, '127.0.0.1');
  socket.setNoDelay(true);
  const finish = (ended: RawReply['ended']): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(readReply(pieces, ended));
  };
  const timer = setTimeout(() => finish('open'), options.patienceMs ?? 10_000);
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    if (options.until !== undefined && Buffer.concat(pieces).includes(options.until))
      finish('open');
  });
  socket.on('end', () => finish('end'));
  socket.on('error', () => finish('reset'));
  socket.on('connect', () => writeCall(socket, options));
  return promise;
}
