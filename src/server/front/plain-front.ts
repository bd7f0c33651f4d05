/**
 * Takes every connection of a server before `node:http` does, and serves plain requests on it itself.
 *
 * @module
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { SlotTable } from '../../collections/slot-table.ts';
import type { ExchangeIdentity } from '../../gateway/exchange.ts';
import type { RequestLimits } from '../http-server.ts';
import type { PlainRoute } from '../routes.ts';
import { PlainConnection, type PlainService } from './plain-connection.ts';
import { PlainExchange, type PlainRequest } from './plain-exchange.ts';

export interface PlainFrontOptions {
  /** What it serves, by path; all else is `node:http`'s. */
  readonly routes: ReadonlyMap<string, PlainRoute>;
  readonly limits: RequestLimits;
  identify(): ExchangeIdentity;
  /** Serves an exchange; never rejects. */
  handle(exchange: PlainExchange, route: PlainRoute): Promise<void>;
}

type ConnectionListener = (this: Server, socket: Socket) => void;

export class PlainFront implements PlainService {
  readonly maxHeadBytes: number;
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly #server: Server;
  readonly #options: PlainFrontOptions;
  readonly #serveByNode: readonly ConnectionListener[];
  readonly #connections = new SlotTable<PlainConnection>();
  readonly #timer: NodeJS.Timeout;
  #lastRoute: PlainRoute | null = null;

  /** Puts itself before the listeners of `server` for connections. */
  constructor(server: Server, options: PlainFrontOptions) {
    this.maxHeadBytes = options.limits.maxHeadBytes;
    this.headersMs = options.limits.headersMs;
    this.bodyMs = options.limits.bodyMs;
    this.#server = server;
    this.#options = options;
    this.#serveByNode = server.listeners('connection') as ConnectionListener[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const connection = new PlainConnection(this, socket);
      connection.slot = this.#connections.add(connection);
    });
    this.#timer = setInterval(() => this.#check(), options.limits.checkIntervalMs).unref();
  }

  routeOf(path: string): PlainRoute | null {
    // Mostly it is the same again: comparing costs less than looking up.
    if (this.#lastRoute?.path === path) return this.#lastRoute;
    this.#lastRoute = this.#options.routes.get(path) ?? null;
    return this.#lastRoute;
  }

  open(connection: PlainConnection, request: PlainRequest): PlainExchange {
    return new PlainExchange(connection, request, this.#options.identify());
  }

  serve(exchange: PlainExchange): void {
    void this.#options.handle(exchange, exchange.route);
  }

  handOver(connection: PlainConnection): void {
    this.forget(connection);
    for (const listener of this.#serveByNode) listener.call(this.#server, connection.socket);
  }

  refuse(socket: Socket, code: string): void {
    this.#server.emit('clientError', Object.assign(new Error(code), { code }), socket);
  }

  forget(connection: PlainConnection): void {
    this.#connections.take(connection.slot);
  }

  /** Ends every connection that is still here. */
  close(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections.all()) connection.socket.destroy();
  }

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections.all()) connection.check(nowMs);
  }
}
