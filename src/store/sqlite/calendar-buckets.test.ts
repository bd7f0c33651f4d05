/**
 * A zone change, or new time-zone data, can give a box the same start and a later end: it is the same box still, and
 * what was used in it stays used, whether or not memory remembers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeteringStore } from '../../metering/ports.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

/** In Puerto Rico the day from 04:00Z lasts 24 hours, in New York, whose clocks are set back, 25. */
const NOON_MS = Date.parse('2026-11-01T12:00:00Z');
const AFTER_MS = Date.parse('2026-11-02T04:30:00Z');
const NEXT_MS = Date.parse('2026-11-02T05:00:00Z');

describe('a box that lasts longer than its buckets were made for', () => {
  let dataDir: string;
  let nowMs: number;
  let store: MeteringStore;
  let id: string;
  let calls = 0;

  const open = (): Promise<MeteringStore> =>
    openSqliteStore({ dataDir, durability: 'process', clock: () => nowMs });

  async function reopen(): Promise<void> {
    await store.close();
    store = await open();
  }

  async function call(): Promise<string> {
    const command = reserveOf(id, (calls += 1), 0n);
    const answer = await store.ledger.reserve(command);
    if (answer.type !== 'held') return answer.code;
    await store.ledger.settle(settleOf(command, nowMs, 0n));
    return 'held';
  }

  const moveTo = (timezone: string) =>
    store.directory.patchSubscription(id, { at: 'now', mode: 'keep_used', timezone });

  async function usedOf(window: string): Promise<string | undefined> {
    const limits = await store.ledger.limits(id, null);
    return limits.find((limit) => limit.id === `requests/${window}`)?.used;
  }

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-boxes-'));
    nowMs = NOON_MS;
    store = await open();
    await store.directory.createPlan({
      id: 'daily',
      name: 'Daily',
      price_usd: { month: '1.00', year: '10.00' },
      limits: [
        { meter: 'requests', window: 'day', amount: 2, overage_cap: 1, on_breach: 'overage' },
        { meter: 'requests', window: 'week', amount: 100 },
      ],
    });
    const made = await store.directory.createCustomer({
      externalId: 'user-1',
      name: null,
      planId: 'daily',
      trialDays: null,
      cadence: 'month',
      timezone: 'America/Puerto_Rico',
      anchorLocal: null,
    });
    ({ id } = made.customer);
  });

  afterEach(async () => {
    expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it.each([
    ['without a restart', async () => undefined],
    ['after a restart', reopen],
  ])('keeps what was used %s', async (_when, between) => {
    expect([await call(), await call(), await call(), await call()]).toEqual([
      'held',
      'held',
      'held',
      'limit_exceeded',
    ]);
    nowMs = AFTER_MS;
    await between();
    await moveTo('America/New_York');
    expect(await usedOf('day')).toBe('3');
    expect(await call()).toBe('limit_exceeded');
    nowMs = NEXT_MS;
    expect(await usedOf('day')).toBe('0');
    expect(await call()).toBe('held');
  });

  it('goes on in the box where there is room', async () => {
    expect(await call()).toBe('held');
    nowMs = AFTER_MS;
    await reopen();
    await moveTo('America/New_York');
    expect(await call()).toBe('held');
    expect(await usedOf('day')).toBe('2');
    expect(await usedOf('week')).toBe('2');
  });
});
