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
import { decodePng, recordingOf, wavMs } from './files.ts';

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
    expect(usage).toMatchObject({ input_text_tokens: words, output_image_tokens: 1120, images: 1 });
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
    [{ n: 11 }, 'n'],
    [{ n: 0 }, 'n'],
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

describe('speech', () => {
  const say = async (model: string, format: 'wav' | 'pcm' | 'mp3') => {
    const response = await client.audio.speech.create({
      model,
      voice: 'Kore',
      input: 'Hello there.',
      instructions: 'Say cheerfully',
      response_format: format,
    });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  };
  const WHOLE = 'gemini/gemini-2.5-flash-preview-tts';
  const STREAMED = 'gemini/gemini-3.8-flash-tts';

  it.each([WHOLE, STREAMED])('of %s is booked by the tokens that it says', async (model) => {
    const most = await mostOf({
      type: 'audio.speech',
      model,
      input: { chars: 'Say cheerfully:\nHello there.'.length },
    });
    const { response, bytes } = await say(model, 'pcm');
    // 28 characters of prompt, 60 ms each, 24 kHz, 16 bits.
    expect(bytes).toHaveLength(28 * 60 * 48);
    const { usage, estimated, cost } = await bookedFor(response);
    expect(billed()).toMatchObject({ outputTokens: 42 });
    expect(usage).toEqual({
      input_text_tokens: billed()?.inputTokens,
      output_audio_tokens: 42,
      characters: 12,
    });
    expect(estimated).toBe(false);
    expect(most).toBeGreaterThanOrEqual(Number(cost));
  });

  it('that comes whole is a WAV of its length', async () => {
    const { response, bytes } = await say(WHOLE, 'wav');
    expect(response.headers.get('content-type')).toBe('audio/wav');
    expect(wavMs(bytes)).toBe(28 * 60);
  });

  it.each([WHOLE, STREAMED])('of %s in a form it does not make is WAV by name', async (model) => {
    const { response, bytes } = await say(model, 'mp3');
    expect(response.headers.get('content-type')).toBe('audio/wav');
    expect(response.headers.get('x-gateway-warnings')).toContain('response_format_mapped');
    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
    expect(bytes).toHaveLength(44 + 28 * 60 * 48);
  });

  it.each([
    [WHOLE, 'filtered', 422, 'content_filtered'],
    [WHOLE, 'null-content', 400, 'invalid_request'],
    [STREAMED, 'blocked', 422, 'content_filtered'],
    [STREAMED, 'null-content', 400, 'invalid_request'],
  ])('%s that was not made (%s) fails with %i', async (model, fault, status, code) => {
    lab.simulator.setFault({
      match: { model: model.split('/')[1] ?? '' },
      sequence: [fault, null],
    });
    const reply = await lab.call('/v1/audio/speech', {
      body: { model, voice: 'Puck', input: 'Hello', response_format: 'wav' },
    });
    expect([reply.status, reply.error['code']]).toEqual([status, code]);
  });

  it('breaks off where the stream of the provider does, and is booked', async () => {
    lab.simulator.setFault({
      match: { model: 'gemini-3.8-flash-tts' },
      sequence: ['reset-after-2', null],
    });
    await expect(say(STREAMED, 'pcm')).rejects.toThrow();
    expect(await lab.openHolds()).toBe(0);
  });

  it('in a voice that there is not is refused, naming the voices', async () => {
    const reply = await lab.call('/v1/audio/speech', {
      body: { model: WHOLE, voice: 'alloy', input: 'Hello' },
    });
    expect([reply.status, reply.error['param']]).toEqual([400, 'voice']);
    expect(reply.error['message']).toContain('Zephyr');
    expect(lab.simulator.log).toHaveLength(0);
  });
});

it('voices are listed without asking the provider', async () => {
  const { status, text } = await lab.call('/v1/audio/voices?provider=gemini');
  expect(status).toBe(200);
  expect(text).toContain('Zubenelgenubi');
  expect(lab.simulator.log).toHaveLength(0);
});

describe('transcripts', () => {
  const model = 'gemini/gemini-3.8-flash';
  const file = async () => await toFile(recordingOf(2500), 'talk.wav', { type: 'audio/wav' });

  it('are booked by the tokens heard and said, within what is held', async () => {
    const most = await mostOf({ type: 'audio.transcribe', model, input: { seconds: 3 } });
    const { data, response } = await client.audio.transcriptions
      .create({ model, file: await file(), language: 'en', prompt: 'Ruby' })
      .withResponse();
    expect(data.text).toContain('Simulated transcript');
    const { usage, cost } = await bookedFor(response);
    expect(usage).toMatchObject({
      input_audio_tokens: billed()?.audioTokens,
      output_text_tokens: billed()?.outputTokens,
      audio_ms: 3000,
    });
    expect(most).toBeGreaterThanOrEqual(Number(cost));
  });

  it('have times where subtitles or segments are asked for, and speakers', async () => {
    const ask = async (format: 'srt' | 'verbose_json' | 'diarized_json') =>
      await client.audio.transcriptions.create({
        model,
        file: await file(),
        response_format: format,
      } as OpenAI.Audio.TranscriptionCreateParamsNonStreaming);
    expect(await ask('srt')).toMatch(/^1\n00:00:00,000 --> 00:00:02,500\nSimulated/);
    expect(await ask('verbose_json')).toMatchObject({
      language: 'en',
      segments: [{ start: 0, end: 2.5 }],
    });
    expect(await ask('diarized_json')).toMatchObject({ segments: [{ speaker: 'A' }] });
  });

  it('are translated', async () => {
    const reply = await client.audio.translations.create({ model, file: await file() });
    expect(reply.text).toContain('Simulated transcript');
    expect(lab.simulator.log.at(-1)?.requestBody).toContain('into English');
  });

  it('with times of words are refused', async () => {
    const form = new FormData();
    form.set('model', model);
    form.set('response_format', 'verbose_json');
    form.append('timestamp_granularities[]', 'word');
    form.set('file', new Blob([new Uint8Array(recordingOf(1000))]), 'a.wav');
    const reply = await fetch(`${lab.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SERVICE_KEY}` },
      body: form,
    });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ error: { param: 'timestamp_granularities' } });
  });
});
