/**
 * Calls to providers: one undici pool per origin, one handler object per call, backpressure and cancellation.
 * No retries, no redirects, no decompression that was not asked for: policy lives in `routing`.
 *
 * @module
 */
import { Pool, type Dispatcher } from 'undici';
import type { WireRequest } from '../contracts/wire.ts';
import { BodyDecoder } from './body-decoder.ts';
import { errorCodeOf, TransportFailure } from './transport-failure.ts';

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Receives one reply. Exactly one of `onEnd` and `onFailure` is called, last. */
export interface ReplySink {
  onHead(status: number, headers: IncomingHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onFailure(failure: TransportFailure): void;
}

export interface UpstreamOptions {
  readonly connectTimeoutMs: number;
  readonly maxConnectionsPerOrigin: number;
}

interface Endpoint {
  readonly pool: Pool;
  readonly origin: string;
  /** Path of the base URL, put before every request path. */
  readonly prefix: string;
}

/** Sent on every upstream call, so that a gateway that is its own provider is found out. */
export const HOP_HEADER = 'x-gateway-hop';

/** One call in progress. */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  readonly #sink: ReplySink;
  #controller: Dispatcher.DispatchController | null = null;
  #decoder: BodyDecoder | null = null;
  #replyStarted = false;
  #sent = false;
  #done = false;
  #pausedEarly = false;

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  /** True once the request was handed to a connected socket. */
  get sent(): boolean {
    return this.#sent;
  }

  pause(): void {
    if (this.#controller === null) this.#pausedEarly = true;
    else this.#controller.pause();
  }

  resume(): void {
    this.#pausedEarly = false;
    this.#controller?.resume();
  }

  /** Closes the connection and reports `failure` unless the call has ended. */
  cancel(failure: TransportFailure): void {
    if (this.#done) return;
    this.#done = true;
    this.#controller?.abort(failure);
    this.#decoder?.destroy();
    this.#sink.onFailure(failure);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#done) {
      controller.abort(
        new TransportFailure({ kind: 'cancelled', code: 'CANCELLED', replyStarted: false }),
      );
      return;
    }
    this.#sent = true;
    if (this.#pausedEarly) controller.pause();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHeaders,
  ): void {
    if (this.#done || status < 200) return;
    this.#replyStarted = true;
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity' && encoding !== '') {
      this.#decoder = BodyDecoder.open(String(encoding), {
        onData: (chunk) => this.#deliver(chunk),
        onEnd: () => this.#end(),
        onError: (code) => this.#fail('undecodable', code),
      });
      if (this.#decoder === null) {
        this.#fail('undecodable', 'UNKNOWN_ENCODING');
        return;
      }
    }
    this.#sink.onHead(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    if (this.#decoder === null) this.#sink.onData(chunk);
    else this.#decoder.write(chunk);
  }

  onResponseEnd(): void {
    if (this.#done) return;
    if (this.#decoder === null) this.#end();
    else this.#decoder.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#decoder?.destroy();
    if (error instanceof TransportFailure) {
      this.#sink.onFailure(error);
      return;
    }
    const kind = this.#sent ? 'reset' : 'not_sent';
    this.#sink.onFailure(
      new TransportFailure(
        { kind, code: errorCodeOf(error), replyStarted: this.#replyStarted },
        { cause: error },
      ),
    );
  }

  #deliver(chunk: Buffer): void {
    if (!this.#done) this.#sink.onData(chunk);
  }

  #end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#sink.onEnd();
  }

  #fail(kind: 'undecodable', code: string): void {
    this.cancel(new TransportFailure({ kind, code, replyStarted: this.#replyStarted }));
  }
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
    const call = new UpstreamCall(sink);
    endpoint.pool.dispatch(
      {
        path: endpoint.prefix + request.path,
        method: request.method,
        headers: request.headers as Record<string, string>,
        body: request.body,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      call,
    );
    return call;
  }

  async close(): Promise<void> {
    const pools = [...this.#endpoints.values()].map((endpoint) => endpoint.pool.destroy());
    this.#endpoints.clear();
    await Promise.all(pools);
  }

  #endpointOf(baseUrl: string): Endpoint {
    const known = this.#endpoints.get(baseUrl);
    if (known !== undefined) return known;
    const url = new URL(baseUrl);
    const endpoint: Endpoint = {
      origin: url.origin,
      prefix: url.pathname.replace(/\/+$/, ''),
      pool: new Pool(url.origin, {
        connections: this.#options.maxConnectionsPerOrigin,
        pipelining: 1,
        keepAliveTimeout: 30_000,
        headersTimeout: 0,
        bodyTimeout: 0,
        allowH2: false,
        connect: { timeout: this.#options.connectTimeoutMs },
      }),
    };
    this.#endpoints.set(baseUrl, endpoint);
    return endpoint;
  }
}
