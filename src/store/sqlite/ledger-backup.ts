/**
 * Copies of the ledger: made while it is served, and brought back into an empty folder.
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BackupReport } from '../../metering/ledger-operations-port.ts';
import { databasePath, lockDataDir } from './database.ts';
import { emergencyPath } from './emergency-journal.ts';
import { migrate } from './migrations.ts';
import type { QueryTable } from './reader-queries.ts';
import { verifyLedger } from './verify-ledger.ts';

const PROBLEMS_SHOWN = 3;

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** True while settlements stand in the emergency file that the database has yet to take. */
export function hasDeferredSettlements(dataDir: string): boolean {
  const path = emergencyPath(dataDir);
  if (!existsSync(path)) return false;
  const file = openSync(path, 'r');
  try {
    const length = Buffer.alloc(4);
    return readSync(file, length, 0, 4, 0) === 4 && length.readUInt32LE(0) !== 0;
  } finally {
    closeSync(file);
  }
}

/**
 * Checks a copy as a whole: its pages, its counters, its hashes. One of an older schema is migrated first, as a start
 * would.
 *
 * @throws Error with one sentence when it is not sound
 */
function proveCopy(path: string, shownAs: string): BackupReport {
  const database = new DatabaseSync(path, { readBigInts: true });
  try {
    const problems = database
      .prepare(`PRAGMA integrity_check(${PROBLEMS_SHOWN})`)
      .all()
      .map((row) => String(Object.values(row)[0]))
      .filter((text) => text !== 'ok');
    if (problems.length > 0) throw new Error(`${shownAs} is damaged: ${problems[0] ?? ''}.`);
    migrate(database, shownAs);
    const report = verifyLedger(database);
    const [first] = report.mismatches;
    if (first !== undefined) {
      throw new Error(
        `${shownAs} does not verify: ${first.field} of ${first.bucket} is ${first.actual} instead of ${first.expected}.`,
      );
    }
    const { events, open_holds: openHolds, chain } = report;
    return { file: shownAs, bytes: statSync(path).size, events, openHolds, head: chain.head };
  } finally {
    database.close();
  }
}

/**
 * Writes a consistent copy of the database and verifies it; the file appears only when it is whole. Reads in one
 * snapshot, so that it may be called while a gateway writes.
 *
 * @throws Error with one sentence: the file exists, settlements are not in the database yet, the copy is not sound
 */
export function backupLedger(database: DatabaseSync, dataDir: string, file: string): BackupReport {
  const target = resolve(file);
  if (existsSync(target)) throw new Error(`${target} exists: choose another file.`);
  if (hasDeferredSettlements(dataDir)) {
    throw new Error(
      'Settlements wait in the emergency file because the disk was full: make room, and back up again once they are in the database.',
    );
  }
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    // Made first, since it holds what customers did: nobody else may read it at any moment.
    closeSync(openSync(partial, 'wx', 0o600));
    database.prepare('VACUUM INTO ?').run(partial);
    const report = proveCopy(partial, target);
    syncFile(partial);
    renameSync(partial, target);
    syncFile(dirname(target));
    return report;
  } finally {
    rmSync(partial, { force: true });
  }
}

/**
 * Brings a backup into a data folder that has no ledger. The backup is verified before it gets its name there.
 *
 * @throws Error with one sentence: the folder has a ledger or is in use, the backup is not sound or of a newer version
 */
export function restoreLedger(file: string, dataDir: string): BackupReport {
  const source = resolve(file);
  if (!existsSync(source)) throw new Error(`There is no file ${source}.`);
  const lock = lockDataDir(dataDir);
  const target = databasePath(dataDir);
  const partial = `${target}.restoring`;
  try {
    for (const path of [target, `${target}-wal`]) {
      if (existsSync(path)) {
        throw new Error(`${path} exists: a ledger is never overwritten. Choose an empty folder.`);
      }
    }
    if (hasDeferredSettlements(dataDir)) {
      throw new Error(
        `${emergencyPath(dataDir)} has settlements of another ledger. Choose an empty folder.`,
      );
    }
    copyFileSync(source, partial);
    chmodSync(partial, 0o600);
    const report = proveCopy(partial, source);
    syncFile(partial);
    renameSync(partial, target);
    syncFile(dirname(target));
    return { ...report, file: target };
  } finally {
    for (const ending of ['', '-wal', '-shm', '-journal']) {
      rmSync(`${partial}${ending}`, { force: true });
    }
    lock.release();
  }
}

/** Where the gateway puts the backups that it is asked for over HTTP. */
export function backupPath(dataDir: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace('.', '');
  return join(resolve(dataDir), 'backups', `ledger-${stamp}.db`);
}

export function ledgerBackupQueries(database: DatabaseSync): QueryTable {
  return {
    backupLedger([nowMs]) {
      const dataDir = dirname(database.location() ?? '');
      return backupLedger(database, dataDir, backupPath(dataDir, nowMs as number));
    },
  };
}
