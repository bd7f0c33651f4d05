import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeteringStore } from '../../metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.parse('2026-03-10T09:30:00Z');
const KEPT_DAYS = 3;

describe('retention of requests', () => {
  let dataDir: string;
  let store: MeteringStore;
  let customerId: string;
  let nowMs: number;

  async function open(): Promise<void> {
    store = await openSqliteStore({
      dataDir,
      durability: 'process',
      clock: () => nowMs,
      keepRequestsMs: KEPT_DAYS * DAY_MS,
    });
  }

  /** Lets maintenance run as often as the clock has moved. */
  async function rounds(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      nowMs += 5_000;
      await store.ledger.limits(customerId, null);
    }
  }

  async function call(n: number): Promise<void> {
    const command = reserveOf(customerId, n);
    await store.ledger.reserve(command);
    await store.ledger.settle(settleOf(command, nowMs));
  }

  async function usage(fromMs = 0, toMs = nowMs + DAY_MS) {
    return store.reader.usage({ customerId, fromMs, toMs, groupBy: [], bucket: null });
  }

  async function requestIds(): Promise<readonly string[]> {
    const query = { customerId: null, fromMs: null, toMs: null, limit: 1000, cursor: null };
    return (await store.reader.requests(query)).data.map((request) => request.requestId);
  }

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-retention-'));
    nowMs = START_MS;
    await open();
    const { customer } = await store.directory.createCustomer({
      externalId: 'user-1',
      name: null,
      planId: 'enterprise',
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: null,
    });
    customerId = customer.id;
  });

  afterEach(async () => {
    await store.close();
    rmSync(dataDir, { recursive: true });
  });

  it('removes old rows step by step, and neither usage nor the ledger', async () => {
    const command = reserveOf(customerId, 'void');
    await store.ledger.reserve(command);
    await store.ledger.void(voidOf(command, nowMs));
    for (let n = 0; n < 1_200; n += 1) await call(n);
    nowMs += 2 * DAY_MS;
    await call(5_000);
    const before = await usage();
    const events = (await store.ledger.verify()).events;
    await rounds(3);
    expect(await requestIds()).toHaveLength(1000);
    nowMs += 2 * DAY_MS;
    await rounds(8);
    expect(await requestIds()).toEqual(['req_5000']);
    expect((await usage()).totals).toEqual(before.totals);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, events });
  }, 60_000);

  it('tells usage to the hour where the requests are gone, with ranges that still touch', async () => {
    await call(1);
    nowMs += 20 * 60_000;
    await call(2);
    const middleMs = START_MS + 10 * 60_000;
    expect((await usage(START_MS, middleMs)).totals.requests).toBe(1n);
    nowMs += 5 * DAY_MS;
    await rounds(4);
    const first = await usage(START_MS, middleMs);
    const second = await usage(middleMs, nowMs);
    const hourMs = Math.floor(START_MS / HOUR_MS) * HOUR_MS;
    expect([first.fromMs, first.toMs, second.fromMs]).toEqual([hourMs, hourMs, hourMs]);
    expect(first.totals).toEqual({});
    expect(second.totals.requests).toBe(2n);
  });

  it('counts a late settlement once, however old', async () => {
    const cut = reserveOf(customerId, 'cut');
    const voided = reserveOf(customerId, 'voided');
    await store.ledger.reserve(cut);
    await store.ledger.reserve(voided);
    await store.ledger.void(voidOf(voided, nowMs));
    await store.close();
    await open();
    nowMs += HOUR_MS;
    await rounds(3);
    expect((await usage()).totals).toMatchObject({ requests: 1n, cost_usd: 5_000_000n });
    nowMs += 10 * DAY_MS;
    await rounds(4);
    expect(await requestIds()).toEqual(['req_cut']);
    await store.ledger.settle(settleOf(cut, nowMs));
    await store.ledger.settle(settleOf(voided, nowMs));
    expect((await usage()).totals).toMatchObject({ requests: 2n, cost_usd: 8_000_000n });
    expect((await store.ledger.verify()).ok).toBe(true);
  });
});
