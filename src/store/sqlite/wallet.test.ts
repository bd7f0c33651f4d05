import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWallets } from '../../metering/wallet.contract.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

describeWallets(() => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-wallet-'));
  return {
    open: (clock) => openSqliteStore({ dataDir, durability: 'process', clock }),
    dispose() {
      rmSync(dataDir, { recursive: true });
    },
  };
});
