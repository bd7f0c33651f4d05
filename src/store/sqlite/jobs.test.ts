import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeJobs } from '../../metering/jobs.contract.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

describeJobs({
  name: 'SQLite',
  judges: true,
  async create(clock) {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-jobs-'));
    const open = () => openSqliteStore({ dataDir, durability: 'process', clock });
    let store = await open();
    return {
      store,
      async reopen() {
        await store.close();
        store = await open();
        return store;
      },
      async dispose() {
        await store.close();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  },
});
