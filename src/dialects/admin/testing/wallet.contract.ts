/**
 * Tests of customers' credits over the control plane.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { type AdminSuite, expectProblem } from './admin-suite.ts';

export function describeWalletRoutes(suite: AdminSuite): void {
  const { post, get, starter } = suite;
  const withdraw = (path: string) => suite.harness.call('DELETE', path);
  const grants = '/customers/user-1/wallet/grants';

  describe('wallet', () => {
    it('grants, lists in drawing order, withdraws, and tells the history newest first', async () => {
      await starter();
      const first = await post(grants, { amount: '25.5', reference: 'invoice/7', reason: 'paid' });
      expect(first.status).toBe(201);
      expect(first.body).toEqual({
        reference: 'invoice/7',
        kind: 'top_up',
        amount: '25.500000000',
        reason: 'paid',
        priority: 0,
        effective_at: '2026-11-23T10:00:00Z',
        expires_at: null,
        created_at: '2026-11-23T10:00:00Z',
      });
      const promo = { kind: 'promo', amount: 10, expires_at: '2026-12-24', reference: 'xmas' };
      await post(grants, promo);
      const shown = await get('/customers/user-1/wallet');
      expect(shown.body).toMatchObject({
        customer: 'user-1',
        balance: '35.500000000',
        held: '0.000000000',
        debt: '0.000000000',
        entries: { data: [{ kind: 'grant', granted: '10.000000000' }, { kind: 'grant' }] },
      });
      const { grants: listed } = shown.body as { grants: { reference: string }[] };
      expect(listed.map((grant) => grant.reference).toSorted()).toEqual(['invoice/7', 'xmas']);

      const taken = await withdraw(`${grants}/xmas`);
      expect(taken.body).toEqual({ reference: 'xmas', withdrawn: '10.000000000' });
      expect((await withdraw(`${grants}/xmas`)).body).toMatchObject({ withdrawn: '0.000000000' });
      const page = await get('/customers/user-1/wallet?limit=1');
      expect(page.body).toMatchObject({
        balance: '25.500000000',
        entries: { data: [{ expired: '10.000000000' }], next_cursor: expect.any(String) },
      });
      expect((await withdraw(`${grants}/${encodeURIComponent('invoice/7')}`)).body).toMatchObject({
        withdrawn: '25.500000000',
      });
    });

    it('grants once under one reference, and makes one where none is given', async () => {
      await starter();
      const body = { amount: '5', reference: 'r1', expires_at: '2026-12-01T00:00:00Z' };
      const first = await post(grants, body);
      suite.harness.advance(30 * 86_400_000);
      const again = await post(grants, body);
      expect([again.status, again.body]).toEqual([first.status, first.body]);
      expectProblem(await post(grants, { ...body, amount: '6' }), {
        status: 422,
        code: 'idempotency_mismatch',
        param: 'reference',
      });
      const own = [await post(grants, { amount: 1 }), await post(grants, { amount: 1 })];
      expect(new Set(own.map((reply) => reply.body['reference'])).size).toBe(2);
      expect((await get('/customers/user-1/wallet')).body['balance']).toBe('2.000000000');
    });

    it('refuses what it cannot book, naming the member', async () => {
      await starter();
      for (const [body, param] of [
        [{}, 'amount'],
        [{ amount: '0' }, 'amount'],
        [{ amount: '-3' }, 'amount'],
        [{ amount: '0.0000000001' }, 'amount'],
        [{ amount: 1, kind: 'gift' }, 'kind'],
        [{ amount: 1, expires_at: '2026-01-01' }, 'expires_at'],
        [{ amount: 1, reference: '' }, 'reference'],
        [{ amount: 1, effective_at: '2027-01-02', expires_at: '2027-01-01' }, 'expires_at'],
      ] as const) {
        expectProblem(await post(grants, body), { status: 400, code: 'invalid_request', param });
      }
      expectProblem(await get('/customers/nobody/wallet'), { status: 404, code: 'not_found' });
      expectProblem(await post('/customers/nobody/wallet/grants', { amount: 1 }), {
        status: 404,
        code: 'not_found',
      });
      expectProblem(await withdraw(`${grants}/none`), { status: 404, code: 'not_found' });
    });
  });
}
