/**
 * Errors of every class as both majors of the official client show them, and how often each client asks (C1, C2, C4).
 *
 * @module
 */
import type OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultInput } from '../../src/simulators/index.ts';
import { ADMIN_KEY, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { callAdmin, createCustomerKey } from '../support/running-gateway.ts';
import { clientOf, SDKS, type Sdk } from './sdks.ts';
import { installWireTap, type WireTap } from './wire-tap.ts';

const MODEL = 'gemini/gemini-2.5-flash';
/** Each used by one test only: a target that failed is spared by later calls. */
const MODELS = [
  'gpt-4o-mini',
  'gpt-4o',
  'gpt-4.1',
  'gpt-4.1-mini',
  'gpt-4.1-nano',
  'gpt-4-turbo',
  'gpt-4',
  'gpt-3.5-turbo',
  'o3-mini',
  'o1',
  'o3',
  'o4-mini',
];

let lab: Lab;
let tap: WireTap;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
  tap = installWireTap(lab.url);
});
afterEach(async () => {
  expect(tap.check().problems).toEqual([]);
  tap.calls.length = 0;
  expect(await lab.openHolds()).toBe(0);
});
afterAll(async () => {
  tap.remove();
  await lab.close();
});

const messages = [{ role: 'user' as const, content: 'Say hello' }];

interface Seen {
  readonly error: InstanceType<typeof OpenAI.APIError>;
  readonly kind: string;
  readonly requests: number;
  readonly headers: Headers;
}

/** Makes one call of the client, which must fail, and says how. */
async function failureOf(sdk: Sdk, call: () => PromiseLike<unknown>): Promise<Seen> {
  const before = tap.calls.length;
  const error: unknown = await Promise.resolve(call()).then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof sdk.OpenAI.APIError)) throw error;
  const last = tap.calls.at(-1);
  return {
    error,
    kind: error.constructor.name,
    requests: tap.calls.length - before,
    headers: last?.headers ?? new Headers(),
  };
}

function create(client: OpenAI, more: object = {}): PromiseLike<unknown> {
  return client.chat.completions.create({ model: MODEL, messages, ...more });
}

describe.each(SDKS)('$name', (sdk) => {
  const client = (key = SERVICE_KEY): OpenAI => clientOf(sdk, lab.url, key);

  it('401: a wrong key is an AuthenticationError, asked once', async () => {
    const seen = await failureOf(sdk, () => create(client('agk_wrong-key-wrong-key-wrong')));
    expect(seen).toMatchObject({ kind: 'AuthenticationError', requests: 1 });
    expect(seen.error).toMatchObject({ status: 401, code: 'invalid_api_key', param: null });
    expect(seen.error.requestID).toMatch(/^req_/);
  });

  it('F120, 403: an admin key is a PermissionDeniedError, asked once', async () => {
    const seen = await failureOf(sdk, () => create(client(ADMIN_KEY)));
    expect(seen).toMatchObject({ kind: 'PermissionDeniedError', requests: 1 });
    expect(seen.error).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('403: a model beyond the key is a PermissionDeniedError that names the field', async () => {
    const { apiKey } = await createCustomerKey(lab.gateway, { scopes: { models: ['openai/*'] } });
    const seen = await failureOf(sdk, () => create(client(apiKey)));
    expect(seen).toMatchObject({ kind: 'PermissionDeniedError', requests: 1 });
    expect(seen.error).toMatchObject({ code: 'model_not_allowed', param: 'model' });
  });

  it('404: an unknown model is a NotFoundError that names the field', async () => {
    const seen = await failureOf(sdk, () => create(client(), { model: 'nobody/nothing' }));
    expect(seen).toMatchObject({ kind: 'NotFoundError', requests: 1 });
    expect(seen.error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
  });

  it.each([
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'user', content: 3 }] }, 'messages[0].content'],
    [{ n: 1000 }, 'n'],
    [{ messages: [{ role: 'nobody', content: 'x' }] }, 'messages[0].role'],
  ])('400: %j is a BadRequestError that names %s', async (more, param) => {
    const seen = await failureOf(sdk, () => create(client(), more));
    expect(seen).toMatchObject({ kind: 'BadRequestError', requests: 1 });
    expect(seen.error).toMatchObject({ status: 400, code: 'invalid_request', param });
  });

  it('402: a subscription that has ended, asked once', async () => {
    const { apiKey, externalId } = await createCustomerKey(lab.gateway);
    await callAdmin(lab.gateway, `PATCH /customers/${externalId}/subscription`, {
      status: 'cancelled',
      at: 'now',
    });
    const seen = await failureOf(sdk, () => create(client(apiKey)));
    expect(seen.requests).toBe(1);
    expect(seen.error).toMatchObject({ status: 402, code: 'subscription_inactive' });
  });

  it('C1: 429 limit_exceeded is final: a RateLimitError after exactly one request', async () => {
    const { apiKey } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'period', amount: 1 }],
    });
    await create(client(apiKey));
    const seen = await failureOf(sdk, () => create(client(apiKey)));
    expect(seen).toMatchObject({ kind: 'RateLimitError', requests: 1 });
    expect(seen.error).toMatchObject({
      status: 429,
      code: 'limit_exceeded',
      type: 'insufficient_quota',
      error: {
        limits: [{ id: 'requests/period', limit: '1', used: '1', requested: '1', remaining: '0' }],
      },
    });
    expect(seen.headers.get('x-should-retry')).toBe('false');
    expect(seen.headers.has('retry-after-ms')).toBe(false);
  });

  it('429 rate_limited: the client waits as it is told and succeeds', async () => {
    const amount = 60;
    const { apiKey } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'minute', amount }],
    });
    const one = { key: apiKey, body: { model: 'sim/chat', messages, max_tokens: 1 } };
    await Promise.all(Array.from({ length: amount }, () => lab.call('/v1/chat/completions', one)));
    tap.check();
    tap.calls.length = 0;
    const { data } = await client(apiKey)
      .chat.completions.create({ model: 'sim/chat', messages })
      .withResponse();
    expect(data.choices).toHaveLength(1);
    const statuses = tap.calls.map((call) => call.status);
    // On a slow machine the limit may have refilled meanwhile; then there was nothing to wait for.
    expect(statuses.at(-1)).toBe(200);
    for (const refused of tap.calls.slice(0, -1)) {
      expect(refused.status).toBe(429);
      expect(refused.headers.get('x-should-retry')).toBe('true');
      expect(Number(refused.headers.get('retry-after-ms'))).toBeLessThanOrEqual(1000);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.headers.get('x-ratelimit-limit-requests')).toBe(String(amount));
      expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
      expect(refused.headers.has('x-gateway-provider')).toBe(false);
    }
  });

  it('429 concurrency_limited: the client comes back and succeeds once the slot is free', async () => {
    const { apiKey } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'concurrent', amount: 1 }],
    });
    lab.simulator.setFault({ match: { family: 'gemini' }, sequence: ['stall-headers-300'] });
    const first = create(client(apiKey));
    const second = create(client(apiKey));
    const results = await Promise.all([first, second]);
    expect(results).toHaveLength(2);
    const refused = tap.calls.filter((call) => call.status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const call of refused) expect(call.headers.get('x-should-retry')).toBe('true');
  });

  const faults: readonly (readonly [string, FaultInput, object, string | null])[] = [
    ['500 for ever', '500', { status: 502, code: 'provider_error' }, 'true'],
    ['503 for ever', '503', { status: 502, code: 'provider_error' }, 'true'],
    ['a reset for ever', 'reset-before-headers', { status: 502, code: 'provider_error' }, 'false'],
    [
      'a rate limit with a long wait',
      '429-retry-after-40',
      { status: 503, code: 'provider_rate_limited' },
      'true',
    ],
    ['a body that is not JSON', 'bad-json', { status: 502, code: 'provider_error' }, 'false'],
  ];

  it.each(faults)('C4: %s: an InternalServerError', async (_what, fault, expected, shouldRetry) => {
    const model = MODELS.pop() ?? '';
    lab.simulator.setFault({ match: { model }, sequence: [fault], repeat: 'last' });
    const patient = new sdk.OpenAI({
      baseURL: `${lab.url}/v1`,
      apiKey: SERVICE_KEY,
      maxRetries: 0,
    });
    const seen = await failureOf(sdk, () => create(patient, { model: `openai/${model}` }));
    expect(seen.kind).toBe('InternalServerError');
    expect(seen.error).toMatchObject(expected);
    expect(seen.headers.get('x-gateway-provider')).toBe('openai');
    expect(seen.headers.get('x-gateway-model')).toBe(`openai/${model}`);
    expect(Number(seen.headers.get('x-gateway-attempts'))).toBeGreaterThan(0);
    expect(seen.headers.get('x-should-retry')).toBe(shouldRetry);
    if (shouldRetry === 'false') expect(seen.headers.has('retry-after-ms')).toBe(false);
  });

  it('C4: an error that says "do not repeat" is asked for once with the default settings', async () => {
    const model = MODELS.pop() ?? '';
    lab.simulator.setFault({ match: { model }, sequence: ['bad-json'], repeat: 'last' });
    const seen = await failureOf(sdk, () => create(client(), { model: `openai/${model}` }));
    expect(seen).toMatchObject({ kind: 'InternalServerError', requests: 1 });
  });

  it('F110, 504: the deadline of the caller, on time', async () => {
    lab.simulator.setFault({ match: { family: 'gemini' }, sequence: ['stall-headers'] });
    const startedMs = performance.now();
    const seen = await failureOf(sdk, () =>
      client().chat.completions.create(
        { model: MODEL, messages },
        { headers: { 'x-gateway-timeout-ms': '300' }, maxRetries: 0 },
      ),
    );
    expect(seen.error).toMatchObject({ status: 504, code: 'provider_timeout' });
    expect(performance.now() - startedMs).toBeLessThan(25_000);
  });

  it('C10: the patience that the client states is the deadline', async () => {
    lab.simulator.setFault({ match: { family: 'gemini' }, sequence: ['stall-headers'] });
    const seen = await failureOf(sdk, () =>
      client().chat.completions.create(
        { model: MODEL, messages },
        { headers: { 'x-stainless-timeout': '1' }, maxRetries: 0 },
      ),
    );
    expect(seen.error).toMatchObject({ status: 504, code: 'provider_timeout' });
  });
});

describe.each(SDKS)('$name, models', (sdk) => {
  const client = (): OpenAI => clientOf(sdk, lab.url, SERVICE_KEY);

  it('lists models and retrieves one whose id has a slash', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    expect(ids).toContain('openai/gpt-4o-mini');
    expect(ids).toContain('sim/chat');
    expect(new Set(ids).size).toBe(ids.length);
    const model = await client().models.retrieve('openai/gpt-4o-mini');
    expect(model).toMatchObject({ id: 'openai/gpt-4o-mini', object: 'model', owned_by: 'openai' });
    expect(tap.calls.at(-1)?.path).toBe('/v1/models/openai%2Fgpt-4o-mini');
  });

  it('404 for a model that is not there', async () => {
    const seen = await failureOf(sdk, () => client().models.retrieve('openai/none'));
    expect(seen).toMatchObject({ kind: 'NotFoundError', requests: 1 });
    expect(seen.error).toMatchObject({ code: 'model_not_found' });
  });
});
