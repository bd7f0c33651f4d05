/**
 * Entry of the thread that copies what the writer has appended to the write-ahead log into the database.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openCheckpointDatabase } from './database.ts';
import { CLOSE } from './worker-options.ts';

if (parentPort !== null) {
  const port = parentPort;
  const { dataDir } = workerData as { readonly dataDir: string };
  const database = openCheckpointDatabase(dataDir);
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  port.on('message', (message: 'copy' | typeof CLOSE) => {
    if (message === CLOSE) {
      database.close();
      port.close();
      return;
    }
    try {
      checkpoint.get();
    } catch {
      // A full disk, or a busy file: the next time copies what is left, and the writer's own limit stands behind it.
    }
    port.postMessage('copied');
  });
}
