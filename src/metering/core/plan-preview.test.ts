import { describe, expect, it } from 'vitest';
import type { LimitInput, PlanInput } from '../../contracts/metering.ts';
import { compilePlan } from './compiled-plan.ts';
import { comparePlans, notJudged, type PastHour } from './plan-preview.ts';
import type { WindowOf } from './types.ts';
import { calendarSpanAt, HOUR_MS } from './windows.ts';

const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const START_MS = Date.UTC(2026, 5, 1);

/** Periods of ten days from the start on. */
const windowOf: WindowOf = (window, nowMs) => {
  if (window === 'period') {
    const seq = Math.floor((nowMs - START_MS) / (10 * DAY_MS));
    const startMs = START_MS + seq * 10 * DAY_MS;
    return { id: `per_${seq}`, startMs, endMs: startMs + 10 * DAY_MS };
  }
  const span = calendarSpanAt(window, 'UTC', nowMs);
  return { id: String(span.startMs), ...span };
};

const requests = (amount: LimitInput['amount'], more: Partial<LimitInput> = {}): LimitInput => ({
  meter: 'requests',
  window: 'period',
  amount,
  ...more,
});

const plan = (limits: readonly LimitInput[], more: Partial<PlanInput> = {}) =>
  compilePlan({ id: 'p', name: 'P', limits: [...limits], ...more }, 1);

const hour = (atMs: number, count: bigint, more: Partial<PastHour> = {}): PastHour => ({
  hourMs: atMs,
  keyId: 'key_1',
  operation: 'text.generate',
  model: 'sim/chat',
  amounts: { requests: count, cost_usd: count * 1_000_000n },
  ...more,
});

const compare = (
  now: readonly LimitInput[],
  after: readonly LimitInput[],
  hours: readonly PastHour[],
  fromMs = START_MS,
) => comparePlans({ now: plan(now), after: plan(after) }, hours, { windowOf, fromMs });

describe('a plan judged by past use', () => {
  it('refuses from the hour on in which use went beyond, and says by how much', () => {
    const hours = [hour(START_MS, 4n), hour(START_MS + HOUR_MS, 3n), hour(START_MS + DAY_MS, 2n)];
    const { breaches, relieved } = compare([requests(50)], [requests(6)], hours);
    expect(breaches).toEqual([
      {
        limitId: 'requests/period',
        meter: 'requests',
        window: 'period',
        keyId: null,
        now: '50',
        after: '6',
        times: 1,
        used: '9',
        box: { startMs: START_MS, endMs: START_MS + 10 * DAY_MS },
        effect: 'refused',
        firstAtMs: START_MS + HOUR_MS,
        already: false,
      },
    ]);
    expect(relieved).toEqual([]);
    expect(compare([requests(50)], [requests(9)], hours).breaches).toEqual([]);
  });

  it('counts every box of a window alone, and tells the worst', () => {
    const hours = [0, 1, 2, 3].map((day) => hour(START_MS + day * DAY_MS, BigInt(day + 1)));
    const { breaches } = compare([], [requests(2, { window: 'day' })], hours);
    expect(breaches).toMatchObject([
      { now: null, times: 2, used: '4', firstAtMs: START_MS + 2 * DAY_MS },
    ]);
    const rolling = compare([], [requests(3, { window: 'rolling:48h' })], hours).breaches;
    // Boxes of the first and second, and of the third and fourth day.
    expect(rolling).toMatchObject([{ times: 1, used: '7' }]);
    const weekly = compare([], [requests(9, { window: 'week' })], hours).breaches;
    expect(weekly).toMatchObject([{ used: '10' }]);
    const lifetime = compare([], [requests(9, { window: 'lifetime' })], hours).breaches;
    expect(lifetime).toMatchObject([{ used: '10', box: { endMs: null } }]);
  });

  it('leaves out boxes that were over before the range', () => {
    const hours = [hour(START_MS, 9n), hour(START_MS + DAY_MS, 1n)];
    const daily = [requests(5, { window: 'day' })];
    expect(compare([], daily, hours, START_MS + DAY_MS).breaches).toEqual([]);
    // The period still ran, so all of it counts.
    expect(compare([], [requests(9)], hours, START_MS + DAY_MS).breaches).toHaveLength(1);
  });

  it('tells what else becomes of a breach: overage, a mark, credits', () => {
    const hours = [hour(START_MS, 8n)];
    const effectOf = (limit: LimitInput, more: Partial<PlanInput> = {}) =>
      comparePlans({ now: plan([]), after: plan([limit], more) }, hours, {
        windowOf,
        fromMs: START_MS,
      }).breaches[0]?.effect;
    const overage = (cap: number) => requests(5, { on_breach: 'overage', overage_cap: cap });
    expect(effectOf(overage(3))).toBe('overage');
    expect(effectOf(overage(2))).toBe('refused');
    expect(effectOf(requests(5, { on_breach: 'soft' }))).toBe('marked');
    expect(effectOf(requests('disabled'))).toBe('refused');
    const cost: LimitInput = { meter: 'cost_usd', window: 'period', amount: '0.001' };
    expect(effectOf(cost, { funding: 'plan_then_wallet' })).toBe('credits');
    expect(effectOf(cost)).toBe('refused');
  });

  it('says what was beyond already, as with a soft limit', () => {
    const soft = requests(5, { on_breach: 'soft' });
    const { breaches } = compare([soft], [requests(5)], [hour(START_MS, 8n)]);
    expect(breaches).toMatchObject([{ already: true, now: '5', after: '5' }]);
  });

  it('tells keys apart where a limit does', () => {
    const hours = [
      hour(START_MS, 3n),
      hour(START_MS, 5n, { keyId: 'key_2' }),
      hour(START_MS + HOUR_MS, 3n, { keyId: 'key_2' }),
    ];
    const { breaches } = compare([], [requests(6, { scope: 'key' })], hours);
    expect(breaches).toMatchObject([{ keyId: 'key_2', used: '8' }]);
  });

  it('counts what a limit matches alone, and models that are no longer allowed', () => {
    const hours = [
      hour(START_MS, 3n),
      hour(START_MS, 4n, { model: 'gemini/pro', operation: 'image.generate' }),
    ];
    const of = (more: Partial<LimitInput>) => compare([], [requests(3, more)], hours).breaches;
    expect(of({ model: 'sim/*' })).toEqual([]);
    expect(of({ operation: 'image.*' })).toMatchObject([{ used: '4' }]);
    const after = plan([requests(3)], { models: ['sim/*'] });
    const found = comparePlans({ now: plan([]), after }, hours, { windowOf, fromMs: START_MS });
    expect(found.models).toEqual([{ model: 'gemini/pro', requests: 4 }]);
    // What would have been refused for its model uses up nothing.
    expect(found.breaches).toEqual([]);
  });

  it('names who gains: nine tenths used, and more allowed', () => {
    const gains = (now: LimitInput, after: readonly LimitInput[], used: bigint) =>
      compare([now], after, [hour(START_MS, used)]).relieved.map(({ now: had, after: gets }) => [
        had,
        gets,
      ]);
    expect(gains(requests(10), [requests(20)], 9n)).toEqual([['10', '20']]);
    expect(gains(requests(10), [requests('unlimited')], 9n)).toEqual([['10', 'unlimited']]);
    expect(gains(requests(10), [], 10n)).toEqual([['10', null]]);
    expect(gains(requests(10), [requests(10, { on_breach: 'soft' })], 10n)).toEqual([['10', '10']]);
    expect(gains(requests(10), [requests(20)], 8n)).toEqual([]);
    expect(gains(requests(10), [requests(10)], 10n)).toEqual([]);
    expect(gains(requests(10), [requests(5)], 10n)).toEqual([]);
  });

  it('is silent about what use by the hour cannot say', () => {
    const reasonOf = (limit: LimitInput) => {
      const [compiled] = plan([limit]).limits;
      return compiled === undefined ? undefined : notJudged(compiled);
    };
    expect(reasonOf(requests(1, { window: 'minute' }))).toBe('window');
    expect(reasonOf(requests(1, { window: 'concurrent' }))).toBe('window');
    expect(reasonOf(requests(1, { window: 'call' }))).toBe('window');
    expect(reasonOf(requests(1, { scope: 'tag:team' }))).toBe('scope');
    expect(reasonOf(requests(1, { scope: 'client_token' }))).toBe('scope');
    expect(reasonOf(requests(1))).toBeNull();
    expect(reasonOf(requests('disabled', { window: 'minute' }))).toBeNull();
    const hours = [hour(START_MS, 9n)];
    expect(compare([], [requests(1, { window: 'minute' })], hours).breaches).toEqual([]);
  });
});
