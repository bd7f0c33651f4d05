import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeteringStore } from '../../metering/ports.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { Readers } from './readers.ts';

const CALLS = 200;

describe('the readers', () => {
  let dataDir: string;
  let store: MeteringStore;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-readers-'));
    store = await openSqliteStore({ dataDir, durability: 'process' });
    const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    const commands = Array.from({ length: CALLS }, (_, n) => reserveOf(customerId, n, 1000n));
    await Promise.all(commands.map((command) => store.ledger.reserve(command)));
    await Promise.all(commands.map((command) => store.ledger.settle(settleOf(command, 1, 400n))));
  });

  afterEach(async () => {
    await store.close();
    rmSync(dataDir, { recursive: true });
  });

  const page = { limit: 1, cursor: null, customerId: null };

  it('prove the ledger beside lists, at once and again', async () => {
    const [first, second, keys] = await Promise.all([
      store.ledger.verify(),
      store.ledger.verify(),
      store.directory.keys(page),
    ]);
    expect(first).toMatchObject({ ok: true, open_holds: 0 });
    expect(second).toEqual(first);
    expect(keys.data).toHaveLength(0);
    expect(await store.ledger.verify()).toEqual(first);
  });

  it('end with what is being read, and refuse afterwards', async () => {
    const readers = new Readers(dataDir);
    const proof = readers.ask<{ readonly ok: boolean }>('verify', []);
    const list = readers.ask('keys', [page]);
    await Promise.all([proof, list]);
    await readers.close();
    await expect(readers.ask('verify', [])).rejects.toMatchObject({ code: 'metering_unavailable' });
    await expect(readers.ask('keys', [page])).rejects.toMatchObject({
      code: 'metering_unavailable',
    });
  });
});
