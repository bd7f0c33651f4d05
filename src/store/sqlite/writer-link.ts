/**
 * The gateway's end of the writer thread: commands leave as one message, answers of one commit come back as one.
 *
 * A batch leaves after the first turn of the event loop that adds nothing to it. While the writer has one,
 * further commands wait here and form the next: the busier it is the larger the batches, and nobody ever waits
 * on a timer.
 *
 * @module
 */
import { SlotTable } from '../../collections/slot-table.ts';
import { OUTBOX_CHANGED } from './outbox-signal.ts';
import { fromPlainError, type PlainError, unavailable } from './plain-error.ts';
import { QuietTurn } from './quiet-turn.ts';
import {
  ANSWER_ERROR,
  ANSWER_HELD,
  ANSWER_SETTLED,
  ANSWER_VALUE,
  type Flat,
  FlatReader,
  readHeld,
  readSettled,
} from './wire.ts';

const MAX_BATCHES_OUT = 1;
/** Number of a command that has no answer. */
const NO_CALL = -1;
/** Bounds one transaction; about 30 values a command. */
const MAX_BATCH_VALUES = 32_768;

interface Waiting {
  /** The hold that is asked for; null where it is something else. */
  readonly holdId: string | null;
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

/** The writer's side as the link sees it: a worker thread, or a stand-in of tests. */
export interface WriterEnd {
  postMessage(batch: Flat): void;
  on(event: 'message', listener: (answers: Flat) => void): unknown;
}

export class WriterLink {
  readonly #worker: WriterEnd;
  readonly #now: () => number;
  readonly #waiting = new SlotTable<Waiting>();
  readonly #backlog: Flat[] = [];
  readonly #outboxListeners = new Set<() => void>();
  readonly #gathered = new QuietTurn(
    () => this.#open.length,
    () => this.#send(),
  );
  #open: Flat = [];
  #batchesOut = 0;
  #failure: PlainError | null = null;
  #onDrained: (() => void) | null = null;

  constructor(worker: WriterEnd, now: () => number) {
    this.#worker = worker;
    this.#now = now;
    worker.on('message', (message: Flat | typeof OUTBOX_CHANGED) => {
      if (message === OUTBOX_CHANGED) for (const listener of this.#outboxListeners) listener();
      else this.#receive(message);
    });
  }

  /**
   * Queues a command that is answered. `put` writes it under the given call number.
   *
   * @param holdId of a command that asks for a hold: its answer does not name it
   */
  ask<Answer>(
    put: (flat: Flat, call: number) => void,
    holdId: string | null = null,
  ): Promise<Answer> {
    if (this.#failure !== null) return Promise.reject(fromPlainError(this.#failure));
    return new Promise<Answer>((resolve, reject) => {
      const call = this.#waiting.add({ holdId, resolve: resolve as Waiting['resolve'], reject });
      try {
        this.#write(put, call);
      } catch (error) {
        this.#waiting.take(call);
        throw error;
      }
      this.#schedule();
    });
  }

  /** Queues a command that has no answer. */
  tell(put: (flat: Flat) => void): void {
    if (this.#failure !== null) return;
    this.#write(put, NO_CALL);
    this.#schedule();
  }

  /** Calls `listener` when the outbox may have new rows. @returns unsubscribes */
  onOutboxChange(listener: () => void): () => void {
    this.#outboxListeners.add(listener);
    return () => void this.#outboxListeners.delete(listener);
  }

  /** Takes no more commands; settles when all that were taken are answered. */
  drained(): Promise<void> {
    this.#failure ??= unavailable('The metering store is closed.');
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#checkDrained();
    });
  }

  #checkDrained(): void {
    if (this.#onDrained === null) return;
    const idle = this.#batchesOut === 0 && this.#backlog.length === 0 && this.#open.length === 0;
    if (idle) this.#onDrained();
  }

  /** Rejects what waits and everything later. */
  fail(message: string): void {
    this.#failure ??= unavailable(message);
    this.#batchesOut = 0;
    const waiting = this.#waiting.takeAll();
    this.#backlog.length = 0;
    this.#open = [];
    for (const call of waiting) call.reject(fromPlainError(this.#failure));
    this.#checkDrained();
  }

  /** A command that cannot be written must not leave half of itself in the batch. */
  #write(put: (flat: Flat, call: number) => void, call: number): void {
    const flat = this.#room();
    const { length } = flat;
    try {
      put(flat, call);
    } catch (error) {
      flat.length = length;
      throw error;
    }
  }

  #room(): Flat {
    if (this.#open.length > MAX_BATCH_VALUES) {
      this.#backlog.push(this.#open);
      this.#open = [];
    }
    if (this.#open.length === 0) this.#open.push(0);
    return this.#open;
  }

  #schedule(): void {
    if (this.#batchesOut < MAX_BATCHES_OUT) this.#gathered.await();
  }

  #send(): void {
    while (this.#batchesOut < MAX_BATCHES_OUT) {
      const batch = this.#backlog.shift() ?? this.#open;
      if (batch === this.#open) this.#open = [];
      if (batch.length === 0) return;
      batch[0] = this.#now();
      this.#batchesOut += 1;
      this.#worker.postMessage(batch);
    }
  }

  #receive(answers: Flat): void {
    this.#batchesOut -= 1;
    if (this.#open.length > 0) this.#schedule();
    const reader = new FlatReader(answers);
    while (!reader.done) {
      const code = reader.number();
      const call = reader.number();
      const waiting = this.#waiting.take(call);
      switch (code) {
        case ANSWER_HELD:
          waiting?.resolve(readHeld(reader, waiting.holdId ?? ''));
          break;
        case ANSWER_SETTLED:
          waiting?.resolve(readSettled(reader));
          break;
        case ANSWER_VALUE:
          waiting?.resolve(reader.next());
          break;
        case ANSWER_ERROR:
          waiting?.reject(fromPlainError(reader.next() as PlainError));
          break;
        default:
          throw new RangeError(`unknown answer ${code}`);
      }
    }
    this.#checkDrained();
  }
}
