/**
 * Entry of the reader thread.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { databasePath, openReaderDatabase } from './database.ts';
import { toPlainError } from './plain-error.ts';
import { openingSentence } from './sqlite-errors.ts';
import { readerQueries } from './reader-queries.ts';
import { CLOSE, type ReaderOptions, type ReaderQuery, type ThreadReady } from './worker-options.ts';

function serve(options: ReaderOptions): {
  readonly answer: (query: ReaderQuery) => unknown;
  readonly close: () => void;
} {
  const database = openReaderDatabase(options.dataDir);
  const queries = readerQueries(database);
  return {
    answer({ name, args }) {
      const query = queries.get(name);
      if (query === undefined) throw new RangeError(`there is no query ${name}`);
      return query(args);
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
