/**
 * Has the write-ahead log copied into the database beside the writer. A copy writes megabytes and waits for the disk
 * twice: on the writer's own thread every call in progress would wait with it (20–100 ms each time).
 *
 * The thread is started when there is first something to copy, so that a store that is opened for a few calls has none.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { WRITER_COPIES_AT_PAGES } from './database.ts';
import { CLOSE } from './worker-options.ts';

/** Events between two copies: some thousand pages. */
const EVENTS_A_COPY = 2_000;
/** Pages in the log from which copies are so close that little is left for the writer when the log begins anew. */
const CATCHES_UP_FROM_PAGES = 0.75 * WRITER_COPIES_AT_PAGES;
const EVENTS_A_COPY_THEN = 200;
/** `.ts` when run as written, `.js` when compiled. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

export class Checkpointer {
  readonly #dataDir: string;
  #copiedSeq: number;
  #eventsACopy = EVENTS_A_COPY;
  #thread: Worker | null = null;
  #isCopying = false;
  /** A thread that failed is not started again: the writer copies for itself then (`openWriterDatabase`). */
  #hasFailed = false;

  /** @param nextSeq sequence number of the next event */
  constructor(dataDir: string, nextSeq: number) {
    this.#dataDir = dataDir;
    this.#copiedSeq = nextSeq;
  }

  /** To be told after every batch. */
  noteProgress(nextSeq: number): void {
    if (nextSeq - this.#copiedSeq < this.#eventsACopy || this.#isCopying || this.#hasFailed) return;
    this.#copiedSeq = nextSeq;
    this.#isCopying = true;
    this.#thread ??= this.#start();
    this.#thread.postMessage('copy');
  }

  /** Ends the thread and lets go of the database. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#hasFailed = true;
    this.#thread = null;
    if (thread === null) return;
    const ended = new Promise<void>((resolve) => {
      thread.once('exit', () => {
        resolve();
      });
    });
    thread.ref();
    thread.postMessage(CLOSE);
    await ended;
  }

  #start(): Worker {
    const thread = new Worker(new URL(`./checkpoint-worker${EXTENSION}`, import.meta.url), {
      workerData: { dataDir: this.#dataDir },
      execArgv: [],
      name: 'metering copier',
    });
    thread.on('message', (pages: number) => {
      this.#isCopying = false;
      this.#eventsACopy = pages < CATCHES_UP_FROM_PAGES ? EVENTS_A_COPY : EVENTS_A_COPY_THEN;
    });
    const drop = (): void => {
      this.#hasFailed = true;
      this.#thread = null;
    };
    thread.on('error', drop);
    thread.on('exit', drop);
    // The writer's thread ends when its port closes, whatever goes on here.
    thread.unref();
    return thread;
  }
}
