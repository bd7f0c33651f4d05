/**
 * Kept connections to one origin. A connection carries one call at a time; whatever is unclear about it ends it.
 *
 * @module
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { SlotTable } from '../collections/slot-table.ts';
import type { HeadFields } from './head-fields.ts';
import { joinedBytes, JOINED_BYTES_MAX } from './joined-bytes.ts';
import { ReplyParser, type ReplyReceiver } from './reply-parser.ts';
import { SocketInlet } from './socket-inlet.ts';
import { errorCodeOf } from './transport-failure.ts';

/** A call as a connection sees it. */
export interface PooledCall {
  /** Head and body as they are written. */
  readonly head: string;
  readonly body: Buffer | null;
  /** In place of `body`. */
  readonly bodyPieces: readonly Buffer[] | null;
  /** In place of both, in latin1. */
  readonly bodyText: string | null;
  /** True once it has ended, in whatever way: a connection is not spent on it any more. */
  readonly isOver: boolean;
  /** The connection is there and the request about to be written. */
  onConnection(connection: Connection): void;
  onHead(status: number, fields: HeadFields): void;
  /** @param chunk is overwritten once this has returned */
  onBody(chunk: Buffer): void;
  /** @param isSent whether every byte of the request was with the system by then */
  onComplete(isSent: boolean): void;
  /** The connection failed, or could not be made. `code` is Node's or one of this folder's. */
  onBroken(code: string, cause: unknown): void;
}

export interface PoolOptions {
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
}

/** How long an unused connection is kept, where the other side does not say less. */
const IDLE_MS = 30_000;
/** A connection is given up that much before the other side says that it will be. */
const HINT_MARGIN_MS = 2_000;
const SWEEP_INTERVAL_MS = 5_000;
const TCP_KEEP_ALIVE_MS = 60_000;

/** Codes of failures that Node has none for. */
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT';
export const CLOSED_BY_PEER = 'CLOSED_BY_PEER';

export class Connection implements ReplyReceiver {
  readonly socket: Socket;
  /** Until when it may be used again, on the monotonic clock; meaningful while it is idle. */
  idleUntilMs = 0;
  /** Its place in the pool. */
  slot = -1;
  readonly #pool: OriginPool;
  readonly #parser = new ReplyParser();
  #call: PooledCall | null = null;
  #error: unknown = null;

  constructor(pool: OriginPool, socket: Socket, inlet: SocketInlet) {
    this.#pool = pool;
    this.socket = socket;
    inlet.onBytes = (bytes) => this.#advance(bytes);
    socket.on('end', () => this.#advance(null));
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#closed());
  }

  /** Whether a request may be written on it. */
  get isUsable(): boolean {
    // False for a socket that was destroyed, too.
    return this.socket.writable;
  }

  /** Writes the request and reads its reply. */
  carry(call: PooledCall): void {
    this.#call = call;
    this.#parser.receiver = this;
    call.onConnection(this);
    if (call.isOver) return;
    const { head, body, bodyPieces, bodyText } = call;
    if (bodyText !== null) this.socket.write(head + bodyText, 'latin1');
    else if (bodyPieces !== null) this.#writeAll(head, bodyPieces);
    else if (body === null) this.socket.write(head, 'latin1');
    else if (body.length <= JOINED_BYTES_MAX) this.socket.write(joinedBytes(head, body, ''));
    else this.#writeAll(head, [body]);
  }

  pause(): void {
    this.#parser.halt();
    this.socket.pause();
  }

  resume(): void {
    try {
      this.#parser.resume();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#call !== null && !this.#parser.isHalted) this.socket.resume();
  }

  /** Ends it; a call on it hears nothing more. */
  destroy(): void {
    this.#call = null;
    this.#parser.halt();
    this.socket.destroy();
  }

  onHead(status: number, fields: HeadFields): void {
    this.#call?.onHead(status, fields);
  }

  onBody(chunk: Buffer): void {
    this.#call?.onBody(chunk);
  }

  /** The call is told before the connection is given to the next, so that its end is not delayed by another's start. */
  onComplete(): void {
    const call = this.#call;
    this.#call = null;
    const { canReuse, hasRest, keepAliveMs } = this.#parser;
    // A request that is not written to its end, or bytes behind the reply: nobody knows what would be read next.
    const isSent = this.socket.writableLength === 0;
    const isClean = canReuse && !hasRest && isSent;
    call?.onComplete(isSent);
    // A call that was paused at its last bytes must not leave a socket that the next one cannot hear.
    if (isClean) this.socket.resume();
    if (!isClean) this.socket.destroy();
    else this.#pool.release(this, keepAliveMs === null ? IDLE_MS : keepAliveMs - HINT_MARGIN_MS);
  }

  #writeAll(head: string, pieces: readonly Buffer[]): void {
    this.socket.cork();
    this.socket.write(head, 'latin1');
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }

  #advance(bytes: Buffer | null): void {
    try {
      if (bytes === null) this.#parser.end();
      else this.#parser.push(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What has come is no reply. */
  #fail(error: unknown): void {
    this.#error ??= error;
    this.#break();
  }

  #break(): void {
    const call = this.#call;
    this.destroy();
    call?.onBroken(this.#error === null ? CLOSED_BY_PEER : errorCodeOf(this.#error), this.#error);
  }

  #closed(): void {
    this.#pool.forget(this);
    this.#break();
  }
}

export class OriginPool {
  readonly #url: URL;
  readonly #options: PoolOptions;
  readonly #idle: Connection[] = [];
  readonly #all = new SlotTable<Connection>();
  readonly #waiting: PooledCall[] = [];
  /** Sockets that are being connected. */
  readonly #connecting = new SlotTable<Socket>();
  #tlsSession: Buffer | undefined;
  #sweeper: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(url: URL, options: PoolOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** Has the call carried by the connection that was used last, by a new one, or by the next that is free. */
  submit(call: PooledCall): void {
    const connection = this.#takeIdle();
    if (connection !== null) {
      connection.carry(call);
      return;
    }
    this.#waiting.push(call);
    this.#connectMore();
  }

  /** The connection is free again. */
  release(connection: Connection, idleMs: number): void {
    const isWanted = this.#waiting.length > 0;
    // Of one that becomes idle it is asked when it is taken whether it can be used.
    if (this.#isClosed || idleMs <= 0 || (isWanted && !connection.isUsable)) {
      connection.socket.destroy();
      return;
    }
    const next = isWanted ? this.#nextWaiting() : null;
    if (next !== null) {
      connection.carry(next);
      return;
    }
    connection.idleUntilMs = performance.now() + Math.min(idleMs, IDLE_MS);
    this.#idle.push(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** The connection has ended. */
  forget(connection: Connection): void {
    this.#all.take(connection.slot);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#connectMore();
  }

  /** Ends every connection; calls on them fail. */
  close(): void {
    this.#isClosed = true;
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    for (const socket of this.#connecting.all()) socket.destroy();
    for (const connection of this.#all.all()) connection.socket.destroy();
    this.#failAll();
  }

  #takeIdle(): Connection | null {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (connection.isUsable && connection.idleUntilMs > performance.now()) return connection;
      connection.socket.destroy();
    }
  }

  #nextWaiting(): PooledCall | null {
    for (;;) {
      const call = this.#waiting.shift();
      if (call === undefined) return null;
      if (!call.isOver) return call;
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#idle.filter((one) => one.idleUntilMs <= now)) {
      connection.socket.destroy();
    }
    if (this.#idle.length > 0 || this.#sweeper === null) return;
    clearInterval(this.#sweeper);
    this.#sweeper = null;
  }

  /** Begins a further connection where more calls wait than are on their way, within the most that there may be. */
  #connectMore(): void {
    while (this.#waiting[0]?.isOver === true) this.#waiting.shift();
    if (this.#isClosed) {
      this.#failAll();
      return;
    }
    if (this.#all.size + this.#connecting.size >= this.#options.maxConnections) return;
    if (this.#connecting.size >= this.#waiting.length) return;
    const { hostname, port, protocol } = this.#url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const isSecure = protocol === 'https:';
    const inlet = new SocketInlet();
    const { onread } = inlet;
    const at = { host, port: Number(port) || (isSecure ? 443 : 80), noDelay: true, onread };
    const socket = isSecure
      ? connectTls({
          ...at,
          servername: isIpAddress(host) ? '' : host,
          ALPNProtocols: ['http/1.1'],
          session: this.#tlsSession,
        }).on('session', (session) => {
          this.#tlsSession = session;
        })
      : connectPlain(at);
    this.#awaitConnection(socket, inlet, isSecure ? 'secureConnect' : 'connect');
  }

  #awaitConnection(socket: Socket, inlet: SocketInlet, readyEvent: string): void {
    const slot = this.#connecting.add(socket);
    let error: unknown = null;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, this.#options.connectTimeoutMs);
    const onError = (reason: unknown): void => {
      error = reason;
    };
    const onClose = (): void => {
      clearTimeout(timer);
      this.#connecting.take(slot);
      this.#fail(
        isLate ? CONNECT_TIMEOUT : error === null ? CLOSED_BY_PEER : errorCodeOf(error),
        error,
      );
      this.#connectMore();
    };
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.once(readyEvent, () => {
      clearTimeout(timer);
      this.#connecting.take(slot);
      socket.off('error', onError);
      socket.off('close', onClose);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      const connection = new Connection(this, socket, inlet);
      connection.slot = this.#all.add(connection);
      this.release(connection, IDLE_MS);
    });
  }

  #failAll(): void {
    for (;;) {
      const call = this.#nextWaiting();
      if (call === null) return;
      call.onBroken(CLOSED_BY_PEER, null);
    }
  }

  /** A connection could not be made: whoever waits longest is told. */
  #fail(code: string, cause: unknown): void {
    this.#nextWaiting()?.onBroken(code, cause);
  }
}

function isIpAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}
