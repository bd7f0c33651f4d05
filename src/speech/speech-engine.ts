/**
 * Speech without a provider: English, by an engine that comes with the gateway and runs on a thread of its own.
 *
 * @module
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** The engine's voices. `slt` is a woman's, `rms` and `awb` are men's at 16 kHz; `kal` is a small one at 8 kHz. */
export const ENGINE_VOICES = ['slt', 'rms', 'awb', 'kal'] as const;
/** A name of {@link ENGINE_VOICES}. */
export type EngineVoice = (typeof ENGINE_VOICES)[number];

/** What is to be said. */
export interface SpeechWish {
  readonly text: string;
  readonly voice: EngineVoice;
  /** 1 is the voice's own; from 0.25 to 4. */
  readonly speed: number;
}

/** A wish on its way to the thread. */
export interface SpeechTask extends SpeechWish {
  readonly id: number;
}

/** What the thread answers: a WAV file (16 bits, one channel), or why there is none. */
export type SpeechReply =
  | { readonly id: number; readonly wav: Uint8Array; readonly error: null }
  | { readonly id: number; readonly wav: null; readonly error: string };

/** A text is spoken in less; a thread that takes longer hangs. */
const TIMEOUT_MS = 60_000;
/** Texts waiting at most, so that a burst is refused rather than kept in memory. */
const WAITING_MAX = 64;

interface Waiting {
  readonly resolve: (wav: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Text that flite can be handed as an argument: no NUL, no other control characters, no line that ends early. */
export function speakable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ').trim();
}

/** Speaks one text after another. The thread starts with the first and ends with {@link close}. */
export class SpeechEngine {
  #worker: Worker | null = null;
  #nextId = 0;
  #isClosed = false;
  readonly #waiting = new Map<number, Waiting>();

  /**
   * @returns a WAV file: 16 bits, one channel, at the voice's own rate
   * @throws Error when too many texts wait, the thread fails or is closed
   */
  speak(wish: SpeechWish): Promise<Buffer> {
    if (this.#isClosed) return Promise.reject(new Error('the speech engine is closed'));
    if (this.#waiting.size >= WAITING_MAX) {
      return Promise.reject(new Error(`${WAITING_MAX} texts wait to be spoken already`));
    }
    const text = speakable(wish.text);
    const id = this.#nextId;
    this.#nextId += 1;
    const task: SpeechTask = { ...wish, id, text: text === '' ? '.' : text };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        void this.#fail(new Error(`not spoken within ${TIMEOUT_MS} ms`));
      }, TIMEOUT_MS);
      timer.unref();
      this.#waiting.set(id, { resolve, reject, timer });
      this.#thread().postMessage(task);
    });
  }

  /** Ends the thread; what waits fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#fail(new Error('the speech engine is closed'));
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker;
    const file = new URL(`./flite-worker${extname(import.meta.url)}`, import.meta.url);
    // WASI is still marked as experimental; the warning would stand in the first lines of a newcomer's terminal.
    const worker = new Worker(file, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    worker.unref();
    worker.on('message', (reply: SpeechReply) => this.#receive(reply));
    worker.on('error', (error: Error) => void this.#fail(error));
    this.#worker = worker;
    return worker;
  }

  #receive(reply: SpeechReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if (reply.error === null) waiting.resolve(Buffer.from(reply.wav));
    else waiting.reject(new Error(reply.error));
  }

  /** Everything that waits fails, and the thread ends: the next text starts a new one. */
  async #fail(error: Error): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error);
    }
    this.#waiting.clear();
    await worker?.terminate();
  }
}
