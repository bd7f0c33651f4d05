/**
 * The gateway's end of the reader thread, which is started with the first query.
 *
 * @module
 */
import type { Worker } from 'node:worker_threads';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { fromPlainError, type PlainError } from './plain-error.ts';
import { startThread } from './thread.ts';
import { CLOSE, type ReaderQuery } from './worker-options.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

interface Answer {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

export class ReaderLink {
  readonly #dataDir: string;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Promise<Worker> | null = null;
  #nextCall = 1;
  #closed = false;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Asks; the caller states the answer's type. */
  async ask<Value>(name: string, args: readonly unknown[]): Promise<Value> {
    if (this.#closed) throw closedError();
    this.#thread ??= this.#start();
    const thread = await this.#thread;
    const call = this.#nextCall;
    this.#nextCall += 1;
    const query: ReaderQuery = { call, name, args };
    return await new Promise<Value>((resolve, reject) => {
      this.#waiting.set(call, { resolve: resolve as Waiting['resolve'], reject });
      thread.postMessage(query);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const thread = await this.#thread?.catch(() => null);
    if (thread === null || thread === undefined) return;
    const ended = new Promise<void>((resolve) => {
      thread.once('exit', () => {
        resolve();
      });
    });
    thread.postMessage(CLOSE);
    await ended;
  }

  async #start(): Promise<Worker> {
    const thread = await startThread('reader-worker', { dataDir: this.#dataDir });
    thread.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.call);
      this.#waiting.delete(answer.call);
      if (answer.error === undefined) waiting?.resolve(answer.value);
      else waiting?.reject(fromPlainError(answer.error));
    });
    thread.on('error', () => {
      this.#drop();
    });
    thread.on('exit', () => {
      this.#drop();
    });
    return thread;
  }

  /** The thread has ended: what waits fails, the next query starts another. */
  #drop(): void {
    this.#thread = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const call of waiting) call.reject(closedError());
  }
}

function closedError(): GatewayError {
  return new GatewayError('metering_unavailable', {
    message: 'The metering store is closed.',
    retryAfterMs: 1000,
  });
}
