/**
 * Prompt enhancements and moderations through the running gateway: booked as the text that they are, refused by their own
 * limits, and the official client drives moderations.
 *
 * @module
 */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey, usageOf } from '../support/running-gateway.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

describe('a prompt enhancement', () => {
  const body = { model: 'openai/gpt-4o-mini', prompt: 'a lighthouse', for: 'image' };

  it('is written by a text model under our instructions, and booked as text', async () => {
    const customer = await createCustomerKey(lab.gateway);
    const reply = await lab.call('/v1/prompt-enhancements', {
      body: { ...body, style: 'watercolour' },
      key: customer.apiKey,
    });
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ prompt: expect.any(String), model: 'gpt-4o-mini' });
    expect(reply.json['prompt']).not.toBe('');
    const sent = JSON.parse(lab.simulator.log.at(-1)?.requestBody ?? '{}') as {
      messages: { role: string; content: string }[];
    };
    expect(sent.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(sent.messages[0]?.content).toContain('Its style is: watercolour.');
    expect(sent.messages[1]?.content).toBe('a lighthouse');
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    const { usage } = reply.json as { usage: { output_tokens: number; cost: string } };
    expect(totals).toMatchObject({
      requests: 1,
      output_tokens: usage.output_tokens,
      cost_usd: usage.cost,
    });
  });

  it.each([
    ['nothing to be for', { for: undefined }, 'for'],
    ['no prompt', { prompt: '' }, 'prompt'],
    ['a model of pictures', { model: 'openai/tts-1' }, 'model'],
  ])('with %s is refused', async (_what, change, param) => {
    const reply = await lab.call('/v1/prompt-enhancements', { body: { ...body, ...change } });
    expect([reply.status, reply.error['param']]).toEqual([400, param]);
  });
});

describe('a moderation', () => {
  it('judges each text, and the official client reads it', async () => {
    const client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: lab.gateway.apiKey });
    const { results, model } = await client.moderations.create({
      model: 'openai/omni-moderation-latest',
      input: ['Good morning.', 'I will kill you.'],
    });
    expect(model).toBe('omni-moderation-latest');
    expect(results.map(({ flagged }) => flagged)).toEqual([false, true]);
    expect(results[1]?.categories.violence).toBe(true);
    expect(results[1]?.category_scores.violence).toBeGreaterThan(0.5);
  });

  it('judges text and pictures together', async () => {
    const reply = await lab.call('/v1/moderations', {
      body: {
        model: 'openai/omni-moderation-latest',
        input: [
          { type: 'text', text: 'Good morning.' },
          { type: 'image_url', image_url: { url: 'https://example.com/gore.png' } },
        ],
      },
    });
    const [verdict] = reply.json['results'] as {
      flagged: boolean;
      category_applied_input_types: Record<string, string[]>;
    }[];
    expect(verdict?.flagged).toBe(true);
    expect(verdict?.category_applied_input_types['violence']).toEqual(['image']);
  });

  it('of the simulator has a price, which is booked', async () => {
    const customer = await createCustomerKey(lab.gateway);
    const reply = await lab.call('/v1/moderations', {
      body: { model: 'sim/moderate', input: 'Good morning, dear listeners.' },
      key: customer.apiKey,
    });
    expect(reply.status).toBe(200);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({
      requests: 1,
      cost_usd: reply.headers.get('x-gateway-cost') ?? 'none',
    });
    expect(totals['cost_usd']).not.toBe('0.000000000');
  });

  it.each([
    ['nothing', undefined],
    ['an empty list', []],
    ['an unknown part', [{ type: 'audio' }]],
  ])('of %s is refused', async (_what, input) => {
    const reply = await lab.call('/v1/moderations', { body: { model: 'sim/moderate', input } });
    expect([reply.status, String(reply.error['param']).slice(0, 5)]).toEqual([400, 'input']);
  });
});
