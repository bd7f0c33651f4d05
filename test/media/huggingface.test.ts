/**
 * Media behind Hugging Face's router through the running gateway, driven by the official client: what each sub-provider
 * answers at once arrives, and is booked by what was delivered.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pngOf } from '../support/media-samples.ts';
import { openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { requestOf } from '../support/running-gateway.ts';
import { decodePng, recordingOf, wavMs } from './files.ts';

const SDXL = 'stabilityai/stable-diffusion-xl-base-1.0';
const TOGETHER = 'black-forest-labs/FLUX.1-schnell:together';
const VOICE = 'espnet/kan-bayashi_ljspeech_vits';
const SENTENCES = 'sentence-transformers/all-MiniLM-L6-v2';
const WHISPER = 'openai/whisper-large-v3';

/** hf-inference sells seconds of its machines, which nobody can bound: an operator says what a call costs. */
const prices = [
  [SDXL, { unit: 'images', rate: 2_000_000_000_000 }],
  [TOGETHER, { unit: 'images', rate: 3_000_000_000_000 }],
  [VOICE, { unit: 'characters', rate: 10_000_000_000 }],
  [SENTENCES, { unit: 'inputs', rate: 1_000_000_000 }],
  [`${WHISPER}:fal-ai`, { unit: 'audio_ms', rate: 100_000_000 }],
  [`${WHISPER}:hf-inference`, { unit: 'audio_ms', rate: 100_000_000 }],
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
afterEach(() => lab.simulator.reset());

async function bookedFor(response: Response) {
  return await requestOf(lab.gateway, response.headers.get('x-request-id') ?? '');
}

describe('pictures', () => {
  it.each([
    [SDXL, '/hf-inference/models/stabilityai/stable-diffusion-xl-base-1.0', '0.002000000'],
    [TOGETHER, '/together/v1/images/generations', '0.003000000'],
  ])('of %s come at once, in their size', async (model, path, cost) => {
    const { data, response } = await client.images
      .generate({ model: `huggingface/${model}`, prompt: 'a cat', size: '256x256' })
      .withResponse();
    expect(decodePng(Buffer.from(data.data?.[0]?.b64_json ?? '', 'base64'))).toEqual({
      width: 256,
      height: 256,
    });
    expect(lab.simulator.log.at(-1)?.path).toBe(`/huggingface${path}`);
    expect(await bookedFor(response)).toMatchObject({ cost, usage: { images: 1 } });
  });

  it('are edited by words', async () => {
    const reply = await client.images.edit({
      model: `huggingface/${SDXL}`,
      prompt: 'add a boat',
      image: await toFile(pngOf(64, 64), 'in.png', { type: 'image/png' }),
    });
    expect(reply.data).toHaveLength(1);
    expect(lab.simulator.log.at(-1)?.requestBody).toContain('"prompt":"add a boat"');
  });

  it.each(['503', '422', 'error-200', 'no-choices'])(
    'that fail (%s) cost nothing',
    async (fault) => {
      const model = 'black-forest-labs/FLUX.1-schnell';
      lab.simulator.setFault({ match: { model }, sequence: [fault] });
      const reply = await lab.call('/v1/images/generations', {
        body: { model: `huggingface/${TOGETHER}`, prompt: 'a cat' },
      });
      expect(reply.status).toBeGreaterThanOrEqual(400);
      const { cost } = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
      expect(Number(cost)).toBe(0);
    },
  );

  it.each([
    [{ model: 'huggingface/some/model' }, 'model'],
    [{ model: `huggingface/${SDXL}`, n: 11 }, 'n'],
  ])('are refused before anybody is asked: %j', async (more, param) => {
    const reply = await lab.call('/v1/images/generations', { body: { prompt: 'a cat', ...more } });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.error['param']).toBe(param);
    expect(lab.simulator.log).toHaveLength(0);
  });
});

it('speech is of the form that the model gives, and says which', async () => {
  const response = await client.audio.speech.create({
    model: `huggingface/${VOICE}`,
    voice: 'alloy',
    input: 'Hello there.',
  });
  expect(wavMs(Buffer.from(await response.arrayBuffer()))).toBe(720);
  expect(response.headers.get('content-type')).toBe('audio/wav');
  expect(response.headers.get('x-gateway-warnings')).toContain('response_format_mapped');
  expect(await bookedFor(response)).toMatchObject({ usage: { characters: 12 } });
});

describe('transcripts', () => {
  const file = async () => await toFile(recordingOf(2500), 'talk.wav', { type: 'audio/wav' });

  it.each([
    [WHISPER, '/groq/openai/v1/audio/transcriptions'],
    [`${WHISPER}:fal-ai`, '/fal-ai/fal-ai/whisper'],
    [`${WHISPER}:hf-inference`, '/hf-inference/models/openai/whisper-large-v3'],
  ])('of %s are booked by the time that was heard', async (model, path) => {
    const { data, response } = await client.audio.transcriptions
      .create({ model: `huggingface/${model}`, file: await file() })
      .withResponse();
    expect(data.text).toContain('Simulated transcript');
    expect(lab.simulator.log.at(-1)?.path).toBe(`/huggingface${path}`);
    const { usage, cost } = await bookedFor(response);
    expect(usage['audio_ms']).toBe(3000);
    expect(Number(cost)).toBeGreaterThan(0);
  });

  it.each([`${WHISPER}:fal-ai`, `${WHISPER}:hf-inference`])('of %s have times', async (model) => {
    const reply = await client.audio.transcriptions.create({
      model: `huggingface/${model}`,
      file: await file(),
      response_format: 'srt',
    });
    expect(reply).toMatch(/^1\n00:00:00,000 --> 00:00:02,500\n/);
  });

  it('are translated by who can', async () => {
    const reply = await client.audio.translations.create({
      model: `huggingface/${WHISPER}`,
      file: await file(),
    });
    expect(reply.text).toContain('Simulated transcript');
  });
});

it('vectors come one a text', async () => {
  const { data, response } = await client.embeddings
    .create({ model: `huggingface/${SENTENCES}`, input: ['Ruby', 'Python'] })
    .withResponse();
  expect(data.data.map(({ embedding }) => embedding.length)).toEqual([384, 384]);
  expect(await bookedFor(response)).toMatchObject({ usage: { inputs: 2 }, cost: '0.000002000' });
});
