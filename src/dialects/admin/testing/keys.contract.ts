/**
 * Keys.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { dataOf, expectProblem, type AdminSuite } from './admin-suite.ts';

export function describeKeys(suite: AdminSuite): void {
  const { post, get, starter, onOneStore } = suite;

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
      expect(suite.harness.keyChanges).toHaveLength(1);
      expect(suite.harness.keyChanges[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
      expect(JSON.stringify(suite.harness.keyChanges)).not.toContain(key);
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
      const revoked = await suite.harness.call(method, `/keys/${id}${suffix}`);
      expect(revoked.status).toBe(200);
      expect(revoked.body).toMatchObject({
        id,
        status: 'revoked',
        revoked_at: '2026-11-23T10:00:00Z',
      });
      expect(suite.harness.keyChanges.at(-1)).toMatchObject({
        id,
        revokedAtMs: suite.harness.now(),
      });
      suite.harness.advance(60_000);
      const again = await suite.harness.call(method, `/keys/${id}${suffix}`);
      expect(again.body).toEqual(revoked.body);
      expectProblem(await suite.harness.call(method, `/keys/key_none${suffix}`), {
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
      expect(suite.harness.keyChanges).toHaveLength(3);
      expectProblem(await post(`/keys/${id}/rotate`, {}), { status: 409, code: 'conflict' });
      const revoked = await suite.harness.call('DELETE', `/keys/${id}`);
      expect(revoked.body).toMatchObject({
        status: 'revoked',
        revoked_at: '2026-11-23T10:00:00Z',
      });
    });

    it('changes limits in three states: a list replaces, null takes away, absence leaves', async () => {
      await starter();
      const limits = [{ meter: 'images', window: 'day', amount: 5 }];
      const made = await post('/keys', { customer: 'user-1', name: 'a', limits });
      expect(made.body['limits']).toEqual(limits);
      const path = `/keys/${String(made.body['id'])}`;
      const patch = async (body: unknown) =>
        (await suite.harness.call('PATCH', path, { body })).body['limits'];
      expect(await patch({})).toEqual(limits);
      const other = [{ meter: 'cost_usd', window: 'period', amount: '2.00' }];
      expect(await patch({ limits: other })).toEqual(other);
      const { body } = await suite.harness.call('GET', path);
      expect(body['limits']).toEqual(other);
      expect(await patch({ limits: null })).toEqual([]);
    });

    it('ends the old key at once without an overlap', async () => {
      await starter();
      const id = String((await post('/keys', { customer: 'user-1', name: 'a' })).body['id']);
      const rotated = await suite.harness.call('POST', `/keys/${id}/rotate`);
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
        [
          'a limit of zero',
          { limits: [{ meter: 'images', window: 'day', amount: 0 }] },
          400,
          'limits[0].amount',
        ],
        [
          'limits of an admin key',
          {
            type: 'admin',
            customer: undefined,
            limits: [{ meter: 'images', window: 'day', amount: 1 }],
          },
          400,
          'limits',
        ],
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
        expect(suite.harness.keyChanges).toEqual([]);
      });
    });
  });
}
