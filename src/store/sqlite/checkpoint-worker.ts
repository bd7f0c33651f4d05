/**
 * Entry of the thread that copies what the writer has appended to the write-ahead log into the database.
 *
 * @module
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { openCheckpointDatabase } from './database.ts';
import { CLOSE } from './worker-options.ts';

/**
 * Copying takes milliseconds of a processor in one piece, for which nobody waits: where threads have priorities of their
 * own (Linux, setpriority(2): "0" is the calling thread), this one stands back behind calls in progress.
 */
function standBack(): void {
  if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
}

if (parentPort !== null) {
  const port = parentPort;
  standBack();
  const { dataDir } = workerData as { readonly dataDir: string };
  const database = openCheckpointDatabase(dataDir);
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  port.on('message', (message: 'copy' | typeof CLOSE) => {
    if (message === CLOSE) {
      database.close();
      port.close();
      return;
    }
    let pages = 0;
    try {
      pages = Number(checkpoint.get()?.['log'] ?? 0);
    } catch {
      // A full disk, or a busy file: the next time copies what is left, and the writer's own limit stands behind it.
    }
    port.postMessage(pages);
  });
}
