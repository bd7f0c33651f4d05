/**
 * Collects a reply that is wanted whole, under a cap.
 *
 * @module
 */
import type { WireReply } from '../contracts/wire.ts';
import { TransportFailure } from './transport-failure.ts';
import type { ReplySink, UpstreamCall } from './upstream.ts';

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Headers as a flat record; repeated ones joined with `, `. */
export function flattenHeaders(headers: IncomingHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

/** A collected reply; its headers are flattened only when somebody reads them. */
class CollectedReply implements WireReply {
  readonly status: number;
  readonly body: Buffer;
  readonly #incoming: IncomingHeaders;
  #flat: Record<string, string> | null = null;

  constructor(status: number, incoming: IncomingHeaders, body: Buffer) {
    this.status = status;
    this.body = body;
    this.#incoming = incoming;
  }

  get headers(): Readonly<Record<string, string>> {
    this.#flat ??= flattenHeaders(this.#incoming);
    return this.#flat;
  }
}

/** One header of a reply, without flattening the others. */
export function headerOf(headers: IncomingHeaders, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

export class WholeReply implements ReplySink {
  readonly promise: Promise<WireReply>;
  /** Set by the caller right after dispatch, so that an oversize reply can be cut off. */
  call: UpstreamCall | null = null;
  readonly #maxBytes: number;
  readonly #resolve: (reply: WireReply) => void;
  readonly #reject: (failure: TransportFailure) => void;
  #status = 0;
  #headers: IncomingHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    const { promise, resolve, reject } = Promise.withResolvers<WireReply>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onHead(status: number, headers: IncomingHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      this.#chunks = [];
      this.call?.cancel(
        new TransportFailure({ kind: 'too_large', code: 'REPLY_TOO_LARGE', replyStarted: true }),
      );
      return;
    }
    this.#chunks.push(chunk);
  }

  onEnd(): void {
    const [only] = this.#chunks;
    const body =
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#resolve(new CollectedReply(this.#status, this.#headers, body));
  }

  /** A header of the reply that has arrived. */
  header(name: string): string | null {
    return headerOf(this.#headers, name);
  }

  onFailure(failure: TransportFailure): void {
    this.#reject(failure);
  }
}
