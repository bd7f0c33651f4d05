/**
 * Prices over time and the arithmetic of costs.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { itemOfRow } from '../../../catalog/price-book.ts';
import { dataOf, expectProblem, type AdminSuite } from './admin-suite.ts';
import { bookCall } from './book-call.ts';
import { START_MS } from './harness.ts';
import { CHAT_PRICE } from './test-catalogue.ts';

const MINUTE_MS = 60_000;

const VIDEO = itemOfRow({
  provider: 'sim',
  model: 'film',
  rates: {},
  media: [
    { unit: 'video_ms', rate: 2_000_000_000, when: { resolution: '720p' }, min_units: 4000 },
    { unit: 'video_ms', rate: 4_000_000_000, when: { resolution: '1080p' }, min_units: 4000 },
  ],
  defaults: { resolution: '720p' },
});

export function describePrices(suite: AdminSuite): void {
  const { get, post, starter } = suite;

  const putBook = (id: string, items: readonly (typeof VIDEO)[]): Promise<void> =>
    suite.harness.store.prices.putBook({
      id,
      prices: items.map((item) => ({ id: item.id, row: JSON.stringify(item.row) })),
    });

  describe('prices over time', () => {
    it('lists what was in force at an instant, by the book of that time', async () => {
      await putBook('pb_1', [CHAT_PRICE]);
      suite.harness.advance(10 * MINUTE_MS);
      await putBook('pb_2', [CHAT_PRICE, VIDEO]);
      suite.harness.advance(10 * MINUTE_MS);
      await putBook('pb_2', [CHAT_PRICE, VIDEO]);
      await putBook('pb_1', [CHAT_PRICE]);

      const at = (minutes: number): string =>
        encodeURIComponent(new Date(START_MS + minutes * MINUTE_MS).toISOString());
      const first = await get(`/prices?at=${at(5)}`);
      expect(first.body['price_book']).toBe('pb_1');
      expect(dataOf(first).map((price) => price['id'])).toEqual(['sim/chat#1']);
      const second = await get(`/prices?at=${at(15)}`);
      expect(second.body['price_book']).toBe('pb_2');
      expect(dataOf(second).map((price) => price['model'])).toEqual(['chat', 'film']);
      const clips = await get(`/prices?unit=video_ms&at=${at(15)}`);
      expect(dataOf(clips)).toMatchObject([
        {
          id: VIDEO.id,
          defaults: { resolution: '720p' },
          media: [
            { unit: 'video_ms', usd_per_million: '2.000000000', when: { resolution: ['720p'] } },
            { unit: 'video_ms', usd_per_million: '4.000000000', min_units: 4000 },
          ],
        },
      ]);
      expectProblem(await get(`/prices?at=${at(-5)}`), {
        status: 404,
        code: 'not_found',
        param: 'at',
      });

      const books = await get('/price-books');
      expect(dataOf(books)).toEqual([
        { id: 'pb_1', from: '2026-11-23T10:20:00Z', to: null, prices: 1 },
        { id: 'pb_2', from: '2026-11-23T10:10:00Z', to: '2026-11-23T10:20:00Z', prices: 2 },
        { id: 'pb_1', from: '2026-11-23T10:00:00Z', to: '2026-11-23T10:10:00Z', prices: 1 },
      ]);
      expect(dataOf(await get('/price-books?limit=1'))).toHaveLength(1);
    });
  });

  describe('the arithmetic of a request', () => {
    it('is that of the price it was booked at', async () => {
      const customer = await starter();
      const booked = { customerId: String(customer.body['id']), keyId: 'key_1' };
      const requestId = await bookCall(suite.harness, booked);
      const reply = await get(`/requests/${requestId}/explain`);
      expect(reply.body).toMatchObject({
        request: requestId,
        cost: '0.000001500',
        matches: true,
        attempts: [
          {
            n: 1,
            booked: '0.000001500',
            matches: true,
            explanation: {
              price: { id: 'sim/chat#1', source: 'https://prices.example' },
              tier: { input_tokens: 10, above_input_tokens: 0 },
              lines: [
                {
                  unit: 'input_text_tokens',
                  counted: 10,
                  billed: 10,
                  usd_per_million: '0.150000000',
                  usd: '0.000001500000000',
                  priced_as: null,
                },
              ],
              exact: '0.000001500000000',
              cost: '0.000001500',
            },
          },
        ],
      });
    });

    it('says so where the ledger has another number', async () => {
      const customer = await starter();
      const requestId = await bookCall(suite.harness, {
        customerId: String(customer.body['id']),
        keyId: 'key_1',
        costNanoUsd: 1501n,
      });
      const reply = await get(`/requests/${requestId}/explain`);
      expect(reply.body).toMatchObject({ matches: false, attempts: [{ matches: false }] });
    });

    it('is told for a usage that never was', async () => {
      const reply = await post('/prices/explain', {
        model: 'sim/chat',
        usage: { input_text_tokens: 7, reasoning_tokens: 3 },
      });
      expect(reply.body).toMatchObject({
        cost: '0.000002850',
        lines: [
          { unit: 'input_text_tokens', priced_as: null },
          { unit: 'reasoning_tokens', priced_as: 'output_text_tokens', usd: '0.000001800000000' },
        ],
      });
      await putBook('pb_1', [VIDEO]);
      const film = await post('/prices/explain', {
        model: 'sim/film',
        usage: { video_ms: 1500, video_clips: 1 },
        dimensions: { resolution: '1080p' },
        at: '2026-11-23T10:00:00Z',
      });
      expect(film.body).toMatchObject({
        cost: '0.016000000',
        lines: [{ counted: 1500, billed: 4000, when: { resolution: '1080p' } }],
      });
    });

    it('is refused for what has no price', async () => {
      expectProblem(await post('/prices/explain', { model: 'sim/none', usage: {} }), {
        status: 400,
        code: 'unpriced_model',
        param: 'model',
      });
      expectProblem(await get('/requests/req_none/explain'), { status: 404, code: 'not_found' });
    });
  });
}
