/**
 * One connection as long as nothing but plain requests come on it. What is anything else is handed to `node:http`, with
 * the bytes that have not been read, and stays there.
 *
 * @module
 */
import type { Socket } from 'node:net';
import { readRequestHead } from '../../http/request-head.ts';
import { FAREWELL_MS } from '../farewell.ts';
import { watchHalfClosed } from '../half-closed.ts';
import { KEEP_ALIVE_MS } from '../keep-alive.ts';
import { LateBody } from './late-body.ts';
import type { PlainRoute } from '../routes.ts';
import type { PlainExchange, PlainRequest, ReplyLine } from './plain-exchange.ts';

/** An idle connection outlives what clients are told, for requests that are on their way. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
/** A request line, or what may become one; empty lines before it are for a general parser to judge. */
const REQUEST_LINE = /^(?:[\r\n]|[A-Z-]+ [\x21-\xff]+ HTTP\/1\.[01]\r\n)/;

/** What the connections of a front have in common. */
export interface PlainService {
  readonly maxHeadBytes: number;
  /** From the connection to the first byte of a request. */
  readonly headersMs: number;
  /** From the first byte of a request to the last of its body. */
  readonly bodyMs: number;
  /** What serves requests to the path; null where they are not for this front. */
  routeOf(path: string): PlainRoute | null;
  open(connection: PlainConnection, request: PlainRequest): PlainExchange;
  /** Begins to serve an exchange that was opened. */
  serve(exchange: PlainExchange): void;
  /** The connection is `node:http`'s from here on. Its socket is paused, with all that was not read here still to be read. */
  handOver(connection: PlainConnection): void;
  /** Answers what is no request, as `node:http` names it in `code`. */
  refuse(socket: Socket, code: string): void;
  forget(connection: PlainConnection): void;
}

type State = 'silent' | 'idle' | 'body' | 'reply' | 'leaving' | 'over';

export class PlainConnection implements ReplyLine {
  readonly socket: Socket;
  /** Its place in the front. */
  slot = -1;
  readonly #service: PlainService;
  #state: State = 'silent';
  /** When the state began, where it must not last; monotonic. */
  #sinceMs = performance.now();
  #exchange: PlainExchange | null = null;
  /** The body of the exchange, while it comes. */
  #body: LateBody | null = null;
  /** Whether something has come that is for later. The socket, paused, has it: its end is not told before it is read. */
  #hasNext = false;
  #hasEnded = false;
  readonly #onData = (bytes: Buffer): void => this.#take(bytes);
  readonly #onEnd = (): void => this.#ended();
  readonly #onClose = (): void => this.#closed();

  constructor(service: PlainService, socket: Socket) {
    this.#service = service;
    this.socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    // 'close' follows and is acted upon.
    socket.on('error', ignore);
  }

  replied(closes: boolean): void {
    this.#exchange = null;
    this.#body = null;
    if (this.#hasEnded) {
      this.#state = 'over';
      this.socket.destroySoon();
      return;
    }
    if (closes) {
      this.socket.end();
      this.#leave();
      return;
    }
    this.#state = 'idle';
    this.#sinceMs = performance.now();
    if (this.#hasNext) this.#goOn();
  }

  /** Acts upon what has lasted too long. */
  check(nowMs: number): void {
    const lastedMs = nowMs - this.#sinceMs;
    const { headersMs, bodyMs } = this.#service;
    switch (this.#state) {
      case 'silent':
        if (lastedMs >= headersMs) this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
        return;
      case 'body':
        if (lastedMs >= bodyMs) this.#refuse('ERR_HTTP_REQUEST_TIMEOUT');
        return;
      case 'idle':
        // A reply that is still on its way to a slow reader is no idleness.
        if (this.socket.writableLength > 0) this.#sinceMs = nowMs;
        else if (lastedMs >= KEEP_ALIVE_MS + KEEP_ALIVE_MARGIN_MS) this.socket.destroy();
        return;
      case 'leaving':
        if (lastedMs >= FAREWELL_MS) this.socket.destroy();
        return;
      case 'reply':
      case 'over':
        return;
    }
  }

  #take(bytes: Buffer): void {
    switch (this.#state) {
      case 'silent':
      case 'idle':
        this.#begin(bytes);
        return;
      case 'body':
        this.#takeBody(bytes);
        return;
      case 'reply':
        this.#keepNext(bytes);
        return;
      case 'leaving':
      case 'over':
        return;
    }
  }

  #begin(bytes: Buffer): void {
    if (this.socket.writableNeedDrain) {
      // Who does not read replies is not read either.
      this.#keep(bytes);
      this.socket.once('drain', () => this.#goOn());
      return;
    }
    const head = readRequestHead(bytes, this.#service.maxHeadBytes);
    const route = head === null ? null : this.#service.routeOf(head.path);
    if (head === null || route === null) {
      this.#handOver(bytes);
      return;
    }
    const end = head.bytes + head.contentLength;
    if (bytes.length < end) {
      this.#state = 'body';
      this.#sinceMs = performance.now();
      const body = new LateBody(this.socket, head.contentLength, {
        first: bytes,
        head: head.bytes,
      });
      this.#body = body;
      this.#serve(this.#service.open(this, { route, head, body }));
      return;
    }
    this.#state = 'reply';
    const body = bytes.subarray(head.bytes, end);
    const next = bytes.length > end ? bytes.subarray(end) : null;
    if (next !== null) this.#keep(next);
    this.#serve(this.#service.open(this, { route, head, body }));
    if (next !== null && this.#hasNext) this.#judge(next);
  }

  #serve(exchange: PlainExchange): void {
    this.#exchange = exchange;
    this.#service.serve(exchange);
  }

  #takeBody(bytes: Buffer): void {
    const body = this.#body;
    if (body === null) return;
    const { left } = body;
    if (bytes.length < left) {
      body.push(bytes);
      return;
    }
    this.#body = null;
    this.#state = 'reply';
    body.push(bytes.length === left ? bytes : bytes.subarray(0, left));
    if (bytes.length > left) this.#keepNext(bytes.subarray(left));
  }

  /**
   * Keeps what is for later, and has no more come: what the other side sends meanwhile waits with it. That it leaves is
   * then told by a reset alone.
   */
  #keep(bytes: Buffer): void {
    this.#hasNext = true;
    this.socket.pause();
    this.socket.unshift(bytes);
  }

  /** The same behind a request that is being served. */
  #keepNext(bytes: Buffer): void {
    this.#keep(bytes);
    this.#judge(bytes);
  }

  /** What is no request at all ends the connection at once. */
  #judge(next: Buffer): void {
    const lineEnd = next.indexOf(0x0a);
    if (lineEnd >= 0 && !REQUEST_LINE.test(next.toString('latin1', 0, lineEnd + 1))) {
      this.#refuse('HPE_INVALID_METHOD');
    }
  }

  /** Goes on with what had been kept. */
  #goOn(): void {
    this.#hasNext = false;
    this.socket.resume();
  }

  #handOver(bytes: Buffer): void {
    const { socket } = this;
    this.#state = 'over';
    socket.pause();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    socket.off('error', ignore);
    socket.unshift(bytes);
    this.#service.handOver(this);
    socket.resume();
  }

  #ended(): void {
    this.#hasEnded = true;
    const exchange = this.#exchange;
    if (this.#state === 'body') this.#refuse('HPE_INVALID_EOF_STATE');
    else if (exchange === null) this.socket.end();
    else {
      watchHalfClosed(() => {
        if (this.socket.destroyed || this.#exchange !== exchange) return false;
        exchange.probe();
        return true;
      });
    }
  }

  /** Ends with the answer to what is no request; a reply that is begun is cut, as a second one would be read as its part. */
  #refuse(code: string): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    const isBegun = exchange?.headSent === true;
    exchange?.lineLost();
    if (isBegun) this.socket.destroy();
    else this.#service.refuse(this.socket, code);
    this.#leave();
  }

  /** What still comes is read over for a while: unread, it would turn the farewell that was written into a reset. */
  #leave(): void {
    this.#state = 'leaving';
    this.#sinceMs = performance.now();
    this.socket.resume();
  }

  #closed(): void {
    this.#state = 'over';
    this.#service.forget(this);
    this.#exchange?.lineLost();
    this.#exchange = null;
  }
}

function ignore(): void {}
