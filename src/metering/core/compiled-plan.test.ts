import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import { planOf } from './fixtures/engine-fixture.ts';
import { UNBOUNDED } from './meter-amounts.ts';

function paramOf(limits: readonly LimitInput[]): string | null {
  try {
    planOf(limits);
  } catch (error) {
    if (isGatewayError(error) && error.code === 'invalid_request') return error.param;
  }
  return null;
}

describe('compiled plans', () => {
  it('find the limits of an operation and a model, unlimited ones apart, in the order of the plan', () => {
    const plan = planOf([
      { meter: 'requests', window: 'period', amount: 5, operation: 'text.*' },
      { id: 'g', meter: 'requests', window: 'period', amount: 5, model: 'gemini/*' },
      { meter: 'cost_usd', window: 'period', amount: 'unlimited' },
      { meter: 'images', window: 'period', amount: 'disabled' },
    ]);
    const ids = (operation: 'text.generate' | 'image.generate', model: string): string[] =>
      plan.match(operation, model).limits.map((limit) => limit.id);
    expect(ids('text.generate', 'gemini/flash')).toEqual(['requests/period', 'g', 'images/period']);
    expect(ids('image.generate', 'openai/x')).toEqual(['images/period']);
    expect(plan.match('text.generate', 'a/b')).toBe(plan.match('text.generate', 'a/b'));
  });

  it('forget cached models beyond a bound without changing the answer', () => {
    const plan = planOf([{ meter: 'requests', window: 'period', amount: 5, model: 'm/7' }]);
    for (let index = 0; index < 4_500; index += 1) {
      expect(plan.match('text.generate', `m/${index}`).limits.length).toBe(index === 7 ? 1 : 0);
    }
    expect(plan.match('text.generate', 'm/7').limits.length).toBe(1);
  });

  it('allow the models that the plan names', () => {
    const plan = planOf([], { models: ['gemini/*', 'openai/gpt-x'] });
    expect(plan.match('text.generate', 'gemini/flash').modelAllowed).toBe(true);
    expect(plan.match('text.generate', 'openai/gpt-y').modelAllowed).toBe(false);
  });

  it('name what is wrong with a limit', () => {
    const requests = { meter: 'requests', window: 'period', amount: 5 } as const;
    expect(paramOf([requests, requests])).toBe('limits[1].id');
    expect(paramOf([{ ...requests, amount: '1.5' }])).toBe('limits[0].amount');
    expect(paramOf([{ ...requests, window: 'fortnight' }])).toBe('limits[0].window');
    expect(paramOf([{ ...requests, on_breach: 'overage' }])).toBe('limits[0].overage_cap');
    expect(paramOf([{ ...requests, on_breach: 'overage', overage_cap: '0.5' }])).toBe(
      'limits[0].overage_cap',
    );
  });

  it('keep overage apart where there are buckets and add it where there are none', () => {
    const overage = { on_breach: 'overage', overage_cap: 3, amount: 5 } as const;
    const [period, minute, endless, none] = planOf([
      { meter: 'requests', window: 'period', ...overage },
      { meter: 'requests', window: 'minute', ...overage },
      { meter: 'images', window: 'period', ...overage, overage_cap: 'unlimited' },
      { meter: 'searches', window: 'period', ...overage, overage_cap: 'disabled' },
    ]).limits;
    expect([period?.amount, period?.overageCap]).toEqual([5n, 3n]);
    expect([minute?.amount, minute?.overageCap]).toEqual([8n, null]);
    expect(endless?.overageCap).toBe(UNBOUNDED);
    expect(none?.overageCap).toBe(null);
  });

  it('let go on only what a next box follows, and only where the limit says how much', () => {
    const most = (window: string, rollover_max?: LimitInput['rollover_max']) =>
      planOf([
        {
          meter: 'requests',
          window,
          amount: 5,
          ...(rollover_max === undefined ? {} : { rollover_max }),
        },
      ]).limits[0]?.rolloverMax;
    expect([most('period', 3), most('week', 3)]).toEqual([3n, 3n]);
    expect(most('day', 'unlimited')).toBe(UNBOUNDED);
    expect([most('period'), most('period', 'disabled')]).toEqual([null, null]);
    for (const window of ['lifetime', 'rolling:5h', 'minute', 'concurrent', 'call']) {
      expect(most(window, 3)).toBe(null);
    }
  });

  it('give one id another counter when its meter or window changes', () => {
    const key = (limit: LimitInput): string | undefined => planOf([limit]).limits[0]?.counterKey;
    const main = { id: 'main', amount: 5, meter: 'requests', window: 'day' } as const;
    expect(key(main)).toBe(key({ ...main, amount: 9 }));
    expect(key(main)).not.toBe(key({ ...main, window: 'hour' }));
    expect(key(main)).not.toBe(key({ ...main, meter: 'images' }));
    expect(key({ ...main, id: 'requests/day/gemini' })).toBe('requests/day/gemini');
  });
});
