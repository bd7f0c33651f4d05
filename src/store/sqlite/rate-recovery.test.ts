import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeteringStore } from '../../metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const START_MS = Date.UTC(2026, 2, 10, 12);

let dataDir = '';
let nowMs = START_MS;
let customerId = '';
let store: MeteringStore;

async function open(): Promise<void> {
  store = await openSqliteStore({ dataDir, durability: 'process', clock: () => nowMs });
}

async function restart(): Promise<void> {
  await store.close();
  await open();
}

async function codeOf(name: string): Promise<string> {
  const answer = await store.ledger.reserve(reserveOf(customerId, name));
  return answer.type === 'held' ? 'held' : answer.code;
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-rates-'));
  nowMs = START_MS;
  await open();
  await store.directory.createPlan({
    id: 'rated',
    name: 'Rated',
    limits: [
      { meter: 'requests', window: 'minute', amount: 3 },
      { meter: 'total_tokens', window: 'minute', amount: 100_000 },
    ],
  });
  const made = await store.directory.createCustomer({
    externalId: 'user-1',
    name: null,
    planId: 'rated',
    trialDays: null,
    cadence: 'month',
    timezone: 'UTC',
    anchorLocal: null,
  });
  customerId = made.customer.id;
});
afterEach(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('limits by the minute over a restart', () => {
  it('are as used as they were', async () => {
    for (const name of ['a', 'b', 'c']) expect(await codeOf(name)).toBe('held');
    await restart();
    expect(await codeOf('d')).toBe('rate_limited');
    nowMs += 20_000;
    await restart();
    expect([await codeOf('e'), await codeOf('f')]).toEqual(['held', 'rate_limited']);
  });

  it('count what a settlement used, and give back what a release did not', async () => {
    await codeOf('a');
    await codeOf('b');
    await store.ledger.settle(settleOf(reserveOf(customerId, 'a'), nowMs));
    await store.ledger.void(voidOf(reserveOf(customerId, 'b'), nowMs));
    const before = await store.ledger.limits(customerId, null);
    await restart();
    expect(await store.ledger.limits(customerId, null)).toEqual(before);
    expect([await codeOf('c'), await codeOf('d'), await codeOf('e')]).toEqual([
      'held',
      'held',
      'rate_limited',
    ]);
  });

  it('are free again when the minute is long past', async () => {
    for (const name of ['a', 'b', 'c']) await codeOf(name);
    nowMs += 600_000;
    await restart();
    expect(await codeOf('d')).toBe('held');
  });
});
