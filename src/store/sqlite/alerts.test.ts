import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeAlerting } from '../../metering/alerts.contract.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

describeAlerting({
  name: 'the SQLite store',
  async create(clock) {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-alerts-'));
    const store = await openSqliteStore({ dataDir, durability: 'process', clock });
    return {
      store,
      async dispose() {
        await store.close();
        rmSync(dataDir, { recursive: true });
      },
    };
  },
});
