/**
 * Usage, requests, ledger.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { cursorOf, dataOf, expectProblem, type AdminSuite } from './admin-suite.ts';
import { bookCall, holdCall } from './book-call.ts';

export function describeBooks(suite: AdminSuite): void {
  const { post, get, starter, onOneStore } = suite;

  describe('usage, requests, ledger', () => {
    const book = async () => {
      const customer = await starter();
      const key = await post('/keys', { customer: 'user-1', name: 'a' });
      const call = { customerId: String(customer.body['id']), keyId: String(key.body['id']) };
      await bookCall(suite.harness, { ...call, inputTokens: 10, costNanoUsd: 1_500n });
      suite.harness.advance(3_600_000);
      const requestId = await bookCall(suite.harness, {
        ...call,
        model: 'sim/other',
        inputTokens: 5,
        costNanoUsd: 250n,
      });
      await holdCall(suite.harness, { ...call, inputTokens: 7, costNanoUsd: 100n });
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
        const reply = await suite.harness.call('POST', path);
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
}
