/**
 * What the process tells of itself, and what every route does.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { ADMIN_ROUTES } from '../routes/index.ts';
import { dataOf, expectProblem, STARTER, type AdminSuite } from './admin-suite.ts';

export function describeProcess(suite: AdminSuite): void {
  const { post, get, starter, onOneStore } = suite;

  describe('process', () => {
    onOneStore();
    it('shows settings, models and prices', async () => {
      expect((await get('/config')).body).toMatchObject({
        settings: { port: 8790 },
        origins: { port: 'default' },
        durability: suite.harness.store.durability,
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
        suite.harness.call(method.toUpperCase(), url, { body, headers });
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
      expect(suite.harness.internalErrors).toEqual([]);
    });

    it.each(paths)(
      'refuses unknown query members: $method $path',
      async ({ method, url, body }) => {
        const options = body === undefined ? {} : { body: '{}' };
        const reply = await suite.harness.call(method.toUpperCase(), `${url}?no_such=1`, options);
        expectProblem(reply, { status: 400, code: 'invalid_request', param: 'no_such' });
      },
    );

    it.each(paths)('names the methods possible: $path', async ({ path, url }) => {
      const reply = await suite.harness.call('PUT', url, { body: '{}' });
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
        suite.harness.call('POST', '/keys', {
          body: { customer: 'user-1', name },
          headers: { 'idempotency-key': 'once' },
          caller,
        });
      const first = await create();
      const second = await create();
      expect(second.text).toBe(first.text);
      expect(second.headers.get('idempotency-replayed')).toBe('true');
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      expect(suite.harness.keyChanges).toHaveLength(1);
      expectProblem(await create('key_admin', 'b'), {
        status: 422,
        code: 'idempotency_mismatch',
      });
      expect((await create('key_other')).text).not.toBe(first.text);
    });

    it('judges a refused call afresh', async () => {
      const create = () =>
        suite.harness.call('POST', '/customers', {
          body: { externalId: 'u', plan: 'starter' },
          headers: { 'idempotency-key': 'k' },
        });
      expectProblem(await create(), { status: 404, code: 'not_found' });
      await post('/plans', STARTER);
      expect((await create()).status).toBe(201);
    });

    it('refuses one that is too long', async () => {
      const reply = await suite.harness.call('POST', '/ledger/verify', {
        headers: { 'idempotency-key': 'x'.repeat(256) },
      });
      expectProblem(reply, { status: 400, code: 'invalid_request', param: 'Idempotency-Key' });
    });
  });
}
