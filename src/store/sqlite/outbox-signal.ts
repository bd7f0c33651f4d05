/**
 * How the writer thread says that the outbox has new rows, so that nobody has to ask on a timer.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';

/** The message; everything else that a writer in service posts is a batch of answers. */
export const OUTBOX_CHANGED = 'outbox-changed';

let scheduled = false;

/** Called with each row; the message goes out once, when the batch that wrote them is done. */
export function signalOutbox(): void {
  if (scheduled || parentPort === null) return;
  scheduled = true;
  const port = parentPort;
  setImmediate(() => {
    scheduled = false;
    port.postMessage(OUTBOX_CHANGED);
  });
}
