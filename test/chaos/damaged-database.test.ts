import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { ChatCaller } from './chat-caller.ts';
import { type GatedUpstream, startGatedUpstream } from './gated-upstream.ts';
import { eventually, GatewayProcess, SERVICE_KEY } from './gateway-process.ts';
import { SmallDisk, whyNoMount } from './small-disk.ts';

const CALLS = 200;
const PAGE_BYTES = 4096;
const workDir = mkdtempSync(join(tmpdir(), 'gateway-damage-'));
let upstream: GatedUpstream;

function gatewayOver(dataDir: string): GatewayProcess {
  return new GatewayProcess({
    dataDir,
    workDir,
    port: 0,
    config: { logging: { level: 'error' } },
    openaiUrl: upstream.url,
  });
}

async function call(
  gateway: GatewayProcess,
): Promise<{ status: number | null; code: string | null }> {
  const caller = new ChatCaller(gateway.url);
  const received = upstream.received;
  const result = caller.call(SERVICE_KEY, {
    tag: '1',
    model: 'openai/gpt-4o-mini',
    maxTokens: 50,
    stream: false,
    leaveAfterMs: null,
  });
  const refused = await Promise.race([
    result,
    eventually(() => upstream.received > received).then(() => null),
  ]);
  upstream.release();
  const { status, code } = refused ?? (await result);
  await caller.close();
  return { status, code };
}

/** A data directory with some hundred calls in it, everything in the database file itself. */
beforeAll(async () => {
  upstream = await startGatedUpstream();
  const gateway = await gatewayOver(join(workDir, 'sound')).ready();
  const caller = new ChatCaller(gateway.url);
  const calls = Array.from({ length: CALLS }, (_, n) =>
    caller.call(SERVICE_KEY, {
      tag: String(n),
      model: 'openai/gpt-4o-mini',
      maxTokens: 50,
      stream: false,
      leaveAfterMs: null,
    }),
  );
  await eventually(() => upstream.waiting === CALLS);
  upstream.release();
  await Promise.all(calls);
  await caller.close();
  await gateway.stop();
  expect(readdirSync(join(workDir, 'sound'))).not.toContain('gateway.db-wal');
}, 60_000);
afterAll(async () => {
  await upstream.close();
  rmSync(workDir, { recursive: true, force: true });
});

function copyOf(name: string): string {
  const dataDir = join(workDir, name);
  cpSync(join(workDir, 'sound'), dataDir, { recursive: true });
  return dataDir;
}

function overwrite(dataDir: string, page: number): void {
  const file = openSync(databasePath(dataDir), 'r+');
  writeSync(file, Buffer.alloc(PAGE_BYTES, 0xa5), 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
  closeSync(file);
}

function rootPageOf(dataDir: string, name: string): number {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  const row = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name);
  database.close();
  return Number(row?.['rootpage']);
}

/** Refuses to start with a sentence that names the matter, or answers 503; a stack trace is no sentence. */
async function expectNoService(dataDir: string): Promise<string> {
  const gateway = gatewayOver(dataDir);
  try {
    const url = await gateway.listening;
    if (url === null) {
      expect((await gateway.exited).code).not.toBe(0);
      expect(gateway.complaint).not.toMatch(/^\s+at .*\(|node:internal/m);
      return gateway.complaint;
    }
    const { status, code } = await call(gateway);
    expect({ status, code }).toEqual({ status: 503, code: 'metering_unavailable' });
    return code ?? '';
  } finally {
    await gateway.kill();
  }
}

describe('a damaged database', () => {
  it.each([
    'event',
    'bucket',
    'ledger_mark',
    'api_key',
    'customer',
    'plan_version',
    'subscription',
  ])(
    'is not served from when a page of %s is destroyed',
    async (table) => {
      const dataDir = copyOf(`page-of-${table}`);
      overwrite(dataDir, rootPageOf(dataDir, table));
      expect(await expectNoService(dataDir)).toMatch(/database .*is damaged|metering_unavailable/);
    },
    60_000,
  );

  it('is refused when its first page is destroyed, or when half of it is missing', async () => {
    const destroyed = copyOf('first-page');
    overwrite(destroyed, 1);
    expect(await expectNoService(destroyed)).toMatch(/gateway\.db is damaged .*Restore a backup/);
    const halved = copyOf('half');
    truncateSync(databasePath(halved), 20 * PAGE_BYTES);
    expect(await expectNoService(halved)).toMatch(/gateway\.db is damaged .*Restore a backup/);
  }, 60_000);

  it('is refused when a counter was changed behind the ledger', async () => {
    const dataDir = copyOf('forged');
    const database = new DatabaseSync(databasePath(dataDir));
    database.exec("UPDATE bucket SET spent = spent - 1 WHERE meter = 'cost_usd'");
    database.close();
    const complaint = await expectNoService(dataDir);
    expect(complaint).toMatch(/does not match its journal/);
  }, 60_000);

  it('serves when only a sound copy is put back', async () => {
    const gateway = await gatewayOver(copyOf('restored')).ready();
    expect(await gateway.verify()).toMatchObject({ ok: true, open_holds: 0 });
    expect((await call(gateway)).status).toBe(200);
    await gateway.stop();
  }, 60_000);
});

const unable = whyNoMount();
if (unable !== null) process.stderr.write(`the test on a read-only disk is skipped: ${unable}\n`);

describe.skipIf(unable !== null)('a data directory on a read-only disk', () => {
  it('is refused with a sentence', async () => {
    const directory = join(workDir, 'read-only');
    mkdirSync(directory);
    const disk = new SmallDisk(directory, 24);
    try {
      cpSync(join(workDir, 'sound'), join(directory, 'data'), { recursive: true });
      expect(disk.makeReadOnly()).toBeNull();
      expect(await expectNoService(join(directory, 'data'))).toMatch(
        /cannot be written .*mounted read-only/,
      );
    } finally {
      disk.remove();
    }
  }, 60_000);
});
