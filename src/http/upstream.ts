/**
 * Calls to providers over kept HTTP/1.1 connections of our own (`OriginPool`), with backpressure and cancellation. No
 * retries, no redirects, no decompression that was not asked for: policy lives in `routing`.
 *
 * @module
 */
import type { WireRequest } from '../contracts/wire.ts';
import { BodyDecoder, isIdentity } from './body-decoder.ts';
import type { HeadFields } from './head-fields.ts';
import { type Connection, OriginPool, type PooledCall } from './origin-pool.ts';
import { RequestLines } from './request-lines.ts';
import { errorCodeOf, TransportFailure } from './transport-failure.ts';

/** Receives one reply. Exactly one of `onEnd` and `onFailure` is called, last; `onFailure` too where `onEnd` throws. */
export interface ReplySink {
  onHead(status: number, fields: HeadFields): void;
  /** @param chunk is overwritten once this has returned: who needs it longer takes a copy */
  onData(chunk: Buffer): void;
  onEnd(): void;
  onFailure(failure: TransportFailure): void;
}

export interface UpstreamOptions {
  readonly connectTimeoutMs: number;
  readonly maxConnectionsPerOrigin: number;
}

/** Sent on every upstream call, so that a gateway that is its own provider is found out. */
export const HOP_HEADER = 'x-gateway-hop';

/** One call in progress. */
export class UpstreamCall implements PooledCall {
  readonly head: string;
  readonly body: Buffer | null;
  readonly bodyPieces: readonly Buffer[] | null;
  readonly bodyText: string | null;
  readonly #sink: ReplySink;
  #connection: Connection | null = null;
  #decoder: BodyDecoder | null = null;
  #replyStarted = false;
  #sent = false;
  #isSentWhole = false;
  #done = false;
  #isPaused = false;
  /** Whether more has come than is decoded. */
  #isCongested = false;

  constructor(sink: ReplySink, head: string, request: WireRequest) {
    this.#sink = sink;
    this.head = head;
    this.body = request.body;
    this.bodyPieces = request.bodyPieces ?? null;
    this.bodyText = request.bodyText ?? null;
  }

  /** True once the request was handed to a connected socket. */
  get sent(): boolean {
    return this.#sent;
  }

  /** True once the reply is complete and nothing reads the request's bytes any more. */
  get isSentWhole(): boolean {
    return this.#isSentWhole;
  }

  get isOver(): boolean {
    return this.#done;
  }

  pause(): void {
    if (this.#done) return;
    this.#isPaused = true;
    this.#connection?.pause();
    this.#decoder?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#decoder?.resume();
    if (!this.#isCongested) this.#connection?.resume();
  }

  /** Closes the connection and reports `failure` unless the call has ended. */
  cancel(failure: TransportFailure): void {
    if (this.#done) return;
    this.#finish()?.destroy();
    this.#decoder?.destroy();
    this.#sink.onFailure(failure);
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    this.#sent = true;
    if (this.#isPaused) connection.pause();
  }

  onHead(status: number, fields: HeadFields): void {
    this.#replyStarted = true;
    const encoding = fields.field('content-encoding');
    const isEncoded = encoding !== null && !isIdentity(encoding);
    if (isEncoded) {
      this.#decoder = BodyDecoder.open(encoding, {
        onData: (chunk) => this.#deliver(chunk),
        onEnd: () => this.#end(),
        onDrain: () => this.#drained(),
        onError: (code) => this.#fail('undecodable', code),
      });
    }
    this.#sink.onHead(status, fields);
    if (isEncoded && this.#decoder === null) this.#fail('undecodable', 'UNKNOWN_ENCODING');
  }

  onBody(chunk: Buffer): void {
    if (this.#done) return;
    if (this.#decoder === null) this.#sink.onData(chunk);
    else if (!this.#decoder.write(chunk)) {
      this.#isCongested = true;
      this.#connection?.pause();
    }
  }

  onComplete(isSent: boolean): void {
    this.#isSentWhole = isSent;
    // The connection is another call's from here on.
    this.#connection = null;
    if (this.#done) return;
    if (this.#decoder === null) this.#end();
    else this.#decoder.end();
  }

  onBroken(code: string, cause: unknown): void {
    if (this.#done) return;
    this.#finish();
    this.#decoder?.destroy();
    const facts = { code, replyStarted: this.#replyStarted };
    const kind = this.#sent ? 'reset' : 'not_sent';
    this.#sink.onFailure(new TransportFailure({ kind, ...facts }, { cause }));
  }

  #drained(): void {
    this.#isCongested = false;
    if (!this.#isPaused) this.#connection?.resume();
  }

  #deliver(chunk: Buffer): void {
    if (!this.#done) this.#sink.onData(chunk);
  }

  #end(): void {
    if (this.#done) return;
    this.#finish();
    try {
      this.#sink.onEnd();
    } catch (error) {
      // Nobody else would ever tell whoever waits.
      const facts = { kind: 'undecodable', code: errorCodeOf(error), replyStarted: true } as const;
      this.#sink.onFailure(new TransportFailure(facts, { cause: error }));
    }
  }

  #fail(kind: 'undecodable', code: string): void {
    this.cancel(new TransportFailure({ kind, code, replyStarted: this.#replyStarted }));
  }

  /** Nothing is delivered any more. @returns the connection that the call had */
  #finish(): Connection | null {
    const connection = this.#connection;
    this.#done = true;
    this.#connection = null;
    return connection;
  }
}

interface Endpoint {
  readonly pool: OriginPool;
  readonly lines: RequestLines;
}

export class Upstream {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #options: UpstreamOptions;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** Sends `request` to `baseUrl` and feeds the reply to `sink`. */
  call(baseUrl: string, request: WireRequest, sink: ReplySink): UpstreamCall {
    const endpoint = this.#endpointOf(baseUrl);
    const head = endpoint.lines.headOf(request);
    const call = new UpstreamCall(sink, head ?? '', request);
    if (head === null) call.onBroken('INVALID_REQUEST', null);
    else endpoint.pool.submit(call);
    return call;
  }

  /** Ends every connection; calls on them fail. */
  close(): void {
    for (const { pool } of this.#endpoints.values()) pool.close();
    this.#endpoints.clear();
  }

  #endpointOf(baseUrl: string): Endpoint {
    const known = this.#endpoints.get(baseUrl);
    if (known !== undefined) return known;
    const url = new URL(baseUrl);
    const endpoint: Endpoint = {
      lines: new RequestLines(url.host, url.pathname.replace(/\/+$/, '')),
      pool: new OriginPool(url, {
        connectTimeoutMs: this.#options.connectTimeoutMs,
        maxConnections: this.#options.maxConnectionsPerOrigin,
      }),
    };
    this.#endpoints.set(baseUrl, endpoint);
    return endpoint;
  }
}
