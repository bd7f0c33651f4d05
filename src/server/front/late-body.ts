/**
 * A body that had not come with its head. It is read only once somebody wants it.
 *
 * @module
 */
import { bodyIncomplete } from '../../gateway/exchange.ts';
import { releaseBytes } from '../../http/release-bytes.ts';

/** What is read no further than somebody takes it. */
export interface Flow {
  pause(): void;
  resume(): void;
}

export class LateBody {
  readonly #flow: Flow;
  #left: number;
  readonly #pieces: Buffer[];
  #hasFailed = false;
  #waiting: PromiseWithResolvers<Buffer> | null = null;

  /** @param first what has come of its `length` bytes */
  constructor(flow: Flow, length: number, first: Buffer) {
    this.#flow = flow;
    this.#left = length - first.length;
    this.#pieces = first.length === 0 ? [] : [first];
    flow.pause();
  }

  /** Bytes still to come. */
  get left(): number {
    return this.#left;
  }

  /** Takes what has come, no more than is {@link left}. */
  push(bytes: Buffer): void {
    this.#left -= bytes.length;
    this.#pieces.push(bytes);
    if (this.#left > 0) return;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces.forEach(releaseBytes);
    this.#waiting?.resolve(whole);
  }

  /** It will not come to its end. */
  fail(): void {
    this.#hasFailed = true;
    this.#waiting?.reject(bodyIncomplete());
  }

  /** @throws GatewayError `request_timeout`, as a rejection */
  whole(): Promise<Buffer> {
    this.#waiting = Promise.withResolvers();
    if (this.#hasFailed) this.#waiting.reject(bodyIncomplete());
    else this.#flow.resume();
    return this.#waiting.promise;
  }
}
