/**
 * Plans and their versions.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { cursorOf, dataOf, expectProblem, STARTER, type AdminSuite } from './admin-suite.ts';

export function describePlans(suite: AdminSuite): void {
  const { post, get, onOneStore } = suite;

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
}
