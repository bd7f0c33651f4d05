/**
 * Collects log lines and writes them in blocks, in order, off the request's path: a system call a line, or even
 * measuring each line's bytes, would cost more than making it.
 *
 * @module
 */
import { write, writeSync } from 'node:fs';

const BLOCK_CHARACTERS = 64 * 1024;
/** Lines kept while the destination does not take them; beyond it the oldest block is dropped and counted. */
const WAITING_CHARACTERS_MAX = 16 * 1024 * 1024;
const FLUSH_INTERVAL_MS = 250;

export class LineBuffer {
  readonly #descriptor: number;
  readonly #timer: NodeJS.Timeout;
  #lines: string[] = [];
  #characters = 0;
  #isWriting = false;
  #dropped = 0;

  /** @param descriptor an open file descriptor, such as 2 for standard error */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#timer = setInterval(() => this.#flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
    process.on('exit', this.#onExit);
  }

  /** Lines that a destination that does not accept them has cost so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a whole line with its line end. */
  write(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters < BLOCK_CHARACTERS) return;
    if (!this.#isWriting) this.#flush();
    else if (this.#characters > WAITING_CHARACTERS_MAX) {
      this.#dropped += this.#lines.length;
      this.#lines = [];
      this.#characters = 0;
    }
  }

  /** Writes what is left, at once; later lines are written by the next interval no more. */
  close(): void {
    clearInterval(this.#timer);
    process.off('exit', this.#onExit);
    this.#onExit();
  }

  readonly #onExit = (): void => {
    const text = this.#take();
    try {
      if (text !== '') writeSync(this.#descriptor, text);
    } catch {
      // The process is ending and its log is closed: there is nowhere left to say so.
    }
  };

  #take(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#characters = 0;
    return text;
  }

  #flush(): void {
    if (this.#isWriting || this.#lines.length === 0) return;
    this.#isWriting = true;
    this.#writeAll(Buffer.from(this.#take()));
  }

  #writeAll(bytes: Buffer): void {
    write(this.#descriptor, bytes, 0, bytes.length, null, (error, written) => {
      const again = error !== null && error.code === 'EAGAIN';
      if (again) {
        setTimeout(() => this.#writeAll(bytes), FLUSH_INTERVAL_MS).unref();
      } else if (error === null && written < bytes.length) {
        this.#writeAll(bytes.subarray(written));
      } else {
        this.#isWriting = false;
        if (this.#characters >= BLOCK_CHARACTERS) this.#flush();
      }
    });
  }
}
