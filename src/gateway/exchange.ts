/**
 * One client request and its reply, whatever reads the connection: reading under limits, writing with backpressure.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { RateViews } from '../metering/ports.ts';
import type { HeadLines } from './head-lines.ts';

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

export interface ExchangeIdentity {
  readonly requestId: string;
  /** Wall clock at arrival, milliseconds. */
  readonly startedAtMs: number;
  /** Monotonic clock at arrival, milliseconds. */
  readonly startedAtMonotonicMs: number;
}

export abstract class Exchange {
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

  protected constructor(identity: ExchangeIdentity) {
    this.requestId = identity.requestId;
    this.startedAtMs = identity.startedAtMs;
    this.startedAtMonotonicMs = identity.startedAtMonotonicMs;
  }

  abstract get method(): string;

  /** Path and query as they came. */
  abstract get url(): string;

  /** Address of the other side; empty where it is not known any more. */
  abstract get address(): string;

  /** True once the head of the reply is given, even where it waits for its first bytes. */
  abstract get headSent(): boolean;

  /** True once the client has left before its reply was complete. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Calls `listener` when the client leaves; at once when it already has. One listener at a time. */
  onGone(listener: (() => void) | null): void {
    this.#onGone = listener;
    if (this.#gone) listener?.();
  }

  /** A request header by its lower-case name; repeated ones joined as Node does. */
  abstract header(name: string): string | null;

  /**
   * Reads the whole body; a promise only where it has not come yet.
   *
   * @throws GatewayError, at once or as the promise's rejection: `payload_too_large` beyond `maxBytes`,
   *   `request_timeout` when the client stops sending, `invalid_request` for transfer codings other than chunks
   */
  abstract readBody(maxBytes: number): Buffer | Promise<Buffer>;

  /** Adds a header to a reply that is not begun, before those that it begins with. */
  abstract addReplyHeader(name: string, value: string): void;

  /** Sends a whole reply; a text in UTF-8. Does nothing when the client has left. */
  abstract send(status: number, headers: ReplyHeaders | HeadLines, body: Buffer | string): void;

  /** {@link send} of a small body as its letters, all of them ASCII: it need not be copied to leave with the head. */
  sendLetters(status: number, headers: HeadLines, letters: string): void {
    this.send(status, headers, letters);
  }

  /** Begins a stream; its head leaves with its first bytes. */
  abstract startStream(headers: ReplyHeaders | HeadLines): void;

  /**
   * Writes to a started stream. The bytes are not needed any more once this has returned.
   *
   * @returns false when the client reads slower than this: pause until `onDrain`
   */
  abstract write(bytes: Buffer): boolean;

  abstract onDrain(listener: () => void): void;

  /** Writes the last bytes of a stream and ends it. */
  abstract finish(bytes: Buffer | null): void;

  /** Cuts the connection, so that nobody takes what was sent for a whole reply. */
  abstract cut(): void;

  /** Ends a stream that broke: with its error as the last event, or, where bytes have none, by cutting the connection. */
  finishBroken(frame: Buffer): void {
    if (this.sendsBytes) this.cut();
    else this.finish(frame);
  }

  /** The client has left before its reply was complete. */
  protected noteGone(): void {
    this.#gone = true;
    this.#onGone?.();
  }
}

/** A body of more bytes than its route takes. */
export function bodyTooLarge(maxBytes: number): GatewayError {
  return new GatewayError('payload_too_large', {
    message: `The body is larger than the ${maxBytes} bytes that this route accepts.`,
  });
}

/** A body that was not sent to its end. */
export function bodyIncomplete(): GatewayError {
  return new GatewayError('request_timeout', {
    message: 'The request body did not arrive in time.',
  });
}
