import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { databasePath } from './database.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'gateway-copier-'));
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

describe('Checkpointer', () => {
  it('copies the log into the database while the store serves, and lets go of it at the end', async () => {
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    const sizeBefore = statSync(databasePath(dataDir)).size;
    const call = async (n: number): Promise<void> => {
      const reserve = reserveOf(customerId, n, 1_000n);
      await store.ledger.reserve(reserve);
      await store.ledger.settle(settleOf(reserve, Date.now(), 400n));
    };
    await Promise.all(Array.from({ length: 1_100 }, (_, n) => call(n)));
    // Far fewer pages than those at which the writer would copy them itself.
    await vi.waitFor(
      () => {
        expect(statSync(databasePath(dataDir)).size).toBeGreaterThan(sizeBefore + 500_000);
      },
      { timeout: 15_000 },
    );
    await call(2_000);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 0 });
    await store.close();
    // The last connection has taken the log into the database and removed it.
    expect(() => statSync(`${databasePath(dataDir)}-wal`)).toThrow('ENOENT');
    const again = await openSqliteStore({ dataDir, durability: 'process' });
    expect(await again.ledger.verify()).toMatchObject({ ok: true, open_holds: 0 });
    await again.close();
  });
});
