import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab, type Reply } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
});
afterAll(() => lab.close());

function admin(path: string, body?: unknown): Promise<Reply> {
  return lab.call(`/admin/v1${path}`, { key: ADMIN_KEY, ...(body === undefined ? {} : { body }) });
}

function chat(customer: string): Promise<Reply> {
  return lab.call('/v1/chat/completions', {
    headers: { 'x-gateway-customer': customer },
    body: { model: 'sim/chat', max_tokens: 50, messages: [{ role: 'user', content: 'Say it.' }] },
  });
}

const nano = (usd: unknown): bigint => BigInt(String(usd).replace('.', ''));

/** What header, request, usage and explanation say of one call; they must be one number. */
async function numbersOf(reply: Reply, customer: string) {
  const id = reply.headers.get('x-request-id') ?? '';
  const request = await admin(`/requests/${id}`);
  const explained = await admin(`/requests/${id}/explain`);
  const usage = await admin(`/usage?customer=${customer}`);
  const [attempt] = explained.json['attempts'] as {
    provider_cost: string;
    explanation: { price: { id: string } };
  }[];
  return {
    header: nano(reply.headers.get('x-gateway-cost')),
    request: nano(request.json['cost']),
    usage: nano((usage.json['totals'] as Record<string, unknown>)['cost_usd']),
    explained: nano(explained.json['cost']),
    matches: explained.json['matches'],
    provider: nano(attempt?.provider_cost),
    price: attempt?.explanation.price.id,
  };
}

describe('price rules', () => {
  it('charge one number everywhere, and keep what the provider charges beside it', async () => {
    for (const externalId of ['plain', 'marked', 'special']) {
      expect((await admin('/customers', { externalId, plan: 'enterprise' })).status).toBe(201);
    }
    const plain = await numbersOf(await chat('plain'), 'plain');
    expect(plain).toMatchObject({ matches: true, provider: plain.header });

    const markup = await admin('/price-rules', {
      customer: 'marked',
      match: 'sim/*',
      markup_percent: '100',
    });
    expect(markup.status).toBe(201);
    const marked = await numbersOf(await chat('marked'), 'marked');
    const ruleId = String(markup.json['id']);
    expect(marked).toEqual({
      header: plain.header * 2n,
      request: plain.header * 2n,
      usage: plain.header * 2n,
      explained: plain.header * 2n,
      matches: true,
      provider: plain.header,
      price: `${plain.price}%${ruleId}`,
    });

    await admin('/price-rules', {
      customer: 'special',
      price: {
        provider: 'sim',
        model: 'chat',
        rates: { input_text_tokens: 0, output_text_tokens: 0, requests: 7_000_000 },
      },
    });
    const special = await numbersOf(await chat('special'), 'special');
    expect(special).toMatchObject({ header: 7n, request: 7n, usage: 7n, matches: true });

    expect((await admin(`/price-rules/${ruleId}/retire`, {})).json['retired_at']).not.toBeNull();
    const after = await chat('marked');
    expect(nano(after.headers.get('x-gateway-cost'))).toBe(plain.header);
    expect(await lab.openHolds()).toBe(0);
  });

  it('are quoted as they are charged', async () => {
    await admin('/customers', { externalId: 'quoted', plan: 'enterprise' });
    const quote = (): Promise<Reply> =>
      lab.call('/v1/quotes', {
        headers: { 'x-gateway-customer': 'quoted' },
        body: {
          operations: [
            {
              id: 'one',
              type: 'image.generate',
              model: 'sim/image',
              image: { n: 4, size: '1024x1024' },
            },
          ],
        },
      });
    const before = await quote();
    expect(before.json['total']).toMatchObject({ max: '0.008000000' });
    await admin('/price-rules', { customer: 'quoted', markup_percent: '25', units: ['images'] });
    expect((await quote()).json['total']).toMatchObject({ max: '0.010000000' });
  });

  it('are refused where they could price nothing', async () => {
    const unknown = await admin('/price-rules', { match: 'nobody/*', markup_percent: '20' });
    expect(unknown.status).toBe(400);
    expect(unknown.json).toMatchObject({ code: 'invalid_request', param: 'match' });
    expect((await admin('/price-rules', { customer: 'nobody', markup_percent: '20' })).status).toBe(
      404,
    );
    expect((await admin('/price-rules/rule_none/retire', {})).status).toBe(404);
  });
});
