/**
 * Operations of the writer that are not on the hot path, by name. Each topic has a file that makes its own; the
 * gateway's end calls them by name (`open-sqlite-store.ts`).
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ChurningMap } from '../../collections/churning-map.ts';
import type { IdSource } from '../../contracts/ids.ts';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { Accounts } from './accounts.ts';
import { auditOperations } from './audit-table.ts';
import { alertsOperations } from './alerts-operations.ts';
import { assetOperations } from './asset-operations.ts';
import { voiceOperations } from './voice-operations.ts';
import type { BatchUnit } from './batch-unit.ts';
import { directoryOperations } from './directory-operations.ts';
import type { DirectoryWriter } from './directory-writer.ts';
import { archiveOperations } from './archive-operations.ts';
import { holdOperations } from './hold-operations.ts';
import type { ProgressTable } from './progress-table.ts';
import type { JournalTables } from './journal-tables.ts';
import { ledgerOperations } from './ledger-operations.ts';
import { jobOperations } from './job-operations.ts';
import { idempotencyOperations } from './idempotency-operations.ts';
import { quoteOperations } from './quote-operations.ts';
import type { IdempotencyTable } from './idempotency-table.ts';
import { subscriptionOperations } from './subscription-operations.ts';
import { limitOperations } from './limit-operations.ts';
import type { ScopeAccounts } from './scope-accounts.ts';
import { priceOperations } from './price-operations.ts';
import { reconciliationOperations } from './reconciliation-operations.ts';
import type { CallIdentity } from './usage-tables.ts';
import { walletOperations } from './wallet-operations.ts';
import type { FlatValue } from './wire.ts';

/** What operations work with. */
export interface OperationParts {
  readonly database: DatabaseSync;
  readonly engine: MeteringEngine;
  readonly accounts: Accounts;
  readonly scopes: ScopeAccounts;
  readonly directory: DirectoryWriter;
  readonly idempotency: IdempotencyTable;
  readonly progress: ProgressTable;
  readonly ids: IdSource;
  /** Open holds by id. */
  readonly openCalls: ChurningMap<
    string,
    { readonly identity: CallIdentity; readonly seq: number }
  >;
  readonly journal: JournalTables;
  /** Since when holds are unknown, in milliseconds since the epoch. */
  readonly unknownSince: ReadonlyMap<string, number>;
}

export interface WriterOperation {
  /**
   * True for one that changes anything: it runs inside the batch's transaction under a savepoint, and what it threw
   * half-way is taken back in database and memory. What the engine applied is handed to `unit.keep`.
   */
  readonly writes: boolean;
  readonly run: (args: readonly FlatValue[], unit: BatchUnit) => FlatValue;
}

/** Operations by name. */
export type OperationTable = Readonly<Record<string, WriterOperation>>;

/** A line for each topic; no name may stand in two of them. */
export function writerOperations(parts: OperationParts): ReadonlyMap<string, WriterOperation> {
  const tables: readonly OperationTable[] = [
    ledgerOperations(parts),
    holdOperations(parts),
    archiveOperations(parts),
    walletOperations(parts),
    directoryOperations(parts),
    idempotencyOperations(parts),
    subscriptionOperations(parts),
    alertsOperations(parts),
    auditOperations(),
    quoteOperations(parts),
    limitOperations(parts),
    priceOperations(parts),
    assetOperations(parts),
    voiceOperations(parts),
    reconciliationOperations(parts),
    jobOperations(parts),
  ];
  const operations = new Map<string, WriterOperation>();
  for (const table of tables) {
    for (const [name, operation] of Object.entries(table)) {
      if (operations.has(name)) throw new Error(`two operations are called ${name}`);
      operations.set(name, operation);
    }
  }
  return operations;
}
