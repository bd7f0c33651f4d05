/**
 * An exchange over a connection that the plain front reads: its head is one text, and what is small leaves in one write.
 *
 * @module
 */
import type { Socket } from 'node:net';
import {
  bodyTooLarge,
  Exchange,
  type ExchangeIdentity,
  type ReplyHeaders,
} from '../../gateway/exchange.ts';
import { HeadLines } from '../../gateway/head-lines.ts';
import { JOINED_BYTES_MAX, writeJoined } from '../../http/joined-bytes.ts';
import type { RequestHead } from '../../http/request-head.ts';
import { COMMENT_EVENT, INTERIM_REPLY } from '../half-closed.ts';
import type { PlainRoute } from '../routes.ts';
import type { LateBody } from './late-body.ts';
import { replyHead } from './reply-head.ts';

const EVENTS = '\r\ncontent-type: text/event-stream';

/** The connection of an exchange. */
export interface ReplyLine {
  readonly socket: Socket;
  /** The reply is written to its end. @param closes whether nothing may follow it */
  replied(closes: boolean): void;
}

/** A request whose head has been read, and the route that it is for. */
export interface PlainRequest {
  readonly route: PlainRoute;
  readonly head: RequestHead;
  readonly body: Buffer | LateBody;
}

export class PlainExchange extends Exchange {
  readonly route: PlainRoute;
  readonly #line: ReplyLine;
  readonly #head: RequestHead;
  readonly #body: Buffer | LateBody;
  #added: HeadLines | null = null;
  #state: 'open' | 'streaming' | 'over' = 'open';
  /** Head of a stream that waits for its first bytes. */
  #waitingHead = '';
  #isOfEvents = false;

  constructor(line: ReplyLine, request: PlainRequest, identity: ExchangeIdentity) {
    super(identity);
    this.route = request.route;
    this.#line = line;
    this.#head = request.head;
    this.#body = request.body;
  }

  get method(): string {
    return 'POST';
  }

  get url(): string {
    return this.route.path;
  }

  get address(): string {
    return this.#line.socket.remoteAddress ?? '';
  }

  get headSent(): boolean {
    return this.#state !== 'open';
  }

  header(name: string): string | null {
    return this.#head.field(name);
  }

  readBody(maxBytes: number): Buffer | Promise<Buffer> {
    if (this.#head.contentLength > maxBytes) throw bodyTooLarge(maxBytes);
    return Buffer.isBuffer(this.#body) ? this.#body : this.#body.whole();
  }

  addReplyHeader(name: string, value: string): void {
    this.#added ??= new HeadLines();
    this.#added.add(name, value);
  }

  send(status: number, headers: ReplyHeaders | HeadLines, body: Buffer | string): void {
    if (this.gone || this.#state !== 'open') return;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const closes = this.#closes();
    this.#writeBody(this.#wholeHead(status, headers, { length: bytes.length, closes }), bytes);
    this.#line.replied(closes);
  }

  override sendLetters(status: number, headers: HeadLines, letters: string): void {
    if (this.gone || this.#state !== 'open') return;
    const closes = this.#closes();
    const head = this.#wholeHead(status, headers, { length: letters.length, closes });
    this.#line.socket.write(head + letters, 'latin1');
    this.#line.replied(closes);
  }

  startStream(headers: ReplyHeaders | HeadLines): void {
    if (this.gone || this.#state !== 'open') return;
    const lines = this.#linesOf(headers);
    this.#waitingHead = replyHead(200, lines, { isChunked: true, closes: this.#closes() });
    this.#isOfEvents = lines.includes(EVENTS);
    this.#state = 'streaming';
  }

  write(bytes: Buffer): boolean {
    if (this.gone || this.#state !== 'streaming' || bytes.length === 0) return true;
    const before = this.#takeHead() + chunkLine(bytes);
    return writeJoined(this.#line.socket, bytes, { before, behind: '\r\n' });
  }

  onDrain(listener: () => void): void {
    this.#line.socket.once('drain', listener);
  }

  finish(bytes: Buffer | null): void {
    if (this.gone || this.#state !== 'streaming') return;
    this.#state = 'over';
    const { socket } = this.#line;
    const head = this.#takeHead();
    if (bytes === null || bytes.length === 0) socket.write(`${head}0\r\n\r\n`, 'latin1');
    else {
      const before = head + chunkLine(bytes);
      writeJoined(socket, bytes, { before, behind: '\r\n0\r\n\r\n' });
    }
    this.#line.replied(this.#closes());
  }

  cut(): void {
    this.#line.socket.destroy();
  }

  /** Writes what shows whether a client that has closed its half is still there. */
  probe(): void {
    if (this.#state === 'open') this.#line.socket.write(INTERIM_REPLY, 'latin1');
    else if (this.#isOfEvents) this.write(Buffer.from(COMMENT_EVENT));
  }

  /** The connection has ended, or nothing may be written on it any more. */
  lineLost(): void {
    if (!Buffer.isBuffer(this.#body)) this.#body.fail();
    if (this.#state !== 'over') this.noteGone();
  }

  /** Of a body that has not come nobody knows where the next request would begin. */
  #closes(): boolean {
    return !Buffer.isBuffer(this.#body) && this.#body.left > 0;
  }

  /** The head of a reply that ends with it and its body. */
  #wholeHead(
    status: number,
    headers: ReplyHeaders | HeadLines,
    { length, closes }: { readonly length: number; readonly closes: boolean },
  ): string {
    const lines = `${this.#linesOf(headers)}\r\ncontent-length: ${length}`;
    const head = replyHead(status, lines, { isChunked: false, closes });
    this.#state = 'over';
    return head;
  }

  /** Those that were added, and behind them `headers`. */
  #linesOf(headers: ReplyHeaders | HeadLines): string {
    const { text } = headers instanceof HeadLines ? headers : HeadLines.of(headers);
    return this.#added === null ? text : this.#added.text + text;
  }

  #takeHead(): string {
    const head = this.#waitingHead;
    this.#waitingHead = '';
    return head;
  }

  #writeBody(head: string, bytes: Buffer): void {
    const { socket } = this.#line;
    if (bytes.length <= JOINED_BYTES_MAX) {
      writeJoined(socket, bytes, { before: head, behind: '' });
      return;
    }
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(bytes);
    socket.uncork();
  }
}

function chunkLine(bytes: Buffer): string {
  return `${bytes.length.toString(16)}\r\n`;
}
