import { describe, expect, it } from 'vitest';
import { planSchema } from '../contracts/metering.ts';
import { SEED_CUSTOMER, SEED_PLANS } from './seed-plans.ts';

const U = 'unlimited';
const D = 'disabled';

/** id, meter, operation, model, then free, basic, pro, enterprise. */
const EXPECTED = [
  ['requests/period', 'requests', 'text.generate', '', 50, 500, 3000, U],
  ['requests/period/gemini', 'requests', 'text.generate', 'gemini/*', 50, 1000, 5000, U],
  ['requests/period/openai', 'requests', 'text.generate', 'openai/*', D, 500, 2500, U],
  ['requests/period/anthropic', 'requests', 'text.generate', 'anthropic/*', D, 200, 1000, U],
  ['requests/period/huggingface', 'requests', 'text.generate', 'huggingface/*', D, 500, 2500, U],
  [
    'total_tokens/period/gemini',
    'total_tokens',
    'text.generate',
    'gemini/*',
    50_000,
    100_000,
    5_000_000,
    U,
  ],
  [
    'total_tokens/period/openai',
    'total_tokens',
    'text.generate',
    'openai/*',
    D,
    100_000,
    2_500_000,
    U,
  ],
  [
    'total_tokens/period/anthropic',
    'total_tokens',
    'text.generate',
    'anthropic/*',
    D,
    100_000,
    1_000_000,
    U,
  ],
  [
    'total_tokens/period/huggingface',
    'total_tokens',
    'text.generate',
    'huggingface/*',
    D,
    100_000,
    2_500_000,
    U,
  ],
  ['searches/period/tavily', 'searches', '', 'tavily/*', 10, 200, 200, U],
  ['searches/period/serper', 'searches', '', 'serper/*', 10, 200, 200, U],
  ['searches/period/metaphor', 'searches', '', 'metaphor/*', D, 100, 500, U],
  ['searches/period/firecrawl', 'searches', '', 'firecrawl/*', D, 100, 500, U],
  ['searches/period/exa', 'searches', '', 'exa/*', 10, 100, 500, U],
  ['images/period', 'images', '', '', 10, 25, 100, U],
  ['image_edits/period', 'image_edits', '', '', 5, 25, 100, U],
  ['video_clips/period', 'video_clips', '', '', 2, 10, 30, U],
  ['requests/period/audio', 'requests', 'audio.*', '', 10, 100, 100, U],
  ['requests/period/wavespeed', 'requests', '', 'wavespeed/*', D, 200, 500, U],
  ['cost_usd/period', 'cost_usd', '', '', '2.00', '25.00', '100.00', '500.00'],
] as const;

describe('seed plans', () => {
  it('stand in the order of the price list with their prices', () => {
    expect(SEED_PLANS.map((plan) => [plan.id, plan.name, plan.price_usd])).toEqual([
      ['free', 'Free', { month: '0.00', year: '0.00' }],
      ['basic', 'Basic', { month: '29.00', year: '290.00' }],
      ['pro', 'Pro', { month: '79.00', year: '790.00' }],
      ['enterprise', 'Enterprise', { month: '199.00', year: '1990.00' }],
    ]);
  });

  it.each([0, 1, 2, 3] as const)('carry every number of the original (plan %i)', (column) => {
    const rows = SEED_PLANS[column]?.limits.map((limit) => [
      limit.id ?? `${limit.meter}/${limit.window}`,
      limit.meter,
      limit.window,
      limit.operation ?? '',
      limit.model ?? '',
      limit.amount,
    ]);
    expect(rows).toEqual(
      EXPECTED.map(([id, meter, operation, model, ...amounts]) => [
        id,
        meter,
        'period',
        operation,
        model,
        amounts[column],
      ]),
    );
  });

  it('pass the schema that operators must pass, with ids unique in the plan', () => {
    for (const plan of SEED_PLANS) {
      expect(planSchema.parse(plan)).toEqual(plan);
      const ids = plan.limits.map((limit) => limit.id ?? `${limit.meter}/${limit.window}`);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('name the features of the original', () => {
    expect(SEED_PLANS.map((plan) => plan.features?.length)).toEqual([2, 5, 4, 4]);
    expect(SEED_PLANS.at(-1)?.features).toContain('white_label');
  });

  it('put the default customer on a plan that exists', () => {
    expect(SEED_PLANS.map((plan) => plan.id)).toContain(SEED_CUSTOMER.planId);
  });
});
