/**
 * Starts a thread of the store and waits until it serves.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import type { ReaderOptions, ThreadReady, WriterOptions } from './worker-options.ts';

/** `.ts` when run as written, `.js` when compiled. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** @throws Error with the thread's own sentence when it cannot serve */
export async function startThread(
  name: 'writer-worker' | 'reader-worker',
  options: WriterOptions | ReaderOptions,
): Promise<Worker> {
  const worker = new Worker(new URL(`./${name}${EXTENSION}`, import.meta.url), {
    workerData: options,
    // Flags of the process, such as --eval, are not for its threads.
    execArgv: [],
    // Young objects of a whole batch should die young: at the default size they are copied first.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
    name: `metering ${name === 'writer-worker' ? 'writer' : 'reader'}`,
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', (ready: ThreadReady) => {
      worker.removeListener('error', reject);
      if (ready.type === 'ready') resolve();
      else reject(new Error(ready.message));
    });
    worker.once('error', reject);
  });
  return worker;
}
