/**
 * Opens the SQLite files of a data directory.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** - `process`: a killed process loses nothing · `power`: neither does a power cut. */
export type Durability = 'process' | 'power';

const DATABASE_FILE = 'gateway.db';
const LOCK_FILE = 'gateway.lock';

/** Absolute path of the database in a data directory. */
export function databasePath(dataDir: string): string {
  return join(resolve(dataDir), DATABASE_FILE);
}

/**
 * Pages in the write-ahead log at which the writer itself copies what the {@link Checkpointer} has left, after which the
 * log begins anew.
 */
export const WRITER_COPIES_AT_PAGES = 16_000;
/**
 * What the log's file keeps when it begins anew: a quarter more than it mostly has then, since the writer waits for a copy
 * in progress. Blocks that the file gave away would be allotted again.
 */
const LOG_KEEPS_BYTES = 1.25 * WRITER_COPIES_AT_PAGES * 4_096;

/** The writer's connection: WAL, 64-bit integers as bigint. */
export function openWriterDatabase(dataDir: string, durability: Durability): DatabaseSync {
  const database = new DatabaseSync(databasePath(dataDir), {
    readBigInts: true,
    enableForeignKeyConstraints: true,
    timeout: 5000,
  });
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'};
    PRAGMA wal_autocheckpoint = ${WRITER_COPIES_AT_PAGES};
    PRAGMA journal_size_limit = ${LOG_KEEPS_BYTES};
    PRAGMA cache_size = -65536;
    PRAGMA temp_store = MEMORY;
  `);
  return database;
}

/** A connection that copies the write-ahead log into the database; never blocks the writer. */
export function openCheckpointDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(dataDir), { timeout: 0 });
  database.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL;');
  return database;
}

/** A connection that can only read; never blocks the writer. */
export function openReaderDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(dataDir), {
    readOnly: true,
    readBigInts: true,
    timeout: 5000,
  });
  database.exec('PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;');
  return database;
}

/** Held as long as the store is open. */
export interface DataDirLock {
  release(): void;
}

function holderOf(lockPath: string): string {
  try {
    const pid = readFileSync(`${lockPath}.pid`, 'utf8').trim();
    return /^\d+$/.test(pid) ? ` (process ${pid})` : '';
  } catch {
    return '';
  }
}

/**
 * Makes the data directory and takes the lock on it.
 *
 * The lock is SQLite's own exclusive lock on a file of its own: the system drops it with the process,
 * however that ends, so nothing stale can remain; and it leaves the database free for a reader.
 *
 * @throws Error with one sentence naming the directory when another process has it
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const directory = resolve(dataDir);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, LOCK_FILE);
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      throw new Error(
        `The data directory ${directory} is in use by another gateway${holderOf(path)}: stop that one, or choose another directory.`,
        { cause: error },
      );
    }
    throw error;
  }
  try {
    writeFileSync(`${path}.pid`, `${process.pid}\n`);
  } catch {
    // Only the wording of a refusal depends on it; a full disk must not keep the gateway from starting.
  }
  return {
    release() {
      lock.close();
    },
  };
}
