import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { describeAdmin } from './admin.contract.ts';

describeAdmin('SQLite', async ({ now }) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-admin-'));
  const store = await openSqliteStore({ dataDir, durability: 'process', clock: now });
  return {
    ...store,
    close: async () => {
      await store.close();
      rmSync(dataDir, { recursive: true });
    },
  };
});
