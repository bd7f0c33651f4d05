/**
 * Replies of a gateway, as far as commands show them; members that are not named here pass through to `--json`.
 *
 * @module
 */
import { z } from 'zod';

const nullableTime = z.string().nullable();

export const planReply = z.looseObject({
  id: z.string(),
  name: z.string(),
  version: z.number(),
  price_usd: z.object({ month: z.string(), year: z.string() }).optional(),
  models: z.array(z.string()).optional(),
  features: z.array(z.string()).optional(),
  limits: z.array(
    z.looseObject({
      id: z.string(),
      meter: z.string(),
      window: z.string(),
      amount: z.union([z.string(), z.number()]),
      scope: z.string().optional(),
      operation: z.string().optional(),
      model: z.string().optional(),
      on_breach: z.string().optional(),
    }),
  ),
  created_at: z.string(),
});
export type PlanReply = z.infer<typeof planReply>;

export const customerRow = z.looseObject({
  id: z.string(),
  externalId: z.string(),
  name: z.string().nullable(),
  created_at: z.string(),
});

export const subscriptionReply = z.looseObject({
  status: z.string(),
  plan: z.object({ id: z.string(), version: z.number() }),
  cadence: z.string(),
  timezone: z.string(),
  trial_end: nullableTime,
  grace_until: nullableTime,
  cancel_at: nullableTime,
  period: z.looseObject({ start: z.string(), end: z.string() }),
  scheduled: z.array(
    z.looseObject({
      change: z.string(),
      plan: z.looseObject({ id: z.string() }).nullable(),
      effective_at: z.string(),
    }),
  ),
});
export type SubscriptionReply = z.infer<typeof subscriptionReply>;

export const customerReply = customerRow.extend({ subscription: subscriptionReply });
export type CustomerReply = z.infer<typeof customerReply>;

export const keyReply = z.looseObject({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  prefix: z.string(),
  last4: z.string(),
  customer: z.string().nullable(),
  default_customer: z.string().nullable(),
  scopes: z.record(z.string(), z.array(z.string())).nullable(),
  status: z.string(),
  created_at: z.string(),
  expires_at: nullableTime,
  revoked_at: nullableTime,
});
export type KeyReply = z.infer<typeof keyReply>;

export const newKeyReply = keyReply.extend({ key: z.string() });

const totals = z.record(z.string(), z.union([z.number(), z.string()]));

export const usageReply = z.looseObject({
  customer: z.string().nullable(),
  from: z.string(),
  to: z.string(),
  totals,
  held: totals,
  groups: z.array(z.object({ key: z.record(z.string(), z.string()), totals })),
});

export const limitReply = z.looseObject({
  id: z.string(),
  meter: z.string(),
  window: z.string(),
  scope: z.string(),
  limit: z.string(),
  used: z.string(),
  held: z.string(),
  remaining: z.string(),
  resets_at: nullableTime,
});

const usageVector = z.record(z.string(), z.number());

export const requestReply = z.looseObject({
  id: z.string(),
  customer: z.string(),
  key: z.string(),
  operation: z.string(),
  model: z.string(),
  provider: z.string().nullable(),
  model_served: z.string().nullable(),
  status: z.number(),
  error_code: z.string().nullable(),
  stream: z.boolean(),
  client_closed: z.boolean(),
  started_at: z.string(),
  duration_ms: z.number(),
  overhead_ms: z.number(),
  attempts: z.number(),
  usage: usageVector,
  cost: z.string(),
  estimated: z.boolean(),
  simulated: z.boolean(),
  warnings: z.array(z.string()),
});

export const requestDetail = requestReply.extend({
  hold: z
    .looseObject({
      id: z.string(),
      state: z.string(),
      legs: z.array(z.object({ limit: z.string(), amount: z.string() })),
    })
    .nullable(),
  attempt_rows: z.array(
    z.looseObject({
      n: z.number(),
      provider: z.string(),
      model_requested: z.string(),
      model_served: z.string().nullable(),
      outcome: z.string(),
      http_status: z.number().nullable(),
      billable: z.string(),
      usage: usageVector,
      cost: z.string(),
      price: z.string().nullable(),
    }),
  ),
});

export const verifyReply = z.looseObject({
  ok: z.boolean(),
  events: z.number(),
  buckets: z.number(),
  open_holds: z.number(),
  mismatches: z.array(
    z.object({ bucket: z.string(), field: z.string(), expected: z.string(), actual: z.string() }),
  ),
  archived: z.looseObject({ before_seq: z.number(), file: z.string() }).nullable(),
  chain: z.looseObject({ links: z.number(), after_seq: z.number(), head: z.string() }),
});

export const archiveReply = z.looseObject({
  from_seq: z.number(),
  before_seq: z.number(),
  events: z.number(),
  bound_by: z.string(),
  file: z.string().nullable(),
});

export const modelReply = z.looseObject({
  id: z.string(),
  provider: z.string(),
  candidates: z.array(z.string()).nullable(),
  context_window: z.number().nullable(),
  max_output_tokens: z.number().nullable(),
  input: z.array(z.string()).nullable(),
  output: z.array(z.string()).nullable(),
  usd_per_million: z.record(z.string(), z.string()),
});
