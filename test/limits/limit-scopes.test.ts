import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientTokens } from '../../src/gateway/client-tokens.ts';
import { chatBody, openLab, type Lab, type Reply } from '../support/lab.ts';
import { callAdmin, createCustomerKey, verifyLedger } from '../support/running-gateway.ts';

const PARALLEL = 200;
const MODEL = 'openai/gpt-4o-mini';

const CONFIG = `
metering:
  limits:
    - { id: gemini_calls, meter: requests, window: day, amount: 25, scope: "provider:gemini" }
    - { id: all_calls, meter: requests, window: day, amount: 5000 }
`;

interface ShownLimit {
  readonly id: string;
  readonly scope: string;
  readonly limit: string;
  readonly used: string;
  readonly held: string;
}

let lab: Lab;

beforeAll(async () => {
  lab = await openLab({ config: CONFIG });
});

afterAll(async () => {
  await lab.close();
});

const chat = (key: string, more: Readonly<Record<string, unknown>> = {}, model = MODEL) =>
  lab.call('/v1/chat/completions', { key, body: chatBody(model, { max_tokens: 20, ...more }) });

async function wave(count: number, call: () => Promise<Reply>) {
  const replies = await Promise.all(Array.from({ length: count }, call));
  const answered = replies.filter(({ status }) => status === 200);
  const refused = replies.filter(({ status }) => status !== 200);
  return { answered, refused };
}

async function limitOf(key: string, id: string): Promise<ShownLimit | undefined> {
  const { json } = await lab.call('/v1/limits', { key });
  return (json['limits'] as ShownLimit[]).find((limit) => limit.id === id);
}

const namedBy = ({ error }: Reply): string[] =>
  (error['limits'] as ShownLimit[]).map((limit) => `${limit.scope} ${limit.id}`);

async function mint(body: Readonly<Record<string, unknown>>, key?: string): Promise<Reply> {
  return lab.call('/v1/client-tokens', { body, ...(key === undefined ? {} : { key }) });
}

async function tokenFor(customer: string, more: Readonly<Record<string, unknown>> = {}) {
  const { status, json } = await mint({ customer, expires_in_s: 600, ...more });
  expect(status).toBe(200);
  return String(json['token']);
}

describe('limits of a key', () => {
  it(`admit exactly what they say, out of ${PARALLEL} calls at once`, async () => {
    const { apiKey, keyId } = await createCustomerKey(lab.gateway);
    const path = `/keys/${keyId}` as const;
    const limits = [{ id: 'calls', meter: 'requests', window: 'day', amount: 40 }];
    const changed = await callAdmin<{ limits: unknown }>(lab.gateway, `PATCH ${path}`, { limits });
    expect(changed.limits).toEqual(limits);
    const { answered, refused } = await wave(PARALLEL, () => chat(apiKey));
    expect(answered).toHaveLength(40);
    expect(refused[0]?.status).toBe(429);
    expect(refused.map(namedBy)).toEqual(refused.map(() => ['key calls']));
    expect(await limitOf(apiKey, 'calls')).toMatchObject({ scope: 'key', used: '40', held: '0' });
    const raised = [{ ...limits[0], amount: 42 }];
    await callAdmin(lab.gateway, `PATCH ${path}`, { limits: raised });
    expect((await wave(5, () => chat(apiKey))).answered).toHaveLength(2);
    await callAdmin(lab.gateway, `PATCH ${path}`, { limits: null });
    expect((await chat(apiKey)).status).toBe(200);
    expect((await verifyLedger(lab.gateway)).mismatches).toEqual([]);
  });

  it('are taken when the key is made, kept by its successor, and refused with the path of a fault', async () => {
    const { externalId } = await createCustomerKey(lab.gateway);
    const limits = [{ meter: 'cost_usd', window: 'period', amount: '2.00' }];
    const make = (bad: unknown) =>
      callAdmin<{ id: string; limits: unknown }>(lab.gateway, 'POST /keys', {
        customer: externalId,
        name: 'limited',
        limits: bad,
      });
    const key = await make(limits);
    expect(key.limits).toEqual(limits);
    const next = await callAdmin<{ limits: unknown }>(
      lab.gateway,
      `POST /keys/${key.id}/rotate`,
      {},
    );
    expect(next.limits).toEqual(limits);
    const twice = make([...limits, ...limits]);
    await expect(twice).rejects.toMatchObject({ status: 400, body: { param: 'limits[1].id' } });
    const scoped = make([{ ...limits[0], scope: 'customer' }]);
    await expect(scoped).rejects.toMatchObject({ body: { param: 'limits[0].scope' } });
  });
});

describe('client tokens', () => {
  it('act as their customer wherever a key does, and name no other', async () => {
    const { externalId } = await createCustomerKey(lab.gateway);
    const token = await tokenFor(externalId);
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { 'x-api-key': token },
      { 'x-goog-api-key': token },
    ]) {
      const { json } = await lab.call('/v1/me', { key: null, headers });
      expect(json['customer']).toMatchObject({ externalId });
      expect(JSON.stringify(json['key'])).not.toContain('bootstrap');
    }
    const named = await lab.call('/v1/me', {
      key: token,
      headers: { 'x-gateway-customer': 'default' },
    });
    expect(named.error).toMatchObject({ code: 'forbidden', param: 'x-gateway-customer' });
    expect((await mint({ customer: externalId, expires_in_s: 60 }, token)).status).toBe(403);
    expect((await chat(token)).status).toBe(200);
  });

  it(`never spend more than their bound, out of ${PARALLEL} calls at once`, async () => {
    const { externalId } = await createCustomerKey(lab.gateway);
    const probe = await tokenFor(externalId, { max_spend_usd: '1.00' });
    const { headers } = await chat(probe);
    const cost = Number(headers.get('x-gateway-cost'));
    expect(cost).toBeGreaterThan(0);
    const max = (cost * 12).toFixed(9);
    const token = await tokenFor(externalId, { max_spend_usd: max });
    const { answered, refused } = await wave(PARALLEL, () => chat(token));
    const spent = answered.reduce((sum, one) => sum + Number(one.headers.get('x-gateway-cost')), 0);
    expect(answered.length).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(Number(max));
    expect(refused.map(namedBy)).toEqual(refused.map(() => ['client_token max_spend_usd']));
    const status = await limitOf(token, 'max_spend_usd');
    expect(status).toMatchObject({ limit: max, held: '0.000000000' });
    expect(Number(status?.used)).toBeCloseTo(spent, 9);
    expect((await verifyLedger(lab.gateway)).mismatches).toEqual([]);
  });

  it('are bound by limits of the plan for each of them', async () => {
    const { externalId } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'day', amount: 3, scope: 'client_token' }],
    });
    const [one, other] = [await tokenFor(externalId), await tokenFor(externalId)];
    const { answered, refused } = await wave(10, () => chat(one));
    expect(answered).toHaveLength(3);
    expect(refused.map(namedBy)).toEqual(refused.map(() => ['client_token requests/day']));
    expect((await chat(other)).status).toBe(200);
  });

  it('are held to their operations and models, and to those of the key that minted them', async () => {
    const { externalId } = await createCustomerKey(lab.gateway);
    const minting = await callAdmin<{ key: string }>(lab.gateway, 'POST /keys', {
      type: 'service',
      name: 'minting',
      scopes: { models: ['openai/*'] },
    });
    const minted = async (more: Readonly<Record<string, unknown>>) =>
      String(
        (await mint({ customer: externalId, expires_in_s: 60, ...more }, minting.key)).json[
          'token'
        ],
      );
    expect((await chat(await minted({ operations: ['image.*'] }))).status).toBe(403);
    expect(
      (await chat(await minted({ models: ['gemini/*'] }), {}, 'gemini/gemini-2.5-flash')).status,
    ).toBe(403);
    expect((await chat(await minted({ models: ['gemini/*'] }))).status).toBe(403);
    expect((await chat(await minted({ models: ['openai/gpt-4o*'] }))).status).toBe(200);
  });

  it('end with their time, with their key, and when a letter of them is changed', async () => {
    const { externalId, customerId } = await createCustomerKey(lab.gateway);
    const minting = await callAdmin<{ id: string; key: string }>(lab.gateway, 'POST /keys', {
      type: 'service',
      name: 'minting',
    });
    const { json } = await mint({ customer: externalId, expires_in_s: 60 }, minting.key);
    const token = String(json['token']);
    expect((await lab.call('/v1/me', { key: token })).status).toBe(200);
    const forged = `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`;
    expect((await lab.call('/v1/me', { key: forged })).status).toBe(401);
    const claims = {
      id: 'agt_x',
      keyId: minting.id,
      customerId,
      operations: null,
      models: null,
      maxSpendNanoUsd: null,
      expiresAtMs: Date.now() - 1,
    };
    const expired = lab.gateway.gateway.gateway.directory.tokens.sign(claims);
    expect((await lab.call('/v1/me', { key: expired })).status).toBe(401);
    const foreign = new ClientTokens('another gateway').sign({ ...claims, expiresAtMs: 2 ** 42 });
    expect((await lab.call('/v1/me', { key: foreign })).status).toBe(401);
    await callAdmin(lab.gateway, `DELETE /keys/${minting.id}`);
    expect((await lab.call('/v1/me', { key: token })).status).toBe(401);
  });

  it('say which member of the request is wrong', async () => {
    const param = async (body: Readonly<Record<string, unknown>>) => {
      const { error } = await mint({ customer: 'default', expires_in_s: 60, ...body });
      return error['param'];
    };
    expect(await param({ expires_in_s: 0 })).toBe('expires_in_s');
    expect(await param({ max_spend_usd: '0' })).toBe('max_spend_usd');
    expect(await param({ customer: 'nobody' })).toBe('customer');
    expect(await param({ colour: 'red' })).toBe('colour');
  });
});

describe('limits of the deployment', () => {
  it(`admit exactly what they say over all customers, out of ${PARALLEL} calls at once`, async () => {
    const [one, other] = await Promise.all([
      createCustomerKey(lab.gateway),
      createCustomerKey(lab.gateway),
    ]);
    let turn = 0;
    const { answered, refused } = await wave(PARALLEL, () => {
      turn += 1;
      return chat(turn % 2 === 0 ? one.apiKey : other.apiKey, {}, 'gemini/gemini-2.5-flash');
    });
    expect(answered).toHaveLength(25);
    expect(refused.map(namedBy)).toEqual(refused.map(() => ['provider:gemini gemini_calls']));
    expect((await chat(one.apiKey)).status).toBe(200);
    expect(await limitOf(other.apiKey, 'gemini_calls')).toMatchObject({ limit: '25', used: '25' });
    expect((await verifyLedger(lab.gateway)).mismatches).toEqual([]);
  });
});

describe('what one customer has otherwise than its plan', () => {
  it('binds at once, shows, and is taken away by null', async () => {
    const { apiKey, externalId } = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'period', amount: 2 }],
    });
    const id = 'requests/period';
    const patch = (override: unknown) =>
      callAdmin<{ rev: number; overrides: unknown; limits: ShownLimit[] }>(
        lab.gateway,
        `PATCH /customers/${externalId}/limits`,
        { overrides: { [id]: override } },
      );
    expect((await wave(4, () => chat(apiKey))).answered).toHaveLength(2);
    const raised = await patch({ amount: 3, until: '2999-01-01T00:00:00Z' });
    expect(raised).toMatchObject({
      rev: 1,
      overrides: { [id]: { amount: 3, until: '2999-01-01T00:00:00Z' } },
    });
    expect(raised.limits[0]).toMatchObject({ id, limit: '3', used: '2' });
    expect((await wave(4, () => chat(apiKey))).answered).toHaveLength(1);
    await patch({ amount: 'unlimited' });
    expect((await chat(apiKey)).status).toBe(200);
    expect(await limitOf(apiKey, id)).toMatchObject({ limit: 'unlimited', used: '4' });
    expect(await patch(null)).toMatchObject({ rev: 3, overrides: {} });
    expect((await chat(apiKey)).error).toMatchObject({ code: 'limit_exceeded' });
    await expect(patch({ amount: 5, until: '2001-01-01T00:00:00Z' })).rejects.toMatchObject({
      status: 400,
      body: { param: `overrides.${id}.until` },
    });
    expect((await verifyLedger(lab.gateway)).mismatches).toEqual([]);
  });
});
