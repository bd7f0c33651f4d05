import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput } from '../../contracts/metering.ts';
import type { LimitOverride } from '../limit-port.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import {
  accountOf,
  benchOf,
  boundOf,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import {
  checkOverride,
  nextEndMs,
  type Overrides,
  overridesAt,
  withOverrides,
} from './overrides.ts';

const REQUESTS: LimitInput = { meter: 'requests', window: 'period', amount: 10 };
const IMAGES: LimitInput = {
  id: 'pictures',
  meter: 'images',
  window: 'day',
  amount: 4,
  model: 'gemini/*',
};

function overrideOf(
  amount: LimitOverride['amount'],
  more: Partial<LimitOverride> = {},
): LimitOverride {
  return { amount, untilMs: null, ...more };
}

/** What the plan says of its limits, apart from where their amounts come from. */
function stated(plan: CompiledPlan): unknown {
  return plan.limits.map(({ overridden: _overridden, ...limit }) => limit);
}

function refusalBy(action: () => void): { message: string; param: string } {
  try {
    action();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    expect(error.code).toBe('invalid_request');
    return { message: error.message, param: error.param ?? '' };
  }
  throw new Error('was accepted');
}

const amounts = fc.oneof(
  fc.integer({ min: 1, max: 1_000 }),
  fc.constantFrom('unlimited' as const, 'disabled' as const),
);
const breaches = fc.option(
  fc.oneof(
    fc.constantFrom({ on_breach: 'deny' as const }, { on_breach: 'soft' as const }),
    fc
      .integer({ min: 1, max: 50 })
      .map((overage_cap) => ({ on_breach: 'overage' as const, overage_cap })),
  ),
  { nil: {} },
);
const thresholds = fc.option(fc.constantFrom<number[]>([50], [80, 95]), { nil: undefined });
const change = fc.tuple(amounts, breaches, thresholds).map(([amount, breach, percents]) => ({
  amount,
  ...breach,
  ...(percents === undefined ? {} : { thresholds: percents }),
}));
/** Limits by id: some named by what they count, some otherwise, each bound to a part of the models. */
const LIMITS: readonly LimitInput[] = [
  REQUESTS,
  { meter: 'requests', window: 'minute', amount: 5, model: 'openai/*' },
  IMAGES,
  { id: 'tokens', meter: 'output_tokens', window: 'rolling:5h', amount: 900, scope: 'key' },
];
const IDS = LIMITS.map((limit) => limit.id ?? `${limit.meter}/${limit.window}`);

describe('a plan with overrides', () => {
  it('is the plan that is written with the overridden amounts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(change, { nil: null }), { minLength: 4, maxLength: 4 }),
        fc.option(change, { nil: null }),
        (changes, added) => {
          const overrides: Record<string, LimitOverride> = {};
          const written = LIMITS.map((limit, index): LimitInput => {
            const one = changes[index];
            if (one === null || one === undefined) return limit;
            overrides[IDS[index] ?? ''] = { ...one, untilMs: null };
            return { ...limit, ...one };
          });
          if (added !== null) {
            overrides['searches/week'] = { ...added, untilMs: null };
            written.push({ id: 'searches/week', meter: 'searches', window: 'week', ...added });
          }
          const had = withOverrides(planOf(LIMITS), overrides, START_MS);
          const wanted = planOf(written);
          expect(stated(had)).toEqual(stated(wanted));
          const marked = had.limits.filter((limit) => limit.overridden).map((limit) => limit.id);
          expect(marked.toSorted()).toEqual(Object.keys(overrides).toSorted());
          for (const model of ['gemini/flash', 'openai/x']) {
            const ids = (plan: CompiledPlan) =>
              plan.match('text.generate', model).limits.map((limit) => limit.id);
            expect(ids(had)).toEqual(ids(wanted));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('stays the plan by id, version and everything that is no limit', () => {
    const plan = planOf([REQUESTS], { funding: 'wallet', models: ['openai/*'] }, 7);
    const had = withOverrides(plan, { 'requests/period': overrideOf(20) }, START_MS);
    expect([had.id, had.version, had.funding]).toEqual(['pro', 7, 'wallet']);
    expect(had.match('text.generate', 'gemini/flash').modelAllowed).toBe(false);
    expect(had.limits.map((limit) => limit.amount)).toEqual([20n]);
    expect(plan.limits.map((limit) => limit.amount)).toEqual([10n]);
  });

  it('is the very same where none is in force', () => {
    const plan = planOf([REQUESTS]);
    expect(withOverrides(plan, {}, START_MS)).toBe(plan);
    const over = { 'requests/period': overrideOf(20, { untilMs: START_MS }) };
    expect(withOverrides(plan, over, START_MS)).toBe(plan);
  });

  it('keeps what the limit counts: operation, model and scope are the plan’s', () => {
    const had = withOverrides(planOf([IMAGES]), { pictures: overrideOf(9) }, START_MS);
    expect(had.input.limits).toEqual([{ ...IMAGES, amount: 9 }]);
    expect(had.match('image.generate', 'openai/x').limits).toEqual([]);
  });

  it('adds a limit that says by its id or by itself what it counts, and no other', () => {
    const overrides: Overrides = {
      'images/day': overrideOf(3),
      fair: overrideOf(5, { meter: 'requests', window: 'rolling:3h', model: 'openai/*' }),
      'output_tokens/soon': overrideOf(6, { window: 'hour' }),
      'elsewhere/day': overrideOf(6, { meter: 'searches' }),
      gone: overrideOf(1),
      'images/month': overrideOf(1),
      'unheard/day': overrideOf(1),
      unwindowed: overrideOf(1, { meter: 'images' }),
    };
    const had = withOverrides(planOf([REQUESTS]), overrides, START_MS);
    expect(had.limits.map(({ id, meter, window, amount }) => [id, meter, window, amount])).toEqual([
      ['requests/period', 'requests', 'period', 10n],
      ['images/day', 'images', 'day', 3n],
      ['fair', 'requests', 'rolling:3h', 5n],
      ['output_tokens/soon', 'output_tokens', 'hour', 6n],
      ['elsewhere/day', 'searches', 'day', 6n],
    ]);
    expect(had.match('text.generate', 'gemini/flash').limits.map(({ id }) => id)).not.toContain(
      'fair',
    );
  });

  it('changes what the limit had on breach only where it says so', () => {
    const plan = planOf([{ ...REQUESTS, on_breach: 'overage', overage_cap: 5, thresholds: [75] }]);
    const only = withOverrides(plan, { 'requests/period': overrideOf(20) }, START_MS).limits[0];
    expect(only).toMatchObject({ onBreach: 'overage', overageCap: 5n, thresholds: [75] });
    const both = withOverrides(
      plan,
      { 'requests/period': overrideOf(20, { overage_cap: 7, thresholds: [] }) },
      START_MS,
    ).limits[0];
    expect(both).toMatchObject({ onBreach: 'overage', overageCap: 7n, thresholds: [] });
  });

  it('is lowered and raised in the running period, and never answered with an upgrade', () => {
    const plan = planOf([REQUESTS]);
    const { engine } = benchOf(plan);
    engine.setPlans([plan, planOf([{ ...REQUESTS, amount: 1_000 }], { id: 'enterprise' })]);
    const ask = (holdId: string, requests: bigint) =>
      engine.reserve(reserveOf(holdId, { bound: boundOf({ requests }) }), START_MS).result;
    expect(ask('a', 8n).type).toBe('held');
    expect(ask('b', 3n)).toMatchObject({
      refusal: { actions: [{ do: 'upgrade', plan: 'enterprise' }] },
    });
    const put = (amount: number) => {
      const overrides = { 'requests/period': overrideOf(amount) };
      return engine.changePlan(accountOf(withOverrides(plan, overrides, START_MS)), START_MS);
    };
    put(11);
    expect(ask('c', 3n).type).toBe('held');
    put(5);
    const refused = ask('d', 1n);
    expect(refused).toMatchObject({ type: 'refused', refusal: { limits: [{ limit: '5' }] } });
    if (refused.type !== 'refused') throw new Error('was held');
    expect(refused.refusal.actions.map((action) => action.do)).not.toContain('upgrade');
  });
});

describe('overrides in time', () => {
  const overrides: Overrides = {
    ever: overrideOf(1),
    soon: overrideOf(1, { untilMs: START_MS + 10 }),
    later: overrideOf(1, { untilMs: START_MS + 20 }),
  };

  it('are in force until their moment, which is no longer theirs', () => {
    const at = (nowMs: number) => Object.keys(overridesAt(overrides, nowMs));
    expect(at(START_MS + 9)).toEqual(['ever', 'soon', 'later']);
    expect(at(START_MS + 10)).toEqual(['ever', 'later']);
    expect(at(START_MS + 20)).toEqual(['ever']);
  });

  it('the next end is the first moment at which the plan is another', () => {
    expect(nextEndMs(overrides, START_MS)).toBe(START_MS + 10);
    expect(nextEndMs(overrides, START_MS + 10)).toBe(START_MS + 20);
    expect(nextEndMs(overrides, START_MS + 20)).toBeNull();
    expect(nextEndMs({}, START_MS)).toBeNull();
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('a', 'b', 'c', 'd'),
          fc
            .option(fc.integer({ min: 1, max: 30 }), { nil: null })
            .map((untilMs) => overrideOf(1, { untilMs })),
        ),
        fc.integer({ min: 0, max: 31 }),
        (some, nowMs) => {
          const count = (atMs: number) => Object.keys(overridesAt(some, atMs)).length;
          let first: number | null = null;
          for (let atMs = 31; atMs > nowMs; atMs -= 1)
            if (count(atMs) !== count(nowMs)) first = atMs;
          expect(nextEndMs(some, nowMs)).toBe(first);
        },
      ),
    );
  });
});

describe('checking an override', () => {
  const plan = planOf([REQUESTS, IMAGES], { funding: 'plan_then_wallet' });

  it('accepts what changes a limit of the plan or adds one', () => {
    checkOverride(plan, 'requests/period', overrideOf('unlimited'));
    checkOverride(plan, 'pictures', overrideOf(1, { meter: 'images', window: 'day' }));
    checkOverride(plan, 'cost_usd/day', overrideOf('1.50'));
    checkOverride(plan, 'fair', overrideOf(2, { meter: 'requests', window: 'hour' }));
    const had = withOverrides(plan, { 'cost_usd/day': overrideOf('1.50') }, START_MS);
    expect(had.limits.at(-1)).toMatchObject({ amount: 1_500_000_000n, allowance: true });
  });

  it('asks for meter and window where nothing says what is counted', () => {
    expect(refusalBy(() => checkOverride(plan, 'fair', overrideOf(2)))).toEqual({
      message:
        'overrides.fair: the plan pro has no limit "fair"; state meter and window to add one.',
      param: 'overrides.fair',
    });
  });

  it('lets no override count something else under the id of a limit', () => {
    const other = refusalBy(() =>
      checkOverride(plan, 'pictures', overrideOf(2, { meter: 'requests' })),
    );
    expect(other.param).toBe('overrides.pictures.meter');
    expect(other.message).toContain('the plan counts images by day under this id');
    const window = refusalBy(() =>
      checkOverride(plan, 'requests/period', overrideOf(2, { window: 'day' })),
    );
    expect(window.param).toBe('overrides.requests/period.window');
  });

  it('names the override and its member where the limit would be none', () => {
    const amount = refusalBy(() => checkOverride(plan, 'requests/period', overrideOf('1.5')));
    expect(amount.param).toBe('overrides.requests/period.amount');
    expect(amount.message).toMatch(/^overrides\.requests\/period\.amount/);
    expect(amount.message).not.toContain('limits[');
    const cap = refusalBy(() =>
      checkOverride(plan, 'pictures', overrideOf(2, { on_breach: 'overage' })),
    );
    expect(cap.param).toBe('overrides.pictures.overage_cap');
  });

  it('accepts just what the plan can then be compiled with', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('requests/period', 'pictures', 'images/week', 'named'),
        fc.record({
          amount: fc.constantFrom(3, '2', '2.5', 'unlimited', 'disabled', 'x'),
          on_breach: fc.constantFrom('deny' as const, 'overage' as const),
        }),
        fc.boolean(),
        (id, { amount, on_breach }, capped) => {
          const override = overrideOf(amount, {
            on_breach,
            ...(capped ? { overage_cap: 2 } : {}),
          });
          const isValid = (action: () => unknown): boolean => {
            try {
              action();
              return true;
            } catch (error) {
              if (!isGatewayError(error)) throw error;
              return false;
            }
          };
          const compiles = isValid(() => withOverrides(plan, { [id]: override }, START_MS));
          const adds = id !== 'named';
          expect(isValid(() => checkOverride(plan, id, override))).toBe(compiles && adds);
        },
      ),
    );
  });
});
