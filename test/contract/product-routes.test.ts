/**
 * The contract against the running gateway: every route it names, every code with its status, and the bodies that tools
 * rely on.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/contracts/error-codes.ts';
import { ADMIN_KEY, chatBody, openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { commandLineOf } from '../support/command-line.ts';
import { createCustomerKey } from '../support/running-gateway.ts';

const DATA_PLANE = [
  'POST /v1/chat/completions',
  'POST /v1/responses',
  'POST /v1/completions',
  'POST /v1/embeddings',
  'POST /v1/moderations',
  'GET /v1/models',
  'GET /v1/models/{id}',
  'POST /v1/rerank',
  'POST /v1/prompt-enhancements',
  'POST /v1/messages',
  'POST /v1/messages/count_tokens',
  'POST /v1beta/models/{model}:generateContent',
  'POST /v1/images/generations',
  'POST /v1/images/edits',
  'POST /v1/images/face-swaps',
  'POST /v1/images/upscales',
  'POST /v1/images/background-removals',
  'POST /v1/audio/speech',
  'POST /v1/audio/transcriptions',
  'POST /v1/audio/translations',
  'GET /v1/audio/voices',
  'POST /v1/audio/voices',
  'POST /v1/videos',
  'GET /v1/videos',
  'GET /v1/videos/{id}',
  'GET /v1/videos/{id}/content',
  'DELETE /v1/videos/{id}',
  'GET /v1/jobs',
  'GET /v1/jobs/{id}',
  'GET /v1/jobs/{id}/events',
  'POST /v1/jobs/{id}/cancel',
  'GET /v1/assets/{id}',
  'POST /v1/assets',
  'DELETE /v1/assets/{id}',
  'POST /v1/quotes',
  'POST /v1/preflight',
  'GET /v1/quotes/{id}',
  'DELETE /v1/quotes/{id}',
  'GET /v1/usage',
  'GET /v1/limits',
  'GET /v1/me',
  'GET /v1/requests/{id}',
  'POST /v1/client-tokens',
  'POST /api/subscription/preflight-check',
  'GET /api/subscription/plans',
  'GET /api/subscription/pricing',
  'GET /api/subscription/status/{id}',
  'GET /api/subscription/user/{user}/subscription',
  'GET /api/subscription/usage/{id}',
  'GET /api/subscription/usage/{user}/trends',
  'GET /api/subscription/dashboard/{id}',
  'GET /api/subscription/alerts/{id}',
  'GET /api/subscription/usage-logs',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /openapi.json',
  'GET /docs',
  'GET /schema/gateway.json',
];

const CONTROL_PLANE = [
  'POST /plans',
  'GET /plans',
  'GET /plans/{id}',
  'POST /plans/{id}/versions',
  'POST /plans/{id}/preview',
  'POST /customers',
  'GET /customers',
  'GET /customers/{id}',
  'GET /customers/{id}/subscription',
  'PATCH /customers/{id}/subscription',
  'GET /customers/{id}/wallet',
  'POST /customers/{id}/credentials',
  'POST /subscription-events',
  'POST /keys',
  'GET /keys',
  'PATCH /keys/{id}',
  'POST /keys/{id}/rotate',
  'POST /keys/{id}/revoke',
  'GET /providers',
  'GET /models',
  'GET /prices',
  'GET /requests',
  'GET /requests/{id}',
  'GET /usage',
  'GET /ledger/events',
  'POST /ledger/verify',
  'GET /ledger/export',
  'POST /reconciliation',
  'GET /reconciliation/{id}',
  'GET /jobs',
  'GET /assets',
  'GET /webhooks',
  'POST /webhooks',
  'GET /alerts',
  'GET /audit',
  'GET /config',
  'POST /config/reload',
  'POST /routing/explain',
].map((route) => route.replace(' /', ' /admin/v1/'));

/** Named by the contract and not served yet; a route that comes is taken off this list. */
const TO_COME = [
  // Other protocols and text operations without a provider's contract.
  'POST /v1/responses',
  'POST /v1/completions',
  'POST /v1/rerank',
  'POST /v1/messages',
  'POST /v1/messages/count_tokens',
  'POST /v1beta/models/{model}:generateContent',
  // The page for people; the documents are at /openapi.json and /docs/errors.
  'GET /docs',
  // The vault, and settings that change while the gateway runs.
  'POST /admin/v1/customers/{id}/credentials',
  'POST /admin/v1/config/reload',
];

/** Codes that a client should repeat, and those where it depends on what has happened; all others it should not. */
const REPEATED = [
  'limit_held',
  'rate_limited',
  'concurrency_limited',
  'request_timeout',
  'idempotency_in_flight',
  'provider_rate_limited',
  'metering_unavailable',
  'overloaded',
  'draining',
];
const DEPENDS = ['provider_error', 'provider_timeout', 'stream_interrupted'];

/** Contract §6. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  limit_exceeded: 429,
  limit_held: 429,
  rate_limited: 429,
  concurrency_limited: 429,
  not_in_plan: 403,
  model_not_allowed: 403,
  subscription_inactive: 402,
  insufficient_funds: 402,
  unpriced_model: 400,
  unbounded_cost: 400,
  invalid_request: 400,
  context_length_exceeded: 400,
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  model_not_found: 404,
  not_found: 404,
  request_timeout: 408,
  loop_detected: 508,
  invalid_api_key: 401,
  forbidden: 403,
  idempotency_mismatch: 422,
  idempotency_in_flight: 409,
  idempotency_completed: 409,
  conflict: 409,
  provider_auth: 502,
  provider_credit: 502,
  provider_rate_limited: 503,
  provider_error: 502,
  provider_timeout: 504,
  stream_interrupted: 502,
  content_filtered: 422,
  metering_unavailable: 503,
  overloaded: 503,
  draining: 503,
  internal_error: 500,
};

const LIMIT_MEMBERS = [
  'id',
  'meter',
  'window',
  'scope',
  'limit',
  'used',
  'held',
  'remaining',
  'resets_at',
] as const;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
});
afterAll(() => lab.close());

const admin = (path: string, body?: unknown): Promise<Reply> =>
  lab.call(`/admin/v1${path}`, { key: ADMIN_KEY, ...(body === undefined ? {} : { body }) });

/** `POST /v1/things/{}` for every route of a document: the names of parameters are nobody's concern. */
async function routesOf(path: string): Promise<ReadonlySet<string>> {
  const { json } = await lab.call(path, { key: ADMIN_KEY });
  const paths = json['paths'] as Readonly<Record<string, object>>;
  return new Set(
    Object.entries(paths).flatMap(([route, methods]) =>
      Object.keys(methods).map((method) => plain(`${method.toUpperCase()} ${route}`)),
    ),
  );
}

const plain = (route: string): string => route.replaceAll(/\{\w+\}/g, '{}');

describe('routes', () => {
  it('are there, all but those that are to come', async () => {
    const served = new Set([
      ...(await routesOf('/openapi.json')),
      ...(await routesOf('/admin/v1/openapi.json')),
    ]);
    const missing = [...DATA_PLANE, ...CONTROL_PLANE].filter((route) => !served.has(plain(route)));
    expect(missing).toEqual(TO_COME);
  });
});

describe('errors', () => {
  it('have the codes and statuses of the contract, and no others', () => {
    const table = Object.fromEntries(
      Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status]),
    );
    expect(table).toEqual(STATUS_BY_CODE);
  });

  it('say whether to repeat as the contract does', () => {
    const codesOf = (verdict: boolean | null): readonly string[] =>
      Object.entries(ERROR_CODES)
        .filter(([, { shouldRetry }]) => shouldRetry === verdict)
        .map(([code]) => code);
    expect(codesOf(true).toSorted()).toEqual(REPEATED.toSorted());
    expect(codesOf(null).toSorted()).toEqual(DEPENDS.toSorted());
  });

  it('of limits carry what was violated, the plan, and what to do', async () => {
    const { apiKey: key } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'cost_usd', window: 'period', amount: '0.000001' }],
    });
    const { status, error, headers } = await lab.call('/v1/chat/completions', {
      key,
      body: chatBody('sim/chat', { max_tokens: 4000 }),
    });
    expect(status).toBe(429);
    expect(headers.get('x-should-retry')).toBe('false');
    expect(error).toMatchObject({
      type: 'insufficient_quota',
      param: null,
      code: 'limit_exceeded',
      request_id: headers.get('x-request-id'),
      plan: { id: expect.any(String), version: 1 },
      actions: expect.any(Array),
      usage_info: expect.any(Object),
    });
    const [limit] = error['limits'] as readonly object[];
    expect(Object.keys(limit ?? {}).toSorted()).toEqual(
      expect.arrayContaining([...LIMIT_MEMBERS, 'requested'].toSorted()),
    );
  });
});

describe('headers', () => {
  it('stand on every reply of the data plane; without a provider call its cost is zero', async () => {
    const { apiKey: key } = await createCustomerKey(lab.gateway, {
      limits: [
        { meter: 'requests', window: 'minute', amount: 60 },
        { meter: 'total_tokens', window: 'day', amount: 1_000_000 },
      ],
    });
    const call = await lab.call('/v1/chat/completions', { key, body: chatBody('sim/chat') });
    const always = [
      'x-request-id',
      'x-gateway-attempts',
      'x-gateway-cost',
      'x-gateway-overhead-ms',
    ];
    const called = ['x-gateway-provider', 'x-gateway-model'];
    for (const name of [...always, ...called]) expect(call.headers.get(name), name).not.toBeNull();
    const ratelimit = ['limit', 'remaining', 'reset'].flatMap((what) => [
      `x-ratelimit-${what}-requests`,
      `x-ratelimit-${what}-tokens`,
    ]);
    for (const name of ratelimit) expect(call.headers.get(name), name).not.toBeNull();
    expect(call.headers.get('x-gateway-simulated')).toBe('true');
    const refused = await lab.call('/v1/chat/completions', { key, body: { model: 'sim/chat' } });
    for (const name of always) expect(refused.headers.get(name), name).not.toBeNull();
    for (const name of called) expect(refused.headers.get(name), name).toBeNull();
    expect(refused.headers.get('x-gateway-cost')).toBe('0.000000000');
  });
});

describe('a quote', () => {
  it('has the members of the contract, and answers 200 whatever the verdict', async () => {
    const { apiKey: key } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'images', window: 'period', amount: 2 }],
    });
    const { status, json } = await lab.call('/v1/quotes', {
      key,
      body: {
        operations: [
          {
            id: 'hero',
            type: 'image.generate',
            model: 'sim/image',
            image: { n: 4, size: '1024x1024' },
          },
        ],
        hold: { mode: 'all_or_nothing', ttl_s: 600 },
      },
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^qt_/),
      can_proceed: false,
      expires_at: expect.any(String),
      price_book: expect.stringMatching(/^pb_/),
      plan: { id: expect.any(String), version: 1 },
      total: { min: expect.any(String), expected: expect.any(String), max: expect.any(String) },
      operations: [
        {
          id: 'hero',
          allowed: false,
          provider: 'sim',
          cost: { min: expect.any(String), lines: expect.any(Array) },
          blocked_by: ['images/period'],
          reason: { code: 'limit_exceeded', message: expect.any(String) },
          actions: expect.arrayContaining([{ do: 'reduce', param: 'image.n', max: 2 }]),
        },
      ],
      hold: null,
      warnings: expect.any(Array),
    });
    const [limit] = json['limits'] as readonly object[];
    expect(Object.keys(limit ?? {})).toEqual(
      expect.arrayContaining([...LIMIT_MEMBERS, 'requested', 'after']),
    );
  });
});

describe('bodies that tools rely on', () => {
  it('make a plan, a customer and a key, and are told the use', async () => {
    const plan = await admin('/plans', {
      id: 'starter',
      name: 'Starter',
      limits: [
        { meter: 'requests', window: 'period', amount: 50 },
        { meter: 'cost_usd', window: 'period', amount: '2.00' },
        { meter: 'images', window: 'period', amount: 'disabled' },
        { meter: 'requests', window: 'minute', amount: 20 },
        { meter: 'requests', window: 'concurrent', amount: 4 },
      ],
    });
    expect(plan.status).toBe(201);
    const customer = await admin('/customers', { externalId: 'user-1', plan: 'starter' });
    expect(customer.json['id']).toMatch(/^cus_/);
    const key = await admin('/keys', { customer: 'user-1', name: 'laptop' });
    expect(key.json).toMatchObject({
      id: expect.stringMatching(/^key_/),
      key: expect.stringMatching(/^agk_/),
    });
    const own = { key: String(key.json['key']) };
    await lab.call('/v1/chat/completions', { ...own, body: chatBody('sim/chat') });

    const usage = await admin('/usage?customer=user-1&group_by=provider,tag:team&bucket=day');
    expect(Object.keys(usage.json)).toEqual(
      expect.arrayContaining(['customer', 'from', 'to', 'totals', 'held', 'groups', 'as_of']),
    );
    expect(usage.json['totals']).toMatchObject({
      requests: 1,
      cost_usd: expect.stringMatching(/^\d+\.\d{9}$/),
    });
    const limits = await lab.call('/v1/limits', own);
    const shown = (limits.json['limits'] as readonly Readonly<Record<string, unknown>>[])[0];
    expect(Object.keys(shown ?? {})).toEqual(expect.arrayContaining([...LIMIT_MEMBERS]));
    const me = await lab.call('/v1/me', own);
    expect(Object.keys(me.json)).toEqual(
      expect.arrayContaining(['customer', 'subscription', 'limits', 'models']),
    );
    expect(me.json['subscription']).toMatchObject({ status: 'active', plan: { id: 'starter' } });
    const verified = await admin('/ledger/verify', {});
    expect(verified.json).toMatchObject({ ok: true, mismatches: [] });
    expect(Object.keys(verified.json)).toEqual(
      expect.arrayContaining(['events', 'buckets', 'open_holds']),
    );
  });

  it('are closed: what is not named is refused with its path', async () => {
    const { status, json } = await admin('/plans', { id: 'x', name: 'X', limits: [], colour: 1 });
    expect({ status, code: json['code'], param: json['param'] }).toEqual({
      status: 400,
      code: 'invalid_request',
      param: 'colour',
    });
  });

  it('are answered as problems on the control plane and the compatibility routes', async () => {
    const paths = ['/admin/v1/plans/none', '/api/subscription/status/nobody'];
    for (const path of paths) {
      const response = await fetch(lab.url + path, {
        headers: { authorization: `Bearer ${path.startsWith('/admin') ? ADMIN_KEY : 'wrong'}` },
      });
      expect(response.headers.get('content-type'), path).toContain('application/problem+json');
      const { json } = await readReply(response);
      for (const member of ['type', 'title', 'status', 'detail', 'code']) {
        expect(json, `${path} ${member}`).toHaveProperty(member);
      }
    }
  });
});

describe('providers and routing', () => {
  it('are told without a call', async () => {
    const { json } = await admin('/providers');
    expect(json['data']).toMatchObject([
      { id: 'sim', simulated: true, quarantined: null, models: expect.any(Number) },
    ]);
    const [sim] = json['data'] as readonly { readonly operations: readonly string[] }[];
    expect(sim?.operations).toEqual(
      expect.arrayContaining(['text.generate', 'image.edit', 'video.text_to_video']),
    );
    const calls = lab.simulator.log.length;
    const explained = await admin('/routing/explain', { model: 'sim/chat' });
    expect(explained.json).toMatchObject({
      resolved_from: 'model',
      candidates: [{ provider: 'sim', model: 'chat', state: 'ready', until: null }],
    });
    const cannot = await admin('/routing/explain', {
      model: 'sim/chat',
      operation: 'image.upscale',
    });
    // A provider has an operation or has it not; which of its models do it is for the call.
    expect(cannot.json['candidates']).toMatchObject([{ provider: 'sim', model: 'chat' }]);
    const rerank = await admin('/routing/explain', { model: 'sim/chat', operation: 'text.rerank' });
    expect(rerank.json['candidates']).toMatchObject([{ state: 'cannot' }]);
    expect((await admin('/routing/explain', { model: 'nobody/chat' })).status).toBe(404);
    expect(lab.simulator.log).toHaveLength(calls);
    const line = commandLineOf(lab.gateway, { GATEWAY_ADMIN_KEY: ADMIN_KEY });
    try {
      const listed = await line.run('providers', 'list');
      expect(listed.out).toMatch(/^sim +simulated +\d+ +http/m);
      const route = await line.run('models', 'route', 'sim/chat');
      expect(route.out).toMatch(/^ *1 +sim\/chat +ready/m);
      expect((await line.run('models', 'route', 'nobody/chat')).err).toContain('nobody/chat');
    } finally {
      line.close();
    }
  });
});
