/**
 * Entry of the writer thread.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Checkpointer } from './checkpointer.ts';
import { databasePath, lockDataDir, openWriterDatabase } from './database.ts';
import { openingSentence } from './sqlite-errors.ts';
import type { Flat } from './wire.ts';
import { CLOSE, type ThreadReady, type WriterOptions } from './worker-options.ts';
import { ROUND_MS, startWriterService, type WriterService } from './writer-service.ts';

/** Takes the folder's lock for as long as the writer serves. */
function serve(options: WriterOptions): {
  readonly run: WriterService['run'];
  readonly close: () => Promise<void>;
} {
  const lock = lockDataDir(options.dataDir);
  try {
    const database = openWriterDatabase(options.dataDir, options.durability);
    const service = startWriterService({ database, options });
    const timer = setInterval(() => {
      service.round();
    }, ROUND_MS);
    const checkpointer = new Checkpointer(options.dataDir, service.nextSeq());
    return {
      run(batch) {
        const answers = service.run(batch);
        checkpointer.noteProgress(service.nextSeq());
        return answers;
      },
      async close() {
        clearInterval(timer);
        await checkpointer.close();
        try {
          service.close();
        } finally {
          lock.release();
        }
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

if (parentPort !== null) {
  const port = parentPort;
  const tell = (ready: ThreadReady): void => {
    port.postMessage(ready);
  };
  try {
    const serving = serve(workerData as WriterOptions);
    port.on('message', (message: Flat | typeof CLOSE) => {
      if (message === CLOSE) {
        void serving.close().finally(() => {
          port.close();
        });
        return;
      }
      port.postMessage(serving.run(message));
    });
    tell({ type: 'ready' });
  } catch (error) {
    const { dataDir } = workerData as WriterOptions;
    tell({ type: 'failed', message: openingSentence(error, databasePath(dataDir)) });
    port.close();
  }
}
