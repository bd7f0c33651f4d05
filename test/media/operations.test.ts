/**
 * Pictures, speech and embeddings through the running gateway with no provider but the built-in simulator: what is
 * delivered is a whole file, what is booked is what was delivered, and a unit that the plan does not have is refused
 * before anything is asked.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LimitInput } from '../../src/contracts/metering.ts';
import { openLab, type Lab } from '../support/lab.ts';
import {
  createCustomerKey,
  requestOf,
  usageOf,
  type CustomerKey,
} from '../support/running-gateway.ts';
import { decodePng, wavMs } from './files.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

afterEach(() => lab.simulator.reset());

function customerWith(...limits: readonly LimitInput[]): Promise<CustomerKey> {
  return createCustomerKey(lab.gateway, { limits });
}

function period(meter: LimitInput['meter'], amount: LimitInput['amount']): LimitInput {
  return { meter, window: 'period', amount };
}

interface ImagesReply {
  readonly data: readonly { readonly b64_json: string }[];
  readonly usage: { readonly cost: string };
  readonly errors?: readonly { readonly index: number }[];
}

function image(body: Readonly<Record<string, unknown>>, key?: string) {
  return lab.call('/v1/images/generations', {
    body: { model: 'sim/image', prompt: 'a lighthouse', ...body },
    ...(key === undefined ? {} : { key }),
  });
}

async function speak(body: Readonly<Record<string, unknown>>, key: string): Promise<Response> {
  return await fetch(`${lab.url}/v1/audio/speech`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim/speech', voice: 'alloy', input: 'Hello there.', ...body }),
  });
}

describe('pictures', () => {
  it('are decodable, of the size that was asked for, labelled, and booked', async () => {
    const customer = await customerWith(period('images', 10));
    const reply = await image({ n: 2, size: '512x256', seed: 7 }, customer.apiKey);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-gateway-simulated')).toBe('true');
    const { data, usage } = reply.json as unknown as ImagesReply;
    expect(data.map((one) => decodePng(Buffer.from(one.b64_json, 'base64')))).toEqual([
      { width: 512, height: 256 },
      { width: 512, height: 256 },
    ]);
    expect(usage.cost).toBe('0.006000000');
    expect(reply.headers.get('x-gateway-cost')).toBe('0.006000000');
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 1, images: 2, cost_usd: '0.006000000' });
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked).toMatchObject({ usage: { images: 2 }, estimated: false, simulated: true });
  });

  it('are the same for the same seed, and others for another', async () => {
    const [first, second, other] = await Promise.all([
      image({ seed: 1, size: '64x64' }),
      image({ seed: 1, size: '64x64' }),
      image({ seed: 2, size: '64x64' }),
    ]);
    const pictures = [first, second, other].map(
      (reply) => (reply.json as unknown as ImagesReply).data[0],
    );
    expect(pictures[0]).toEqual(pictures[1]);
    expect(pictures[0]).not.toEqual(pictures[2]);
  });

  it('name an option that the model does not take', async () => {
    const reply = await image({
      model: 'openai/gpt-image-1',
      seed: 3,
      quality: 'low',
      size: '1024x1024',
    });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-gateway-warnings')).toContain('seed_dropped');
    const [call] = lab.simulator.log.slice(-1);
    expect(call?.billed).toMatchObject({ outputTokens: 272, media: { images: 1 } });
    // 272 picture tokens at $40 and 3 of text at $5 a million.
    expect(reply.headers.get('x-gateway-cost')).toBe('0.010895000');
  });

  it.each([
    [{ response_format: 'file' }, 'response_format'],
    [{ partial_images: 2 }, 'partial_images'],
    [{ n: 11 }, 'n'],
    [{ size: 'huge' }, 'size'],
    [{ prompt: '' }, 'prompt'],
    [{ model: 'openai/dall-e-3', size: '640x640' }, 'size'],
  ])('are refused for %j, naming the field', async (body, param) => {
    const before = lab.simulator.log.length;
    const reply = await image(body);
    expect(reply.status).toBe(400);
    expect(reply.error['param']).toBe(param);
    expect(lab.simulator.log.length).toBe(before);
  });

  it('that did not come are named and not charged', async () => {
    const customer = await customerWith(period('images', 3));
    lab.simulator.setFault({ match: { model: 'gpt-image-1' }, sequence: ['filtered', null] });
    const asked = { model: 'openai/gpt-image-1', n: 3, quality: 'low', size: '1024x1024' };
    const reply = await image(asked, customer.apiKey);
    expect(reply.status).toBe(200);
    const body = reply.json as unknown as ImagesReply;
    expect(body.data).toHaveLength(2);
    expect(body.errors).toMatchObject([{ index: 2 }]);
    expect(reply.headers.get('x-gateway-warnings')).toContain('images_delivered=2_of_3');
    expect((await usageOf(lab.gateway, customer.externalId)).totals).toMatchObject({ images: 2 });
    expect((await image({ n: 1 }, customer.apiKey)).status).toBe(200);
    expect((await image({ n: 1 }, customer.apiKey)).error['code']).toBe('limit_exceeded');
  });

  it('that failed cost nothing and release what was held', async () => {
    const customer = await customerWith(period('images', 1));
    lab.simulator.setFault({
      match: { model: 'gpt-image-1' },
      sequence: ['400-content-policy', null],
    });
    const asked = { model: 'openai/gpt-image-1', quality: 'low', size: '1024x1024' };
    const failed = await image(asked, customer.apiKey);
    expect(failed.status).toBe(422);
    expect(failed.error['code']).toBe('content_filtered');
    expect((await usageOf(lab.gateway, customer.externalId)).totals).not.toHaveProperty(
      'images',
      1,
    );
    expect((await image(asked, customer.apiKey)).status).toBe(200);
  });

  it('with something that is no picture are an error, and not delivered', async () => {
    const customer = await customerWith(period('images', 1));
    lab.simulator.setFault({ match: { model: 'gpt-image-1' }, sequence: ['no-choices', null] });
    const asked = { model: 'openai/gpt-image-1', quality: 'low', size: '1024x1024' };
    const reply = await image(asked, customer.apiKey);
    expect(reply.status).toBe(502);
    expect(reply.error['code']).toBe('provider_error');
  });

  it('are kept as assets where addresses are wanted', async () => {
    const customer = await customerWith();
    const reply = await image({ response_format: 'url', size: '64x32', n: 2 }, customer.apiKey);
    expect(reply.status).toBe(200);
    const data = reply.json['data'] as readonly { readonly url: string }[];
    expect(data.map((one) => Object.keys(one))).toEqual([['url'], ['url']]);
    const files = await Promise.all(data.map(({ url }) => fetch(url)));
    expect(files.map((file) => file.headers.get('content-type'))).toEqual([
      'image/png',
      'image/png',
    ]);
    const [first] = await Promise.all(
      files.map(async (file) => Buffer.from(await file.arrayBuffer())),
    );
    expect(decodePng(first ?? Buffer.alloc(0))).toEqual({ width: 64, height: 32 });
  });

  it('that cannot be kept are delivered as bytes, since they were made', async () => {
    const { assets } = lab.gateway.gateway.gateway;
    const keep = vi.spyOn(assets, 'keep').mockRejectedValue(new Error('no room'));
    const asked = { model: 'openai/gpt-image-1', quality: 'low', size: '1024x1024' };
    const reply = await image({ ...asked, response_format: 'url' });
    keep.mockRestore();
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-gateway-warnings')).toContain('response_format_mapped');
    const { data } = reply.json as unknown as ImagesReply;
    expect(decodePng(Buffer.from(data[0]?.b64_json ?? '', 'base64')).width).toBe(1024);
  });

  it('are not asked for by a model that makes none', async () => {
    const reply = await image({ model: 'openai/gpt-4o-mini' });
    expect(reply.status).toBe(400);
    expect(reply.error['code']).toBe('unpriced_model');
    const other = await image({ model: 'gemini/gemini-2.5-flash' });
    expect(other.status).toBe(400);
    expect(other.error['param']).toBe('model');
  });
});

describe('speech', () => {
  it('is really spoken: a whole file of a length that follows from the text', async () => {
    const customer = await customerWith(period('speech_characters', 100));
    const reply = await speak({ response_format: 'wav' }, customer.apiKey);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('audio/wav');
    expect(reply.headers.get('x-gateway-simulated')).toBe('true');
    const said = wavMs(Buffer.from(await reply.arrayBuffer()));
    expect(said).toBeGreaterThan(500);
    expect(said).toBeLessThan(2_000);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 1, speech_characters: 12, cost_usd: '0.000120000' });
    const longer = await speak(
      { response_format: 'wav', input: 'Hello there. '.repeat(3) },
      customer.apiKey,
    );
    expect(wavMs(Buffer.from(await longer.arrayBuffer()))).toBeGreaterThan(said * 2);
  });

  it('is booked by an estimate where the model is sold by tokens that nobody counted', async () => {
    const customer = await customerWith();
    const reply = await speak({ model: 'openai/gpt-4o-mini-tts' }, customer.apiKey);
    expect(reply.headers.get('content-type')).toBe('audio/mpeg');
    await reply.arrayBuffer();
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked).toMatchObject({ estimated: true, usage: { characters: 12 } });
    expect(Number(booked.cost)).toBeGreaterThan(0);
  });

  it('of a provider that breaks off is cut off, and never looks whole', async () => {
    const customer = await customerWith();
    lab.simulator.setFault({ match: { model: 'tts-1' }, sequence: ['reset-in-body', null] });
    const reply = await speak(
      { model: 'openai/tts-1', response_format: 'pcm', input: 'word '.repeat(600) },
      customer.apiKey,
    );
    expect(reply.status).toBe(200);
    await expect(reply.arrayBuffer()).rejects.toThrow();
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked.error_code).toBe('stream_interrupted');
  });

  it('of a provider that answers with an error is that error', async () => {
    const customer = await customerWith(period('speech_characters', 12));
    lab.simulator.setFault({ match: { model: 'tts-1' }, sequence: ['400', null] });
    const reply = await speak({ model: 'openai/tts-1' }, customer.apiKey);
    expect(reply.status).toBe(400);
    expect((await speak({ model: 'openai/tts-1' }, customer.apiKey)).status).toBe(200);
  });
});

describe('embeddings', () => {
  it('come in order, in both encodings, and are booked by tokens and inputs', async () => {
    const customer = await customerWith(period('embeddings', 10));
    const ask = (encoding: string) =>
      lab.call('/v1/embeddings', {
        key: customer.apiKey,
        body: {
          model: 'sim/embed',
          input: ['one', 'two words'],
          dimensions: 8,
          encoding_format: encoding,
        },
      });
    const floats = await ask('float');
    const base64 = await ask('base64');
    expect(floats.status).toBe(200);
    const vectors = (floats.json['data'] as { index: number; embedding: number[] }[]).map(
      ({ embedding }) => embedding,
    );
    const decoded = (base64.json['data'] as { embedding: string }[]).map(({ embedding }) => {
      const bytes = Buffer.from(embedding, 'base64');
      return Array.from({ length: 8 }, (_, at) => bytes.readFloatLE(at * 4));
    });
    expect(vectors).toEqual(decoded);
    expect(floats.json['usage']).toMatchObject({ prompt_tokens: 3, total_tokens: 3 });
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ embeddings: 4, input_tokens: 6, requests: 2 });
  });
});

describe('the limit of a unit', () => {
  const CASES = [
    [
      'images',
      2,
      '/v1/images/generations',
      { model: 'openai/dall-e-2', prompt: 'x', n: 2, size: '256x256' },
    ],
    [
      'speech_characters',
      5,
      '/v1/audio/speech',
      { model: 'openai/tts-1', voice: 'a', input: 'abcde' },
    ],
    [
      'embeddings',
      2,
      '/v1/embeddings',
      { model: 'openai/text-embedding-3-small', input: ['a', 'b'] },
    ],
  ] as const;

  it.each(CASES)(
    '%s lets what fits through and nothing beyond, also of many at once',
    async (meter, amount, path, body) => {
      const customer = await customerWith(period(meter, amount));
      const replies = await Promise.all(
        Array.from({ length: 6 }, () => lab.call(path, { key: customer.apiKey, body })),
      );
      const statuses = replies.map((reply) => reply.status).toSorted((left, right) => left - right);
      expect(statuses).toEqual([200, 429, 429, 429, 429, 429]);
      expect(lab.simulator.log).toHaveLength(1);
      expect((await usageOf(lab.gateway, customer.externalId)).totals).toMatchObject({
        [meter]: amount,
      });
      const refused = await lab.call(path, { key: customer.apiKey, body });
      expect(refused.error).toMatchObject({ code: 'limit_exceeded', limits: [{ meter }] });
    },
  );

  it('cost_usd binds all of them', async () => {
    const customer = await customerWith(period('cost_usd', '0.005'));
    expect((await image({ n: 2 }, customer.apiKey)).status).toBe(200);
    expect((await image({ n: 1 }, customer.apiKey)).error['code']).toBe('limit_exceeded');
  });

  it('that is disabled is not in the plan', async () => {
    const customer = await customerWith(period('images', 'disabled'));
    expect((await image({}, customer.apiKey)).error['code']).toBe('not_in_plan');
  });
});

describe('a key', () => {
  it('that may not make pictures makes none', async () => {
    const customer = await createCustomerKey(lab.gateway, { scopes: { operations: ['text.*'] } });
    expect((await image({}, customer.apiKey)).error['code']).toBe('forbidden');
  });
});

describe('an idempotency key', () => {
  it('brings the same picture again and costs once', async () => {
    const customer = await customerWith(period('images', 1));
    const ask = () =>
      lab.call('/v1/images/generations', {
        key: customer.apiKey,
        headers: { 'idempotency-key': 'picture-1' },
        body: { model: 'sim/image', prompt: 'x', size: '64x64' },
      });
    const first = await ask();
    const second = await ask();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.text).toBe(first.text);
  });

  it('brings the same speech again', async () => {
    const customer = await customerWith(period('speech_characters', 12));
    const ask = () =>
      fetch(`${lab.url}/v1/audio/speech`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${customer.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': 'speech-1',
        },
        body: JSON.stringify({
          model: 'sim/speech',
          voice: 'a',
          input: 'Hello there.',
          response_format: 'wav',
        }),
      });
    const first = Buffer.from(await (await ask()).arrayBuffer());
    const second = await ask();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('content-type')).toBe('audio/wav');
    expect(Buffer.from(await second.arrayBuffer()).equals(first)).toBe(true);
  });
});

describe('a quote', () => {
  it('holds a picture, and the call that draws on it costs what was quoted', async () => {
    const customer = await customerWith(period('images', 1));
    const quote = await lab.call('/v1/quotes', {
      key: customer.apiKey,
      body: {
        operations: [
          { id: 'p', type: 'image.generate', model: 'sim/image', image: { n: 1, size: '512x512' } },
        ],
        hold: { mode: 'all' },
      },
    });
    const { token } = quote.json['hold'] as { token: string };
    const { total } = quote.json as { total: { max: string } };
    expect((await image({}, customer.apiKey)).status).toBe(429);
    const reply = await lab.call('/v1/images/generations', {
      key: customer.apiKey,
      headers: { 'x-gateway-quote': token },
      body: { model: 'sim/image', prompt: 'x', size: '512x512' },
    });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-gateway-cost')).toBe(total.max);
  });
});
