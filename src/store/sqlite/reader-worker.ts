/**
 * Entry of the reader thread.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { PageQuery, RequestQuery, UsageQuery } from '../../metering/ports.ts';
import { databasePath, openReaderDatabase } from './database.ts';
import { toPlainError } from './plain-error.ts';
import { openingSentence } from './sqlite-errors.ts';
import { Reader } from './reader.ts';
import { readUsage } from './usage-reader.ts';
import { CLOSE, type ReaderOptions, type ReaderQuery, type ThreadReady } from './worker-options.ts';

function serve(options: ReaderOptions): {
  readonly answer: (query: ReaderQuery) => unknown;
  readonly close: () => void;
} {
  const database = openReaderDatabase(options.dataDir);
  const reader = new Reader(database);
  return {
    answer({ name, args: [first, second, third] }) {
      switch (name) {
        case 'snapshot':
          return reader.snapshot();
        case 'plans':
          return reader.plans();
        case 'customers':
          return reader.customers(first as PageQuery);
        case 'customer':
          return reader.customer(first as string, second as number);
        case 'keys':
          return reader.keys(first as PageQuery & { customerId: string | null });
        case 'requests':
          return reader.requests(first as RequestQuery);
        case 'request':
          return reader.request(first as string);
        case 'events':
          return reader.events(first as PageQuery);
        case 'verify':
          return reader.verify();
        case 'usage': {
          const at = { nowMs: second as number, openHoldIds: third as string[] };
          return readUsage(database, first as UsageQuery, at);
        }
        default:
          throw new RangeError(`there is no query ${name}`);
      }
    },
    close() {
      database.close();
    },
  };
}

if (parentPort !== null) {
  const port = parentPort;
  const tell = (ready: ThreadReady): void => {
    port.postMessage(ready);
  };
  try {
    const serving = serve(workerData as ReaderOptions);
    port.on('message', (query: ReaderQuery | typeof CLOSE) => {
      if (query === CLOSE) {
        serving.close();
        port.close();
        return;
      }
      const { call } = query;
      try {
        port.postMessage({ call, value: serving.answer(query) });
      } catch (error) {
        port.postMessage({ call, error: toPlainError(error) });
      }
    });
    tell({ type: 'ready' });
  } catch (error) {
    const { dataDir } = workerData as ReaderOptions;
    tell({ type: 'failed', message: openingSentence(error, databasePath(dataDir)) });
    port.close();
  }
}
