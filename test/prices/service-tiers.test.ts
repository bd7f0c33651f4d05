import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab, type Reply } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  for (const externalId of ['tiers', 'ruled']) {
    await admin('/customers', { externalId, plan: 'pro' });
  }
});
afterAll(() => lab.close());

function admin(path: string, body?: unknown): Promise<Reply> {
  return lab.call(`/admin/v1${path}`, { key: ADMIN_KEY, ...(body === undefined ? {} : { body }) });
}

/** $0.25 and $2 as standard, half of that as flex, 1.8 times that as priority; no price as `scale`. */
const ANSWER = {
  model: 'openai/gpt-5-mini',
  max_completion_tokens: 300,
  messages: [{ role: 'user', content: 'Say it.' }],
};

/** Makes the provider name this tier in its next answer, whatever was asked for. */
function nextServedIn(tier: string): void {
  lab.simulator.setFault({ sequence: [`served-tier-${tier}`] });
}

function chat(more: Readonly<Record<string, unknown>>): Promise<Reply> {
  return lab.call('/v1/chat/completions', {
    headers: { 'x-gateway-customer': 'tiers' },
    body: { ...ANSWER, ...more },
  });
}

interface Booked {
  readonly cost: string;
  readonly matches: boolean;
  readonly tier: unknown;
  readonly heldNano: number;
}

/** What a call was booked at, in which tier, and what was held for it. */
async function booked(reply: Reply): Promise<Booked> {
  expect(reply.status).toBe(200);
  const id = reply.headers.get('x-request-id') ?? '';
  const explained = await admin(`/requests/${id}/explain`);
  const request = await admin(`/requests/${id}`);
  const [attempt] = explained.json['attempts'] as {
    explanation: { price: { service_tier: string } };
  }[];
  const hold = request.json['hold'] as { legs: { limit: string; amount: string }[] };
  const leg = hold.legs.find(({ limit }) => limit.includes('cost_usd'));
  return {
    cost: String(explained.json['cost']),
    matches: explained.json['matches'] === true,
    tier: attempt?.explanation.price.service_tier,
    heldNano: Number(String(leg?.amount).replace('.', '')),
  };
}

const nano = (usd: string): number => Number(usd.replace('.', ''));

describe.each([{ stream: false }, { stream: true }])('service tiers, stream: $stream', (how) => {
  it('is held by the dearer of the tier and the standard, and settled by the tier that answered', async () => {
    const plain = await booked(await chat(how));
    expect(plain).toMatchObject({ tier: 'standard', matches: true });
    const flex = await booked(await chat({ ...how, service_tier: 'flex' }));
    expect(flex).toMatchObject({ tier: 'flex', matches: true });
    expect(nano(flex.cost) * 2).toBe(nano(plain.cost));
    const priority = await booked(await chat({ ...how, service_tier: 'priority' }));
    expect(priority).toMatchObject({ tier: 'priority', matches: true });
    expect(nano(priority.cost) * 5).toBe(nano(plain.cost) * 9);
    expect(flex.heldNano).toBeGreaterThanOrEqual(plain.heldNano);
    expect(priority.heldNano).toBeGreaterThan(plain.heldNano * 1.7);
  });

  it('bounds auto by the dearest tier, and bills what the account got', async () => {
    const plain = await booked(await chat(how));
    const auto = await booked(await chat({ ...how, service_tier: 'auto' }));
    expect(auto).toMatchObject({ tier: 'standard', cost: plain.cost });
    expect(auto.heldNano).toBeGreaterThan(plain.heldNano * 1.7);
    nextServedIn('priority');
    const raised = await booked(await chat({ ...how, service_tier: 'auto' }));
    expect(raised).toMatchObject({ tier: 'priority', matches: true });
  });

  it('bills a downgrade as standard, and silence at the dearest that was possible', async () => {
    const plain = await booked(await chat(how));
    nextServedIn('default');
    const downgraded = await booked(await chat({ ...how, service_tier: 'priority' }));
    expect(downgraded).toMatchObject({ tier: 'standard', cost: plain.cost });
    nextServedIn('none');
    const silent = await booked(await chat({ ...how, service_tier: 'flex' }));
    expect(silent).toMatchObject({ tier: 'standard', cost: plain.cost });
  });

  it('bills the tier that answered a call which named none', async () => {
    nextServedIn('priority');
    const raised = await booked(await chat(how));
    expect(raised).toMatchObject({ tier: 'priority', matches: true });
    nextServedIn('scale');
    const unlisted = await booked(await chat(how));
    expect(unlisted).toMatchObject({ tier: 'standard', matches: true });
  });

  it('refuses a tier that has no price before the provider is called', async () => {
    const refused = await chat({ ...how, service_tier: 'scale' });
    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({
      error: { code: 'unpriced_model', param: 'service_tier' },
    });
    expect(JSON.stringify(refused.json)).toContain(
      'openai/gpt-5-mini has no price in the service tier \\"scale\\"',
    );
  });
});

describe('service tiers', () => {
  it('take part in markups, and have own prices of their own', async () => {
    const call = async (tier: string): Promise<Booked> =>
      booked(
        await lab.call('/v1/chat/completions', {
          headers: { 'x-gateway-customer': 'ruled' },
          body: { ...ANSWER, service_tier: tier },
        }),
      );
    const before = await call('priority');
    await admin('/price-rules', { customer: 'ruled', match: 'openai/*', markup_percent: '100' });
    expect(nano((await call('priority')).cost)).toBe(nano(before.cost) * 2);
    await admin('/price-rules', {
      customer: 'ruled',
      price: {
        provider: 'openai',
        model: 'gpt-5-mini',
        service_tier: 'flex',
        rates: { input_text_tokens: 0, output_text_tokens: 0, requests: 9_000_000 },
      },
    });
    expect(await call('flex')).toMatchObject({ cost: '0.000000009', tier: 'flex' });
    expect(nano((await call('priority')).cost)).toBe(nano(before.cost) * 2);
  });

  it('are explained for a usage that is named', async () => {
    const usage = { input_text_tokens: 1_000_000 };
    const flex = await admin('/prices/explain', { model: 'sim/chat', usage, service_tier: 'flex' });
    expect(flex.json).toMatchObject({ cost: '0.050000000', price: { service_tier: 'flex' } });
    const standard = await admin('/prices/explain', { model: 'sim/chat', usage });
    expect(standard.json).toMatchObject({ cost: '0.100000000' });
    const scale = await admin('/prices/explain', {
      model: 'sim/chat',
      usage,
      service_tier: 'scale',
    });
    expect(scale.json).toMatchObject({ code: 'unpriced_model', param: 'service_tier' });
  });
});
