/**
 * `background: true` on routes that are answered at once otherwise: 202 and a job, whose result is what the route would have
 * answered, kept.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { tonePcm, wavOf } from '../../src/simulators/media/sound.ts';
import { pngOf } from '../support/media-samples.ts';
import { createCustomerKey, usageOf, type CustomerKey } from '../support/running-gateway.ts';

let lab: Lab;
let customer: CustomerKey;

beforeAll(async () => {
  lab = await openLab({ ownSim: true });
  customer = await createCustomerKey(lab.gateway);
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

const picture = `data:image/png;base64,${pngOf(32, 32).toString('base64')}`;

function call(path: string, body?: object, headers: Record<string, string> = {}): Promise<Reply> {
  return lab.call(path, {
    key: customer.apiKey,
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

async function endOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  let job: Readonly<Record<string, unknown>> = {};
  await eventually(async () => {
    job = (await call(`/v1/jobs/${id}`)).json;
    return !['queued', 'running'].includes(String(job['status']));
  });
  return job;
}

const own = { sim: { as_job: true } };

describe('background: true', () => {
  it.each([
    ['/v1/images/generations', { model: 'sim/image', prompt: 'x', n: 2 }, 2, 'image/png'],
    [
      '/v1/images/generations',
      { model: 'sim/image', prompt: 'x', n: 2, provider_options: own },
      2,
      'image/png',
    ],
    ['/v1/images/edits', { model: 'sim/image-edit', prompt: 'x', image: picture }, 1, 'image/png'],
    ['/v1/images/upscales', { model: 'sim/upscale', image: picture, scale: 2 }, 1, 'image/png'],
    [
      '/v1/audio/speech',
      { model: 'sim/speech', input: 'Hi.', voice: 'alloy', response_format: 'wav' },
      1,
      'audio/wav',
    ],
    [
      '/v1/audio/speech',
      { model: 'sim/speech', input: 'Hi.', voice: 'alloy', provider_options: own },
      1,
      'audio/wav',
    ],
  ] as const)('answers 202 and keeps what was made: %s %o', async (path, body, count, type) => {
    const reply = await call(path, { ...body, background: true });
    expect(reply.status, reply.text).toBe(202);
    expect(reply.json).toMatchObject({ object: 'job', simulated: true });
    const job = await endOf(String(reply.json['id']));
    expect(job).toMatchObject({ status: 'succeeded', error: null });
    const outputs = job['outputs'] as { url: string; content_type: string }[];
    expect(outputs.map(({ content_type }) => content_type)).toEqual(Array(count).fill(type));
    const first = await fetch(outputs[0]?.url ?? '');
    expect(first.headers.get('content-type')).toBe(type);
    expect(job['cost']).not.toBe('0.000000000');
  });

  it.each([
    ['answered at once', {}],
    ['followed', { sim: { as_job: 'true' } }],
  ])('keeps a transcript in every form: work that is %s', async (how, options) => {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(wavOf(tonePcm(3_000, how)))]), 'in.wav');
    form.set('model', 'sim/transcribe');
    form.set('response_format', 'srt');
    form.set('background', 'true');
    form.set('provider_options', JSON.stringify(options));
    const response = await fetch(`${lab.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${customer.apiKey}` },
      body: form,
    });
    const made = await readReply(response);
    expect(made.status, made.text).toBe(202);
    const id = String(made.json['id']);
    const job = await endOf(id);
    expect(job, JSON.stringify(job)).toMatchObject({
      status: 'succeeded',
      outputs: [],
      result: { text: expect.any(String) },
    });
    const { text } = job['result'] as { text: string };
    const at = (format: string) => call(`/v1/jobs/${id}/transcript?response_format=${format}`);
    expect((await at('json')).json).toEqual({ text });
    expect((await at('text')).text).toBe(`${text}\n`);
    expect((await at('verbose_json')).json).toMatchObject({ task: 'transcribe', text });
    if (how === 'followed') {
      // The simulated work tells no times.
      expect(await at('srt')).toMatchObject({
        status: 400,
        error: { param: 'response_format' },
      });
    } else {
      expect((await at('srt')).text).toMatch(/^1\n00:00:00,000 --> /);
      expect((await at('vtt')).text).toMatch(/^WEBVTT\n\n00:00:00\.000 --> /);
    }
  });

  it('has no transcript of what is none', async () => {
    const body = { model: 'sim/image', prompt: 'x', background: true };
    const { json } = await call('/v1/images/generations', body);
    await endOf(String(json['id']));
    const reply = await call(`/v1/jobs/${String(json['id'])}/transcript`);
    expect(reply).toMatchObject({ status: 404, error: { code: 'not_found' } });
  });

  it.each([
    ['/v1/embeddings', { model: 'sim/embed', input: 'x' }],
    ['/v1/moderations', { model: 'sim/moderate', input: 'x' }],
    ['/v1/prompt-enhancements', { model: 'sim/chat', prompt: 'x', for: 'image' }],
    ['/v1/audio/voices', { model: 'sim/voice-clone', name: 'x', samples: [] }],
  ])('is refused by what is answered at once, which names what is not: %s', async (path, body) => {
    const reply = await call(path, { ...body, background: true });
    expect(reply, reply.text).toMatchObject({ status: 400, error: { param: 'background' } });
    expect(reply.error['message']).toContain('/v1/videos');
  });

  it('tells a failure in the job, which costs nothing', async () => {
    lab.simulator.setFault({ match: { path: '/v1/images/generations' }, sequence: ['400'] });
    const reply = await call('/v1/images/generations', {
      model: 'sim/image',
      prompt: 'x',
      background: true,
    });
    expect(reply.status).toBe(202);
    expect(await endOf(String(reply.json['id']))).toMatchObject({
      status: 'failed',
      cost: '0.000000000',
      error: { code: 'invalid_request' },
    });
  });

  it('leaves the background of a picture to those who say what lies behind it', async () => {
    const reply = await call('/v1/images/generations', {
      model: 'sim/image',
      prompt: 'x',
      background: 'transparent',
    });
    expect(reply.status).toBe(200);
  });

  it('answers a repetition under its key with the same job', async () => {
    const body = { model: 'sim/image', prompt: 'once', background: true };
    const headers = { 'idempotency-key': 'job-once' };
    const first = await call('/v1/images/generations', body, headers);
    const again = await call('/v1/images/generations', body, headers);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.json['id']).toBe(first.json['id']);
    await endOf(String(first.json['id']));
    const before = lab.simulator.log.length;
    await call('/v1/images/generations', body, headers);
    expect(lab.simulator.log.length).toBe(before);
  });

  it('draws on a quote', async () => {
    const quote = await call('/v1/quotes', {
      operations: [
        {
          id: 'clip',
          type: 'video.text_to_video',
          model: 'sim/video',
          video: { seconds: 4, size: '1280x720' },
        },
      ],
      hold: { mode: 'all' },
    });
    const { token } = quote.json['hold'] as { token: string };
    const [operation] = quote.json['operations'] as { cost: { max: string } }[];
    const reply = await call(
      '/v1/videos',
      { model: 'sim/video', prompt: 'quoted', seconds: 4, size: '1280x720' },
      { 'x-gateway-quote': token },
    );
    expect(reply.status, reply.text).toBe(200);
    const job = await endOf(String(reply.json['id']));
    expect(job).toMatchObject({ status: 'succeeded', cost: operation?.cost.max });
    const { held } = await usageOf(lab.gateway, customer.externalId);
    expect(held.cost_usd).toBe('0.000000000');
  });
});
