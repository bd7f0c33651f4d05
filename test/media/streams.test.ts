/**
 * Media that come piece by piece, driven by the official client: drafts of pictures, sound as events, transcripts as they
 * are written. The last event leaves once the call is booked; what broke off has none.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey, requestOf, usageOf } from '../support/running-gateway.ts';
import { decodePng, recordingOf } from './files.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

async function clientOf() {
  const customer = await createCustomerKey(lab.gateway);
  const client = new OpenAI({
    baseURL: `${lab.url}/v1`,
    apiKey: customer.apiKey,
    maxRetries: 0,
  });
  return { customer, client };
}

async function all<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const png = (base64: string) => decodePng(Buffer.from(base64, 'base64'));

describe('a streamed picture', () => {
  it('comes with its drafts, then whole, booked with the last event', async () => {
    const { customer, client } = await clientOf();
    const stream = await client.images.generate({
      model: 'openai/gpt-image-1',
      prompt: 'a lighthouse',
      size: '1024x1024',
      quality: 'low',
      stream: true,
      partial_images: 2,
    });
    const events = await all(stream);
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
    expect(events.map(({ b64_json }) => png(b64_json).width)).toEqual([1024, 1024, 1024]);
    const last = events.at(-1) as { readonly usage?: { readonly cost?: string } } | undefined;
    // 272 picture tokens and 100 for each draft at $40, and 3 of text at $5 a million.
    expect(last?.usage?.cost).toBe('0.018895000');
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 1, images: 1, cost_usd: '0.018895000' });
  });

  it('may be an edit', async () => {
    const { client } = await clientOf();
    const made = await client.images.generate({ model: 'sim/image', prompt: 'x', size: '256x256' });
    const image = await toFile(Buffer.from(made.data?.[0]?.b64_json ?? '', 'base64'), 'a.png');
    const stream = await client.images.edit({
      model: 'sim/image-edit',
      prompt: 'add a boat',
      image,
      size: '256x256',
      stream: true,
      partial_images: 1,
    });
    const events = await all(stream);
    expect(events.map(({ type }) => type)).toEqual([
      'image_edit.partial_image',
      'image_edit.completed',
    ]);
  });

  it('that breaks off ends with an error, and is no picture', async () => {
    lab.simulator.setFault({ match: { model: 'gpt-image-1' }, sequence: ['error-after-1', null] });
    const reply = await lab.call('/v1/images/generations', {
      body: {
        model: 'openai/gpt-image-1',
        prompt: 'x',
        size: '1024x1024',
        quality: 'low',
        stream: true,
        partial_images: 2,
      },
    });
    expect(reply.text).toContain('"error"');
    expect(reply.text).not.toContain('image_generation.completed');
  });

  it.each([
    [{ model: 'openai/dall-e-3', size: '1024x1024' }, 'stream'],
    [{ model: 'sim/image', n: 2 }, 'n'],
    [{ model: 'sim/image', response_format: 'url' }, 'response_format'],
    [{ model: 'sim/image', stream: false, partial_images: 1 }, 'partial_images'],
  ])('is refused for %j, naming the field', async (body, param) => {
    const before = lab.simulator.log.length;
    const reply = await lab.call('/v1/images/generations', {
      body: { prompt: 'x', stream: true, ...body },
    });
    expect([reply.status, reply.error['param']]).toEqual([400, param]);
    expect(lab.simulator.log.length).toBe(before);
  });
});

describe('speech as events', () => {
  it('is the same sound as in bytes, with its cost at the end', async () => {
    const { customer, client } = await clientOf();
    const asked = { model: 'sim/speech', voice: 'alloy', input: 'Hello there.' } as const;
    const bytes = await client.audio.speech.create({ ...asked, response_format: 'wav' });
    const response = await client.audio.speech.create({
      ...asked,
      response_format: 'wav',
      stream_format: 'sse',
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = (await response.text())
      .split('\n\n')
      .filter((frame) => frame.includes('data: '))
      .map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as SpeechFrame);
    const sound = Buffer.concat(
      events.flatMap(({ audio }) => (audio === undefined ? [] : [Buffer.from(audio, 'base64')])),
    );
    expect(sound.equals(Buffer.from(await bytes.arrayBuffer()))).toBe(true);
    expect(events.at(-1)).toMatchObject({
      type: 'speech.audio.done',
      usage: { cost: '0.000120000' },
    });
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 2, speech_characters: 24 });
  });

  it('of a model that tells its tokens there is booked by them', async () => {
    const asked = { model: 'openai/gpt-4o-mini-tts', voice: 'alloy', input: 'Hello there.' };
    const plain = await lab.call('/v1/audio/speech', {
      body: { ...asked, response_format: 'wav' },
    });
    const reply = await lab.call('/v1/audio/speech', {
      body: { ...asked, response_format: 'wav', stream_format: 'sse' },
    });
    expect(reply.status, reply.text.slice(0, 300)).toBe(200);
    const sent = lab.simulator.log.at(-1);
    expect(sent?.requestBody).toContain('"stream_format":"sse"');
    const rows = await Promise.all(
      [plain, reply].map(({ headers }) =>
        requestOf(lab.gateway, headers.get('x-request-id') ?? ''),
      ),
    );
    expect(rows.map(({ estimated }) => estimated)).toEqual([true, false]);
    expect(rows[1]?.usage).toEqual({
      characters: 12,
      input_text_tokens: sent?.billed?.inputTokens,
      output_audio_tokens: sent?.billed?.outputTokens,
    });
    expect(reply.text).toContain(`"output_tokens":${String(sent?.billed?.outputTokens)}`);
  });

  it('that break off are no speech', async () => {
    const model = 'gpt-4o-mini-tts';
    lab.simulator.setFault({ match: { model }, sequence: ['error-after-1'] });
    const body = { model: `openai/${model}`, voice: 'alloy', input: 'x', stream_format: 'sse' };
    const reply = await lab.call('/v1/audio/speech', { body });
    expect(reply.text).not.toContain('speech.audio.done');
  });
});

interface SpeechFrame {
  readonly type: string;
  readonly audio?: string;
}

describe('a streamed transcript', () => {
  it('comes word by word, then whole, and is booked', async () => {
    const { customer, client } = await clientOf();
    const stream = await client.audio.transcriptions.create({
      model: 'openai/gpt-4o-transcribe',
      file: await toFile(recordingOf(2000), 'talk.wav'),
      stream: true,
    });
    const events = await all(stream);
    const deltas = events.flatMap((event) =>
      event.type === 'transcript.text.delta' ? [event.delta] : [],
    );
    const done = events.find((event) => event.type === 'transcript.text.done');
    expect(deltas.length).toBeGreaterThan(2);
    expect(done?.text).toBe(deltas.join(''));
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 1, transcription_seconds: 2 });
    const { usage } = done as unknown as { readonly usage: { readonly cost: string } };
    expect(totals['cost_usd']).toBe(usage.cost);
  });

  it.each([
    [{ model: 'openai/whisper-1' }, 'stream'],
    [{ model: 'openai/gpt-4o-transcribe', response_format: 'srt' }, 'response_format'],
  ])('is refused for %j, naming the field', async (body, param) => {
    const file = `data:audio/wav;base64,${recordingOf(500).toString('base64')}`;
    const reply = await lab.call('/v1/audio/transcriptions', {
      body: { file, stream: true, ...body },
    });
    expect([reply.status, reply.error['param']]).toEqual([400, param]);
    expect(lab.simulator.log).toEqual([]);
  });
});

it('what a price depended on stands with the attempt', async () => {
  const reply = await lab.call('/v1/images/generations', {
    body: { model: 'sim/image', prompt: 'x', size: '512x256' },
  });
  const { reader } = lab.gateway.gateway.gateway.store;
  const booked = await reader.request(reply.headers.get('x-request-id') ?? '');
  expect(booked?.attemptRows[0]?.dimensions).toMatchObject({ size: '512x256' });
});
