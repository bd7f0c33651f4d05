import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeAssetRecords } from '../../media/asset-records.contract.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

describeAssetRecords({
  name: 'SQLite',
  async create() {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-assets-'));
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    return {
      records: store.assets,
      async dispose() {
        await store.close();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  },
});
