/**
 * The SQLite store as shared suites take it: in a folder of its own, which goes with it.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoreSuite } from '../../../metering/store.contract.ts';
import { databasePath } from '../database.ts';
import { openSqliteStore } from '../open-sqlite-store.ts';

/** Every row of every table, as text. */
function dumpTables(dataDir: string): string {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true, readBigInts: true });
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all();
  const dump = tables.map(({ name }) => [
    name,
    database
      .prepare(`SELECT * FROM "${String(name)}"`)
      .all()
      .map((row) => Object.values(row).map(String).join('|')),
  ]);
  database.close();
  return JSON.stringify(dump, null, 1);
}

/** Opens a store in a new folder. */
export const sqliteSuite: StoreSuite = {
  name: 'the SQLite store',
  async create(clock) {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-store-'));
    const store = await openSqliteStore({ dataDir, durability: 'process', clock });
    return {
      store,
      dump: () => Promise.resolve(dumpTables(dataDir)),
      async dispose() {
        await store.close();
        rmSync(dataDir, { recursive: true });
      },
    };
  },
};
