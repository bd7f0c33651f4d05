/**
 * What fal, Replicate and WaveSpeed make behind Hugging Face's router, through the running gateway: a picture is waited for, a
 * clip is followed as a job.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePng, wavMs } from '../media/files.ts';
import { eventually, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { pngOf } from '../support/media-samples.ts';
import { requestOf } from '../support/running-gateway.ts';

const KREA = 'black-forest-labs/FLUX.1-Krea-dev';

/** Prices of sub-providers that the book has none of. */
const prices = [
  [`${KREA}:replicate`, { unit: 'images', rate: 30_000_000_000_000 }],
  [`${KREA}:wavespeed`, { unit: 'images', rate: 20_000_000_000_000 }],
  ['hexgrad/Kokoro-82M', { unit: 'characters', rate: 20_000_000_000 }],
].map(([model, rate]) => ({ provider: 'huggingface', model, rates: {}, media: [rate] }));

let lab: Lab;
let client: OpenAI;
beforeAll(async () => {
  lab = await openLab({ config: JSON.stringify({ models: { prices } }) });
  client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: SERVICE_KEY, maxRetries: 0 });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

describe('behind the router', () => {
  it.concurrent.each([
    [KREA, '0.025000000', '/fal-ai/fal-ai/flux/krea?_subdomain=queue'],
    [
      `${KREA}:replicate`,
      '0.030000000',
      '/replicate/v1/models/black-forest-labs/flux-krea-dev/predictions',
    ],
    [`${KREA}:wavespeed`, '0.020000000', '/wavespeed/api/v3/wavespeed-ai/flux-1-krea-dev'],
  ])('%s makes a picture that is waited for', async (model, cost, path) => {
    const { data, response } = await client.images
      .generate({ model: `huggingface/${model}`, prompt: `a cat of ${model}`, size: '256x256' })
      .withResponse();
    expect(decodePng(Buffer.from(data.data?.[0]?.b64_json ?? '', 'base64'))).toEqual({
      width: 256,
      height: 256,
    });
    expect(lab.simulator.log.map((call) => call.path)).toContain(`/huggingface${path}`);
    const id = response.headers.get('x-request-id') ?? '';
    expect(await requestOf(lab.gateway, id)).toMatchObject({ cost, usage: { images: 1 } });
  });

  it.concurrent('a picture is edited', async () => {
    const reply = await client.images.edit({
      model: 'huggingface/Qwen/Qwen-Image-Edit',
      prompt: 'add a boat',
      image: await toFile(pngOf(64, 64), 'in.png', { type: 'image/png' }),
    });
    expect(reply.data).toHaveLength(1);
  });

  it.concurrent('speech is made', async () => {
    const response = await client.audio.speech.create({
      model: 'huggingface/hexgrad/Kokoro-82M',
      voice: 'af_heart',
      input: 'Hello there.',
    });
    expect(wavMs(Buffer.from(await response.arrayBuffer()))).toBe(720);
  });

  it.concurrent('what fails costs nothing', async () => {
    const reply = await lab.call('/v1/images/generations', {
      body: { model: `huggingface/${KREA}`, prompt: 'sim:fail' },
    });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    const request = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(Number(request.cost)).toBe(0);
  });

  it.concurrent('a clip is followed as a job', async () => {
    const made = await client.videos.create({
      model: 'huggingface/tencent/HunyuanVideo' as never,
      prompt: 'a wave',
    });
    let shown: Readonly<Record<string, unknown>> = {};
    await eventually(async () => {
      shown = (await lab.call(`/v1/jobs/${made.id}`)).json;
      return shown['status'] !== 'queued' && shown['status'] !== 'running';
    });
    expect(shown).toMatchObject({ status: 'succeeded', cost: '0.100000000' });
    const content = await client.videos.downloadContent(made.id);
    expect(content.headers.get('content-type')).toBe('video/mp4');
  });
});
