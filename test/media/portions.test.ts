/**
 * More pictures than a model makes in one call: several calls, a few at a time; what fails is named and not charged.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey, requestOf, usageOf } from '../support/running-gateway.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
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
