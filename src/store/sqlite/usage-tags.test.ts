import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const START_MS = Date.parse('2026-03-10T09:00:00Z');

it('tells a hundred values and 32 names apart on a day, and every view adds up', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-tags-'));
  let nowMs = START_MS;
  const open = () => openSqliteStore({ dataDir, durability: 'process', clock: () => nowMs });
  let store = await open();
  const { customer } = await store.directory.createCustomer({
    externalId: 'user-1',
    name: null,
    planId: 'enterprise',
    trialDays: null,
    cadence: 'month',
    timezone: 'UTC',
    anchorLocal: null,
  });
  const call = async (n: number, tags: Readonly<Record<string, string>>): Promise<void> => {
    const command = { ...reserveOf(customer.id, n), tags };
    await store.ledger.reserve(command);
    const settle = settleOf(command, nowMs);
    await store.ledger.settle({ ...settle, request: { ...settle.request, tags } });
  };
  const view = async (name: string, fromMs: number, toMs: number) => {
    const { groups, totals } = await store.reader.usage({
      customerId: customer.id,
      fromMs,
      toMs,
      groupBy: [`tag:${name}`],
      bucket: null,
    });
    const counts = new Map(
      groups.map(({ key, totals: sum }) => [key[`tag:${name}`], sum.requests]),
    );
    return { counts, total: totals.requests };
  };
  for (let n = 0; n < 103; n += 1) await call(n, { session: `s${n}` });
  await store.close();
  store = await open();
  await call(200, { session: 's102' });
  await call(201, { session: 's5' });
  for (let n = 0; n < 33; n += 1) await call(300 + n, { [`name${n}`]: 'x' });
  nowMs += 60_000;

  // A whole hour is read from the rollups, a part of one from the requests: both name values alike.
  for (const toMs of [START_MS + 3_600_000, START_MS + 1]) {
    const { counts, total } = await view('session', START_MS, toMs);
    expect(total).toBe(138n);
    expect([counts.size, counts.get('(other)'), counts.get('(none)'), counts.get('s5')]).toEqual([
      102,
      4n,
      33n,
      2n,
    ]);
    expect([...counts.values()].reduce((sum, count) => (sum ?? 0n) + (count ?? 0n), 0n)).toBe(
      total,
    );
    const last = await view('name32', START_MS, toMs);
    expect([...last.counts]).toEqual([['(none)', 138n]]);
  }
  await store.close();
  rmSync(dataDir, { recursive: true });
});
