import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdSource } from '../contracts/ids.ts';
import { hashKey } from '../gateway/caller.ts';
import type { MeteringStore } from '../metering/ports.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { bootstrapDirectory, type Bootstrapped } from './bootstrap.ts';

const ADMIN = 'agk_admin_admin_admin_admin';
const SERVICE = 'agk_service_service_service';
const ids = createIdSource(
  () => 1,
  (target) => crypto.getRandomValues(target),
);
let folder = '';
let store: MeteringStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'alwrity-gateway-bootstrap-'));
  store = await openSqliteStore({ dataDir: folder, durability: 'process' });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function bootstrap(keys: { admin?: string; service?: string } = {}): Promise<Bootstrapped> {
  return bootstrapDirectory({
    store,
    keys: { admin: keys.admin ?? ADMIN, service: keys.service ?? SERVICE },
    ids,
    nowMs: Date.now(),
  });
}

describe('bootstrapDirectory', () => {
  it('adds the two keys once', async () => {
    await bootstrap();
    const { snapshot, warnings } = await bootstrap();
    expect(snapshot.keys.map((key) => key.hash).toSorted()).toEqual(
      [hashKey(ADMIN), hashKey(SERVICE)].toSorted(),
    );
    expect(snapshot.keys.find((key) => key.type === 'service')?.defaultCustomerId).toMatch(/^cus_/);
    expect(warnings).toEqual([]);
  });

  it('revokes the keys of an earlier configuration', async () => {
    await bootstrap();
    const { snapshot } = await bootstrap({ admin: 'agk_new_new_new_new_new_new' });
    expect(snapshot.keys.find((key) => key.hash === hashKey(ADMIN))?.revokedAtMs).not.toBeNull();
  });

  it('starts although its own key was revoked, leaves it revoked and says so', async () => {
    const first = await bootstrap();
    const service = first.snapshot.keys.find((key) => key.type === 'service');
    await store.directory.revokeKey(service?.id ?? '', Date.now());
    const { snapshot, warnings } = await bootstrap();
    expect(snapshot.keys.find((key) => key.id === service?.id)?.revokedAtMs).not.toBeNull();
    expect(warnings[0]).toContain('GATEWAY_API_KEY');
  });

  it('refuses a key that is of another kind already, naming the variable', async () => {
    await bootstrap();
    await expect(bootstrap({ service: ADMIN })).rejects.toThrow(
      'GATEWAY_API_KEY holds a key that exists already as admin key',
    );
  });
});
