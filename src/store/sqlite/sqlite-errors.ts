/**
 * Errors of SQLite by what they mean for the ledger. Codes: https://www.sqlite.org/rescode.html
 *
 * @module
 */
import { isGatewayError } from '../../contracts/gateway-error.ts';

/** The database says that a promise would be broken: nothing may be served any more. */
export class LedgerBroken extends Error {}

const SQLITE_CONSTRAINT_CHECK = 275;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Extended result code; 0 for any other error. */
export function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
}

/** A row with this key exists. */
export function isDuplicate(error: unknown): boolean {
  // SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
  return [2067, 1555].includes(sqliteCode(error));
}

/** The disk is full or cannot be written. */
export function isStorageFault(error: unknown): boolean {
  if (isGatewayError(error) || !(error instanceof Error)) return false;
  // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
  if ([8, 10, 13, 14].includes(sqliteCode(error) & 0xff)) return true;
  return 'code' in error && ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'].includes(String(error.code));
}

/** What the file holds is not what was written there. */
export function isDamaged(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(sqliteCode(error) & 0xff);
}

/** Why the store cannot be opened, for the operator: SQLite's own texts name neither file nor remedy. */
export function openingSentence(error: unknown, path: string): string {
  const text = error instanceof Error ? error.message : String(error);
  if (isDamaged(error)) {
    return `The database ${path} is damaged (${text}): the gateway will not serve. Restore a backup of the data directory.`;
  }
  if (sqliteCode(error) !== 0 && isStorageFault(error)) {
    return `The database ${path} cannot be written (${text}): make its directory writable for this user, and see that the disk is not full or mounted read-only.`;
  }
  return text;
}

/** @throws LedgerBroken when the error means that nothing may be served any more */
export function throwIfBroken(error: unknown): void {
  const code = sqliteCode(error);
  if (code === SQLITE_CONSTRAINT_CHECK || (code & 0xff) === SQLITE_CORRUPT) {
    throw new LedgerBroken(
      `The metering database refused a write that would break the ledger (${error instanceof Error ? error.message : 'unknown'}); the store has stopped.`,
      { cause: error },
    );
  }
}
