import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeVoiceRecords } from '../../metering/voice-records.contract.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

describeVoiceRecords({
  name: 'SQLite',
  async create() {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-voices-'));
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    return {
      records: store.voices,
      async dispose() {
        await store.close();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  },
});
