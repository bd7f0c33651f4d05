/**
 * Customers and their subscriptions.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { cursorOf, dataOf, expectProblem, STARTER, type AdminSuite } from './admin-suite.ts';

export function describeCustomers(suite: AdminSuite): void {
  const { post, get, starter, onOneStore } = suite;

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
      expect(suite.harness.customerChanges.map((customer) => customer.id)).toEqual([
        made.body['id'],
      ]);
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
        expect(suite.harness.customerChanges).toEqual([]);
        expectProblem(await get('/customers/user-9'), { status: 404, code: 'not_found' });
      });
    });
  });

  describe('subscriptions', () => {
    const patch = (body: unknown) =>
      suite.harness.call('PATCH', '/customers/user-1/subscription', { body });

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
      const unknown = await suite.harness.call('PATCH', '/customers/none/subscription', {
        body: { plan: 'pro' },
      });
      expectProblem(unknown, { status: 404, code: 'not_found' });
    });
  });
}
