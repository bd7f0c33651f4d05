/**
 * Entry of the writer thread.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { createIdSource } from '../../contracts/ids.ts';
import { createEngine } from '../../metering/core/engine.ts';
import { Accounts } from './accounts.ts';
import { type DataDirLock, databasePath, lockDataDir, openWriterDatabase } from './database.ts';
import { EmergencyJournal } from './emergency-journal.ts';
import { HoldHistory } from './hold-history.ts';
import { readBucket } from './journal-tables.ts';
import { Maintenance } from './maintenance.ts';
import { migrate } from './migrations.ts';
import { recover } from './recovery.ts';
import type { Flat } from './wire.ts';
import { CLOSE, type ThreadReady, type WriterOptions } from './worker-options.ts';
import { LedgerBroken, openingSentence } from './sqlite-errors.ts';
import { Writer } from './writer.ts';

const ROUND_MS = 1000;
/** Replays of older holds are answered out of the journal; a large memory of them costs more than that. */
const RECENT_HOLDS = 1000;

interface Serving {
  run(batch: Flat): Flat;
  close(): void;
}

function serve(options: WriterOptions): Serving {
  const lock = lockDataDir(options.dataDir);
  try {
    return serveLocked(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function serveLocked(options: WriterOptions, lock: DataDirLock): Serving {
  const database = openWriterDatabase(options.dataDir, options.durability);
  migrate(database, databasePath(options.dataDir));
  const emergency = new EmergencyJournal(options.dataDir);
  const deferred = emergency.read();
  const endedBucket = database.prepare('SELECT * FROM bucket WHERE id = ?');
  const engine = createEngine({
    recentHolds: RECENT_HOLDS,
    findEndedBucket(bucketId) {
      const row = endedBucket.get(bucketId);
      return row === undefined ? null : readBucket(row);
    },
  });
  let clockMs = options.nowMs;
  let clockReadMs = performance.now();
  const nowMs = (): number => clockMs + Math.floor(performance.now() - clockReadMs);
  const accounts = new Accounts(database, engine);
  const history = new HoldHistory(database);
  const ids = createIdSource(nowMs, (target) => randomFillSync(target));
  const writer = new Writer({ database, engine, emergency, history, accounts, ids });
  writer.transact(options.nowMs, () => {
    writer.directory.seed(options.nowMs);
  });
  const start = { database, engine, accounts, history, writer, deferred, nowMs: options.nowMs };
  const unknownSince = recover(start);
  const maintenance = new Maintenance({ writer, engine, accounts, unknownSince }, options);
  let roundAtMs = options.nowMs;
  const round = (): void => {
    roundAtMs = nowMs();
    try {
      maintenance.run(roundAtMs);
    } catch (error) {
      if (error instanceof LedgerBroken) throw error;
      // A full disk or a busy file: the next round tries again.
    }
  };
  const timer = setInterval(round, ROUND_MS);
  return {
    run(batch) {
      // The gateway's clock is the one that counts; between batches it runs on here.
      clockMs = batch[0] as number;
      clockReadMs = performance.now();
      const answers = writer.run(batch);
      if (clockMs - roundAtMs > 2 * ROUND_MS) round();
      return answers;
    },
    close() {
      clearInterval(timer);
      try {
        writer.close();
      } finally {
        emergency.close();
        database.close();
        lock.release();
      }
    },
  };
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
        serving.close();
        port.close();
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
