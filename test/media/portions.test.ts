/**
 * More pictures than a model makes in one call: several calls, a few at a time; what fails is named and not charged.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab } from '../support/lab.ts';
import { pngOf } from '../support/media-samples.ts';
import { createCustomerKey, requestOf, usageOf } from '../support/running-gateway.ts';

const ROUTED = 'black-forest-labs/FLUX.1-schnell:together';
const CENT = { unit: 'images', rate: 10_000_000_000_000 };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({
    config: JSON.stringify({
      simulators: 'on',
      models: { prices: [{ provider: 'huggingface', model: ROUTED, rates: {}, media: [CENT] }] },
    }),
  });
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

const body = { model: 'openai/dall-e-3', prompt: 'a lighthouse', size: '1024x1024' };

interface Images {
  readonly data: readonly { readonly b64_json: string }[];
  readonly errors?: readonly { readonly index: number }[];
}

describe('three pictures of a model that makes one a call', () => {
  it('are made by three calls, held and booked as three pictures', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'images', window: 'period', amount: 5 }],
    });
    const reply = await lab.call('/v1/images/generations', {
      body: { ...body, n: 3 },
      key: customer.apiKey,
    });
    expect(reply.status).toBe(200);
    const { data, errors } = reply.json as unknown as Images;
    expect([data.length, errors]).toEqual([3, undefined]);
    expect(lab.simulator.log).toHaveLength(3);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 1, images: 3, cost_usd: '0.120000000' });
    expect(reply.headers.get('x-gateway-cost')).toBe('0.120000000');
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked).toMatchObject({ usage: { images: 3 } });
    const beyond = await lab.call('/v1/images/generations', {
      body: { ...body, n: 3 },
      key: customer.apiKey,
    });
    expect(beyond.error).toMatchObject({ code: 'limit_exceeded' });
    expect(lab.simulator.log).toHaveLength(3);
  });

  it('of which one fails are two, charged as two, with the third named', async () => {
    lab.simulator.setFault({ match: { model: 'dall-e-3' }, sequence: [null, '400', null] });
    const customer = await createCustomerKey(lab.gateway);
    const reply = await lab.call('/v1/images/generations', {
      body: { ...body, n: 3 },
      key: customer.apiKey,
    });
    expect(reply.status).toBe(200);
    const { data, errors = [] } = reply.json as unknown as Images;
    expect([data.length, errors.map(({ index }) => index)]).toEqual([2, [2]]);
    expect(reply.headers.get('x-gateway-warnings')).toContain('images_delivered=2_of_3');
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ images: 2, cost_usd: '0.080000000' });
  });

  it('that all fail are an error that costs nothing', async () => {
    lab.simulator.setFault({ match: { model: 'dall-e-3' }, sequence: ['400', '400', '400'] });
    const customer = await createCustomerKey(lab.gateway);
    const reply = await lab.call('/v1/images/generations', {
      body: { ...body, n: 3 },
      key: customer.apiKey,
    });
    expect(reply.status).toBe(400);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals['images'] ?? 0).toBe(0);
  });
});

const PICTURE = `data:image/png;base64,${pngOf(32, 32).toString('base64')}`;

describe.each([
  ['gemini/gemini-2.5-flash-image', '/v1/images/generations', {}],
  ['gemini/gemini-2.5-flash-image', '/v1/images/edits', { image: PICTURE }],
  [`huggingface/${ROUTED}`, '/v1/images/generations', {}],
])('two pictures of %s by %s', (model, path, inputs) => {
  it('are made by two calls, and held as what both are billed', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'cost_usd', window: 'period', amount: '5' }],
    });
    const body = { model, prompt: 'a lighthouse', n: 2, seed: 7, ...inputs };
    const reply = await lab.call(path, { body, key: customer.apiKey });
    expect(reply.status, reply.text).toBe(200);
    const { data } = reply.json as unknown as Images;
    expect(data).toHaveLength(2);
    const sent = lab.simulator.log.map(({ requestBody = '' }) => requestBody);
    expect(sent.map((one) => /"seed":(\d)/.exec(one)?.[1])).toEqual(['7', '8']);
    const { id, cost, usage } = await requestOf(
      lab.gateway,
      reply.headers.get('x-request-id') ?? '',
    );
    expect(usage).toMatchObject({ images: 2 });
    const held = await lab.call(`/admin/v1/requests/${id}`, { key: ADMIN_KEY });
    const { legs } = held.json['hold'] as { readonly legs: readonly { readonly amount: string }[] };
    expect(legs.map(({ amount }) => Number(amount) >= Number(cost))).toEqual([true]);
  });
});
