import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import type { MeteringStore } from '../../metering/ports.ts';
import { databasePath, openReaderDatabase } from './database.ts';
import { backupLedger, restoreLedger } from './ledger-backup.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

let folder = '';
let dataDir = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-backup-'));
  dataDir = join(folder, 'data');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function open(directory = dataDir): Promise<MeteringStore> {
  return openSqliteStore({ dataDir: directory, durability: 'process' });
}

async function customerOf(store: MeteringStore): Promise<string> {
  return (await store.directory.customer('default'))?.customer.id ?? '';
}

/** Books calls without a pause until told to stop; `booked` are those that were answered. */
function load(store: MeteringStore, customerId: string) {
  const booked: string[] = [];
  let isOn = true;
  const call = async (worker: number): Promise<void> => {
    for (let turn = 0; isOn && turn < 100_000; turn += 1) {
      const command = reserveOf(customerId, `${worker}-${turn}`, 1_000n);
      await store.ledger.reserve(command);
      await store.ledger.settle(settleOf(command, Date.now(), 900n));
      booked.push(command.holdId);
    }
  };
  const running = Promise.all(Array.from({ length: 8 }, (_, worker) => call(worker)));
  return {
    booked,
    async stop() {
      isOn = false;
      await running;
    },
  };
}

function settledIn(path: string): ReadonlySet<string> {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("SELECT hold_id FROM event WHERE kind = 'settle'").all();
  database.close();
  return new Set(rows.map((row) => String(row['hold_id'])));
}

describe('a backup', () => {
  it('is made under load and restored elsewhere with every booking that was answered before it began', async () => {
    const store = await open();
    const customerId = await customerOf(store);
    const calls = load(store, customerId);
    while (calls.booked.length < 200) await new Promise((resolve) => setImmediate(resolve));
    const before = [...calls.booked];
    const backup = await store.ledgerOperations.backup();
    await calls.stop();
    await store.close();
    expect(statSync(backup.file).mode & 0o777).toBe(0o600);

    const elsewhere = join(folder, 'elsewhere');
    const restored = restoreLedger(backup.file, elsewhere);
    expect(restored).toMatchObject({ events: backup.events, head: backup.head });
    const settled = settledIn(databasePath(elsewhere));
    expect(before.filter((holdId) => !settled.has(holdId))).toEqual([]);
    expect(readdirSync(elsewhere).filter((name) => name.includes('restoring'))).toEqual([]);

    const next = await open(elsewhere);
    const report = await next.ledger.verify();
    const command = reserveOf(await customerOf(next), 'after');
    await next.ledger.reserve(command);
    await next.ledger.settle(settleOf(command, Date.now()));
    const later = await next.ledger.verify();
    await next.close();
    expect(report).toMatchObject({ ok: true });
    expect(later).toMatchObject({ ok: true });
  });

  it('is made by another process than the one that serves, and never over a file', async () => {
    const store = await open();
    const file = join(folder, 'copy.db');
    const reader = openReaderDatabase(dataDir);
    const report = backupLedger(reader, dataDir, file);
    expect(report.file).toBe(file);
    expect(() => backupLedger(reader, dataDir, file)).toThrow(/exists: choose another file/);
    reader.close();
    await store.close();
  });

  it('is not restored over a ledger, nor when a byte of it was changed', async () => {
    const store = await open();
    const customerId = await customerOf(store);
    const command = reserveOf(customerId, 'a');
    await store.ledger.reserve(command);
    await store.ledger.settle(settleOf(command, Date.now()));
    const { file } = await store.ledgerOperations.backup();
    expect(() => restoreLedger(file, dataDir)).toThrow(/in use by another gateway/);
    await store.close();
    expect(() => restoreLedger(file, dataDir)).toThrow(/a ledger is never overwritten/);
    const database = new DatabaseSync(file);
    database.exec(
      "DROP TRIGGER event_no_update; UPDATE event SET body = replace(body, 'chatcmpl-1', 'chatcmpl-2')",
    );
    database.close();
    const elsewhere = join(folder, 'elsewhere');
    expect(() => restoreLedger(file, elsewhere)).toThrow(/does not verify: hash of event/);
    expect(readdirSync(elsewhere)).not.toContain('gateway.db');
    const noise = join(folder, 'noise.db');
    writeFileSync(noise, 'this is no database, however long it may be made to look');
    expect(() => restoreLedger(noise, elsewhere)).toThrow(/not a database/);
  });
});
