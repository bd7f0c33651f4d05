/**
 * A reply that is read while it comes, as fast as its reader takes it.
 *
 * @module
 */
import type { WireRequest } from '../contracts/wire.ts';
import type { HeadFields } from './head-fields.ts';
import type { TimerWheel } from './timer-wheel.ts';
import { TransportFailure } from './transport-failure.ts';
import type { ReplySink, Upstream, UpstreamCall } from './upstream.ts';

/** Bytes that wait for their reader before the sender is held up. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** One reply in progress. */
export interface StreamedReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Throws TransportFailure where the reply breaks off. Read once. */
  readonly body: AsyncIterable<Buffer>;
  /** Ends it, read or not; must be called. */
  close(): void;
}

class ReplyReader implements ReplySink {
  readonly head = Promise.withResolvers<{ status: number; fields: HeadFields }>();
  call: UpstreamCall | null = null;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isOver = false;
  #failure: TransportFailure | null = null;
  #wake: (() => void) | null = null;

  onHead(status: number, fields: HeadFields): void {
    this.head.resolve({ status, fields });
  }

  onData(chunk: Buffer): void {
    this.#waiting.push(Buffer.from(chunk));
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.call?.pause();
    this.#wake?.();
  }

  onEnd(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  onFailure(failure: TransportFailure): void {
    this.#isOver = true;
    this.#failure = failure;
    this.head.reject(failure);
    this.#wake?.();
  }

  async *read(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#waitingBytes -= chunk.length;
        if (this.#waitingBytes <= WAITING_BYTES_MAX) this.call?.resume();
        yield chunk;
      } else if (this.#failure !== null) throw this.#failure;
      else if (this.#isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}

/**
 * Sends a request and answers as soon as the head of its reply is there.
 *
 * @throws TransportFailure
 */
export async function streamReply(
  parts: { readonly upstream: Upstream; readonly wheel: TimerWheel },
  baseUrl: string,
  ask: {
    readonly request: WireRequest;
    /** Milliseconds to the last byte. */
    readonly timeoutMs: number;
    /** Called with what cuts the reply off. */
    readonly onOpen?: (interrupt: () => void) => void;
  },
): Promise<StreamedReply> {
  const reader = new ReplyReader();
  // What nobody waits for may still fail.
  reader.head.promise.catch(() => undefined);
  const call = parts.upstream.call(baseUrl, ask.request, reader);
  reader.call = call;
  const deadline = parts.wheel.after(ask.timeoutMs, () => {
    call.cancel(new TransportFailure({ kind: 'timeout', code: 'TOTAL', replyStarted: true }));
  });
  const close = (): void => {
    deadline.cancel();
    call.cancel(new TransportFailure({ kind: 'cancelled', code: 'CLOSED', replyStarted: true }));
  };
  ask.onOpen?.(close);
  try {
    const { status, fields } = await reader.head.promise;
    return { status, headers: fields.flat(), body: reader.read(), close };
  } catch (error) {
    close();
    throw error;
  }
}
