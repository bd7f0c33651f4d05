import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import type { MeteringStore } from '../../metering/ports.ts';
import { databasePath } from './database.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { SCHEMA_VERSION } from './migrations.ts';

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-crash-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

async function defaultCustomer(store: MeteringStore): Promise<string> {
  return (await store.directory.customer('default'))?.customer.id ?? '';
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** Opens in a process of its own, carries out `work` with `store` and `customerId`, then waits to be killed. */
async function killAfter(work: string): Promise<void> {
  const entry = new URL('./open-sqlite-store.ts', import.meta.url).href;
  const samples = new URL('../../metering/testing/store-samples.ts', import.meta.url).href;
  const script = `
    import { openSqliteStore } from ${JSON.stringify(entry)};
    import { reserveOf, settleOf } from ${JSON.stringify(samples)};
    const store = await openSqliteStore({ dataDir: ${JSON.stringify(dataDir)}, durability: 'process' });
    const customerId = (await store.directory.customer('default')).customer.id;
    ${work}
    process.stdout.write('done');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  child.kill('SIGKILL');
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
}

describe('one data directory', () => {
  it('serves one process at a time and says who has it', async () => {
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    const script = `
      import { openSqliteStore } from ${JSON.stringify(new URL('./open-sqlite-store.ts', import.meta.url).href)};
      await openSqliteStore({ dataDir: ${JSON.stringify(dataDir)}, durability: 'process' })
        .then(() => console.log('opened'), (error) => console.log(error.message));`;
    const second = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    expect(second.stdout.trim()).toBe(
      `The data directory ${dataDir} is in use by another gateway (process ${process.pid}): stop that one, or choose another directory.`,
    );
    expect(await messageOf(openSqliteStore({ dataDir, durability: 'process' }))).toContain(dataDir);
    await store.close();
    const next = await openSqliteStore({ dataDir, durability: 'power' });
    expect(next.durability).toContain('power cut');
    await next.close();
  });

  it('is free at once after its process was killed', async () => {
    await killAfter('');
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    expect((await store.ledger.verify()).ok).toBe(true);
    await store.close();
  });

  it('is not opened when a newer build wrote it', async () => {
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    await store.close();
    const database = new DatabaseSync(databasePath(dataDir));
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    database.close();
    expect(await messageOf(openSqliteStore({ dataDir, durability: 'process' }))).toMatch(
      /was written by a newer version of the gateway/,
    );
  });
});

describe('the database itself', () => {
  it('keeps the journal append-only and the counters within what was granted', async () => {
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    await store.ledger.reserve(reserveOf(await defaultCustomer(store), 1));
    await store.close();
    const database = new DatabaseSync(databasePath(dataDir));
    expect(() => {
      database.exec('UPDATE event SET at = 0');
    }).toThrow(/append-only/);
    expect(() => {
      database.exec('DELETE FROM event');
    }).toThrow(/append-only/);
    expect(() => {
      database.exec('UPDATE bucket SET spent = granted + 1');
    }).toThrow(/CHECK/);
    expect(() => {
      database.exec('UPDATE bucket SET held = -1');
    }).toThrow(/CHECK/);
    database.close();
  });

  it('is refused when a counter differs from the journal', async () => {
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    await store.ledger.reserve(reserveOf(await defaultCustomer(store), 1));
    await store.close();
    const database = new DatabaseSync(databasePath(dataDir));
    database.exec("UPDATE bucket SET held = held - 1 WHERE meter = 'cost_usd'");
    database.close();
    expect(await messageOf(openSqliteStore({ dataDir, durability: 'process' }))).toMatch(
      /does not match its journal \(held of .*cost_usd\/period/,
    );
  });
});

describe('a call that a crash cut off', () => {
  it('keeps its reservation, then is charged what was seen, and a later settlement corrects it', async () => {
    await killAfter(`
      await store.ledger.reserve(reserveOf(customerId, 1, 10_000n));
      await store.ledger.reserve(reserveOf(customerId, 2, 10_000n));
      store.ledger.progress('hold_2', [{ model: 'openai/gpt-4o-mini', amounts: { cost_usd: 7000n } }]);
      await new Promise((resolve) => setTimeout(resolve, 1500));`);
    let nowMs = Date.now();
    const clock = (): number => nowMs;
    const first = await openSqliteStore({ dataDir, durability: 'process', clock });
    const customerId = await defaultCustomer(first);
    const cost = async (store: MeteringStore) =>
      (await store.ledger.limits(customerId, null)).find((limit) => limit.id === 'cost_usd/period');
    expect(await cost(first)).toMatchObject({ held: '0.000020000', used: '0.000000000' });
    const kinds = (await first.reader.events({ limit: 100, cursor: null })).data;
    expect(kinds.filter((event) => event.kind === 'unknown')).toHaveLength(2);
    await first.close();

    const store = await openSqliteStore({ dataDir, durability: 'process', clock });
    nowMs += 15 * 60_000 + 1;
    await store.ledger.limits(customerId, null);
    expect(await cost(store)).toMatchObject({ held: '0.000000000', used: '0.000012000' });
    expect(await store.reader.request('req_1')).toMatchObject({
      estimated: true,
      costNanoUsd: 5000n,
      hold: { state: 'settled' },
    });
    await store.ledger.settle(settleOf(reserveOf(customerId, 2), nowMs, 9000n));
    expect(await cost(store)).toMatchObject({ used: '0.000014000' });
    const usage = await store.reader.usage({
      customerId,
      fromMs: 0,
      toMs: nowMs + 1,
      groupBy: [],
      bucket: null,
    });
    expect(usage.totals).toMatchObject({ requests: 2n, cost_usd: 14_000n });
    expect((await store.ledger.verify()).mismatches).toEqual([]);
    await store.close();
  });

  it('is settled by its own settlement when that arrives within the grace', async () => {
    await killAfter('await store.ledger.reserve(reserveOf(customerId, 1, 10_000n));');
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    const customerId = await defaultCustomer(store);
    const command = reserveOf(customerId, 1, 10_000n);
    expect((await store.ledger.settle(settleOf(command, Date.now(), 8000n))).replayed).toBe(false);
    expect(await store.reader.request('req_1')).toMatchObject({
      estimated: false,
      costNanoUsd: 8000n,
    });
    await store.close();
  });
});

describe('what memory has forgotten', () => {
  it('is answered out of the journal after a restart', async () => {
    const before = await openSqliteStore({ dataDir, durability: 'process' });
    const customerId = await defaultCustomer(before);
    const command = reserveOf(customerId, 1);
    const settle = settleOf(command, Date.now());
    await before.ledger.reserve(command);
    await before.ledger.settle(settle);
    await before.close();
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    expect(await store.ledger.settle(settle)).toMatchObject({ type: 'settled', replayed: true });
    const [again, fresh] = await Promise.all([
      store.ledger.reserve(command),
      store.ledger.reserve(reserveOf(customerId, 2)),
    ]);
    expect(again).toMatchObject({ type: 'held', holdId: 'hold_1' });
    expect(fresh).toMatchObject({ type: 'held', holdId: 'hold_2' });
    const other = { ...command, fingerprint: 'another' };
    expect(await messageOf(store.ledger.reserve(other))).not.toBe('no error');
    expect((await store.ledger.verify()).open_holds).toBe(1);
    await store.close();
  });
});

/** Mounts a small file system; null with the reason where that is not possible. */
function mountSmall(directory: string, megabytes: number): string | null {
  const { status, stderr } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory],
    { encoding: 'utf8' },
  );
  return status === 0 ? null : (stderr ?? '').trim() || 'mount is not available';
}

describe('a full disk', () => {
  const probe = mkdtempSync(join(tmpdir(), 'gateway-mount-'));
  const unable = mountSmall(probe, 1);
  if (unable === null) spawnSync('umount', [probe]);
  rmSync(probe, { recursive: true, force: true });
  if (unable !== null) process.stderr.write(`full-disk tests are skipped: ${unable}\n`);

  let small = '';
  let filler = '';
  beforeEach(() => {
    small = join(dataDir, 'small');
    filler = join(small, 'filler');
    mkdirSync(small);
    if (unable === null) mountSmall(small, 12);
  });
  afterEach(() => {
    if (unable === null) spawnSync('umount', ['-l', small]);
  });

  function fill(): void {
    const file = openSync(filler, 'w');
    try {
      for (let size = 1 << 20; size >= 512; size >>= 1) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size, 1));
        } catch {
          // Full for this size: try a smaller one.
        }
      }
    } finally {
      closeSync(file);
    }
  }

  async function reserveSome(store: MeteringStore, customerId: string): Promise<string[]> {
    const ids = Array.from({ length: 20 }, (_, n) => `early_${n}`);
    for (const id of ids) await store.ledger.reserve(reserveOf(customerId, id, 1000n));
    return ids;
  }

  /** Reserves until the store refuses; the ids that were held. */
  async function reserveUntilRefused(store: MeteringStore, customerId: string): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < 20_000; n += 1) {
      const command = reserveOf(customerId, `full_${n}`, 1000n);
      try {
        await store.ledger.reserve(command);
        ids.push(`full_${n}`);
      } catch (error) {
        expect(isGatewayError(error) && error.code).toBe('metering_unavailable');
        return ids;
      }
    }
    throw new Error('the disk did not fill');
  }

  async function reserveWhenPossible(store: MeteringStore, customerId: string): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      try {
        await store.ledger.reserve(reserveOf(customerId, `after_${attempt}`, 1000n));
        return;
      } catch {
        await pause(100);
      }
    }
    throw new Error('the store did not recover');
  }

  it.skipIf(unable !== null)(
    'stops admission, loses no settlement, and recovers by itself',
    async () => {
      const store = await openSqliteStore({ dataDir: small, durability: 'process' });
      const customerId = await defaultCustomer(store);
      const ids = await reserveSome(store, customerId);
      fill();
      ids.push(...(await reserveUntilRefused(store, customerId)));
      for (const id of ids.slice(0, 20)) {
        const command = reserveOf(customerId, id, 1000n);
        const settled = await store.ledger.settle(settleOf(command, Date.now(), 700n));
        expect(settled).toMatchObject({ type: 'settled', replayed: false });
      }
      expect(await messageOf(store.ledger.reserve(reserveOf(customerId, 'no')))).toMatch(
        /nothing was booked/,
      );
      unlinkSync(filler);
      await reserveWhenPossible(store, customerId);
      const report = await store.ledger.verify();
      expect(report).toMatchObject({
        ok: true,
        open_holds: ids.length - 19,
      });
      expect(await store.reader.request(`req_${ids[0]}`)).toMatchObject({ costNanoUsd: 700n });
      await store.close();
    },
  );

  it.skipIf(unable !== null)(
    'books the settlements after a restart when it never recovered',
    async () => {
      const store = await openSqliteStore({ dataDir: small, durability: 'process' });
      const customerId = await defaultCustomer(store);
      const ids = await reserveSome(store, customerId);
      fill();
      await reserveUntilRefused(store, customerId);
      const command = reserveOf(customerId, ids[0] ?? '', 1000n);
      await store.ledger.settle(settleOf(command, Date.now(), 700n));
      await store.close();
      unlinkSync(filler);
      const next = await openSqliteStore({ dataDir: small, durability: 'process' });
      expect(await next.reader.request(command.requestId)).toMatchObject({ costNanoUsd: 700n });
      expect(await next.ledger.settle(settleOf(command, Date.now(), 700n))).toMatchObject({
        replayed: true,
      });
      expect((await next.ledger.verify()).ok).toBe(true);
      await next.close();
    },
  );
});
