/**
 * One client request and its reply over `node:http`: reading under limits, writing with backpressure.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../contracts/gateway-error.ts';
import { releaseBytes } from '../http/release-bytes.ts';
import type { RateViews } from '../metering/ports.ts';

/** Names and values by turns, as `writeHead` takes them: building an object per reply would cost more than sending it. */
export type ReplyHeaders = string[];

/** What is known of a call that failed, for the headers of its error. */
export interface FailedCall {
  /** Of the last attempt; null where none was made. */
  readonly provider: string | null;
  readonly model: string | null;
  readonly attempts: number;
  readonly costNanoUsd: bigint;
  /** Part of the duration that providers took. */
  readonly upstreamMs: number;
  readonly rates: RateViews;
  readonly warnings: readonly string[];
  readonly simulated: boolean;
  /** True once the call stands in log and metrics as one that reached a provider. */
  readonly isRecorded: boolean;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Wall clock at arrival, milliseconds. */
  readonly startedAtMs: number;
  /** Monotonic clock at arrival, milliseconds. */
  readonly startedAtMonotonicMs: number;
  /** Set before the error of a call is thrown that got as far as its hold. */
  failedCall: FailedCall | null = null;
  /** True once a stream of bare bytes has begun, into which no error can be written any more. */
  sendsBytes = false;
  #gone = false;
  #onGone: (() => void) | null = null;

  constructor(
    sides: { readonly request: IncomingMessage; readonly response: ServerResponse },
    identity: {
      readonly requestId: string;
      readonly startedAtMs: number;
      readonly startedAtMonotonicMs: number;
    },
  ) {
    this.request = sides.request;
    this.response = sides.response;
    this.requestId = identity.requestId;
    this.startedAtMs = identity.startedAtMs;
    this.startedAtMonotonicMs = identity.startedAtMonotonicMs;
    this.response.on('close', () => {
      if (this.response.writableFinished) return;
      this.#gone = true;
      this.#onGone?.();
    });
    // Without a listener an error of a vanished client would end the process; 'close' follows and is acted upon.
    this.response.on('error', () => {});
  }

  /** True once the client has left before its reply was complete. */
  get gone(): boolean {
    return this.#gone;
  }

  get headSent(): boolean {
    return this.response.headersSent;
  }

  /** Calls `listener` when the client leaves; at once when it already has. One listener at a time. */
  onGone(listener: (() => void) | null): void {
    this.#onGone = listener;
    if (this.#gone) listener?.();
  }

  /** A request header; repeated ones joined as Node does. */
  header(name: string): string | null {
    const value = this.request.headers[name];
    if (value === undefined) return null;
    return typeof value === 'string' ? value : value.join(', ');
  }

  /**
   * The body as it comes, for whoever counts its bytes; {@link readBody} reads it whole.
   *
   * @throws GatewayError `payload_too_large` where more than `maxBytes` are declared, `invalid_request` for transfer
   *   codings other than chunks
   */
  beginBody(maxBytes: number): IncomingMessage {
    const { headers } = this.request;
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw this.#tooLarge(maxBytes);
    const coding = headers['transfer-encoding'];
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      throw new GatewayError('invalid_request', {
        message: 'The only transfer coding that is understood is "chunked".',
        param: 'transfer-encoding',
      });
    }
    if (headers.expect !== undefined) this.response.writeContinue();
    return this.request;
  }

  /**
   * Reads the whole body.
   *
   * @throws GatewayError `payload_too_large` beyond `maxBytes`, `request_timeout` when the client stops sending,
   *   `invalid_request` for transfer codings other than chunks
   */
  readBody(maxBytes: number): Promise<Buffer> {
    this.beginBody(maxBytes);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      this.request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          this.request.removeAllListeners('data');
          this.request.pause();
          reject(this.#tooLarge(maxBytes));
          return;
        }
        chunks.push(chunk);
      });
      this.request.on('end', () => {
        const [only] = chunks;
        if (chunks.length === 1 && only !== undefined) {
          resolve(only);
          return;
        }
        const whole = Buffer.concat(chunks, bytes);
        chunks.forEach(releaseBytes);
        resolve(whole);
      });
      this.request.on('error', () => {
        reject(
          new GatewayError('request_timeout', {
            message: 'The request body did not arrive in time.',
          }),
        );
      });
    });
  }

  /** Sends a whole reply. Does nothing when the client has left. */
  send(status: number, headers: ReplyHeaders, body: Buffer | string): void {
    if (this.#gone || this.response.headersSent) return;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    headers.push('content-length', String(bytes.length));
    if (!this.request.complete) headers.push('connection', 'close');
    this.response.writeHead(status, headers);
    this.response.end(bytes);
  }

  /** Sends the head of a stream. */
  startStream(headers: ReplyHeaders): void {
    if (this.#gone || this.response.headersSent) return;
    this.response.writeHead(200, headers);
    this.response.socket?.setNoDelay(true);
  }

  /** Writes to a started stream. @returns false when the client reads slower than this: pause until `onDrain` */
  write(bytes: Buffer): boolean {
    return this.#gone ? true : this.response.write(bytes);
  }

  onDrain(listener: () => void): void {
    this.response.once('drain', listener);
  }

  /** Writes the last bytes of a stream and ends it. */
  finish(bytes: Buffer | null): void {
    if (this.#gone) return;
    if (bytes === null) this.response.end();
    else this.response.end(bytes);
  }

  /** Ends a stream that broke: with its error as the last event, or, where bytes have none, by cutting the connection. */
  finishBroken(frame: Buffer): void {
    if (this.sendsBytes) this.response.destroy();
    else this.finish(frame);
  }

  #tooLarge(maxBytes: number): GatewayError {
    return new GatewayError('payload_too_large', {
      message: `The body is larger than the ${maxBytes} bytes that this route accepts.`,
    });
  }
}
