import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitStatus } from '../../contracts/limit-status.ts';
import { projectAmount, projectPeriod, reliableFrom } from './projection.ts';

const DAY_MS = 86_400_000;
const PERIOD = { startMs: Date.UTC(2026, 2, 1), endMs: Date.UTC(2026, 2, 31) };

function limit(id: string, of: Partial<LimitStatus>): LimitStatus {
  return {
    id,
    meter: 'cost_usd',
    window: 'period',
    scope: 'customer',
    limit: '10.000000000',
    used: '0.000000000',
    held: '0.000000000',
    remaining: '10.000000000',
    resets_at: null,
    ...of,
  };
}

describe('projection', () => {
  it('is amount × length ÷ elapsed, rounded up, to the nano', () => {
    const nowMs = PERIOD.startMs + 10 * DAY_MS;
    const used = { requests: 7n, cost_usd: 1_000_000_001n };
    const { totals, elapsedMs } = projectPeriod(PERIOD, { nowMs, used, statuses: [] });
    expect(elapsedMs).toBe(10 * DAY_MS);
    expect(totals).toEqual({ requests: 21n, cost_usd: 3_000_000_003n });
    expect(projectAmount(1n, 7, 10)).toBe(2n);
  });

  it('says when a limit of the period runs out, and only of those', () => {
    const nowMs = PERIOD.startMs + 10 * DAY_MS;
    const { limits } = projectPeriod(PERIOD, {
      nowMs,
      used: {},
      statuses: [
        limit('fast', { used: '5.000000000' }),
        limit('slow', { used: '3.000000000' }),
        limit('gone', { used: '12.000000000' }),
        limit('never', { limit: 'unlimited', remaining: 'unlimited' }),
        limit('off', { limit: 'disabled' }),
        limit('daily', { window: 'day', used: '9.000000000' }),
      ],
    });
    expect(
      limits.map(({ id, projected, exhaustedAtMs }) => [id, projected, exhaustedAtMs]),
    ).toEqual([
      ['fast', '15.000000000', PERIOD.startMs + 20 * DAY_MS],
      ['slow', '9.000000000', null],
      ['gone', '36.000000000', nowMs],
    ]);
  });

  it('tells nothing before an hour and a hundredth of the period have passed', () => {
    expect(reliableFrom(PERIOD)).toBe(PERIOD.startMs + (30 * DAY_MS) / 100);
    const short = { startMs: 0, endMs: DAY_MS };
    expect(reliableFrom(short)).toBe(3_600_000);
    const early = projectPeriod(PERIOD, {
      nowMs: reliableFrom(PERIOD) - 1,
      used: { cost_usd: 1n },
      statuses: [limit('a', {})],
    });
    expect(early).toMatchObject({ totals: null, limits: [] });
    const before = projectPeriod(PERIOD, { nowMs: 0, used: {}, statuses: [] });
    expect(before).toMatchObject({ elapsedMs: 0, totals: null });
  });

  it('is what was used at the end of the period, and never less than the rate says', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 60n }),
        fc.integer({ min: 1, max: 400 * DAY_MS }),
        fc.integer({ min: 0, max: 400 * DAY_MS }),
        (amount, elapsedMs, restMs) => {
          const projected = projectAmount(amount, elapsedMs, elapsedMs + restMs);
          const exact = amount * BigInt(elapsedMs + restMs);
          expect(projected * BigInt(elapsedMs) >= exact).toBe(true);
          expect((projected - 1n) * BigInt(elapsedMs) < exact).toBe(true);
          if (restMs === 0) expect(projected).toBe(amount);
        },
      ),
    );
  });
});
