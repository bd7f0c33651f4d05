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
