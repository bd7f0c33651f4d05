/**
 * Collects a reply that is wanted whole, under a cap.
 *
 * @module
 */
import type { WireReply } from '../contracts/wire.ts';
import { HeadFields } from './head-fields.ts';
import { hasRefused, TransportFailure } from './transport-failure.ts';
import type { ReplySink, UpstreamCall } from './upstream.ts';

/** A collected reply; its headers are listed only when somebody reads them. */
class CollectedReply implements WireReply {
  readonly status: number;
  readonly body: Buffer;
  readonly #fields: HeadFields;
  #flat: Record<string, string> | null = null;

  constructor(status: number, fields: HeadFields, body: Buffer) {
    this.status = status;
    this.body = body;
    this.#fields = fields;
  }

  get headers(): Readonly<Record<string, string>> {
    this.#flat ??= this.#fields.flat();
    return this.#flat;
  }
}

export class WholeReply implements ReplySink {
  readonly promise: Promise<WireReply>;
  /** Set by the caller right after dispatch, so that an oversize reply can be cut off. */
  call: UpstreamCall | null = null;
  readonly #maxBytes: number;
  readonly #resolve: (reply: WireReply) => void;
  readonly #reject: (failure: TransportFailure) => void;
  #status = 0;
  #fields = HeadFields.NONE;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    const { promise, resolve, reject } = Promise.withResolvers<WireReply>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onHead(status: number, fields: HeadFields): void {
    this.#status = status;
    this.#fields = fields;
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
    this.#chunks.push(Buffer.from(chunk));
  }

  onEnd(): void {
    const [only] = this.#chunks;
    const body =
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#resolve(new CollectedReply(this.#status, this.#fields, body));
  }

  /** A header of the reply that has arrived. */
  header(name: string): string | null {
    return this.#fields.field(name);
  }

  onFailure(failure: TransportFailure): void {
    if (hasRefused(this.#status, failure)) this.onEnd();
    else this.#reject(failure);
  }
}
