/**
 * WaveSpeed, fal and Replicate through the running gateway: every operation that they serve, waited for or followed as a job, booked
 * once at its price; lost submissions found again; what fails costs nothing.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePng, wavMs } from '../media/files.ts';
import { eventually, openLab, SERVICE_KEY, type Lab, type Reply } from '../support/lab.ts';
import { simulatedMp4 } from '../../src/simulators/media/mp4.ts';
import { tonePcm, wavOf } from '../../src/simulators/media/sound.ts';
import { pngOf } from '../support/media-samples.ts';
import { createCustomerKey, requestOf, usageOf } from '../support/running-gateway.ts';

/** Prices that the book does not have. */
const prices = [
  ['fal', 'fal-ai/face-swap', 'images', 10_000_000_000_000],
  ['fal', 'fal-ai/clarity-upscaler', 'images', 30_000_000_000_000],
  ['fal', 'fal-ai/bria/background/remove', 'images', 18_000_000_000_000],
  ['fal', 'fal-ai/wizper', 'audio_ms', 1_000_000_000],
  ['fal', 'fal-ai/veo3.1', 'video_ms', 400_000_000_000],
  ['replicate', 'recraft-ai/recraft-crisp-upscale', 'images', 6_000_000_000_000],
  ['replicate', 'recraft-ai/recraft-remove-background', 'images', 10_000_000_000_000],
  ['replicate', 'google/veo-3.1', 'video_ms', 400_000_000_000],
].map(([provider, model, unit, rate]) => ({ provider, model, rates: {}, media: [{ unit, rate }] }));

/** Candidates that are followed and such as answer at once, in both orders. */
const [followed, direct] = ['replicate/black-forest-labs/flux-schnell', 'openai/dall-e-2'];
const aliases = [
  { alias: 'followed-first', candidates: [followed, direct] },
  { alias: 'direct-first', candidates: [direct, followed] },
];

const PICTURE = `data:image/png;base64,${pngOf(64, 64).toString('base64')}`;
const CLIP = `data:video/mp4;base64,${simulatedMp4({ width: 64, height: 64, durationMs: 5_000 }, 'clip').toString('base64')}`;
const WAV = wavOf(tonePcm(5_000, 'sound'));
const SOUND = `data:audio/wav;base64,${WAV.toString('base64')}`;

let lab: Lab;
let client: OpenAI;
beforeAll(async () => {
  lab = await openLab({ config: JSON.stringify({ models: { prices, aliases } }) });
  client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: SERVICE_KEY, maxRetries: 0 });
});
afterAll(async () => {
  // The one that is in doubt.
  expect(await lab.openHolds()).toBe(1);
  await lab.close();
});

async function bookedOf(reply: Reply): ReturnType<typeof requestOf> {
  return requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
}

async function endOf(id: unknown): Promise<Readonly<Record<string, unknown>>> {
  let shown: Readonly<Record<string, unknown>> = {};
  await eventually(async () => {
    shown = (await lab.call(`/v1/jobs/${String(id)}`)).json;
    return shown['status'] !== 'queued' && shown['status'] !== 'running';
  });
  return shown;
}

function picturesOf(reply: Reply): readonly { readonly b64_json?: string }[] {
  return reply.json['data'] as { b64_json?: string }[];
}

describe('pictures that the caller waits for', () => {
  it.concurrent.each([
    ['wavespeed/wavespeed-ai/qwen-image/text-to-image', 1, '0.030000000'],
    ['wavespeed/wavespeed-ai/flux-kontext-pro/text-to-image', 1, '0.040000000'],
    ['fal/fal-ai/flux/schnell', 2, '0.006000000'],
    ['replicate/black-forest-labs/flux-schnell', 2, '0.006000000'],
    ['replicate/black-forest-labs/flux-1.1-pro', 1, '0.040000000'],
  ])('%s makes %i', async (model, n, cost) => {
    const body = { model, n, prompt: `a harbour of ${model}`, size: '512x512' };
    const reply = await lab.call('/v1/images/generations', { body });
    expect(reply.status, reply.text).toBe(200);
    expect(picturesOf(reply)).toHaveLength(n);
    for (const { b64_json: encoded = '' } of picturesOf(reply)) {
      expect(decodePng(Buffer.from(encoded, 'base64')).width).toBeGreaterThan(0);
    }
    expect(await bookedOf(reply)).toMatchObject({ cost, usage: { images: n } });
  });

  it.concurrent.each([
    ['wavespeed/wavespeed-ai/qwen-image/edit-plus', '0.020000000'],
    ['fal/fal-ai/flux-pro/kontext', '0.040000000'],
    ['replicate/black-forest-labs/flux-kontext-pro', '0.040000000'],
  ])('%s changes one, by the official client', async (model, cost) => {
    const image = await toFile(pngOf(64, 64), 'in.png', { type: 'image/png' });
    const { data, response } = await client.images
      .edit({ model, prompt: `add a boat of ${model}`, image })
      .withResponse();
    expect(data.data).toHaveLength(1);
    const id = response.headers.get('x-request-id') ?? '';
    expect(await requestOf(lab.gateway, id)).toMatchObject({ cost });
  });

  it.concurrent.each([
    ['face-swaps', 'wavespeed/wavespeed-ai/image-face-swap', '0.010000000'],
    ['face-swaps', 'wavespeed/wavespeed-ai/infinite-you', '0.050000000'],
    ['face-swaps', 'fal/fal-ai/face-swap', '0.010000000'],
    ['upscales', 'fal/fal-ai/clarity-upscaler', '0.030000000'],
    ['upscales', 'replicate/recraft-ai/recraft-crisp-upscale', '0.006000000'],
    ['background-removals', 'fal/fal-ai/bria/background/remove', '0.018000000'],
    ['background-removals', 'replicate/recraft-ai/recraft-remove-background', '0.010000000'],
  ])('%s of %s', async (route, model, cost) => {
    const face = route === 'face-swaps' ? { face_image: PICTURE } : {};
    const body = { model, image: PICTURE, ...face };
    const reply = await lab.call(`/v1/images/${route}`, { body });
    expect(reply.status, reply.text).toBe(200);
    expect(picturesOf(reply)).toHaveLength(1);
    expect(await bookedOf(reply)).toMatchObject({ cost });
  });
});

describe('candidates of both kinds', () => {
  it.each([
    ['followed-first', 'replicate', 1],
    ['followed-first', 'openai', 2],
    ['direct-first', 'openai', 1],
    ['direct-first', 'replicate', 2],
  ])('of %s: the answer of %s, in attempt %i', async (model, provider, attempts) => {
    const failing = provider === 'openai' ? 'black-forest-labs/flux-schnell' : 'dall-e-2';
    if (attempts === 2) {
      lab.simulator.setFault({ match: { model: failing }, sequence: ['503', '503', '503'] });
    }
    const body = { model, prompt: `${model} ${provider}`, size: '256x256', response_format: 'url' };
    const reply = await lab.call('/v1/images/generations', { body });
    lab.simulator.clearFaults();
    expect(reply.status, reply.text).toBe(200);
    expect(reply.headers.get('x-gateway-provider')).toBe(provider);
    const [{ url = '' } = {}] = reply.json['data'] as { url?: string }[];
    const stored = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(decodePng(stored).width).toBeGreaterThan(0);
  });
});

describe('more pictures than the model makes in one call', () => {
  const model = 'wavespeed/wavespeed-ai/qwen-image/text-to-image';
  const taken = (prompt: string) => lab.simulator.jobs().filter((one) => one.prompt === prompt);

  it.each([
    [model, '0.090000000', 3],
    ['replicate/black-forest-labs/flux-1.1-pro', '0.120000000', 3],
    ['fal/fal-ai/flux/schnell', '0.018000000', 2],
  ])('are made by several submissions of %s', async (name, cost, submissions) => {
    const n = cost === '0.018000000' ? 6 : 3;
    const prompt = `several of ${name}`;
    const body = { model: name, n, prompt, size: '256x256' };
    const reply = await lab.call('/v1/images/generations', { body });
    expect(reply.status, reply.text).toBe(200);
    expect(picturesOf(reply)).toHaveLength(n);
    expect(taken(prompt)).toHaveLength(submissions);
    expect(await bookedOf(reply)).toMatchObject({ cost, usage: { images: n } });
  });

  it('come as far as they are made: what is missing is told, and not charged', async () => {
    const body = { model, n: 3, prompt: 'partly', size: '256x256' };
    lab.simulator.setFault({
      match: { model: 'wavespeed-ai/qwen-image/text-to-image' },
      sequence: [null, '400', null],
    });
    const reply = await lab.call('/v1/images/generations', { body });
    expect(reply.status, reply.text).toBe(200);
    expect(picturesOf(reply)).toHaveLength(2);
    expect(reply.json['errors']).toMatchObject([{ index: 2, code: 'provider_error' }]);
    expect(reply.headers.get('x-gateway-warnings')).toContain('images_delivered=2_of_3');
    expect(taken('partly')).toHaveLength(2);
    expect(await bookedOf(reply)).toMatchObject({ cost: '0.060000000', usage: { images: 2 } });
  });

  it('in the background are one job, with every picture', async () => {
    const body = { model, n: 2, prompt: 'behind', size: '256x256', seed: 7, background: true };
    lab.simulator.setFault({
      match: { model: 'wavespeed-ai/qwen-image/text-to-image' },
      sequence: [null, 'reset-in-headers', null],
    });
    const reply = await lab.call('/v1/images/generations', { body });
    expect(reply.status, reply.text).toBe(202);
    const job = await endOf(reply.json['id']);
    expect(job).toMatchObject({ status: 'succeeded', cost: '0.060000000', usage: { images: 2 } });
    expect(job['outputs']).toHaveLength(2);
    // The one whose reply was lost was found by its seed.
    expect(taken('behind')).toHaveLength(2);
  });

  it('cost nothing where all of them fail', async () => {
    const body = { model, n: 2, prompt: 'sim:fail both', size: '256x256' };
    const reply = await lab.call('/v1/images/generations', { body });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(Number((await bookedOf(reply)).cost)).toBe(0);
  });
});

describe('sound', () => {
  it.concurrent('WaveSpeed speaks for the official client', async () => {
    const response = await client.audio.speech.create({
      model: 'wavespeed/minimax/speech-02-hd',
      voice: 'alloy',
      input: 'Hello there.',
      response_format: 'wav',
    });
    expect(wavMs(Buffer.from(await response.arrayBuffer()))).toBe(720);
  });

  it.concurrent.each(['wavespeed/wavespeed-ai/openai-whisper', 'fal/fal-ai/wizper'])(
    '%s writes down what it hears',
    async (model) => {
      const file = await toFile(WAV, 'in.wav', { type: 'audio/wav' });
      const { data, response } = await client.audio.transcriptions
        .create({ model, file })
        .withResponse();
      expect(data.text).toContain('Simulated transcript');
      const id = response.headers.get('x-request-id') ?? '';
      expect(await requestOf(lab.gateway, id)).toMatchObject({
        cost: '0.005000000',
        usage: { audio_ms: 5_000 },
      });
    },
  );
});

describe('clips', () => {
  it.concurrent.each([
    ['wavespeed/alibaba/wan-2.5/text-to-video', { seconds: 5, resolution: '720p' }, '0.500000000'],
    [
      'wavespeed/bytedance/seedance-v1.5-pro/image-to-video',
      { operation: 'image_to_video', image: PICTURE, seconds: 5, resolution: '720p' },
      '0.260000000',
    ],
    [
      'wavespeed/alibaba/wan-2.5/video-extend',
      { operation: 'extend', video: CLIP, seconds: 5, resolution: '480p' },
      '0.250000000',
    ],
    [
      'wavespeed/wavespeed-ai/infinitetalk',
      { operation: 'talking_avatar', image: PICTURE, audio: SOUND, resolution: '480p' },
      '0.150000000',
    ],
    [
      'wavespeed/wavespeed-ai/video-face-swap',
      { operation: 'face_swap', video: CLIP, image: PICTURE },
      '0.050000000',
    ],
    [
      'wavespeed/wavespeed-ai/flashvsr',
      { operation: 'upscale', video: CLIP, resolution: '1080p' },
      '0.090000000',
    ],
    [
      'wavespeed/wavespeed-ai/video-background-remover',
      { operation: 'remove_background', video: CLIP },
      '0.050000000',
    ],
    ['wavespeed/wavespeed-ai/think-sound', { operation: 'add_sound', video: CLIP }, '0.050000000'],
    ['fal/fal-ai/veo3.1', { seconds: 4 }, '1.600000000'],
    ['replicate/google/veo-3.1', { seconds: 4 }, '1.600000000'],
  ])('%s', async (model, options, cost) => {
    const body = { model, prompt: `waves of ${model}`, ...options };
    const reply = await lab.call('/v1/videos', { body });
    expect(reply.status, reply.text).toBe(200);
    const job = await endOf(reply.json['id']);
    expect(job, JSON.stringify(job)).toMatchObject({ status: 'succeeded', cost });
    const content = await client.videos.downloadContent(String(reply.json['id']));
    expect(content.headers.get('content-type')).toBe('video/mp4');
  });
});

describe('what goes wrong', () => {
  it.concurrent.each([
    'wavespeed/wavespeed-ai/qwen-image/text-to-image',
    'fal/fal-ai/flux/schnell',
    'replicate/black-forest-labs/flux-schnell',
  ])('work of %s that fails is an error and costs nothing', async (model) => {
    const reply = await lab.call('/v1/images/generations', { body: { model, prompt: 'sim:fail' } });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(Number((await bookedOf(reply)).cost)).toBe(0);
  });

  it.concurrent.each([
    ['wavespeed/alibaba/wan-2.5/text-to-video', { image: PICTURE }, 'model'],
    ['wavespeed/alibaba/wan-2.5/text-to-video', { resolution: '4k' }, 'resolution'],
    ['fal/fal-ai/veo3.1', { resolution: '480p' }, 'resolution'],
  ])('%s refuses %j before anything is held', async (model, options, param) => {
    const body = { model, prompt: 'waves', seconds: 5, ...options };
    const reply = await lab.call('/v1/videos', { body });
    expect([reply.status, reply.error['param']]).toEqual([400, param]);
  });

  it('a submission whose reply is lost is in doubt where the provider keeps no list, and not repeated', async () => {
    const ours = () => lab.simulator.jobs().filter(({ prompt }) => prompt === 'in doubt');
    lab.simulator.setFault({
      match: { model: 'fal-ai/flux/schnell' },
      sequence: ['reset-in-headers', null],
    });
    const customer = await createCustomerKey(lab.gateway);
    const body = { model: 'fal/fal-ai/flux/schnell', prompt: 'in doubt', background: true };
    const reply = await lab.call('/v1/images/generations', { key: customer.apiKey, body });
    expect(reply.status, reply.text).toBe(202);
    let job: Reply['json'] = {};
    await eventually(async () => {
      const path = `/v1/jobs/${String(reply.json['id'])}`;
      job = (await lab.call(path, { key: customer.apiKey })).json;
      return job['status'] === 'unknown';
    });
    expect(job).toMatchObject({ cost: null, outputs: [], error: { code: 'provider_error' } });
    expect(ours()).toHaveLength(1);
    expect((await usageOf(lab.gateway, customer.externalId)).held.cost_usd).toBe('0.003000000');
  });

  it.each(['wavespeed/alibaba/wan-2.6/text-to-video', 'replicate/google/veo-3.1'])(
    'a submission of %s whose reply is lost is found again, and not repeated',
    async (model) => {
      const [, name = ''] = /^[^/]+\/(.*)$/u.exec(model) ?? [];
      const isOurs = (one: { readonly model: string }): boolean => one.model === name;
      const before = lab.simulator.jobs().filter(isOurs).length;
      lab.simulator.setFault({ match: { model: name }, sequence: ['reset-in-headers', null] });
      const body = { model, prompt: 'lost waves', seconds: 5, resolution: '720p' };
      const reply = await lab.call('/v1/videos', { body });
      expect(reply.status, reply.text).toBe(200);
      expect(await endOf(reply.json['id'])).toMatchObject({ status: 'succeeded' });
      expect(lab.simulator.jobs().filter(isOurs)).toHaveLength(before + 1);
    },
  );
});
