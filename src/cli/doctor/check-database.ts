/**
 * The database, while no gateway has it: whole, of this schema, and its counters those of its ledger.
 *
 * @module
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { VerifyReport } from '../../metering/ports.ts';
import { databasePath } from '../../store/sqlite/database.ts';
import { SCHEMA_VERSION } from '../../store/sqlite/migrations.ts';
import { ReaderLink } from '../../store/sqlite/reader-link.ts';
import { formatBytes, formatCount } from '../format.ts';
import { fail, messageOf, ok, warn, type Finding, type Patient } from './finding.ts';

const MIB = 1024 * 1024;
/** A larger database is read in part only: the doctor is to answer within seconds. */
const READ_WHOLE_BYTES = 256 * MIB;
const PROBLEMS_SHOWN = 3;

export interface DatabaseCheck {
  readonly findings: readonly Finding[];
  /** Time of the newest event, milliseconds since the epoch; null without one. */
  readonly newestBookingMs: number | null;
}

/** True while a gateway has the folder: it holds an exclusive lock on a file of its own. */
export function isDataDirLocked(dataDir: string): boolean {
  const path = join(dataDir, 'gateway.lock');
  if (!existsSync(path)) return false;
  try {
    const lock = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    try {
      lock.prepare('SELECT count(*) FROM sqlite_master').get();
      return false;
    } finally {
      lock.close();
    }
  } catch (error) {
    return /locked|busy/i.test(messageOf(error));
  }
}

function damaged(what: string, patient: Patient): Finding {
  return fail('database', what, {
    why: 'the ledger cannot be trusted as it is; the gateway will not serve',
    fix: `restore a backup of ${patient.dataDir}, or begin anew: ${patient.context.invocation} start --data-dir <another folder>`,
  });
}

function numberOf(database: DatabaseSync, sql: string): number | null {
  const [value] = Object.values(database.prepare(sql).get() ?? {});
  return typeof value === 'number' ? value : null;
}

function checkSchema(version: number, path: string): Finding {
  if (version > SCHEMA_VERSION) {
    return fail(
      'migrations',
      `${path} has schema ${version}, this version reads up to ${SCHEMA_VERSION}`,
      {
        why: 'a newer version has written it',
        fix: 'start that version: npx alwrity-gateway@latest',
      },
    );
  }
  if (version < SCHEMA_VERSION) {
    return warn('migrations', `${SCHEMA_VERSION - version} pending`, {
      why: 'the next start applies them; the version before cannot read the database afterwards',
      fix: 'copy the data folder first, then start',
    });
  }
  return ok('migrations', `none pending (schema ${version})`);
}

function integrity(database: DatabaseSync, isSmall: boolean): readonly string[] {
  const pragma = isSmall ? 'integrity_check' : 'quick_check';
  return database
    .prepare(`PRAGMA ${pragma}(${PROBLEMS_SHOWN})`)
    .all()
    .map((row) => String(Object.values(row)[0]))
    .filter((text) => text !== 'ok');
}

async function checkLedger(patient: Patient): Promise<Finding> {
  const readers = new ReaderLink(patient.dataDir);
  try {
    const report = await readers.ask<VerifyReport>('verify', []);
    const [first] = report.mismatches;
    if (first === undefined) {
      return ok('ledger', `${formatCount(report.events)} events; every counter follows from them`);
    }
    const what = `${report.mismatches.length} counters differ, such as ${first.field} of ${first.bucket}: ${first.actual} instead of ${first.expected}`;
    return { ...damaged(what, patient), check: 'ledger' };
  } catch (error) {
    return { ...damaged(`cannot be read: ${messageOf(error)}`, patient), check: 'ledger' };
  } finally {
    await readers.close();
  }
}

/** Checks a database that no gateway has open. */
export async function checkDatabase(patient: Patient): Promise<DatabaseCheck> {
  const path = databasePath(patient.dataDir);
  if (!existsSync(path)) {
    return {
      findings: [ok('database', 'will be made at the first start')],
      newestBookingMs: null,
    };
  }
  const bytes = statSync(path).size;
  const isSmall = bytes <= READ_WHOLE_BYTES;
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
    const schema = checkSchema(numberOf(database, 'PRAGMA user_version') ?? 0, path);
    const problems = integrity(database, isSmall);
    if (problems.length > 0) {
      return {
        findings: [damaged(`${path} is damaged: ${problems[0] ?? ''}`, patient), schema],
        newestBookingMs: null,
      };
    }
    const newestBookingMs =
      schema.status === 'ok' ? numberOf(database, 'SELECT max(at) FROM event') : null;
    const whole = ok('database', `${path} is whole (${formatBytes(bytes)})`);
    const ledger = schema.status === 'ok' && isSmall ? [await checkLedger(patient)] : [];
    return { findings: [whole, schema, ...ledger], newestBookingMs };
  } catch (error) {
    return {
      findings: [damaged(`${path} cannot be read: ${messageOf(error)}`, patient)],
      newestBookingMs: null,
    };
  } finally {
    database?.close();
  }
}
