/**
 * Media on their way through as events: each leaves as it comes, but for the last, which waits for the settlement.
 *
 * @module
 */
import type { ResultFacts } from '../../contracts/media.ts';
import type { MediaEventReader } from '../../contracts/media-stream.ts';
import {
  ProviderFailureError,
  providerFailure,
  type ProviderFailure,
} from '../../contracts/provider-failure.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { AnswerStream, Receipt } from '../../gateway/text-call.ts';
import { parseEvent, SseFramer } from '../../http/sse-framer.ts';

/** A picture of 4096 × 4096 in base64 is smaller. */
const EVENT_MAX_BYTES = 96 * 1024 * 1024;

/** How events of one kind are written for the client. */
export interface EventWriter<Event> {
  /** What a last event says of the answer; null for all others. */
  endOf(event: Event): ResultFacts | null;
  /** The event as a frame, for one that is not the last. */
  frame(event: Event): Buffer;
  /** The last event as a frame, with what is booked. */
  lastFrame(event: Event, receipt: Receipt): Buffer;
}

/** One event as a frame of `text/event-stream`. */
export function eventFrame(event: Readonly<Record<string, unknown>> & { readonly type: string }) {
  return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

export class EventStream<Event> implements AnswerStream {
  readonly #read: MediaEventReader<Event>;
  readonly #writer: EventWriter<Event>;
  readonly #framer = new SseFramer(EVENT_MAX_BYTES);
  #out: Buffer[] = [];
  #last: Event | null = null;
  #facts: ResultFacts | null = null;
  readonly serviceTier = null;
  readonly estimatedOutputTokens = 0;
  readonly finishReasons: readonly string[] = [];
  failure: ProviderFailure | null = null;
  events = 0;

  constructor(read: MediaEventReader<Event>, writer: EventWriter<Event>) {
    this.#read = read;
    this.#writer = writer;
  }

  get hasContent(): boolean {
    return this.events > 0;
  }

  get isComplete(): boolean {
    return this.#last !== null;
  }

  get isDone(): boolean {
    return this.isComplete;
  }

  get usage(): UsageVector | null {
    return this.#facts?.usage ?? null;
  }

  get modelServed(): string | null {
    return this.#facts?.modelServed ?? null;
  }

  get dimensions(): ResultFacts['dimensions'] | null {
    return this.#facts?.dimensions ?? null;
  }

  push(chunk: Buffer): Buffer | null {
    try {
      const fits = this.#framer.push(chunk, (bytes, start, end) => this.#event(bytes, start, end));
      if (!fits) this.#fail('The provider sent an event that is too large.');
    } catch (error) {
      if (!(error instanceof ProviderFailureError)) throw error;
      this.failure = error.failure;
    }
    const out = this.#out;
    this.#out = [];
    return out.length === 0 ? null : Buffer.concat(out);
  }

  end(): Buffer | null {
    if (!this.isComplete && this.failure === null) {
      this.failure = providerFailure({
        kind: 'broken_stream',
        status: 200,
        message: 'The stream of the provider ended before its answer was complete.',
      });
    }
    return null;
  }

  close(receipt: Receipt): Buffer {
    return this.#last === null ? Buffer.alloc(0) : this.#writer.lastFrame(this.#last, receipt);
  }

  #event(bytes: Buffer, start: number, end: number): void {
    if (this.isComplete || this.failure !== null) return;
    const sent = parseEvent(bytes, start, end);
    const event = sent === null || sent.data === '[DONE]' ? null : this.#read(sent);
    if (event === null) return;
    this.events += 1;
    this.#facts = this.#writer.endOf(event);
    if (this.#facts === null) this.#out.push(this.#writer.frame(event));
    else this.#last = event;
  }

  #fail(message: string): void {
    this.failure = providerFailure({ kind: 'malformed_reply', status: 200, message });
  }
}
