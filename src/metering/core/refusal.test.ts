import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import type { Refused } from '../ports.ts';
import type { EngineReserve } from './engine.ts';
import {
  accountOf,
  benchOf,
  type Bench,
  boundOf,
  chargeOf,
  DAY_MS,
  EPOCH_MS,
  HOUR_MS,
  PERIOD_MS,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import { dateText, usdText } from './refusal-text.ts';
import type { AccountInput } from './types.ts';

const COST_50: LimitInput = { meter: 'cost_usd', window: 'period', amount: '50.00' };

function refuse(bench: Bench, more: Partial<EngineReserve> = {}, nowMs = START_MS): Refused {
  const { result } = bench.engine.reserve(reserveOf('x', more), nowMs);
  if (result.type === 'held') throw new Error('was held');
  return result;
}

function use(bench: Bench, cost: bigint, nowMs = START_MS): void {
  const bound = boundOf({ cost_usd: cost });
  bench.engine.reserve(reserveOf('used', { bound }), nowMs);
  bench.engine.settle({ holdId: 'used', charges: [chargeOf({ cost_usd: cost })] }, nowMs);
}

const PLANS = [
  planOf([], { id: 'free' }),
  planOf([COST_50], { id: 'pro' }),
  planOf([{ ...COST_50, amount: '50.01' }], { id: 'plus' }),
  planOf([COST_50, { meter: 'requests', window: 'period', amount: 'disabled' }], { id: 'odd' }),
  planOf([], { id: 'narrow', models: ['openai/*'] }),
  planOf([{ ...COST_50, amount: '500.00' }], { id: 'enterprise' }),
];

describe('the example of the contract', () => {
  const bench = benchOf([COST_50]);
  bench.engine.setPlans(PLANS);
  use(bench, 49_980_000_000n);
  bench.engine.reserve(reserveOf('h', { bound: boundOf({ cost_usd: 8_100_000n }) }), START_MS);
  const elastic = { tokens: 1000, minTokens: 1000, nanoUsdPerMillion: 56_100_000_000n };
  const refused = refuse(bench, {
    bound: boundOf({ requests: 1n, cost_usd: 5_100_000n }, { elastic }),
  });

  it('says what it costs, what is left and until when', () => {
    expect(refused.message).toBe(
      'This request may cost up to $0.0612; $0.0119 of $50.00 is left until 1 Dec 2026 00:00 UTC.',
    );
    expect(refused.code).toBe('limit_exceeded');
    expect(refused.retryAfterMs).toBe(null);
  });

  it('shows every member of the violated limit', () => {
    expect(refused.refusal.limits).toEqual([
      {
        id: 'cost_usd/period',
        meter: 'cost_usd',
        window: 'period',
        scope: 'customer',
        limit: '50.000000000',
        used: '49.980000000',
        held: '0.008100000',
        requested: '0.061200000',
        remaining: '0.011900000',
        resets_at: '2026-12-01T00:00:00Z',
      },
    ]);
    expect(refused.refusal.plan).toEqual({ id: 'pro', version: 1 });
  });

  it('names what can be done: reduce, wait, the first dearer plan that would admit it', () => {
    expect(refused.refusal.actions).toEqual([
      { do: 'reduce', param: 'max_tokens', max: 121 },
      { do: 'wait', until: '2026-12-01T00:00:00Z' },
      { do: 'upgrade', plan: 'enterprise' },
    ]);
  });

  it('has ALwrity’s members of cost', () => {
    expect(refused.refusal.usage_info).toEqual({
      current_cost: 49.9881,
      limit: 50,
      usage_percentage: 99.97,
      operation_type: 'text.generate',
    });
  });
});

describe('limits by kind', () => {
  it('are held where the release of open holds would make room', () => {
    const bench = benchOf([COST_50]);
    bench.engine.reserve(
      reserveOf('h', { bound: boundOf({ cost_usd: 49_000_000_000n }) }),
      START_MS,
    );
    const refused = refuse(bench, { bound: boundOf({ cost_usd: 2_000_000_000n }) });
    expect([refused.code, refused.retryAfterMs, refused.message, refused.refusal.actions]).toEqual([
      'limit_held',
      1_000,
      'This request may cost up to $2.00; $1.00 of $50.00 is free while calls in flight hold $49.00; repeat when they have ended.',
      [],
    ]);
  });

  it('are exceeded in any window by what alone is more than the whole', () => {
    const cases: readonly [LimitInput, string][] = [
      [{ meter: 'output_tokens', window: 'call', amount: 5 }, '5 output tokens per call'],
      [{ meter: 'output_tokens', window: 'minute', amount: 5 }, '5 output tokens per minute'],
      [{ meter: 'output_tokens', window: 'concurrent', amount: 5 }, '5 output tokens at once'],
      [{ meter: 'output_tokens', window: 'hour', amount: 1 }, '1 output token per hour'],
      [
        { meter: 'output_tokens', window: 'period', amount: 5 },
        '5 output tokens per billing period',
      ],
      [{ meter: 'output_tokens', window: 'lifetime', amount: 5 }, '5 output tokens in all'],
      [
        { meter: 'output_tokens', window: 'rolling:7h', amount: 5, scope: 'key' },
        '5 output tokens in 7 hours for this key',
      ],
    ];
    for (const [limit, text] of cases) {
      const refused = refuse(benchOf([limit]), { bound: boundOf({ output_tokens: 6n }) });
      expect([refused.code, refused.retryAfterMs, refused.refusal.actions]).toEqual([
        'limit_exceeded',
        null,
        [],
      ]);
      expect(refused.message).toBe(
        `This request may use up to 6 output tokens; the plan allows ${text}.`,
      );
    }
  });

  it('name the reset within the hour as the wait', () => {
    const bench = benchOf([
      { meter: 'requests', window: 'hour', amount: 1 },
      { meter: 'requests', window: 'lifetime', amount: 2, scope: 'tag:team' },
    ]);
    const settle = (id: string, more: Partial<EngineReserve>, nowMs: number): void => {
      bench.engine.reserve(reserveOf(id, more), nowMs);
      bench.engine.settle({ holdId: id, charges: [chargeOf({})] }, nowMs);
    };
    settle('h1', {}, START_MS + 60_000);
    const refused = refuse(bench, {}, START_MS + 90_500);
    expect(refused.retryAfterMs).toBe(HOUR_MS - 90_500);
    expect(refused.message).toBe(
      'This call counts as 1 request; 0 of 1 request is left until 11 Nov 2026 01:00 UTC.',
    );
    expect(refused.refusal.usage_info).toEqual({
      current_calls: 1,
      limit: 1,
      usage_percentage: 100,
      operation_type: 'text.generate',
      provider: 'gemini',
    });
    settle('h2', { tags: { team: 'a' } }, START_MS + 2 * HOUR_MS);
    settle('h3', { tags: { team: 'a' } }, START_MS + 4 * HOUR_MS);
    const over = refuse(bench, { tags: { team: 'a' } }, START_MS + 4 * HOUR_MS);
    expect(over.refusal.limits.map((limit) => [limit.scope, limit.resets_at])).toEqual([
      ['customer', '2026-11-11T05:00:00Z'],
      ['tag:team=a', null],
    ]);
    expect([over.retryAfterMs, over.refusal.actions]).toEqual([null, []]);
    const team = refuse(bench, { tags: { team: 'a' } }, START_MS + 6 * HOUR_MS);
    expect(team.message).toBe(
      'This call counts as 1 request; 0 of 2 requests is left for this team.',
    );
  });

  it('wait exactly as long as the slowest rate', () => {
    const bench = benchOf([
      { meter: 'requests', window: 'minute', amount: 60 },
      { meter: 'input_tokens', window: 'minute', amount: 100 },
    ]);
    const bound = boundOf({ requests: 60n, input_tokens: 90n });
    bench.engine.reserve(reserveOf('h', { bound }), START_MS);
    const refused = refuse(bench, { bound: boundOf({ requests: 1n, input_tokens: 40n }) });
    expect([refused.code, refused.retryAfterMs]).toEqual(['rate_limited', 18_000]);
    expect(refused.refusal.limits.map((limit) => limit.resets_at)).toEqual([
      '2026-11-11T00:00:01Z',
      '2026-11-11T00:00:18Z',
    ]);
    expect(refused.refusal.actions).toEqual([{ do: 'wait', until: '2026-11-11T00:00:18Z' }]);
    expect(refused.message).toBe(
      'This call counts as 1 request; the limit is 60 requests per minute. Repeat in 1 s.',
    );
    expect(refuse(bench, { bound: boundOf({ requests: 1n, input_tokens: 200n }) }).code).toBe(
      'limit_exceeded',
    );
  });

  it('tell the least that would run where the caller named no maximum', () => {
    const bench = benchOf([{ meter: 'total_tokens', window: 'period', amount: 100 }]);
    const elastic = { tokens: 5_000, minTokens: 64, nanoUsdPerMillion: 0n };
    const refused = refuse(bench, {
      bound: boundOf({ total_tokens: 90n }, { elastic }),
      operation: 'text.generate',
    });
    expect(refused.message).toBe(
      'This request needs at least 154 total tokens; the plan allows 100 total tokens per billing period.',
    );
    expect(refused.refusal.actions).toEqual([{ do: 'reduce', param: 'max_tokens', max: 10 }]);
    expect(refused.refusal.usage_info).toEqual({
      current_tokens: 0,
      requested_tokens: 154,
      limit: 100,
      usage_percentage: 0,
      operation_type: 'text.generate',
      provider: 'gemini',
    });
  });

  it('are all reported, the worst first', () => {
    const bench = benchOf([
      { meter: 'requests', window: 'minute', amount: 1 },
      { meter: 'requests', window: 'concurrent', amount: 1 },
      { meter: 'requests', window: 'day', amount: 1 },
      { meter: 'requests', window: 'period', amount: 1, on_breach: 'soft' },
      { meter: 'searches', window: 'call', amount: 1 },
      { meter: 'requests', window: 'lifetime', amount: 50 },
    ]);
    bench.engine.reserve(reserveOf('h'), START_MS);
    const refused = refuse(bench, { bound: boundOf({ requests: 1n, searches: 3n }) });
    expect(refused.refusal.limits.map((limit) => limit.id)).toEqual([
      'searches/call',
      'requests/day',
      'requests/concurrent',
      'requests/minute',
    ]);
    const busy = refuse(bench, {}, START_MS);
    expect([busy.code, busy.retryAfterMs]).toEqual(['limit_held', 60_000]);
    expect(busy.message).toBe(
      'This call counts as 1 request; 0 of 1 request is free while calls in flight hold 1; repeat when they have ended.',
    );
  });

  it('offer the first plan only where the plan in force is not listed', () => {
    const bench = benchOf([{ meter: 'requests', window: 'call', amount: 1 }]);
    bench.engine.setPlans([
      planOf([{ meter: 'requests', window: 'call', amount: 1 }], { id: 'one' }),
      planOf([{ meter: 'requests', window: 'call', amount: 'unlimited' }], { id: 'any' }),
    ]);
    const refused = refuse(bench, { bound: boundOf({ requests: 2n }) });
    expect(refused.refusal.actions).toEqual([{ do: 'upgrade', plan: 'any' }]);
  });
});

describe('the plan that would do instead of an empty wallet', () => {
  const upgrades = (plans: readonly ReturnType<typeof planOf>[]) => {
    const bench = benchOf(planOf([], { funding: 'wallet' }));
    bench.engine.setPlans([planOf([], { funding: 'wallet' }), ...plans]);
    const refused = refuse(bench, { bound: boundOf({ requests: 1n, cost_usd: 2_000_000_000n }) });
    expect(refused.code).toBe('insufficient_funds');
    return refused.refusal.actions.filter((action) => action.do === 'upgrade');
  };
  const dollars = (amount: string, more: Partial<LimitInput> = {}): LimitInput => ({
    ...COST_50,
    amount,
    ...more,
  });

  it('is the first whose own money is wide enough, if any', () => {
    expect(
      upgrades([
        planOf([dollars('500.00')], { id: 'prepaid', funding: 'wallet' }),
        planOf([dollars('1.00')], { id: 'narrow' }),
        planOf([dollars('1.00', { on_breach: 'overage', overage_cap: '0.50' })], { id: 'capped' }),
        planOf([{ ...dollars('disabled') }], { id: 'none' }),
        planOf([dollars('1.00', { on_breach: 'overage', overage_cap: '1.00' })], { id: 'fair' }),
        planOf([dollars('500.00')], { id: 'wide' }),
      ]),
    ).toEqual([{ do: 'upgrade', plan: 'fair' }]);
    expect(upgrades([planOf([dollars('1.99')], { id: 'narrow' })])).toEqual([]);
  });

  it('may count whatever is no money, and may have credits behind it', () => {
    const requests: LimitInput = { meter: 'requests', window: 'period', amount: 1 };
    expect(
      upgrades([planOf([requests, dollars('2.00')], { id: 'both', funding: 'plan_then_wallet' })]),
    ).toEqual([{ do: 'upgrade', plan: 'both' }]);
  });
});

describe('reasons that no limit outweighs', () => {
  const full = benchOf([
    { meter: 'requests', window: 'period', amount: 1 },
    { meter: 'images', window: 'period', amount: 'disabled' },
  ]);

  function withSubscription(
    subscription: Partial<NonNullable<AccountInput['subscription']>> | null,
  ): Bench {
    const base = {
      status: 'active',
      graceUntilMs: null,
      cancelAtMs: null,
      trialEndMs: null,
    } as const;
    return benchOf([], {
      account: { subscription: subscription === null ? null : { ...base, ...subscription } },
    });
  }

  it('come in the order subscription, plan, price, limits', () => {
    const images = boundOf({ requests: 5n, images: 1n });
    const unpriced = { bound: images, pricing: 'unpriced_model' } as const;
    full.engine.setPlans([
      planOf([{ meter: 'images', window: 'period', amount: 'disabled' }], { id: 'no' }),
      ...PLANS.slice(0, 1),
    ]);
    const disabled = refuse(full, unpriced);
    expect(disabled).toMatchObject({
      code: 'not_in_plan',
      message: 'The plan pro does not include text.generate on gemini/flash (disabled: images).',
      retryAfterMs: null,
      refusal: {
        limits: [
          {
            id: 'images/period',
            limit: 'disabled',
            requested: '1',
            remaining: '0',
            resets_at: null,
          },
        ],
        actions: [{ do: 'upgrade', plan: 'free' }],
        usage_info: {
          current_calls: 0,
          limit: 0,
          provider: 'gemini',
          operation_type: 'text.generate',
        },
      },
    });
    const five = boundOf({ requests: 5n });
    expect(refuse(full, { bound: five, pricing: 'unpriced_model' })).toMatchObject({
      code: 'unpriced_model',
      message:
        'The model gemini/flash has no price, so a call to it cannot be billed; choose another, or have the operator add its price.',
      refusal: { actions: [] },
    });
    expect(refuse(full, { bound: five, pricing: 'unbounded_cost' }).message).toBe(
      'The cost of this request on gemini/flash cannot be bounded; state a maximum.',
    );
    expect(refuse(full, { bound: five }).code).toBe('limit_exceeded');
    full.engine.loadAccount(accountOf(planOf([]), { subscription: null }));
    expect(refuse(full, unpriced).code).toBe('subscription_inactive');
  });

  it('name in words what is disabled, each meter once', () => {
    const bench = benchOf([
      { meter: 'cost_usd', window: 'period', amount: 'disabled' },
      { meter: 'cost_usd', window: 'day', amount: 'disabled' },
      { meter: 'output_tokens', window: 'day', amount: 'disabled' },
    ]);
    const elastic = { tokens: 9, minTokens: 2, nanoUsdPerMillion: 1_000_000n };
    const refused = refuse(bench, { bound: boundOf({ cost_usd: 1n }, { elastic }) });
    expect(refused.message).toBe(
      'The plan pro does not include text.generate on gemini/flash (disabled: cost, output tokens).',
    );
    expect(refused.refusal.limits.map((limit) => limit.requested)).toEqual([
      '0.000000003',
      '0.000000003',
      '2',
    ]);
  });

  it('hold the model against the plan’s list', () => {
    const bench = benchOf(planOf([], { models: ['openai/*'] }));
    bench.engine.setPlans(PLANS);
    const refused = refuse(bench, { pricing: 'unpriced_model' });
    expect([refused.code, refused.message, refused.refusal.actions]).toEqual([
      'model_not_allowed',
      'The plan pro does not allow the model gemini/flash; GET /v1/models lists those that it does.',
      [{ do: 'upgrade', plan: 'plus' }],
    ]);
    expect(
      refuse(bench, { bound: boundOf({}, { model: 'plain' }) }).refusal.usage_info['provider'],
    ).toBe('plain');
  });

  it('let trial, active and, within grace, past_due call, until they end', () => {
    const allowed = [
      { status: 'active' },
      { status: 'trial' },
      { status: 'trial', trialEndMs: START_MS + 1 },
      { status: 'past_due', graceUntilMs: START_MS + 1 },
      { status: 'active', cancelAtMs: START_MS + 1 },
    ] as const;
    for (const subscription of allowed) {
      const { engine } = withSubscription(subscription);
      expect(engine.reserve(reserveOf('h'), START_MS).result.type).toBe('held');
    }
  });

  it('refuse every other subscription and say how it ended', () => {
    const at = '2026-11-11T00:00:00Z';
    const cases = [
      [null, { expired: true }, 'subscribe', /^There is no subscription; subscribe/],
      [
        { status: 'trial', trialEndMs: START_MS },
        { expired: true, period_end: at },
        'subscribe',
        /^The trial ended on 11 Nov 2026 00:00 UTC; subscribe/,
      ],
      [
        { status: 'past_due', graceUntilMs: START_MS },
        { expired: true, auto_renew_failed: true },
        'pay',
        /overdue and its grace ended on 11 Nov 2026 00:00 UTC; .* once it is paid/,
      ],
      [{ status: 'past_due' }, { expired: true, auto_renew_failed: true }, 'pay', /overdue; calls/],
      [
        { status: 'active', cancelAtMs: START_MS },
        { expired: true, period_end: at },
        'reactivate',
        /cancelled and ended on 11 Nov 2026 00:00 UTC/,
      ],
      [{ status: 'paused' }, { expired: true }, 'resume', /is paused; resume it/],
      [{ status: 'cancelled' }, { expired: true }, 'reactivate', /was cancelled; reactivate/],
      [{ status: 'expired' }, { expired: true }, 'reactivate', /has expired; renew/],
    ] as const;
    for (const [subscription, info, action, message] of cases) {
      const refused = refuse(withSubscription(subscription));
      expect(refused.code).toBe('subscription_inactive');
      expect(refused.message).toMatch(message);
      expect(refused.refusal.actions).toEqual([{ do: action }]);
      expect(refused.refusal.usage_info).toEqual({ ...info, operation_type: 'text.generate' });
      expect(refused.refusal.plan).toEqual(
        subscription === null ? null : { id: 'pro', version: 1 },
      );
    }
  });

  it('do not come from disabled limits of what is not used, or of owners that the call has not', () => {
    const { engine } = benchOf([
      { meter: 'images', window: 'period', amount: 'disabled' },
      { meter: 'requests', window: 'period', amount: 'disabled', scope: 'tag:team' },
    ]);
    expect(engine.reserve(reserveOf('h'), START_MS).result.type).toBe('held');
    expect(engine.reserve(reserveOf('i', { tags: { team: 'a' } }), START_MS).result.type).toBe(
      'refused',
    );
  });
});

describe('texts', () => {
  it('show money exactly and dates in UTC', () => {
    expect([usdText(0n), usdText(61_200_000n), usdText(1n), usdText(50_000_000_000n)]).toEqual([
      '$0.00',
      '$0.0612',
      '$0.000000001',
      '$50.00',
    ]);
    expect(dateText(EPOCH_MS + PERIOD_MS)).toBe('1 Dec 2026 00:00 UTC');
    expect(dateText(EPOCH_MS + PERIOD_MS - 5_000 + 3 * DAY_MS)).toBe('3 Dec 2026 23:59:55 UTC');
  });
});
