/**
 * Whole lives of subscriptions against a plain model: which period a call counts in is worked out here with the
 * calendar of UTC alone, and a period gives as many calls as its plan says.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeteringStore } from '../../metering/ports.ts';
import type { StoreUnderTest } from '../../metering/store.contract.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { sqliteSuite } from './testing/sqlite-suite.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2027-01-31T10:00:00Z');
const QUOTA = { large: 5, small: 2 };

/** `months` after `anchorMs`, on the last day where the month has no such day. */
function monthsAfter(anchorMs: number, months: number): number {
  const anchor = new Date(anchorMs);
  const first = Date.UTC(anchor.getUTCFullYear(), anchor.getUTCMonth() + months, 1);
  const month = new Date(first);
  const days = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
  const day = Math.min(anchor.getUTCDate(), days);
  return first + (day - 1) * DAY_MS + (anchorMs % DAY_MS);
}

/** How many months after `anchorMs` the period that holds `atMs` begins. */
function monthOf(anchorMs: number, atMs: number): number {
  let month = 0;
  while (monthsAfter(anchorMs, month + 1) <= atMs) month += 1;
  return month;
}

let nowMs = START_MS;
let test: StoreUnderTest;
let store: MeteringStore;
let serial = 0;

beforeAll(async () => {
  test = await sqliteSuite.create(() => nowMs);
  ({ store } = test);
  for (const [id, usd] of [
    ['large', '20.00'],
    ['small', '5.00'],
  ] as const) {
    await store.directory.createPlan({
      id,
      name: id,
      price_usd: { month: usd, year: usd },
      limits: [{ meter: 'requests', window: 'period', amount: QUOTA[id] }],
    });
  }
});

afterAll(async () => {
  expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
  await test.dispose();
});

async function create(more: { trialDays: number | null; cadence: 'month' | 'year' }) {
  serial += 1;
  const made = await store.directory.createCustomer({
    externalId: `user-${serial}`,
    name: null,
    planId: 'large',
    timezone: 'UTC',
    anchorLocal: null,
    ...more,
  });
  return made.customer.id;
}

/** Makes `count` calls and returns how many were let through. */
async function callsOf(id: string, count: number): Promise<number> {
  let held = 0;
  for (let n = 0; n < count; n += 1) {
    const command = reserveOf(id, `${(serial += 1)}`, 0n);
    const answer = await store.ledger.reserve(command);
    if (answer.type !== 'held') continue;
    held += 1;
    await store.ledger.settle(settleOf(command, nowMs, 0n));
  }
  return held;
}

describe('lives of subscriptions', () => {
  it('by the year have their quota every month, over leap days', async () => {
    nowMs = START_MS;
    const id = await create({ trialDays: null, cadence: 'year' });
    for (let month = 0; month < 27; month += 1) {
      const endMs = monthsAfter(START_MS, month + 1);
      expect(await callsOf(id, QUOTA.large + 1)).toBe(QUOTA.large);
      nowMs = endMs - 1;
      expect([month, await callsOf(id, 1)]).toEqual([month, 0]);
      nowMs = endMs;
    }
    expect(new Date(monthsAfter(START_MS, 13)).toISOString()).toBe('2028-02-29T10:00:00.000Z');
    expect(new Date(monthsAfter(START_MS, 25)).toISOString()).toBe('2029-02-28T10:00:00.000Z');
  });

  it('go from trial to paid to a smaller plan, each period with the calls of its plan', async () => {
    const stories = fc.record({
      trialDays: fc.integer({ min: 1, max: 45 }),
      /** Days after the trial's end. */
      downgradeAfterDays: fc.integer({ min: 0, max: 70 }),
      bursts: fc.array(
        fc.record({
          afterMs: fc.integer({ min: 1, max: 20 * DAY_MS }),
          count: fc.integer({ min: 1, max: 7 }),
        }),
        { minLength: 4, maxLength: 14 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(stories, async ({ trialDays, downgradeAfterDays, bursts }) => {
        nowMs = START_MS;
        const id = await create({ trialDays, cadence: 'month' });
        await store.directory.patchSubscription(id, {
          at: 'period_end',
          mode: 'keep_used',
          status: 'active',
        });
        const paidMs = START_MS + trialDays * DAY_MS;
        const downgradeMs = paidMs + downgradeAfterDays * DAY_MS;
        const smallMs = monthsAfter(paidMs, monthOf(paidMs, downgradeMs) + 1);
        const used = new Map<string, number>();
        let isDowngraded = false;
        for (const { afterMs, count } of bursts) {
          const nextMs = nowMs + afterMs;
          if (!isDowngraded && nextMs >= downgradeMs) {
            nowMs = downgradeMs;
            isDowngraded = true;
            await store.directory.patchSubscription(id, {
              at: 'period_end',
              mode: 'keep_used',
              planId: 'small',
            });
          }
          nowMs = nextMs;
          const period = nowMs < paidMs ? 'trial' : `month ${monthOf(paidMs, nowMs)}`;
          const before = used.get(period) ?? 0;
          const quota = nowMs >= smallMs ? QUOTA.small : QUOTA.large;
          const expected = Math.min(count, quota - before);
          expect([period, await callsOf(id, count)]).toEqual([period, expected]);
          used.set(period, before + expected);
        }
      }),
      { numRuns: 25 },
    );
  });
});
