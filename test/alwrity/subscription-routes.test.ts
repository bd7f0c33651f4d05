/** ALwrity's subscription routes, in its shapes, without its faults. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  alertsSchema,
  dashboardSchema,
  envelope,
  plansSchema,
  preflightSchema,
  pricingSchema,
  statusSchema,
  subscriptionSchema,
  trendsSchema,
  usageLogsSchema,
  usageSchema,
} from '../../src/dialects/alwrity/shapes.ts';
import { openLab, type Lab } from '../support/lab.ts';
import {
  callAdmin,
  createCustomerKey,
  usageOf,
  type CustomerKey,
} from '../support/running-gateway.ts';

let lab: Lab;
let user: CustomerKey;
let stranger: CustomerKey;
const ROOT = '/api/subscription';
const MODEL = 'gemini-2.5-flash';

async function get<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  key: string = user.apiKey,
): Promise<z.output<Schema>> {
  const reply = await lab.call(`${ROOT}${path}`, { key });
  expect(reply.status, reply.text).toBe(200);
  return schema.parse(reply.json);
}

async function chat(key: string): Promise<number> {
  const reply = await lab.call('/v1/chat/completions', {
    key,
    body: { model: `gemini/${MODEL}`, messages: [{ role: 'user', content: 'Hello' }] },
  });
  return reply.status;
}

async function preflight(operations: readonly unknown[], key: string = user.apiKey) {
  const reply = await lab.call(`${ROOT}/preflight-check`, { key, body: { operations } });
  expect(reply.status, reply.text).toBe(200);
  return envelope(preflightSchema).parse(reply.json).data;
}

const textOperation = (tokens: number) => ({
  provider: 'gemini',
  model: MODEL,
  tokens_requested: tokens,
  operation_type: 'text_generation',
});

beforeAll(async () => {
  lab = await openLab();
  user = await createCustomerKey(lab.gateway, {
    externalId: 'writer/1',
    plan: { price_usd: { month: '29.00', year: '290.00' } },
    limits: [
      { meter: 'requests', window: 'period', amount: 3, operation: 'text.generate' },
      {
        id: 'tokens/gemini',
        meter: 'total_tokens',
        window: 'period',
        amount: 100_000,
        operation: 'text.generate',
        model: 'gemini/*',
      },
      { meter: 'video_clips', window: 'period', amount: 'disabled' },
      { meter: 'images', window: 'period', amount: 'unlimited' },
      { meter: 'cost_usd', window: 'period', amount: '25.00' },
    ],
  });
  stranger = await createCustomerKey(lab.gateway);
  expect(await chat(user.apiKey)).toBe(200);
  expect(await chat(user.apiKey)).toBe(200);
});

afterAll(async () => {
  await lab.close();
});

describe('plans and subscriptions', () => {
  it('lists the seed plans with what 0 means', async () => {
    const { data } = await get('/plans', envelope(plansSchema));
    const prices = data.plans.flatMap(({ price_monthly: price }) => price ?? []);
    expect(prices).toEqual(prices.toSorted((one, other) => one - other));
    expect(data.plans.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['free', 'basic', 'pro', 'enterprise']),
    );
    const free = data.plans.find(({ id }) => id === 'free');
    const enterprise = data.plans.find(({ id }) => id === 'enterprise');
    expect(free?.limits).toMatchObject({
      ai_text_generation_calls: 50,
      gemini_tokens: 50_000,
      openai_calls: 0,
      video_calls: 2,
      monthly_cost: 2,
      _zero_means: { openai_calls: 'disabled', gemini_calls: 'limited' },
    });
    expect(enterprise?.limits).toMatchObject({
      video_calls: 0,
      monthly_cost: 500,
      _zero_means: { video_calls: 'unlimited', monthly_cost: 'limited' },
    });
    expect(data.total).toBe(data.plans.length);
  });

  it('prices output apart from input, and refuses a provider that it does not know', async () => {
    const { data } = await get('/pricing?provider=google', envelope(pricingSchema));
    const flash = data.pricing.find(({ model_name }) => model_name === MODEL);
    expect(flash).toMatchObject({
      provider: 'gemini',
      cost_per_input_token: 3e-7,
      cost_per_output_token: 2.5e-6,
    });
    const refused = await lab.call(`${ROOT}/pricing?provider=nobody`, { key: user.apiKey });
    expect([refused.status, refused.json['code'], refused.json['param']]).toEqual([
      400,
      'invalid_request',
      'provider',
    ]);
  });

  it('tells subscription and status', async () => {
    const id = encodeURIComponent(user.externalId);
    const { data } = await get(`/user/${id}/subscription`, envelope(subscriptionSchema));
    expect(data).toMatchObject({
      subscription: { billing_cycle: 'monthly', status: 'active', auto_renew: true },
      plan: { id: user.planId, price_monthly: 29, price_yearly: 290, is_free: false },
      limits: {
        ai_text_generation_calls: 3,
        video_calls: 0,
        _zero_means: { video_calls: 'disabled', stability_calls: 'unlimited' },
      },
    });
    const status = await get(`/status/${id}`, envelope(statusSchema));
    expect(status.data).toMatchObject({ active: true, can_use_api: true, plan: user.planId });
    await callAdmin(lab.gateway, `PATCH /customers/${stranger.customerId}/subscription`, {
      status: 'paused',
    });
    const paused = await get(
      `/status/${stranger.externalId}`,
      envelope(statusSchema),
      stranger.apiKey,
    );
    expect(paused.data).toMatchObject({
      active: false,
      can_use_api: false,
      reason: 'Subscription paused',
    });
  });

  it('hides other customers, and lets a service key name any', async () => {
    for (const path of ['status/', 'usage/', 'dashboard/', 'alerts/']) {
      const reply = await lab.call(`${ROOT}/${path}${stranger.externalId}`, { key: user.apiKey });
      expect([reply.status, reply.json['code']]).toEqual([404, 'not_found']);
      const unknown = await lab.call(`${ROOT}/${path}nobody`, { key: user.apiKey });
      expect(unknown.json['detail']).toBe(
        String(reply.json['detail']).replace(stranger.externalId, 'nobody'),
      );
      expect((await lab.call(`${ROOT}/${path}${stranger.externalId}`)).status).toBe(200);
    }
    expect((await lab.call(`${ROOT}/plans`, { key: null })).status).toBe(401);
    expect((await lab.call(`${ROOT}/plans`, { key: lab.gateway.adminKey })).status).toBe(403);
  });
});

describe('usage', () => {
  it('is the ledger’s own number', async () => {
    const id = encodeURIComponent(user.externalId);
    const { totals } = await usageOf(lab.gateway, user.customerId);
    for (const period of [
      '',
      '?billing_period=current',
      `?billing_period=${new Date().toISOString().slice(0, 7)}`,
    ]) {
      const { data } = await get(`/usage/${id}${period}`, envelope(usageSchema));
      expect(data.total_calls).toBe(2);
      expect(data.total_cost).toBe(Number(totals.cost_usd));
      expect(data.total_tokens).toBe(totals['total_tokens']);
      expect(data.provider_breakdown).toEqual({
        gemini: { calls: 2, cost: data.total_cost, tokens: data.total_tokens },
      });
      expect(data.usage_percentages.ai_text_generation_calls).toBeCloseTo(66.67, 1);
      expect(data.error_rate).toBe(0);
    }
    const bad = await lab.call(`${ROOT}/usage/${id}?billing_period=2026-13`, { key: user.apiKey });
    expect([bad.status, bad.json['param']]).toEqual([400, 'billing_period']);
  });

  it('has trends by month and provider', async () => {
    const { data } = await get(
      `/usage/${encodeURIComponent(user.externalId)}/trends?months=3`,
      envelope(trendsSchema),
    );
    expect(data.periods).toHaveLength(3);
    expect(data.total_calls).toEqual([0, 0, 2]);
    expect(data.provider_trends['gemini']?.calls).toEqual([0, 0, 2]);
  });

  it('has a dashboard', async () => {
    const { data } = await get(
      `/dashboard/${encodeURIComponent(user.externalId)}`,
      envelope(dashboardSchema),
    );
    expect(data.summary).toMatchObject({ total_api_calls_this_month: 2, usage_status: 'active' });
    expect(data.projections).toMatchObject({
      cost_limit: 25,
      projected_monthly_cost: data.total_usage.total_cost,
    });
    expect(data.alerts).toHaveLength(data.summary.unread_alerts);
  });

  it('has the alerts that were raised', async () => {
    const { alerts } = lab.gateway.gateway.gateway.store.alerting;
    const atMs = Date.now();
    const raised = await alerts.raise({
      kind: 'threshold',
      severity: 'critical',
      customerId: user.customerId,
      key: 'test',
      atMs,
      endsAtMs: atMs + 60_000,
      data: {
        limit_id: 'requests/period',
        meter: 'requests',
        scope: 'customer',
        starts_at: new Date(atMs).toISOString(),
        ends_at: new Date(atMs + 60_000).toISOString(),
        limit: '3',
        used: '3',
        held: '0',
        percent: 100,
        threshold: 100,
      },
    });
    const path = `/alerts/${encodeURIComponent(user.externalId)}`;
    const { data } = await get(path, envelope(alertsSchema));
    expect(data.total).toBe(data.alerts.length);
    expect(data.alerts.find(({ id }) => id === raised?.id)).toMatchObject({
      type: 'limit_reached',
      threshold_percentage: 100,
      severity: 'error',
      message: '3 of 3 is used.',
      is_read: false,
    });
    await alerts.acknowledge(raised?.id ?? '', atMs + 1);
    const unread = await get(`${path}?unread_only=true`, envelope(alertsSchema));
    expect(unread.data.alerts.map(({ id }) => id)).not.toContain(raised?.id);
    expect(unread.data.unread_count).toBe(data.unread_count - 1);
  });

  it('has logs by place', async () => {
    const first = await get('/usage-logs?limit=1', usageLogsSchema);
    expect(first).toMatchObject({ total_count: 2, limit: 1, offset: 0, has_more: true });
    expect(first.logs[0]).toMatchObject({
      provider: 'gemini',
      status: 'success',
      status_code: 200,
      retry_count: 0,
      is_aggregated: false,
    });
    const last = await get('/usage-logs?limit=1&offset=1&provider=google', usageLogsSchema);
    expect(last).toMatchObject({ total_count: 2, has_more: false });
    expect(last.logs[0]?.id).not.toBe(first.logs[0]?.id);
    expect(await get('/usage-logs?status_code=500', usageLogsSchema)).toMatchObject({
      total_count: 0,
      logs: [],
    });
    expect((await lab.call(`${ROOT}/usage-logs?limit=6000`, { key: user.apiKey })).status).toBe(
      400,
    );
  });
});

describe('preflight-check', () => {
  it('prices output, judges each operation for itself, and tells its own meter', async () => {
    const data = await preflight([
      textOperation(1000),
      {
        provider: 'gemini',
        model: MODEL,
        tokens_requested: 1000,
        operation_type: 'text_generation',
      },
    ]);
    expect(data).toMatchObject({ can_proceed: false, cached: false });
    expect(data.operations.map(({ allowed }) => allowed)).toEqual([true, false]);
    const inputOnly = 1000 * 3e-7;
    expect(data.operations[0]?.cost).toBeGreaterThan(inputOnly);
    expect(data.total_cost).toBeCloseTo(
      data.operations.reduce((sum, { cost }) => sum + cost, 0),
      9,
    );
    expect(data.operations[0]?.limit_info).toMatchObject({ limit: 100_000 });
    expect(data.operations[1]).toMatchObject({
      limit_info: { current_usage: 2, limit: 3, remaining: 1 },
    });
    expect(data.operations[1]?.message).toMatch(/\S/);
    expect(data.usage_summary).toEqual({ current_calls: 2, limit: 3, remaining: 1 });
  });

  it('is JSON without bounds: null for unlimited', async () => {
    const data = await preflight([textOperation(500)], stranger.apiKey);
    expect(data.operations[0]?.limit_info).toEqual({
      current_usage: 0,
      limit: null,
      remaining: null,
    });
  });

  it.each([
    [{ provider: 'acme', model: 'x', operation_type: 'text_generation' }, 'operations[0].provider'],
    [{ provider: 'gemini', operation_type: 'text_generation' }, 'operations[0].model'],
    [{ model: 'x', operation_type: 'text_generation' }, 'operations[0].provider'],
  ])('refuses %j', async (operation, param) => {
    const reply = await lab.call(`${ROOT}/preflight-check`, {
      key: user.apiKey,
      body: { operations: [operation] },
    });
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect([reply.status, reply.json['code'], reply.json['param']]).toEqual([
      400,
      'invalid_request',
      param,
    ]);
    expect(reply.json).toMatchObject({
      error: expect.any(String),
      message: reply.json['detail'],
      provider: null,
      usage_info: {},
    });
  });

  it('holds nothing', async () => {
    expect(await lab.openHolds()).toBe(0);
  });
});
