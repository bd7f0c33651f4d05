/**
 * Who may do what (reliability F86, F89, F94, F119, F120): planes, keys and customers kept apart, with answers that
 * tell a stranger nothing.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_ROUTES } from '../../src/dialects/admin/routes/index.ts';
import { chatBody, eventually, openLab, type Lab, type Reply } from '../support/lab.ts';
import { callAdmin, createCustomerKey, requestOf } from '../support/running-gateway.ts';

const PATH = '/v1/chat/completions';
const BODY = chatBody('openai/gpt-4o-mini');

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ perTokenMs: 2 });
});
afterEach(async () => {
  lab.simulator.reset();
  expect(await lab.openHolds()).toBe(0);
});
afterAll(() => lab.close());

/** A reply without what differs from call to call. */
function anonymous(reply: Reply): string {
  const id = reply.headers.get('x-request-id') ?? '';
  return `${reply.status} ${reply.text.replaceAll(id, 'ID')}`;
}

describe('F89: keys', () => {
  const wrong: readonly (readonly [string, Record<string, string>])[] = [
    ['none', {}],
    ['an empty one', { authorization: 'Bearer ' }],
    ['no scheme', { authorization: 'agk_test-service-key-0000000000000000' }],
    ['another scheme', { authorization: 'Basic YWdrX3g6' }],
    ['an unknown one', { authorization: 'Bearer agk_00000000000000000000000000000000' }],
    ['one letter short', { authorization: 'Bearer agk_test-service-key-000000000000000' }],
    ['another case', { authorization: 'Bearer AGK_TEST-SERVICE-KEY-0000000000000000' }],
    ['a very long one', { authorization: `Bearer ${'x'.repeat(8_000)}` }],
    ['the wrong header', { 'x-key': 'agk_test-service-key-0000000000000000' }],
    ['x-api-key', { 'x-api-key': 'agk_00000000000000000000000000000000' }],
    ['x-goog-api-key', { 'x-goog-api-key': 'agk_00000000000000000000000000000000' }],
  ];

  it('one body for every kind of wrong key, on every route', async () => {
    const bodies = new Set<string>();
    for (const [, headers] of wrong) {
      bodies.add(anonymous(await lab.call(PATH, { key: null, headers, body: BODY })));
      for (const path of [
        '/v1/models',
        '/v1/models/openai%2Fgpt-4o',
        '/v1/me',
        '/v1/requests/req_x',
      ]) {
        bodies.add(anonymous(await lab.call(path, { key: null, headers })));
      }
    }
    expect([...bodies]).toHaveLength(1);
    expect([...bodies][0]).toContain('401 ');
    expect([...bodies][0]).toContain('"code":"invalid_api_key"');
  });

  it('revoked and expired keys get the same body as unknown ones', async () => {
    const unknown = anonymous(
      await lab.call(PATH, { key: 'agk_unknown-unknown-unknown', body: BODY }),
    );
    const revoked = await createCustomerKey(lab.gateway);
    await callAdmin(lab.gateway, `POST /keys/${revoked.keyId}/revoke`, {});
    expect(anonymous(await lab.call(PATH, { key: revoked.apiKey, body: BODY }))).toBe(unknown);
    const expiring = await callAdmin<{ key: string }>(lab.gateway, 'POST /keys', {
      customer: revoked.externalId,
      name: 'short-lived',
      expires_at: new Date(Date.now() + 1_000).toISOString(),
    });
    await eventually(
      async () => anonymous(await lab.call('/v1/me', { key: expiring.key })) === unknown,
    );
  });

  it.each(['authorization', 'x-api-key', 'x-goog-api-key'])('%s carries a key', async (name) => {
    const { apiKey } = await createCustomerKey(lab.gateway);
    const value = name === 'authorization' ? `bearer ${apiKey}` : apiKey;
    expect((await lab.call('/v1/me', { key: null, headers: { [name]: value } })).status).toBe(200);
  });

  it('a key in the query string is none', async () => {
    const { apiKey } = await createCustomerKey(lab.gateway);
    expect((await lab.call(`/v1/me?key=${apiKey}`, { key: null })).status).toBe(401);
  });
});

describe('F120: planes', () => {
  it('an admin key on the data plane: 403', async () => {
    const key = lab.gateway.adminKey;
    for (const path of ['/v1/models', '/v1/me', '/v1/limits', '/v1/usage', '/v1/requests/x']) {
      const reply = await lab.call(path, { key });
      expect(reply.status).toBe(403);
      expect(reply.error).toMatchObject({ code: 'forbidden' });
    }
    const chat = await lab.call(PATH, { key, body: BODY });
    expect(chat.error).toMatchObject({ code: 'forbidden' });
    expect(lab.simulator.log).toHaveLength(0);
  });

  it('customer and service keys on the control plane: 403, with one body for routes that exist and that do not', async () => {
    const { apiKey } = await createCustomerKey(lab.gateway);
    const existing = ADMIN_ROUTES.map(
      ({ description: { method, path } }) => [method.toUpperCase(), path] as const,
    );
    expect(existing.length).toBeGreaterThan(15);
    const missing = [
      ['GET', '/admin/v1/nope'],
      ['POST', '/admin/v1/plans/x/y/z'],
      ['DELETE', '/admin/v1/customers'],
      ['GET', '/admin/v1'],
      ['GET', '/admin/'],
      ['GET', '/admin/v2/plans'],
    ] as const;
    for (const key of [apiKey, lab.gateway.apiKey]) {
      const bodies = new Set<string>();
      for (const [method, path] of [...existing, ...missing]) {
        const url = `${path.replaceAll(/\{\w+\}/g, 'x')}`;
        const reply = await lab.call(url, { method, key });
        expect(reply.headers.get('content-type')).toContain('application/problem+json');
        bodies.add(anonymous(reply));
      }
      expect([...bodies]).toHaveLength(1);
      expect([...bodies][0]).toMatch(/^403 .*"code":"forbidden"/);
    }
  });

  it('no key on the control plane: 401, with one body', async () => {
    const bodies = new Set<string>();
    for (const path of ['/plans', '/nope', '/config', '/customers/x']) {
      bodies.add(anonymous(await lab.call(`/admin/v1${path}`, { key: null })));
    }
    expect([...bodies]).toHaveLength(1);
    expect([...bodies][0]).toContain('401 ');
  });
});

describe('F119: customers', () => {
  it('a service key names its customer, by either id; an unknown one is 404', async () => {
    const { externalId, customerId } = await createCustomerKey(lab.gateway);
    for (const name of [externalId, customerId]) {
      const reply = await lab.call('/v1/me', { headers: { 'x-gateway-customer': name } });
      expect(reply.json).toMatchObject({ customer: { externalId } });
    }
    for (const name of ['nobody', 'cus_00000000000000000000000000', '__proto__', '*']) {
      const reply = await lab.call(PATH, { body: BODY, headers: { 'x-gateway-customer': name } });
      expect(reply.status).toBe(404);
      expect(reply.error).toMatchObject({ code: 'not_found', param: 'x-gateway-customer' });
    }
    expect(lab.simulator.log).toHaveLength(0);
  });

  it('a service key without a default customer must name one: 400', async () => {
    const { key } = await callAdmin<{ key: string }>(lab.gateway, 'POST /keys', {
      type: 'service',
      name: 'no default',
    });
    const reply = await lab.call(PATH, { key, body: BODY });
    expect(reply.status).toBe(400);
    expect(reply.error).toMatchObject({ code: 'invalid_request', param: 'x-gateway-customer' });
  });

  it('a customer key that names another: 403, existing or not; itself: fine', async () => {
    const own = await createCustomerKey(lab.gateway);
    const other = await createCustomerKey(lab.gateway);
    const bodies = new Set<string>();
    for (const name of [other.externalId, other.customerId, 'default', 'nobody']) {
      const headers = { 'x-gateway-customer': name };
      bodies.add(anonymous(await lab.call(PATH, { key: own.apiKey, body: BODY, headers })));
    }
    expect([...bodies]).toHaveLength(1);
    expect([...bodies][0]).toMatch(/^403 .*"code":"forbidden"/);
    for (const name of [own.externalId, own.customerId]) {
      const headers = { 'x-gateway-customer': name };
      expect((await lab.call('/v1/me', { key: own.apiKey, headers })).status).toBe(200);
    }
  });

  it('F94: another customer’s request is not there', async () => {
    const owner = await createCustomerKey(lab.gateway);
    const stranger = await createCustomerKey(lab.gateway);
    const made = await lab.call(PATH, { key: owner.apiKey, body: BODY });
    const id = made.headers.get('x-request-id') ?? '';
    expect((await lab.call(`/v1/requests/${id}`, { key: owner.apiKey })).status).toBe(200);
    const hidden = await lab.call(`/v1/requests/${id}`, { key: stranger.apiKey });
    const absent = await lab.call('/v1/requests/req_none', { key: stranger.apiKey });
    expect(anonymous(hidden).replace(id, '')).toBe(anonymous(absent).replace('req_none', ''));
    expect(hidden.status).toBe(404);
    const usage = await lab.call('/v1/usage', { key: stranger.apiKey });
    expect(usage.json).toMatchObject({ totals: { cost_usd: '0.000000000' } });
  });

  it('scopes of a key hold: operation, address, model, and what it is shown', async () => {
    const none = await createCustomerKey(lab.gateway, { scopes: { operations: ['image.*'] } });
    expect((await lab.call(PATH, { key: none.apiKey, body: BODY })).status).toBe(403);
    const elsewhere = await createCustomerKey(lab.gateway, { scopes: { ips: ['10.0.0.1'] } });
    expect((await lab.call(PATH, { key: elsewhere.apiKey, body: BODY })).status).toBe(403);
    expect((await lab.call('/v1/me', { key: elsewhere.apiKey })).status).toBe(403);
    const narrow = await createCustomerKey(lab.gateway, { scopes: { models: ['gemini/*'] } });
    const refused = await lab.call(PATH, { key: narrow.apiKey, body: BODY });
    expect(refused.error).toMatchObject({ code: 'model_not_allowed', param: 'model' });
    const models = await lab.call('/v1/models', { key: narrow.apiKey });
    const ids = (models.json['data'] as readonly { readonly id: string }[]).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.every((id) => id.startsWith('gemini/'))).toBe(true);
    const one = await lab.call('/v1/models/openai%2Fgpt-4o-mini', { key: narrow.apiKey });
    expect(one.status).toBe(404);
    expect(lab.simulator.log).toHaveLength(0);
  });
});

describe('F86: a key that is revoked while its stream runs', () => {
  it('the stream ends as it should and is booked; the next call is 401', async () => {
    const key = await createCustomerKey(lab.gateway);
    lab.simulator.setFault({ sequence: ['stall-after-5-400'] });
    const running = lab.call(PATH, {
      key: key.apiKey,
      body: chatBody('openai/gpt-4o-mini', { stream: true }),
    });
    await eventually(() => (lab.simulator.log[0]?.contentEventsSent ?? 0) > 0);
    await callAdmin(lab.gateway, `POST /keys/${key.keyId}/revoke`, {});
    expect((await lab.call(PATH, { key: key.apiKey, body: BODY })).status).toBe(401);
    const reply = await running;
    expect(reply.text).toContain('data: [DONE]');
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked).toMatchObject({ status: 200, error_code: null });
    expect(Number(booked.cost)).toBeGreaterThan(0);
    expect(lab.simulator.log).toHaveLength(1);
  });
});
