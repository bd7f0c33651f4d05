/**
 * `alwrity-gateway ledger backup` and `ledger restore`: on the data folder itself, whether or not a gateway serves it.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BackupReport } from '../../metering/ledger-operations-port.ts';
import { databasePath, openReaderDatabase } from '../../store/sqlite/database.ts';
import { backupLedger, restoreLedger } from '../../store/sqlite/ledger-backup.ts';
import { CliError } from '../cli-error.ts';
import { addExamples, addOutputOptions, type CommandScope } from '../command-kit.ts';
import { findDataDir } from '../connection.ts';
import { formatCount } from '../format.ts';
import { Output, type OutputFlags } from '../output.ts';

interface Flags extends OutputFlags {
  readonly dataDir?: string;
}

function explained<Result>(code: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CliError(error.message, { code, cause: error });
  }
}

function reportText(what: string, report: BackupReport): string {
  return `${what} ${report.file}: ${formatCount(report.events)} events, ${formatCount(report.openHolds)} open holds, ${formatCount(report.bytes)} bytes; verified.\nNewest hash: ${report.head}`;
}

function shown(report: BackupReport): Readonly<Record<string, unknown>> {
  const { openHolds, ...rest } = report;
  return { ...rest, open_holds: openHolds };
}

function registerBackup(ledger: Command, scope: CommandScope): void {
  const { context } = scope;
  const command = ledger
    .command('backup')
    .argument('<file>', 'where to write; must not exist')
    .description('copy the ledger, also while it is served, and verify the copy')
    .option('--data-dir <folder>', 'folder with the ledger (./data)')
    .action((file: string, flags: Flags) => {
      const dataDir = findDataDir(context, flags);
      const target = resolve(context.workingDirectory, file);
      const report = explained('backup_failed', () => {
        if (!existsSync(databasePath(dataDir)))
          throw new Error(`There is no ledger in ${dataDir}.`);
        const database = openReaderDatabase(dataDir);
        try {
          return backupLedger(database, dataDir, target);
        } finally {
          database.close();
        }
      });
      const output = new Output(context, flags);
      output.data(shown(report), () => reportText('Written to', report));
      output.message('credentials.json is not in it: keep a copy of that file apart.');
    });
  addExamples(addOutputOptions(command), scope, [['ledger backup /backups/ledger.db', '']]);
}

function registerRestore(ledger: Command, scope: CommandScope): void {
  const { context } = scope;
  const command = ledger
    .command('restore')
    .argument('<file>', 'a backup')
    .description('verify a backup and put it into a data folder that has no ledger')
    .option('--data-dir <folder>', 'where to (./data)')
    .action((file: string, flags: Flags) => {
      const dataDir = findDataDir(context, flags);
      const source = resolve(context.workingDirectory, file);
      const report = explained('restore_failed', () => restoreLedger(source, dataDir));
      const output = new Output(context, flags);
      output.data(shown(report), () => reportText('Restored to', report));
      output.message('Put credentials.json of the old folder beside it before the start.');
    });
  addExamples(addOutputOptions(command), scope, [
    ['ledger restore /backups/ledger.db --data-dir ./data-restored', ''],
  ]);
}

export function registerLedgerBackup(ledger: Command, scope: CommandScope): void {
  registerBackup(ledger, scope);
  registerRestore(ledger, scope);
}
