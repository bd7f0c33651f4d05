/**
 * What the compatibility routes take and answer, in ALwrity's shapes (its subscription API, ALwrity/ALwrity at ce9bf293).
 * Numbers are JSON numbers, as its clients read them; what has no bound is null, never infinite.
 *
 * @module
 */
import { z } from 'zod';
import { LIMIT_FIELDS, type LimitFieldName } from './limit-fields.ts';

function byField<Value extends z.ZodType>(value: Value): Record<LimitFieldName, Value> {
  return Object.fromEntries(LIMIT_FIELDS.map(({ name }) => [name, value])) as Record<
    LimitFieldName,
    Value
  >;
}

/** `{success, data}`. */
export function envelope<Data extends z.ZodType>(data: Data) {
  return z.object({ success: z.literal(true), data });
}

export const limitsSchema = z
  .object({
    ...byField(z.number()),
    _zero_means: z.object(byField(z.enum(['disabled', 'unlimited', 'limited']))),
  })
  .meta({ id: 'AlwrityLimits' });

const planShape = {
  id: z.string(),
  name: z.string(),
  tier: z.string().describe('The plan’s id.'),
  price_monthly: z.number().nullable(),
  price_yearly: z.number().nullable(),
  description: z.string().nullable(),
};

export const plansSchema = z.object({
  plans: z.array(z.object({ ...planShape, features: z.array(z.string()), limits: limitsSchema })),
  total: z.int(),
});

export const pricingSchema = z.object({
  pricing: z.array(
    z.object({
      provider: z.string(),
      model_name: z.string(),
      cost_per_input_token: z.number(),
      cost_per_output_token: z.number(),
      cost_per_request: z.number(),
      cost_per_search: z.number(),
      cost_per_image: z.number(),
      cost_per_page: z.number(),
      description: z.string(),
      effective_date: z.string().nullable(),
    }),
  ),
  total: z.int(),
});

export const subscriptionSchema = z.object({
  subscription: z
    .object({
      id: z.string(),
      billing_cycle: z.enum(['monthly', 'yearly']),
      current_period_start: z.string(),
      current_period_end: z.string(),
      status: z.string(),
      auto_renew: z.boolean(),
      created_at: z.string(),
    })
    .nullable(),
  plan: z.object({ ...planShape, is_free: z.boolean() }),
  limits: limitsSchema,
});

export const statusSchema = z.object({
  active: z.boolean(),
  plan: z.string(),
  tier: z.string(),
  can_use_api: z.boolean(),
  limits: limitsSchema.optional(),
  reason: z.string().optional(),
});

const providerUseSchema = z.record(
  z.string(),
  z.object({ calls: z.number(), cost: z.number(), tokens: z.number() }),
);

export const usageSchema = z
  .object({
    billing_period: z.string(),
    usage_status: z.enum(['active', 'warning', 'limit_reached']),
    total_calls: z.number(),
    total_tokens: z.number(),
    total_cost: z.number(),
    avg_response_time: z.number().describe('Seconds, over the newest 200 calls.'),
    error_rate: z.number().describe('Percent, over the newest 200 calls.'),
    limits: limitsSchema,
    provider_breakdown: providerUseSchema,
    usage_percentages: z.partialRecord(z.enum(LIMIT_FIELDS.map(({ name }) => name)), z.number()),
    historical_breakdown: z.array(
      z.object({
        billing_period: z.string(),
        calls: z.number(),
        cost: z.number(),
        tokens: z.number(),
      }),
    ),
    last_updated: z.string(),
  })
  .meta({ id: 'AlwrityUsage' });

export const trendsSchema = z
  .object({
    periods: z.array(z.string()),
    total_calls: z.array(z.number()),
    total_cost: z.array(z.number()),
    total_tokens: z.array(z.number()),
    provider_trends: z.record(
      z.string(),
      z.object({
        calls: z.array(z.number()),
        cost: z.array(z.number()),
        tokens: z.array(z.number()),
      }),
    ),
  })
  .meta({ id: 'AlwrityTrends' });

const alertSchema = z.object({
  id: z.string(),
  type: z.enum(['limit_reached', 'usage_warning', 'system_error']),
  threshold_percentage: z.number().nullable(),
  provider: z.string().nullable(),
  title: z.string(),
  message: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  is_read: z.boolean(),
  read_at: z.string().nullable(),
  billing_period: z.string(),
  created_at: z.string(),
});

export const alertsSchema = z.object({
  alerts: z.array(alertSchema),
  total: z.int(),
  unread_count: z.int(),
});

export const dashboardSchema = z.object({
  total_usage: usageSchema,
  current_period_usage: usageSchema,
  trends: trendsSchema,
  limits: z.object({ plan_name: z.string(), tier: z.string(), limits: limitsSchema }),
  alerts: z.array(alertSchema),
  projections: z.object({
    projected_monthly_cost: z.number(),
    cost_limit: z.number(),
    projected_usage_percentage: z.number(),
  }),
  summary: z.object({
    total_api_calls_this_month: z.number(),
    total_cost_this_month: z.number(),
    usage_status: z.string(),
    unread_alerts: z.int(),
  }),
});

export const usageLogsSchema = z.object({
  logs: z.array(
    z.object({
      id: z.string(),
      timestamp: z.string(),
      provider: z.string().nullable(),
      actual_provider_name: z.string().nullable(),
      model_used: z.string(),
      endpoint: z.string(),
      method: z.string(),
      tokens_input: z.number(),
      tokens_output: z.number(),
      tokens_total: z.number(),
      cost_input: z.null().describe('Costs are not kept apart by direction.'),
      cost_output: z.null(),
      cost_total: z.number(),
      response_time: z.number(),
      status_code: z.int(),
      status: z.enum(['success', 'failed']),
      error_message: z.string().nullable(),
      billing_period: z.string(),
      retry_count: z.int(),
      is_aggregated: z.literal(false),
    }),
  ),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
  has_more: z.boolean(),
});

export const preflightRequestSchema = z.object({
  operations: z
    .array(
      z.object({
        provider: z.string().min(1).max(100),
        model: z.string().min(1).max(200).nullish(),
        tokens_requested: z.int().min(0).max(1_000_000_000).nullish(),
        operation_type: z.string().min(1).max(100),
        actual_provider_name: z.string().max(100).nullish(),
      }),
    )
    .min(1)
    .max(50),
});

const limitInfoSchema = z.object({
  current_usage: z.number(),
  limit: z.number().nullable().describe('Null: unlimited.'),
  remaining: z.number().nullable().describe('Null: unlimited.'),
});

export const preflightSchema = z.object({
  can_proceed: z.boolean(),
  estimated_cost: z.number(),
  total_cost: z.number(),
  operations: z.array(
    z.object({
      provider: z.string(),
      operation_type: z.string(),
      cost: z.number(),
      allowed: z.boolean(),
      limit_info: limitInfoSchema,
      message: z.string().nullable(),
    }),
  ),
  usage_summary: z.object({
    current_calls: z.number(),
    limit: z.number().nullable(),
    remaining: z.number().nullable(),
  }),
  cached: z.literal(false),
});
