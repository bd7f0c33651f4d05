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
  /** What the connection has read, and where in it the body begins. */
  readonly #reads: Buffer[];
  readonly #from: number;
  #hasFailed = false;
  #waiting: PromiseWithResolvers<Buffer> | null = null;

  /**
   * @param length of the body
   * @param head bytes of the head in `first`, behind which stands what has come of the body; nobody else reads `first`
   */
  constructor(flow: Flow, length: number, { first, head }: { first: Buffer; head: number }) {
    this.#flow = flow;
    this.#left = length + head - first.length;
    this.#reads = [first];
    this.#from = head;
    flow.pause();
  }

  /** Bytes still to come. */
  get left(): number {
    return this.#left;
  }

  /** Takes what has come, no more than is {@link left}. */
  push(bytes: Buffer): void {
    this.#left -= bytes.length;
    this.#reads.push(bytes);
    if (this.#left === 0) this.#waiting?.resolve(this.#join());
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

  #join(): Buffer {
    const [first = Buffer.alloc(0), ...others] = this.#reads;
    const whole = Buffer.concat([first.subarray(this.#from), ...others]);
    this.#reads.forEach(releaseBytes);
    this.#reads.length = 0;
    return whole;
  }
}
