import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab, type Reply } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
});
afterAll(() => lab.close());

function admin(path: string, body?: unknown, method?: string): Promise<Reply> {
  return lab.call(`/admin/v1${path}`, {
    key: ADMIN_KEY,
    ...(body === undefined ? {} : { body }),
    ...(method === undefined ? {} : { method }),
  });
}

async function rulesInForce(): Promise<readonly string[]> {
  const { json } = await admin('/price-rules');
  return (json['data'] as { id: string; retired_at: string | null }[])
    .filter((rule) => rule.retired_at === null)
    .map((rule) => rule.id);
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

  it('of a plan charge its customers, a customer’s own before them', async () => {
    const plan = { name: 'Retail', limits: [{ meter: 'cost_usd', window: 'period', amount: '9' }] };
    for (const id of ['retail', 'wholesale']) {
      expect((await admin('/plans', { ...plan, id })).status).toBe(201);
    }
    for (const externalId of ['retailer', 'favoured']) {
      await admin('/customers', { externalId, plan: 'retail' });
    }
    const before = await numbersOf(await chat('retailer'), 'retailer');
    const rule = { match: 'sim/*', markup_percent: '50' };
    const made = await admin('/price-rules', { ...rule, plan: 'retail' });
    expect(made.json).toMatchObject({ customer: null, plan: 'retail' });
    await admin('/price-rules', { match: 'sim/*', markup_percent: '300' });
    await admin('/price-rules', { ...rule, customer: 'favoured', markup_percent: '0' });

    const marked = (before.header * 3n + 1n) / 2n;
    const costOf = async (customer: string): Promise<bigint> =>
      nano((await chat(customer)).headers.get('x-gateway-cost'));
    expect(await costOf('retailer')).toBe(marked);
    expect(await costOf('favoured')).toBe(before.header);
    const operation = { id: 'one', type: 'image.generate', model: 'sim/image', image: { n: 1 } };
    const quoted = await lab.call('/v1/quotes', {
      headers: { 'x-gateway-customer': 'retailer' },
      body: { operations: [operation] },
    });
    expect(quoted.json['total']).toMatchObject({ max: '0.003000000' });

    await admin('/customers/retailer/subscription', { plan: 'wholesale' }, 'PATCH');
    expect(await costOf('retailer')).toBe(before.header * 4n);
    for (const list of await rulesInForce()) await admin(`/price-rules/${list}/retire`, {});
    expect(await costOf('retailer')).toBe(before.header);
  });

  it('show what providers charge, and the margin, to the operator alone', async () => {
    await admin('/customers', { externalId: 'earning', plan: 'enterprise' });
    const plain = nano((await chat('earning')).headers.get('x-gateway-cost'));
    await admin('/price-rules', { customer: 'earning', match: 'sim/*', markup_percent: '100' });
    await chat('earning');
    const usd = (amount: bigint): string =>
      `${amount / 1_000_000_000n}.${String(amount % 1_000_000_000n).padStart(9, '0')}`;
    const costs = {
      totals: expect.objectContaining({ cost_usd: usd(plain * 3n) }) as unknown,
      provider_cost_usd: usd(plain * 2n),
      margin_usd: usd(plain),
    };
    const since = 'customer=earning&from=2020-01-01&to=2100-01-01';
    for (const question of [
      'customer=earning',
      `${since}&group_by=model,plan`,
      `${since}&bucket=hour`,
    ]) {
      const { json } = await admin(`/usage?${question}`);
      expect(json).toMatchObject(costs);
      for (const group of json['groups'] as unknown[]) expect(group).toMatchObject(costs);
    }
    const csv = await admin('/usage/export?customer=earning&format=csv');
    expect(csv.text).toMatch(/,provider_cost_usd,margin_usd\r?\n/);
    expect(csv.text).toContain(`,${costs.provider_cost_usd},${costs.margin_usd}`);
    const headers = { 'x-gateway-customer': 'earning' };
    for (const path of ['/v1/usage', '/v1/usage/export', '/v1/usage/export?format=ndjson']) {
      const own = await lab.call(path, { headers });
      expect(own.status).toBe(200);
      expect(own.text).toContain(usd(plain * 3n));
      expect(own.text).not.toMatch(/provider_cost|margin/);
    }
  });

  it('stay unknown to those who pay by them', async () => {
    await admin('/customers', { externalId: 'unknowing', plan: 'enterprise' });
    const { json: rule } = await admin('/price-rules', {
      customer: 'unknowing',
      match: 'sim/*',
      markup_percent: '10',
    });
    const reply = await chat('unknowing');
    const id = reply.headers.get('x-request-id') ?? '';
    const priceOf = ({ json }: Reply): unknown =>
      (json['attempt_rows'] as { price: unknown }[])[0]?.price;
    const own = await lab.call(`/v1/requests/${id}`, {
      headers: { 'x-gateway-customer': 'unknowing' },
    });
    expect(own.status).toBe(200);
    expect(priceOf(own)).toMatch(/^sim\/chat#[0-9a-f]{8}$/);
    expect(own.text).not.toContain(String(rule['id']));
    const shown = String(priceOf(await admin(`/requests/${id}`)));
    expect(shown).toContain(`%${String(rule['id'])}`);
    expect(shown).not.toContain(String(priceOf(own)));
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
    expect(
      (await admin('/price-rules', { plan: 'nope', markup_percent: '20' })).json,
    ).toMatchObject({ status: 404, param: 'plan' });
    const both = { plan: 'free', customer: 'plain', markup_percent: '20' };
    expect((await admin('/price-rules', both)).status).toBe(400);
    expect((await admin('/price-rules/rule_none/retire', {})).status).toBe(404);
  });
});
