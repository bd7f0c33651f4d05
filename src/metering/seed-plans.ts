/**
 * The plans that a first start creates. Numbers, names, prices and features are those of ALwrity's own
 * seed data (ALwrity/ALwrity, PricingService, at ce9bf293). Its 0, which meant both, is `disabled` on
 * Free and `unlimited` elsewhere.
 *
 * Its "stability" row counts images, its "mistral" rows count Hugging Face.
 *
 * @module
 */
import type { LimitInput, Meter, PlanInput } from '../contracts/metering.ts';

type SeedColumn = readonly [free: number, basic: number, pro: number, enterprise: number];

interface SeedLimit {
  /** Last part of the id where meter and window alone would repeat. */
  readonly idSuffix?: string;
  readonly meter: Meter;
  readonly operation?: string;
  readonly model?: string;
  readonly amounts: SeedColumn;
}

const SEED_LIMITS: readonly SeedLimit[] = [
  { meter: 'requests', operation: 'text.generate', amounts: [50, 500, 3000, 0] },
  ...textCalls('gemini', [50, 1000, 5000, 0]),
  ...textCalls('openai', [0, 500, 2500, 0]),
  ...textCalls('anthropic', [0, 200, 1000, 0]),
  ...textCalls('huggingface', [0, 500, 2500, 0]),
  ...textTokens('gemini', [50_000, 100_000, 5_000_000, 0]),
  ...textTokens('openai', [0, 100_000, 2_500_000, 0]),
  ...textTokens('anthropic', [0, 100_000, 1_000_000, 0]),
  ...textTokens('huggingface', [0, 100_000, 2_500_000, 0]),
  ...searches('tavily', [10, 200, 200, 0]),
  ...searches('serper', [10, 200, 200, 0]),
  ...searches('metaphor', [0, 100, 500, 0]),
  ...searches('firecrawl', [0, 100, 500, 0]),
  ...searches('exa', [10, 100, 500, 0]),
  { meter: 'images', amounts: [10, 25, 100, 0] },
  { meter: 'image_edits', amounts: [5, 25, 100, 0] },
  { meter: 'video_clips', amounts: [2, 10, 30, 0] },
  { idSuffix: 'audio', meter: 'requests', operation: 'audio.*', amounts: [10, 100, 100, 0] },
  { idSuffix: 'wavespeed', meter: 'requests', model: 'wavespeed/*', amounts: [0, 200, 500, 0] },
  { meter: 'cost_usd', amounts: [2, 25, 100, 500] },
];

function textCalls(provider: string, amounts: SeedColumn): readonly SeedLimit[] {
  return [
    {
      idSuffix: provider,
      meter: 'requests',
      operation: 'text.generate',
      model: `${provider}/*`,
      amounts,
    },
  ];
}

function textTokens(provider: string, amounts: SeedColumn): readonly SeedLimit[] {
  return [
    {
      idSuffix: provider,
      meter: 'total_tokens',
      operation: 'text.generate',
      model: `${provider}/*`,
      amounts,
    },
  ];
}

function searches(provider: string, amounts: SeedColumn): readonly SeedLimit[] {
  return [{ idSuffix: provider, meter: 'searches', model: `${provider}/*`, amounts }];
}

function limitsOf(column: 0 | 1 | 2 | 3): LimitInput[] {
  return SEED_LIMITS.map(({ idSuffix, meter, operation, model, amounts }) => {
    const count = amounts[column];
    const zero = column === 0 ? 'disabled' : 'unlimited';
    const amount = meter === 'cost_usd' ? `${count}.00` : count;
    return {
      ...(idSuffix === undefined ? {} : { id: `${meter}/period/${idSuffix}` }),
      meter,
      window: 'period',
      amount: count === 0 ? zero : amount,
      ...(operation === undefined ? {} : { operation }),
      ...(model === undefined ? {} : { model }),
    };
  });
}

/** `free`, `basic`, `pro`, `enterprise`, in this order. */
export const SEED_PLANS: readonly PlanInput[] = [
  {
    id: 'free',
    name: 'Free',
    price_usd: { month: '0.00', year: '0.00' },
    features: ['basic_content_generation', 'limited_research'],
    limits: limitsOf(0),
  },
  {
    id: 'basic',
    name: 'Basic',
    price_usd: { month: '29.00', year: '290.00' },
    features: [
      'full_content_generation',
      'advanced_research',
      'basic_analytics',
      'all_tools_access',
      'oss_models_priority',
    ],
    limits: limitsOf(1),
  },
  {
    id: 'pro',
    name: 'Pro',
    price_usd: { month: '79.00', year: '790.00' },
    features: [
      'unlimited_content_generation',
      'premium_research',
      'advanced_analytics',
      'priority_support',
    ],
    limits: limitsOf(2),
  },
  {
    id: 'enterprise',
    name: 'Enterprise',
    price_usd: { month: '199.00', year: '1990.00' },
    features: ['unlimited_everything', 'white_label', 'dedicated_support', 'custom_integrations'],
    limits: limitsOf(3),
  },
];

/** `externalId` of the customer that a first start creates, and its plan. */
export const SEED_CUSTOMER = { externalId: 'default', planId: 'enterprise' } as const;
