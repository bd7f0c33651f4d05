/**
 * Gemini's media models through the running gateway, driven by the official client: what the simulated provider made is
 * what arrives, what it billed is what is booked, and what it refused or withheld is said so.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pngOf } from '../support/media-samples.ts';
import { openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { requestOf } from '../support/running-gateway.ts';
import { decodePng } from './files.ts';

let lab: Lab;
let client: OpenAI;
beforeAll(async () => {
  lab = await openLab();
  client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: SERVICE_KEY, maxRetries: 0 });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});
afterEach(() => lab.simulator.reset());

const IMAGE = 'gemini/gemini-3.1-flash-lite-image';

/** What the provider says it billed for the last call. */
function billed() {
  return lab.simulator.log.at(-1)?.billed ?? null;
}

async function bookedFor(response: Response) {
  return await requestOf(lab.gateway, response.headers.get('x-request-id') ?? '');
}

/** The most that an operation may cost, in dollars: what is held for it. */
async function mostOf(operation: object): Promise<number> {
  const { json } = await lab.call('/v1/quotes', {
    body: { operations: [{ id: 'one', ...operation }] },
  });
  const [one] = json['operations'] as readonly { readonly cost: { readonly max: string } }[];
  return Number(one?.cost.max);
}

function decoded(encoded: string | undefined): { width: number; height: number } {
  return decodePng(Buffer.from(encoded ?? '', 'base64'));
}

describe('pictures', () => {
  it('are made in the shape that was asked for, and booked by the tokens of their class', async () => {
    const { data, response } = await client.images
      .generate({ model: IMAGE, prompt: 'a siamese cat', size: '1536x1024' })
      .withResponse();
    expect(data.data?.map(({ b64_json: encoded }) => decoded(encoded))).toEqual([
      { width: 1248, height: 832 },
    ]);
    expect(response.headers.get('x-gateway-warnings')).toContain('size_mapped');
    const { usage, estimated, cost } = await bookedFor(response);
    const words = billed()?.inputTokens ?? 0;
    expect(billed()).toMatchObject({ outputTokens: 1120, media: { images: 1 } });
    expect(usage).toEqual({ input_text_tokens: words, output_image_tokens: 1120, images: 1 });
    expect(estimated).toBe(false);
    // 1,120 picture tokens at $30 and the words at $0.25 a million.
    expect(cost).toBe((0.0336 + words * 0.000_000_25).toFixed(9));
  });

  it.each(['512x512', '1024x1024'] as const)(
    'cost at %s no more than is held, in a class that the model has',
    async (size) => {
      const model = 'gemini/gemini-3-pro-image';
      const most = await mostOf({ type: 'image.generate', model, image: { size } });
      const { response } = await client.images
        .generate({ model, prompt: 'a cat', size })
        .withResponse();
      const { cost, usage } = await bookedFor(response);
      expect(usage['output_image_tokens']).toBe(1120);
      expect(most).toBeGreaterThanOrEqual(Number(cost));
    },
  );

  it('are edited from several pictures', async () => {
    const file = async (shade: number) =>
      await toFile(pngOf(8, 8, { shade }), 'in.png', { type: 'image/png' });
    const { data, response } = await client.images
      .edit({ model: IMAGE, prompt: 'join them', image: [await file(1), await file(9)] })
      .withResponse();
    expect(decoded(data.data?.[0]?.b64_json)).toEqual({ width: 1024, height: 1024 });
    const { usage } = await bookedFor(response);
    expect(usage).toMatchObject({ input_image_tokens: 516, images: 1 });
  });

  it.each([
    ['filtered', 422, 'content_filtered'],
    ['null-content', 400, 'invalid_request'],
  ])(
    'that were not made (%s) fail, and what the provider billed is booked',
    async (fault, status, code) => {
      lab.simulator.setFault({ match: { model: 'gemini-3-pro-image' }, sequence: [fault, null] });
      const reply = await lab.call('/v1/images/generations', {
        body: { model: 'gemini/gemini-3-pro-image', prompt: 'a cat' },
      });
      expect([reply.status, reply.error['code']]).toEqual([status, code]);
      const request = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
      expect(request.attempt_rows.map(({ billable }) => billable)).toEqual(['yes']);
      expect(Number(request.cost)).toBeGreaterThan(0);
      expect(lab.simulator.log).toHaveLength(1);
    },
  );

  it.each([
    [{ n: 2 }, 'n'],
    [{ n: 3, size: '1024x1024' }, 'n'],
  ])('are refused before the provider is asked: %j', async (more, param) => {
    const reply = await lab.call('/v1/images/generations', {
      body: { model: IMAGE, prompt: 'a cat', ...more },
    });
    expect([reply.status, reply.error['param']]).toEqual([400, param]);
    expect(lab.simulator.log).toHaveLength(0);
  });

  it('come once a first failure has passed', async () => {
    lab.simulator.setFault({
      match: { model: 'gemini-3-pro-image' },
      sequence: ['503', null],
    });
    const reply = await client.images.generate({
      model: 'gemini/gemini-3-pro-image',
      prompt: 'a cat',
    });
    expect(reply.data).toHaveLength(1);
    expect(lab.simulator.log).toHaveLength(2);
  });
});

describe('embeddings', () => {
  it.each([
    ['gemini/gemini-embedding-2', false],
    // Says nothing of its usage.
    ['gemini/gemini-embedding-001', true],
  ])('of %s have the length that was asked for', async (model, isEstimated) => {
    const { data, response } = await client.embeddings
      .create({ model, input: ['Ruby', 'Python'], dimensions: 256 })
      .withResponse();
    expect(data.data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
    expect(data.data[0]?.embedding).not.toEqual(data.data[1]?.embedding);
    const { usage, estimated, cost } = await bookedFor(response);
    expect(estimated).toBe(isEstimated);
    expect(usage['inputs']).toBe(2);
    if (!isEstimated) expect(usage['input_text_tokens']).toBe(billed()?.inputTokens);
    expect(Number(cost)).toBeGreaterThan(0);
  });
});
