import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeLimitScopes } from '../../metering/limit-scopes.contract.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

describeLimitScopes({
  name: 'SQLite',
  async create(clock, { deploymentLimits }) {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-scopes-'));
    const open = () => openSqliteStore({ dataDir, durability: 'process', clock, deploymentLimits });
    let store = await open();
    return {
      get store() {
        return store;
      },
      async reopen() {
        await store.close();
        store = await open();
      },
      async dispose() {
        await store.close();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  },
});
