/**
 * What the control plane keeps over any store.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_ROUTES } from './routes/index.ts';
import { bookCall, holdCall } from './testing/book-call.ts';
import { createHarness, type Harness, type OpenStore, type TestReply } from './testing/harness.ts';

const STARTER = {
  id: 'starter',
  name: 'Starter',
  limits: [
    { meter: 'requests', window: 'period', amount: 50 },
    { meter: 'cost_usd', window: 'period', amount: '2.00' },
    { meter: 'images', window: 'period', amount: 'disabled' },
    { meter: 'requests', window: 'minute', amount: 20 },
    { meter: 'requests', window: 'concurrent', amount: 4 },
  ],
};

function expectProblem(
  reply: TestReply,
  expected: { status: number; code: string; param?: string; detail?: RegExp },
): void {
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.body).toMatchObject({
    type: `/docs/errors#${expected.code}`,
    status: expected.status,
    code: expected.code,
    instance: reply.headers.get('x-request-id'),
  });
  expect(reply.status).toBe(expected.status);
  if (expected.param !== undefined) expect(reply.body['param']).toBe(expected.param);
  if (expected.detail !== undefined) expect(reply.body['detail']).toMatch(expected.detail);
}

function dataOf(reply: TestReply): readonly Record<string, unknown>[] {
  return reply.body['data'] as readonly Record<string, unknown>[];
}

function cursorOf(reply: TestReply): string {
  const cursor = reply.body['next_cursor'];
  if (typeof cursor !== 'string') throw new Error('this is the last page');
  return encodeURIComponent(cursor);
}

/** Runs the control plane's tests over a kind of store. */
export function describeAdmin(name: string, openStore: OpenStore): void {
  describe(`control plane over ${name}`, () => {
    let harness: Harness;
    let shared: Harness | null = null;
    beforeEach(async () => {
      if (shared !== null) {
        harness = shared;
        return;
      }
      harness = await createHarness(openStore);
      return () => harness.store.close();
    });
    /** For tests of refusals: they change nothing, so one store serves them all. */
    const onOneStore = () => {
      beforeAll(async () => {
        shared = await createHarness(openStore);
      });
      afterAll(async () => {
        await shared?.store.close();
        shared = null;
      });
    };

    const post = (path: string, body: unknown) => harness.call('POST', path, { body });
    const get = (path: string) => harness.call('GET', path);
    const starter = async (externalId = 'user-1') => {
      await post('/plans', STARTER);
      return post('/customers', { externalId, plan: 'starter' });
    };

    describe('plans', () => {
      it('creates the minimum body and reads it back', async () => {
        const made = await post('/plans', STARTER);
        expect(made.status).toBe(201);
        expect(made.body).toMatchObject({
          id: 'starter',
          version: 1,
          created_at: '2026-11-23T10:00:00Z',
        });
        const limits = made.body['limits'] as readonly Record<string, unknown>[];
        expect(limits.map((limit) => limit['id'])).toEqual([
          'requests/period',
          'cost_usd/period',
          'images/period',
          'requests/minute',
          'requests/concurrent',
        ]);
        expect((await get('/plans/starter')).body).toEqual(made.body);
      });

      it('lists plans by id, page after page', async () => {
        await post('/plans', STARTER);
        const ids: unknown[] = [];
        let cursor = '';
        for (let page = 0; page < 10; page += 1) {
          const reply = await get(`/plans?limit=2${cursor}`);
          ids.push(...dataOf(reply).map((plan) => plan['id']));
          if (reply.body['next_cursor'] === null) break;
          cursor = `&cursor=${cursorOf(reply)}`;
        }
        expect(ids).toEqual(['basic', 'enterprise', 'free', 'pro', 'starter']);
      });

      it('makes versions: absent members stay, null ones go, others are replaced', async () => {
        await post('/plans', { ...STARTER, models: ['sim/*'], features: ['a'] });
        const second = await post('/plans/starter/versions', {
          models: null,
          limits: [{ meter: 'requests', window: 'day', amount: 5 }],
          apply: 'now',
        });
        expect(second.status).toBe(201);
        expect(second.body).toMatchObject({
          id: 'starter',
          name: 'Starter',
          version: 2,
          features: ['a'],
          limits: [{ id: 'requests/day', meter: 'requests', window: 'day', amount: 5 }],
        });
        expect(second.body).not.toHaveProperty('models');
        expect((await get('/plans/starter')).body).toEqual(second.body);
        expect(dataOf(await get('/plans')).filter((plan) => plan['id'] === 'starter')).toHaveLength(
          1,
        );
      });

      it('refuses a second plan of the same id', async () => {
        await post('/plans', STARTER);
        expectProblem(await post('/plans', STARTER), {
          status: 409,
          code: 'conflict',
          param: 'id',
        });
      });

      describe('refusals', () => {
        onOneStore();
        it.each([
          [
            'a zero',
            { amount: 0 },
            'limits[2].amount',
            /"disabled" to forbid or "unlimited" to allow/,
          ],
          ['a zero as text', { amount: '0.00' }, 'limits[2].amount', /0 is ambiguous/],
          ['a negative amount', { amount: -1 }, 'limits[2].amount', /positive/],
          ['a fraction of a request', { amount: '1.5' }, 'limits[2].amount', /decimal places/],
          [
            'an amount beyond int64',
            { amount: '999999999999999', meter: 'cost_usd', id: 'x' },
            'limits[2].amount',
            /too large/,
          ],
          ['a number that is no integer', { amount: 1.5 }, 'limits[2].amount', /positive/],
          ['an unknown meter', { meter: 'tokens' }, 'limits[2].meter', /input_tokens/],
          ['an unknown window', { window: 'month' }, 'limits[2].window', /rolling:<n>h/],
          ['an unknown scope', { scope: 'provider:openai' }, 'limits[2].scope', /scope/],
          ['an unknown member', { max: 3 }, 'limits[2].max', /unknown member/],
          [
            'a prototype member',
            JSON.parse('{"__proto__": {"amount": 3}}'),
            'limits[2].__proto__',
            /unknown member/,
          ],
          ['overage without a cap', { on_breach: 'overage' }, 'limits[2].overage_cap', /needed/],
          ['a limit id twice', { id: 'requests/period' }, 'limits[2].id', /twice/],
        ])('refuses %s, naming its path', async (_name, change, param, detail) => {
          const limit = Object.assign(Object.create(null), {
            meter: 'requests',
            window: 'hour',
            amount: 1,
          });
          for (const [key, value] of Object.entries(change)) {
            Object.defineProperty(limit, key, { value, enumerable: true });
          }
          const limits = [...STARTER.limits.slice(0, 2), limit];
          expectProblem(await post('/plans', { ...STARTER, limits }), {
            status: 400,
            code: 'invalid_request',
            param,
            detail,
          });
          expectProblem(await get('/plans/starter'), { status: 404, code: 'not_found' });
        });
      });

      describe('refusals', () => {
        onOneStore();
        it.each([
          ['an id in capitals', { id: 'Starter' }, 'id'],
          ['no name', { name: undefined }, 'name'],
          ['a number for a name', { name: 7 }, 'name'],
          ['no limits', { limits: undefined }, 'limits'],
          ['an unknown member', { limts: [] }, 'limts'],
          [
            'a price that is no money',
            { price_usd: { month: '29,00', year: '0' } },
            'price_usd.month',
          ],
          ['a version of its own', { version: 3 }, 'version'],
        ])('refuses %s', async (_name, change, param) => {
          expectProblem(await post('/plans', { ...STARTER, ...change }), {
            status: 400,
            code: 'invalid_request',
            param,
          });
        });
      });

      it('refuses versions of unknown plans, other ids and bad members', async () => {
        expectProblem(await post('/plans/nowhere/versions', { limits: [] }), {
          status: 404,
          code: 'not_found',
        });
        expectProblem(await post('/plans/free/versions', { id: 'pro' }), {
          status: 400,
          code: 'invalid_request',
          param: 'id',
        });
        expectProblem(await post('/plans/free/versions', { apply: 'later' }), {
          status: 400,
          code: 'invalid_request',
          param: 'apply',
        });
        expectProblem(await post('/plans/free/versions', { limits: null }), {
          status: 400,
          code: 'invalid_request',
          param: 'limits',
        });
        expect((await get('/plans/free')).body['version']).toBe(1);
      });
    });

    describe('customers', () => {
      it('creates one with an active monthly subscription anchored now in UTC', async () => {
        const made = await starter();
        expect(made.status).toBe(201);
        expect(made.body).toMatchObject({
          id: expect.stringMatching(/^cus_/),
          externalId: 'user-1',
          name: null,
          subscription: {
            status: 'active',
            plan: { id: 'starter', version: 1 },
            cadence: 'month',
            timezone: 'UTC',
            anchor: '2026-11-23T10:00:00',
            trial_end: null,
            period: { start: '2026-11-23T10:00:00Z', end: '2026-12-23T10:00:00Z' },
          },
        });
        expect(harness.customerChanges.map((customer) => customer.id)).toEqual([made.body['id']]);
      });

      it('finds it by either name, also one that needs escaping', async () => {
        const made = await starter('org/7 ä?');
        const byOurs = await get(`/customers/${String(made.body['id'])}`);
        const byTheirs = await get(`/customers/${encodeURIComponent('org/7 ä?')}`);
        expect(byOurs.body).toEqual(made.body);
        expect(byTheirs.body).toEqual(made.body);
        const subscription = await get(`/customers/${encodeURIComponent('org/7 ä?')}/subscription`);
        expect(subscription.body).toEqual(made.body['subscription']);
      });

      it('starts a trial, a cadence, a zone and an anchor as asked', async () => {
        await post('/plans', STARTER);
        const trial = await post('/customers', {
          externalId: 't',
          plan: 'starter',
          trial_days: 14,
        });
        expect(trial.body['subscription']).toMatchObject({
          status: 'trial',
          trial_end: '2026-12-07T10:00:00Z',
        });
        const anchored = await post('/customers', {
          externalId: 'a',
          plan: 'starter',
          name: 'Ada',
          cadence: 'year',
          timezone: 'America/New_York',
          anchor: '2026-11-01T04:00:00Z',
        });
        expect(anchored.body['subscription']).toMatchObject({
          cadence: 'year',
          timezone: 'America/New_York',
          anchor: '2026-11-01T00:00:00',
        });
        const dated = await post('/customers', {
          externalId: 'd',
          plan: 'starter',
          anchor: '2026-11-15',
        });
        expect(dated.body['subscription']).toMatchObject({
          anchor: '2026-11-15T00:00:00',
          period: { start: '2026-11-15T00:00:00Z', end: '2026-12-15T00:00:00Z' },
        });
      });

      it('lists them in pages', async () => {
        await post('/plans', STARTER);
        for (const externalId of ['a', 'b', 'c'])
          await post('/customers', { externalId, plan: 'free' });
        const seen = new Set<unknown>();
        let cursor = '';
        for (let page = 0; page < 10; page += 1) {
          const reply = await get(`/customers?limit=1${cursor}`);
          for (const row of dataOf(reply)) seen.add(row['externalId']);
          if (reply.body['next_cursor'] === null) break;
          cursor = `&cursor=${cursorOf(reply)}`;
        }
        expect([...seen].filter((id) => ['a', 'b', 'c'].includes(String(id)))).toHaveLength(3);
      });

      it('refuses a second one of the same externalId', async () => {
        await starter();
        expectProblem(await post('/customers', { externalId: 'user-1', plan: 'free' }), {
          status: 409,
          code: 'conflict',
        });
      });

      describe('refusals', () => {
        onOneStore();
        it.each([
          ['an unknown plan', { plan: 'nowhere' }, 404, 'plan'],
          ['no plan', { plan: undefined }, 400, 'plan'],
          ['one of our ids', { externalId: 'cus_1' }, 400, 'externalId'],
          ['an empty id', { externalId: '' }, 400, 'externalId'],
          ['an id of 201 characters', { externalId: 'x'.repeat(201) }, 400, 'externalId'],
          ['a line break in the id', { externalId: 'a\r\nb' }, 400, 'externalId'],
          ['a number for an id', { externalId: 7 }, 400, 'externalId'],
          ['an unknown zone', { timezone: 'Mars/Olympus' }, 400, 'timezone'],
          ['an anchor that is no day', { anchor: '2026-02-30' }, 400, 'anchor'],
          ['an anchor in prose', { anchor: 'tomorrow' }, 400, 'anchor'],
          ['a negative trial', { trial_days: -1 }, 400, 'trial_days'],
          ['a balance', { balance: '5.00' }, 400, 'balance'],
          ['snake case', { external_id: 'b' }, 400, 'external_id'],
        ])('refuses %s', async (_name, change, status, param) => {
          const reply = await post('/customers', { externalId: 'user-9', plan: 'free', ...change });
          const code = status === 404 ? 'not_found' : 'invalid_request';
          expectProblem(reply, { status, code, param });
          expect(harness.customerChanges).toEqual([]);
          expectProblem(await get('/customers/user-9'), { status: 404, code: 'not_found' });
        });
      });
    });

    describe('subscriptions', () => {
      const patch = (body: unknown) =>
        harness.call('PATCH', '/customers/user-1/subscription', { body });

      it('moves up at once and says so', async () => {
        await starter();
        const reply = await patch({ plan: 'pro' });
        expect(reply.body).toMatchObject({
          plan: { id: 'pro', version: 1 },
          change: {
            plan: 'pro',
            at: 'now',
            mode: 'keep_used',
            effective_at: '2026-11-23T10:00:00Z',
          },
        });
        expect((await get('/customers/user-1/subscription')).body).toMatchObject({
          plan: { id: 'pro' },
        });
      });

      it('moves to a cheaper plan with the next period, unless told otherwise', async () => {
        await post('/customers', { externalId: 'user-1', plan: 'pro' });
        const later = await patch({ plan: 'free' });
        expect(later.body).toMatchObject({
          plan: { id: 'pro' },
          change: { at: 'period_end', effective_at: '2026-12-23T10:00:00Z' },
        });
        expect((await patch({ plan: 'free', at: 'now' })).body).toMatchObject({
          plan: { id: 'free' },
        });
      });

      it('changes the status', async () => {
        await starter();
        expect((await patch({ status: 'paused' })).body).toMatchObject({ status: 'paused' });
        expect((await patch({ status: 'active' })).body).toMatchObject({ status: 'active' });
        const cancelled = await patch({ status: 'cancelled', at: 'period_end' });
        expect(cancelled.body).toMatchObject({
          status: 'active',
          cancel_at: '2026-12-23T10:00:00Z',
        });
      });

      it('refuses what changes nothing, contradicts itself or does not exist', async () => {
        await starter();
        expectProblem(await patch({}), { status: 400, code: 'invalid_request' });
        expectProblem(await patch({ mode: 'prorate' }), { status: 400, code: 'invalid_request' });
        expectProblem(await patch({ plan: 'pro', at: 'period_end', mode: 'restart' }), {
          status: 400,
          code: 'invalid_request',
          param: 'mode',
        });
        expectProblem(await patch({ status: 'gone' }), {
          status: 400,
          code: 'invalid_request',
          param: 'status',
        });
        expectProblem(await patch({ rev: 1 }), {
          status: 400,
          code: 'invalid_request',
          param: 'rev',
        });
        expectProblem(await patch({ plan: 'nowhere' }), {
          status: 404,
          code: 'not_found',
          param: 'plan',
        });
        const unknown = await harness.call('PATCH', '/customers/none/subscription', {
          body: { plan: 'pro' },
        });
        expectProblem(unknown, { status: 404, code: 'not_found' });
      });
    });

    describe('keys', () => {
      it('shows a new key once and keeps its hash', async () => {
        const customer = await starter();
        const made = await post('/keys', { customer: 'user-1', name: 'laptop' });
        expect(made.status).toBe(201);
        expect(made.body).toMatchObject({
          id: expect.stringMatching(/^key_/),
          key: expect.stringMatching(/^agk_/),
          type: 'customer',
          customer: customer.body['id'],
          status: 'active',
          revoked_at: null,
        });
        const key = String(made.body['key']);
        expect(made.body).toMatchObject({ prefix: key.slice(0, 8), last4: key.slice(-4) });
        const id = String(made.body['id']);
        for (const path of ['/keys', `/keys/${id}`, '/keys?customer=user-1']) {
          const reply = await get(path);
          expect(reply.text).toContain(id);
          expect(reply.text).not.toContain(key);
          expect(reply.text).not.toMatch(/hash/);
        }
        expect(harness.keyChanges).toHaveLength(1);
        expect(harness.keyChanges[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
        expect(JSON.stringify(harness.keyChanges)).not.toContain(key);
      });

      it('makes service and admin keys', async () => {
        const customer = await starter();
        const service = await post('/keys', {
          type: 'service',
          name: 'back end',
          default_customer: 'user-1',
          scopes: { models: ['sim/*'], operations: ['text.*'], ips: ['127.0.0.1', '::1'] },
          expires_at: '2027-01-01T00:00:00+01:00',
        });
        expect(service.body).toMatchObject({
          type: 'service',
          customer: null,
          default_customer: customer.body['id'],
          scopes: { models: ['sim/*'], operations: ['text.*'], ips: ['127.0.0.1', '::1'] },
          expires_at: '2026-12-31T23:00:00Z',
        });
        const admin = await post('/keys', { type: 'admin', name: 'ops' });
        expect(admin.body).toMatchObject({ type: 'admin', customer: null, default_customer: null });
      });

      it('filters by customer', async () => {
        await starter();
        await post('/customers', { externalId: 'user-2', plan: 'free' });
        await post('/keys', { customer: 'user-1', name: 'one' });
        await post('/keys', { customer: 'user-2', name: 'two' });
        const rows = dataOf(await get('/keys?customer=user-2'));
        expect(rows.map((row) => row['name'])).toEqual(['two']);
        expectProblem(await get('/keys?customer=none'), {
          status: 404,
          code: 'not_found',
          param: 'customer',
        });
      });

      it.each([
        ['DELETE', ''],
        ['POST', '/revoke'],
      ])('revokes with %s %s, at once and once', async (method, suffix) => {
        await starter();
        const id = String((await post('/keys', { customer: 'user-1', name: 'a' })).body['id']);
        const revoked = await harness.call(method, `/keys/${id}${suffix}`);
        expect(revoked.status).toBe(200);
        expect(revoked.body).toMatchObject({
          id,
          status: 'revoked',
          revoked_at: '2026-11-23T10:00:00Z',
        });
        expect(harness.keyChanges.at(-1)).toMatchObject({ id, revokedAtMs: harness.now() });
        harness.advance(60_000);
        const again = await harness.call(method, `/keys/${id}${suffix}`);
        expect(again.body).toEqual(revoked.body);
        expectProblem(await harness.call(method, `/keys/key_none${suffix}`), {
          status: 404,
          code: 'not_found',
        });
      });

      it('rotates with an overlap, in which the old key can still be revoked', async () => {
        await starter();
        const old = await post('/keys', {
          customer: 'user-1',
          name: 'a',
          scopes: { models: ['sim/*'] },
        });
        const id = String(old.body['id']);
        const rotated = await post(`/keys/${id}/rotate`, { overlap_s: 3600 });
        expect(rotated.status).toBe(201);
        expect(rotated.body).toMatchObject({
          name: 'a',
          customer: old.body['customer'],
          scopes: { models: ['sim/*'] },
          replaces: { id, status: 'active', revoked_at: '2026-11-23T11:00:00Z' },
        });
        expect(rotated.body['key']).not.toBe(old.body['key']);
        expect(harness.keyChanges).toHaveLength(3);
        expectProblem(await post(`/keys/${id}/rotate`, {}), { status: 409, code: 'conflict' });
        const revoked = await harness.call('DELETE', `/keys/${id}`);
        expect(revoked.body).toMatchObject({
          status: 'revoked',
          revoked_at: '2026-11-23T10:00:00Z',
        });
      });

      it('ends the old key at once without an overlap', async () => {
        await starter();
        const id = String((await post('/keys', { customer: 'user-1', name: 'a' })).body['id']);
        const rotated = await harness.call('POST', `/keys/${id}/rotate`);
        expect(rotated.body['replaces']).toMatchObject({ id, status: 'revoked' });
      });

      describe('refusals', () => {
        onOneStore();
        it.each([
          ['no name', { name: undefined }, 400, 'name'],
          ['no customer', { customer: undefined }, 400, 'customer'],
          ['an unknown customer', { customer: 'none' }, 404, 'customer'],
          ['a customer on a service key', { type: 'service' }, 400, 'customer'],
          ['a customer on an admin key', { type: 'admin' }, 400, 'customer'],
          [
            'a default customer on a customer key',
            { default_customer: 'user-1' },
            400,
            'default_customer',
          ],
          ['an unknown type', { type: 'root' }, 400, 'type'],
          ['a key of its own', { key: 'agk_mine' }, 400, 'key'],
          ['a role', { role: 'admin' }, 400, 'role'],
          ['limits', { limits: [] }, 400, 'limits'],
          ['an address range', { scopes: { ips: ['10.0.0.0/8'] } }, 400, 'scopes.ips[0]'],
          ['an unknown scope', { scopes: { tenants: [] } }, 400, 'scopes.tenants'],
          ['an expiry in the past', { expires_at: '2020-01-01T00:00:00Z' }, 400, 'expires_at'],
          ['an expiry in prose', { expires_at: 'soon' }, 400, 'expires_at'],
        ])('refuses %s', async (_name, change, status, param) => {
          await starter();
          const reply = await post('/keys', { customer: 'user-1', name: 'x', ...change });
          expectProblem(reply, {
            status,
            code: status === 404 ? 'not_found' : 'invalid_request',
            param,
          });
          expect(harness.keyChanges).toEqual([]);
        });
      });
    });

    describe('usage, requests, ledger', () => {
      const book = async () => {
        const customer = await starter();
        const key = await post('/keys', { customer: 'user-1', name: 'a' });
        const call = { customerId: String(customer.body['id']), keyId: String(key.body['id']) };
        await bookCall(harness, { ...call, inputTokens: 10, costNanoUsd: 1_500n });
        harness.advance(3_600_000);
        const requestId = await bookCall(harness, {
          ...call,
          model: 'sim/other',
          inputTokens: 5,
          costNanoUsd: 250n,
        });
        await holdCall(harness, { ...call, inputTokens: 7, costNanoUsd: 100n });
        return { ...call, requestId };
      };

      it('answers for a customer over its current period', async () => {
        const { customerId } = await book();
        const reply = await get('/usage?customer=user-1');
        expect(reply.status).toBe(200);
        expect(reply.body).toMatchObject({
          customer: customerId,
          from: '2026-11-23T10:00:00Z',
          to: '2026-12-23T10:00:00Z',
          totals: { requests: 2, input_tokens: 15, total_tokens: 15, cost_usd: '0.000001750' },
          held: { requests: 1, cost_usd: '0.000000100' },
          groups: [],
        });
        expect(reply.body['as_of']).toMatch(/^2026-11-23T11:00:00(?:\.\d+)?Z$/);
      });

      it('answers for all over the UTC month, and zero where there is nothing', async () => {
        const empty = await get('/usage');
        expect(empty.body).toMatchObject({
          customer: null,
          from: '2026-11-01T00:00:00Z',
          to: '2026-12-01T00:00:00Z',
          totals: { requests: 0, cost_usd: '0.000000000' },
        });
        await book();
        expect((await get('/usage')).body).toMatchObject({ totals: { requests: 2 } });
        const before = await get('/usage?from=2026-10-01&to=2026-11-01');
        expect(before.body).toMatchObject({ totals: { requests: 0 } });
      });

      it('groups by dimensions and time', async () => {
        await book();
        const reply = await get('/usage?customer=user-1&group_by=provider,model&bucket=hour');
        const groups = reply.body['groups'] as readonly {
          key: Record<string, string>;
          totals: object;
        }[];
        expect(groups).toHaveLength(2);
        const found = groups.find((group) => group.key['model']?.endsWith('other'));
        expect(found?.key['provider']).toBe('sim');
        expect(found?.totals).toMatchObject({ requests: 1, cost_usd: '0.000000250' });
      });

      describe('refusals', () => {
        onOneStore();
        it.each([
          ['?customer=none', 404, 'customer'],
          ['?from=yesterday', 400, 'from'],
          ['?from=2026-02-30', 400, 'from'],
          ['?from=2026-12-01&to=2026-11-01', 400, 'to'],
          ['?group_by=colour', 400, 'group_by'],
          ['?group_by=', 400, 'group_by'],
          ['?bucket=minute', 400, 'bucket'],
          ['?user=1', 400, 'user'],
          ['?bucket=hour&bucket=day', 400, 'bucket'],
        ])('refuses %s', async (query, status, param) => {
          const code = status === 404 ? 'not_found' : 'invalid_request';
          expectProblem(await get(`/usage${query}`), { status, code, param });
        });
      });

      it('lists requests and shows one with attempts and hold', async () => {
        const { requestId, customerId, keyId } = await book();
        const rows = dataOf(await get('/requests?customer=user-1'));
        expect(rows).toHaveLength(2);
        expect(rows[0]).toMatchObject({ id: requestId, cost: '0.000000250', model: 'sim/other' });
        const first = await get('/requests?limit=1');
        expect(dataOf(first)).toHaveLength(1);
        const second = await get(`/requests?limit=1&cursor=${cursorOf(first)}`);
        expect(dataOf(second)[0]?.['id']).not.toBe(requestId);
        expect((await get(`/requests/${requestId}`)).body).toMatchObject({
          id: requestId,
          customer: customerId,
          key: keyId,
          operation: 'text.generate',
          usage: { input_text_tokens: 5 },
          simulated: true,
          hold: { state: 'settled' },
          attempt_rows: [{ n: 1, provider: 'sim', outcome: 'succeeded', cost: '0.000000250' }],
        });
        expectProblem(await get('/requests/req_none'), { status: 404, code: 'not_found' });
        expectProblem(await get('/requests?customer=none'), { status: 404, code: 'not_found' });
        expectProblem(await get('/requests?limit=0'), {
          status: 400,
          code: 'invalid_request',
          param: 'limit',
        });
        expectProblem(await get('/requests?limit=201'), {
          status: 400,
          code: 'invalid_request',
          param: 'limit',
        });
      });

      it('lists ledger events and verifies', async () => {
        await book();
        const events = dataOf(await get('/ledger/events?limit=200'));
        expect(events.map((event) => event['kind'])).toEqual(
          expect.arrayContaining(['hold', 'settle']),
        );
        for (const path of ['/ledger/verify', '/ledger/verify']) {
          const reply = await harness.call('POST', path);
          expect(reply.status).toBe(200);
          expect(reply.body).toMatchObject({ ok: true, open_holds: 1, mismatches: [] });
        }
        expect((await post('/ledger/verify', {})).body).toMatchObject({ ok: true });
        expectProblem(await post('/ledger/verify', { deep: true }), {
          status: 400,
          code: 'invalid_request',
          param: 'deep',
        });
      });
    });

    describe('process', () => {
      onOneStore();
      it('shows settings, models and prices', async () => {
        expect((await get('/config')).body).toMatchObject({
          settings: { port: 8790 },
          origins: { port: 'default' },
          durability: harness.store.durability,
        });
        expect(dataOf(await get('/models')).map((model) => model['id'])).toEqual([
          'fast',
          'sim/chat',
        ]);
        expect(dataOf(await get('/models?provider=none'))).toEqual([]);
        const prices = await get('/prices?model=chat');
        expect(prices.body).toMatchObject({
          price_book: 'pb_test',
          next_cursor: null,
          data: [
            {
              id: 'sim/chat#1',
              effective_from: '2026-11-23T10:00:00Z',
              tiers: [
                {
                  above_input_tokens: 0,
                  usd_per_million: {
                    input_text_tokens: '0.150000000',
                    output_text_tokens: '0.600000000',
                  },
                },
              ],
            },
          ],
        });
        expectProblem(await get('/models?cursor=zzz'), {
          status: 400,
          code: 'invalid_request',
          param: 'cursor',
        });
      });

      it('serves its own description', async () => {
        const reply = await get('/openapi.json');
        expect(reply.body['openapi']).toMatch(/^3\.1/);
      });
    });

    describe('every route', () => {
      onOneStore();
      const paths = ADMIN_ROUTES.map(({ description }) => ({
        ...description,
        url: description.path.replace('/admin/v1', '').replace('{id}', 'none'),
      }));
      const posts = paths.filter(({ method, body }) => method !== 'get' && body !== undefined);

      it.each(posts)('refuses bad bodies: $method $path', async ({ method, url }) => {
        const send = (body: string, headers = {}) =>
          harness.call(method.toUpperCase(), url, { body, headers });
        for (const body of [
          '{',
          '[]',
          '"x"',
          'null',
          '{"a":1,"a":2}',
          '\uFEFF{}',
          `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
        ]) {
          expectProblem(await send(body), { status: 400, code: 'invalid_request' });
        }
        expectProblem(await send('{"no_such_member":1}'), { status: 400, code: 'invalid_request' });
        expectProblem(await send('a=1', { 'content-type': 'application/x-www-form-urlencoded' }), {
          status: 415,
          code: 'unsupported_media_type',
        });
        expectProblem(await send(JSON.stringify({ name: 'x'.repeat(70_000) })), {
          status: 413,
          code: 'payload_too_large',
        });
        expect(harness.internalErrors).toEqual([]);
      });

      it.each(paths)(
        'refuses unknown query members: $method $path',
        async ({ method, url, body }) => {
          const options = body === undefined ? {} : { body: '{}' };
          const reply = await harness.call(method.toUpperCase(), `${url}?no_such=1`, options);
          expectProblem(reply, { status: 400, code: 'invalid_request', param: 'no_such' });
        },
      );

      it.each(paths)('names the methods possible: $path', async ({ path, url }) => {
        const reply = await harness.call('PUT', url, { body: '{}' });
        expectProblem(reply, { status: 405, code: 'method_not_allowed' });
        const allowed = paths
          .filter((route) => route.path === path)
          .map((route) => route.method.toUpperCase());
        expect((reply.headers.get('allow') ?? '').split(', ')).toEqual(
          expect.arrayContaining(allowed),
        );
      });

      it('answers 404 for other paths', async () => {
        expectProblem(await get('/nothing'), { status: 404, code: 'not_found' });
        expectProblem(await get('/customers/a/b/c'), { status: 404, code: 'not_found' });
        expectProblem(await get('/customers/%E0%A4%A'), { status: 404, code: 'not_found' });
      });
    });

    describe('Idempotency-Key', () => {
      it('acts once and sends the first reply again', async () => {
        await starter();
        const create = (caller = 'key_admin', name = 'a') =>
          harness.call('POST', '/keys', {
            body: { customer: 'user-1', name },
            headers: { 'idempotency-key': 'once' },
            caller,
          });
        const first = await create();
        const second = await create();
        expect(second.text).toBe(first.text);
        expect(second.headers.get('idempotency-replayed')).toBe('true');
        expect(first.headers.get('idempotency-replayed')).toBeNull();
        expect(harness.keyChanges).toHaveLength(1);
        expectProblem(await create('key_admin', 'b'), {
          status: 422,
          code: 'idempotency_mismatch',
        });
        expect((await create('key_other')).text).not.toBe(first.text);
      });

      it('judges a refused call afresh', async () => {
        const create = () =>
          harness.call('POST', '/customers', {
            body: { externalId: 'u', plan: 'starter' },
            headers: { 'idempotency-key': 'k' },
          });
        expectProblem(await create(), { status: 404, code: 'not_found' });
        await post('/plans', STARTER);
        expect((await create()).status).toBe(201);
      });

      it('refuses one that is too long', async () => {
        const reply = await harness.call('POST', '/ledger/verify', {
          headers: { 'idempotency-key': 'x'.repeat(256) },
        });
        expectProblem(reply, { status: 400, code: 'invalid_request', param: 'Idempotency-Key' });
      });
    });
  });
}
