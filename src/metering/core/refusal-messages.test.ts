/**
 * What a subscriber reads when a call is refused: what is lacking, how much is left, when it renews, what helps. (Those
 * of subscriptions stand in `refusal.test.ts`.)
 */
import { expect, it } from 'vitest';
import type { LimitInput, PlanInput } from '../../contracts/metering.ts';
import type { Refused, TokenClaim } from '../ports.ts';
import { compileDeploymentLimits, compileOwnLimits } from './compiled-plan.ts';
import type { EngineReserve } from './engine.ts';
import {
  accountOf,
  benchOf,
  boundOf,
  chargeOf,
  DAY_MS,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';

const TOKEN: TokenClaim = {
  id: 'agt_1',
  maxSpendNanoUsd: 1_000_000_000n,
  expiresAtMs: START_MS + DAY_MS,
};

interface Story {
  readonly plan?: readonly LimitInput[];
  readonly funding?: PlanInput['funding'];
  readonly key?: readonly LimitInput[];
  readonly token?: readonly LimitInput[];
  readonly deployment?: readonly LimitInput[];
  /** Used before, in nano-USD and one request. */
  readonly used?: bigint;
  /** Held by a call in flight. */
  readonly held?: bigint;
  readonly credit?: bigint;
  readonly call?: Partial<EngineReserve>;
}

function refusalOf(story: Story): Refused {
  const { funding } = story;
  const plan = planOf(story.plan ?? [], funding === undefined ? {} : { funding });
  const { engine } = benchOf(plan);
  const beside = (customerId: string, own: ReturnType<typeof planOf>, lifetimeEndMs?: number) =>
    engine.loadAccount(
      accountOf(own, {
        customerId,
        subscription: null,
        ...(lifetimeEndMs === undefined ? {} : { lifetimeEndMs }),
      }),
    );
  beside('key_1', compileOwnLimits({ id: 'key_1', type: 'key' }, story.key ?? [], 1));
  const token = compileOwnLimits({ id: TOKEN.id, type: 'client_token' }, story.token ?? [], 1);
  beside(TOKEN.id, token, TOKEN.expiresAtMs);
  beside('deployment', compileDeploymentLimits(story.deployment ?? []));
  if (story.credit !== undefined) {
    engine.grantCredit(
      {
        customerId: 'cus_1',
        reference: 'first',
        kind: 'top_up',
        amountNanoUsd: story.credit,
        reason: null,
        asked: '',
        priority: 0,
        effectiveAtMs: START_MS,
        expiresAtMs: null,
      },
      START_MS,
    );
  }
  const more = story.token === undefined ? {} : { token: TOKEN };
  const hold = (id: string, amount: bigint) =>
    engine.reserve(
      reserveOf(id, { ...more, bound: boundOf({ requests: 1n, cost_usd: amount }) }),
      START_MS,
    ).result;
  if (story.used !== undefined) {
    expect(hold('used', story.used).type).toBe('held');
    const charges = [chargeOf({ requests: 1n, cost_usd: story.used })];
    engine.settle({ holdId: 'used', charges }, START_MS);
  }
  if (story.held !== undefined) expect(hold('held', story.held).type).toBe('held');
  const command = reserveOf('x', {
    ...more,
    bound: boundOf({ requests: 1n, cost_usd: 500_000_000n }),
    ...story.call,
  });
  const { result } = engine.reserve(command, START_MS);
  if (result.type === 'held') throw new Error('was held');
  return result;
}

const cost = (amount: string, window: string, more: Partial<LimitInput> = {}): LimitInput => ({
  meter: 'cost_usd',
  window,
  amount,
  ...more,
});
const USED = 800_000_000n;

const STORIES: readonly (readonly [string, Story])[] = [
  ['plan used up', { plan: [cost('1.00', 'day')], used: USED }],
  ['plan held by calls in flight', { plan: [cost('1.00', 'day')], held: USED }],
  ['more than the whole plan', { plan: [cost('0.10', 'period')] }],
  ['key used up', { key: [cost('1.00', 'day')], used: USED }],
  ['key used up for good', { key: [cost('1.00', 'lifetime')], used: USED }],
  ['key too fast', { key: [{ meter: 'requests', window: 'minute', amount: 1 }], used: 1n }],
  [
    'key with a call in flight',
    { key: [{ meter: 'requests', window: 'concurrent', amount: 1 }], held: 1n },
  ],
  ['token spent', { token: [cost('1.00', 'lifetime')], used: USED }],
  ['token held by calls in flight', { token: [cost('1.00', 'lifetime')], held: USED }],
  [
    'deployment held by calls in flight',
    { deployment: [cost('1.00', 'day', { scope: 'deployment' })], held: USED },
  ],
  [
    'deployment used up',
    { deployment: [cost('1.00', 'day', { scope: 'deployment' })], used: USED },
  ],
  [
    'provider used up',
    { deployment: [cost('1.00', 'day', { scope: 'provider:gemini' })], used: USED },
  ],
  ['wallet empty', { funding: 'wallet' }],
  ['wallet too small', { funding: 'wallet', credit: 1_000_000_000n, used: USED }],
  [
    'allowance and wallet too small',
    { plan: [cost('1.00', 'day')], funding: 'plan_then_wallet', credit: 100_000_000n, used: USED },
  ],
  [
    'operation outside the plan',
    { plan: [{ meter: 'requests', window: 'period', amount: 'disabled' }] },
  ],
  ['model without a price', { call: { pricing: 'unpriced_model' } }],
];

it('say what is lacking, what is left, when it renews and what helps', () => {
  const told = STORIES.map(([name, story]) => {
    const { code, message, refusal } = refusalOf(story);
    const actions = refusal.actions.map((action) => JSON.stringify(action)).join(' ');
    return [`${name}: ${code}`, message, actions];
  });
  expect(told).toMatchInlineSnapshot(`
    [
      [
        "plan used up: limit_exceeded",
        "This request may cost up to $0.50; $0.20 of $1.00 is left until 12 Nov 2026 00:00 UTC.",
        "{"do":"wait","until":"2026-11-12T00:00:00Z"}",
      ],
      [
        "plan held by calls in flight: limit_held",
        "This request may cost up to $0.50; $0.20 of $1.00 is free while calls in flight hold $0.80; repeat when they have ended.",
        "",
      ],
      [
        "more than the whole plan: limit_exceeded",
        "This request may cost up to $0.50; the plan allows $0.10 per billing period.",
        "",
      ],
      [
        "key used up: limit_exceeded",
        "This request may cost up to $0.50; $0.20 of $1.00 is left for this key until 12 Nov 2026 00:00 UTC.",
        "{"do":"wait","until":"2026-11-12T00:00:00Z"}",
      ],
      [
        "key used up for good: limit_exceeded",
        "This request may cost up to $0.50; $0.20 of $1.00 is left for this key. It does not renew; use another key, or have its limit raised.",
        "",
      ],
      [
        "key too fast: rate_limited",
        "This call counts as 1 request; the limit is 1 request per minute for this key. Repeat in 60 s.",
        "{"do":"wait","until":"2026-11-11T00:01:00Z"}",
      ],
      [
        "key with a call in flight: concurrency_limited",
        "1 request may run at once for this key; repeat when a running call has ended.",
        "",
      ],
      [
        "token spent: limit_exceeded",
        "This request may cost up to $0.50; $0.20 of $1.00 is left for this client token. It does not renew; ask for a new client token.",
        "",
      ],
      [
        "token held by calls in flight: limit_held",
        "This request may cost up to $0.50; $0.20 of $1.00 is free for this client token while calls in flight hold $0.80; repeat when they have ended.",
        "",
      ],
      [
        "deployment held by calls in flight: limit_held",
        "This request may cost up to $0.50; not that much is left of the $1.00 per day for all customers together while calls are in flight; repeat when they have ended.",
        "",
      ],
      [
        "deployment used up: limit_exceeded",
        "This request may cost up to $0.50; not that much is left of the $1.00 per day for all customers together until 12 Nov 2026 00:00 UTC.",
        "{"do":"wait","until":"2026-11-12T00:00:00Z"}",
      ],
      [
        "provider used up: limit_exceeded",
        "This request may cost up to $0.50; not that much is left of the $1.00 per day for all customers together on gemini until 12 Nov 2026 00:00 UTC.",
        "{"do":"wait","until":"2026-11-12T00:00:00Z"}",
      ],
      [
        "wallet empty: insufficient_funds",
        "This request may cost up to $0.50 of credit; $0.00 is left in the wallet. Top up the wallet.",
        "{"do":"top_up","amount":"0.500000000"}",
      ],
      [
        "wallet too small: insufficient_funds",
        "This request may cost up to $0.50 of credit; $0.20 is left in the wallet. Top up the wallet.",
        "{"do":"top_up","amount":"0.300000000"}",
      ],
      [
        "allowance and wallet too small: insufficient_funds",
        "This request may cost up to $0.30 of credit; $0.10 is left in the wallet. Top up the wallet.",
        "{"do":"top_up","amount":"0.200000000"} {"do":"wait","until":"2026-11-12T00:00:00Z"}",
      ],
      [
        "operation outside the plan: not_in_plan",
        "The plan pro does not include text.generate on gemini/flash (disabled: requests).",
        "",
      ],
      [
        "model without a price: unpriced_model",
        "The model gemini/flash has no price, so a call to it cannot be billed; choose another, or have the operator add its price.",
        "",
      ],
    ]
  `);
});
