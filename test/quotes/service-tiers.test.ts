/**
 * Quotes over providers: the service tiers that operations name, and what a provider cannot do.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey } from '../support/running-gateway.ts';

let lab: Lab;
let key = '';
beforeAll(async () => {
  lab = await openLab();
  const limits = [{ meter: 'cost_usd', window: 'period', amount: '1.00' }] as const;
  key = (await createCustomerKey(lab.gateway, { limits: [...limits] })).apiKey;
});
afterAll(() => lab.close());

interface Shown {
  readonly allowed: boolean;
  readonly cost: Readonly<Record<'min' | 'expected' | 'max', string>> | null;
  readonly reason: { readonly code: string; readonly message: string } | null;
}

async function quote(
  operation: object,
  hold?: object,
): Promise<{ readonly reply: Reply; readonly shown: Shown; readonly token: string }> {
  const operations = [{ type: 'text.generate', model: 'openai/gpt-5-mini', ...operation }];
  const reply = await lab.call('/v1/quotes', { key, body: { operations, hold } });
  const [shown] = (reply.json['operations'] ?? []) as Shown[];
  const { token = '' } = (reply.json['hold'] ?? {}) as { token?: string };
  if (shown === undefined) throw new Error(reply.text);
  return { reply, shown, token };
}

const TEXT = { input: { tokens: 4000 }, output: { max_tokens: 300 } };

function chat(more: object, headers: Record<string, string> = {}): Promise<Reply> {
  const body = {
    model: 'openai/gpt-5-mini',
    max_completion_tokens: 300,
    messages: [{ role: 'user', content: 'Say it.' }],
    ...more,
  };
  return lab.call('/v1/chat/completions', { key, headers, body });
}

const nano = (usd: unknown): number => Number(String(usd).replace('.', ''));

describe('a quote of a service tier', () => {
  it('covers the tier and the standard that it may be served in', async () => {
    const plain = (await quote(TEXT)).shown.cost;
    const flex = (await quote({ ...TEXT, service_tier: 'flex' })).shown.cost;
    const priority = (await quote({ ...TEXT, service_tier: 'priority' })).shown.cost;
    const any = (await quote({ ...TEXT, service_tier: 'auto' })).shown.cost;
    const standard = (await quote({ ...TEXT, service_tier: 'default' })).shown.cost;
    expect(standard).toEqual(plain);
    expect(nano(flex?.max)).toBe(nano(plain?.max));
    expect(nano(flex?.expected) * 2).toBe(nano(plain?.expected));
    expect(nano(priority?.max) * 5).toBe(nano(plain?.max) * 9);
    expect(any?.max).toBe(priority?.max);
  });

  it('refuses a tier that has no price, and a tier of what has none', async () => {
    const { shown } = await quote({ ...TEXT, service_tier: 'scale' });
    expect(shown).toMatchObject({ allowed: false, cost: null, reason: { code: 'unpriced_model' } });
    expect(shown.reason?.message).toContain('service_tier');
    const image = { type: 'image.generate', model: 'openai/gpt-image-1', service_tier: 'flex' };
    const reply = await lab.call('/v1/quotes', { key, body: { operations: [image] } });
    expect(reply.status).toBe(400);
    expect(reply.error).toMatchObject({ param: 'operations[0].service_tier' });
  });

  it('binds the prices of its tiers, and what they may be served in besides', async () => {
    const usual = nano((await chat({ service_tier: 'priority' })).headers.get('x-gateway-cost'));
    const operation = { ...TEXT, id: 'a', service_tier: 'priority', count: 2 };
    const { token } = await quote(operation, { mode: 'all' });
    expect(token).not.toBe('');
    // From now on everything costs ten times as much.
    const raise = await lab.call('/admin/v1/price-rules', {
      key: ADMIN_KEY,
      body: { match: 'openai/*', markup_percent: '900' },
    });
    expect(raise.status).toBe(201);
    const quoted = { 'x-gateway-quote': `${token};op=a` };
    const first = await chat({ service_tier: 'priority' }, quoted);
    expect(first.status).toBe(200);
    expect(nano(first.headers.get('x-gateway-cost'))).toBe(usual);
    lab.simulator.setFault({ sequence: ['served-tier-default'] });
    const downgraded = await chat({ service_tier: 'priority' }, quoted);
    expect(nano(downgraded.headers.get('x-gateway-cost')) * 9).toBe(usual * 5);
    expect(nano((await chat({ service_tier: 'priority' })).headers.get('x-gateway-cost'))).toBe(
      usual * 10,
    );
    expect(await lab.openHolds()).toBe(0);
  });
});

it('a quote refuses what the provider behind the model cannot do', async () => {
  const { shown } = await quote({
    type: 'image.upscale',
    model: 'gemini/gemini-2.5-flash',
    image: { n: 1 },
  });
  expect(shown).toMatchObject({ allowed: false, reason: { code: 'invalid_request' } });
  expect(shown.reason?.message).toContain('image.upscale');
});
