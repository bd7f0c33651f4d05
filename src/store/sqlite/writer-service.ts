/**
 * The writer with all that it needs, over one connection: what the writer thread runs, and what tests run in their
 * own thread to see every write.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { createIdSource, type IdSource } from '../../contracts/ids.ts';
import { createEngine } from '../../metering/core/engine.ts';
import { ArchiveDrop } from './archive-operations.ts';
import { Accounts } from './accounts.ts';
import { databasePath } from './database.ts';
import { EmergencyJournal, type EmergencyJournalOptions } from './emergency-journal.ts';
import { EstimatedHolds } from './estimated-holds.ts';
import { HoldHistory } from './hold-history.ts';
import { readBucket } from './journal-tables.ts';
import { Maintenance } from './maintenance.ts';
import { migrate } from './migrations.ts';
import { recover } from './recovery.ts';
import { RequestRetention } from './request-retention.ts';
import { ScopeAccounts } from './scope-accounts.ts';
import { LedgerBroken } from './sqlite-errors.ts';
import type { Flat } from './wire.ts';
import { WalletAlerts } from './wallet-alerts.ts';
import type { WriterOptions } from './worker-options.ts';
import { Writer } from './writer.ts';

/** How often the writer looks after itself. */
export const ROUND_MS = 1000;
/** Replays of older holds are answered out of the journal; a large memory of them costs more than that. */
const RECENT_HOLDS = 32;

export interface WriterServiceParts {
  readonly database: DatabaseSync;
  readonly options: WriterOptions;
  /** Milliseconds that only grow, for the time that passes between batches; default `performance.now`. */
  readonly monotonicMs?: () => number;
  /** Size of the emergency file and how it is written. */
  readonly emergency?: EmergencyJournalOptions;
  /** Fills ids; default the system's. */
  readonly randomFill?: (target: Uint8Array) => void;
}

export interface WriterService {
  /** Carries out one batch and returns the answers. @throws LedgerBroken */
  run(batch: Flat): Flat;
  /** Sequence number of the next event. */
  nextSeq(): number;
  /** One round of maintenance. @throws LedgerBroken */
  round(): void;
  /** Writes what is only in memory and closes the connection. */
  close(): void;
}

function walletAlertsOf(
  database: DatabaseSync,
  ids: IdSource,
  { walletAlerts = null }: WriterOptions,
): WalletAlerts | null {
  return walletAlerts === null ? null : new WalletAlerts(database, ids, walletAlerts);
}

/**
 * Migrates, recovers, and serves.
 *
 * @throws Error with one sentence for the operator when the ledger is not sound or the schema is newer
 */
export function startWriterService(parts: WriterServiceParts): WriterService {
  const { database, options } = parts;
  const monotonicMs = parts.monotonicMs ?? (() => performance.now());
  migrate(database, databasePath(options.dataDir));
  const emergency = new EmergencyJournal(options.dataDir, parts.emergency);
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
  let clockReadMs = monotonicMs();
  const nowMs = (): number => clockMs + Math.floor(monotonicMs() - clockReadMs);
  const accounts = new Accounts(database, engine);
  const history = new HoldHistory(database);
  const ids = createIdSource(nowMs, parts.randomFill ?? ((target) => randomFillSync(target)));
  const { deploymentLimits = [] } = options;
  const scopes = new ScopeAccounts(database, { engine, accounts, deploymentLimits });
  const wallets = walletAlertsOf(database, ids, options);
  const opened = { database, engine, accounts, scopes, history };
  const writer = new Writer({ ...opened, emergency, ids, wallets });
  writer.transact(options.nowMs, () => {
    writer.directory.seed(options.nowMs);
  });
  recover({ ...opened, writer, deferred, nowMs: options.nowMs });
  const tables = {
    retention: new RequestRetention(database, options.keepRequestsMs ?? null),
    archive: new ArchiveDrop(database),
    estimated: new EstimatedHolds(database),
  };
  const maintenance = new Maintenance({ writer, engine, accounts, wallets, ...tables }, options);
  writer.transact(options.nowMs, (unit) => {
    scopes.applyDeployment(unit);
  });
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
  return {
    run(batch) {
      // The gateway's clock is the one that counts; between batches it runs on here.
      clockMs = batch[0] as number;
      clockReadMs = monotonicMs();
      const answers = writer.run(batch);
      if (clockMs - roundAtMs > 2 * ROUND_MS) round();
      return answers;
    },
    nextSeq: () => writer.journal.nextSeq,
    round,
    close() {
      try {
        writer.close();
      } finally {
        emergency.close();
        database.close();
      }
    },
  };
}
