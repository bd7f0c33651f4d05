/**
 * Stability through the running gateway: the official client makes and edits pictures, each is held and charged at its price, and
 * what was blurred is billed and not delivered.
 *
 * @module
 */
import { encode } from 'fast-png';
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { decodePng } from '../media/files.ts';
import { openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { pngOf } from '../support/media-samples.ts';
import { createCustomerKey, requestOf, usageOf } from '../support/running-gateway.ts';

let lab: Lab;
let client: OpenAI;
beforeAll(async () => {
  lab = await openLab();
  client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: SERVICE_KEY, maxRetries: 0 });
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

function bytesOf({ data }: OpenAI.ImagesResponse): Buffer {
  return Buffer.from(data?.[0]?.b64_json ?? '', 'base64');
}

test.each([
  ['ultra', '0.080000000'],
  ['core', '0.030000000'],
  ['sd3.5-flash', '0.025000000'],
])('%s makes a picture at its price', async (model, cost) => {
  const { data, response } = await client.images
    .generate({ model: `stability/${model}`, prompt: 'a lighthouse', size: '1536x1024' })
    .withResponse();
  expect(decodePng(bytesOf(data))).toEqual({ width: 1216, height: 832 });
  expect(response.headers.get('x-gateway-cost')).toBe(cost);
  const booked = await requestOf(lab.gateway, response.headers.get('x-request-id') ?? '');
  expect(booked).toMatchObject({ usage: { images: 1 }, estimated: false });
});

/** Transparent on its left side alone. */
function maskOf(width: number, height: number): Buffer {
  const data = new Uint8Array(width * height * 2);
  for (let at = 0; at < width * height; at += 1)
    data[at * 2 + 1] = at % width < width / 2 ? 0 : 255;
  return Buffer.from(encode({ width, height, channels: 2, depth: 8, data }));
}

test.each([[null], [maskOf(64, 48)]])(
  'the official client inpaints, with a mask: %#',
  async (mask) => {
    const sent = pngOf(64, 48);
    const { data, response } = await client.images
      .edit({
        model: 'stability/inpaint',
        prompt: 'a boat',
        image: await toFile(sent, 'image.png', { type: 'image/png' }),
        ...(mask === null ? {} : { mask: await toFile(mask, 'mask.png', { type: 'image/png' }) }),
      })
      .withResponse();
    expect(decodePng(bytesOf(data))).toEqual({ width: 64, height: 48 });
    expect(response.headers.get('x-gateway-cost')).toBe('0.050000000');
  },
);

test('several pictures are made by as many calls, each with a seed of its own', async () => {
  const reply = await lab.call('/v1/images/generations', {
    body: { model: 'stability/core', prompt: 'x', n: 3, seed: 7 },
  });
  expect([reply.status, reply.headers.get('x-gateway-cost')]).toEqual([200, '0.090000000']);
  const data = reply.json['data'] as readonly { readonly b64_json: string }[];
  expect(new Set(data.map((one) => one.b64_json)).size).toBe(3);
  expect(lab.simulator.log.map((call) => call.billed?.media)).toEqual([
    { images: 1 },
    { images: 1 },
    { images: 1 },
  ]);
});

test('a picture that was blurred is not delivered, and is booked', async () => {
  const customer = await createCustomerKey(lab.gateway, { limits: [] });
  lab.simulator.setFault({ match: { model: 'core' }, sequence: ['filtered'] });
  const reply = await lab.call('/v1/images/generations', {
    key: customer.apiKey,
    body: { model: 'stability/core', prompt: 'x' },
  });
  expect([reply.status, reply.error['code']]).toEqual([422, 'content_filtered']);
  const { totals } = await usageOf(lab.gateway, customer.externalId);
  expect(totals).toMatchObject({ cost_usd: '0.030000000' });
});

test.each([
  [{ n: 11 }, 'n'],
  [{ style: 'baroque' }, 'style'],
])('%j is refused before anything is asked', async (more, param) => {
  const reply = await lab.call('/v1/images/generations', {
    body: { model: 'stability/core', prompt: 'x', ...more },
  });
  expect([reply.status, reply.error['param']]).toEqual([400, param]);
  expect(lab.simulator.log).toEqual([]);
});

test('a rate limit is waited for as Stability says', async () => {
  lab.simulator.setFault({ match: { model: 'core' }, sequence: ['429', null] });
  const reply = await lab.call('/v1/images/generations', {
    body: { model: 'stability/core', prompt: 'x' },
    headers: { 'x-gateway-timeout-ms': '2000' },
  });
  expect([reply.status, reply.error['code'], reply.headers.get('retry-after')]).toEqual([
    503,
    'provider_rate_limited',
    '60',
  ]);
  expect(lab.simulator.log).toHaveLength(1);
});
