/**
 * Both majors of the official client, unmodified: pictures, edits, speech, transcripts and embeddings work with base URL
 * and key changed, and nothing else.
 *
 * @module
 */
import { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePng, recordingOf, wavMs } from '../media/files.ts';
import { openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { clientOf, SDKS } from './sdks.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

describe.each(SDKS.map((sdk) => [sdk.name, sdk] as const))('%s', (_name, sdk) => {
  const client = () => clientOf(sdk, lab.url, SERVICE_KEY);

  async function picture(size: '256x256' | '512x512'): Promise<Buffer> {
    const reply = await client().images.generate({
      model: 'sim/image',
      prompt: 'a lighthouse',
      size,
    });
    return Buffer.from(reply.data?.[0]?.b64_json ?? '', 'base64');
  }

  it.each(['sim/image', 'openai/dall-e-2'])('makes pictures with %s', async (model) => {
    const reply = await client().images.generate({ model, prompt: 'a cat', n: 2, size: '256x256' });
    expect(reply.data).toHaveLength(2);
    for (const { b64_json: encoded = '' } of reply.data ?? []) {
      expect(decodePng(Buffer.from(encoded, 'base64'))).toEqual({ width: 256, height: 256 });
    }
  });

  it.each(['sim/image-edit', 'openai/dall-e-2'])('edits with a mask with %s', async (model) => {
    const bytes = await picture('256x256');
    const edit = async (withMask: boolean) =>
      await client().images.edit({
        model,
        prompt: 'add a boat',
        size: '256x256',
        image: await toFile(bytes, 'in.png', { type: 'image/png' }),
        ...(withMask ? { mask: await toFile(bytes, 'mask.png', { type: 'image/png' }) } : {}),
      });
    const [masked, plain] = [await edit(true), await edit(false)];
    const encoded = masked.data?.[0]?.b64_json ?? '';
    expect(decodePng(Buffer.from(encoded, 'base64'))).toEqual({ width: 256, height: 256 });
    expect(encoded).not.toBe(plain.data?.[0]?.b64_json);
  });

  it('edits several pictures at once', async () => {
    const bytes = await picture('256x256');
    const reply = await client().images.edit({
      model: 'openai/gpt-image-1',
      prompt: 'join them',
      quality: 'low',
      size: '1024x1024',
      image: [
        await toFile(bytes, 'a.png', { type: 'image/png' }),
        await toFile(bytes, 'b.png', { type: 'image/png' }),
      ],
    });
    expect(reply.data).toHaveLength(1);
    expect(reply.usage?.input_tokens_details.image_tokens).toBe(388);
  });

  it.each([
    ['sim/speech', 500, 2_000],
    ['openai/tts-1', 720, 720],
  ])('speaks with %s', async (model, leastMs, mostMs) => {
    const reply = await client().audio.speech.create({
      model,
      voice: 'alloy',
      input: 'Hello there.',
      response_format: 'wav',
    });
    const saidMs = wavMs(Buffer.from(await reply.arrayBuffer()));
    expect(saidMs).toBeGreaterThanOrEqual(leastMs);
    expect(saidMs).toBeLessThanOrEqual(mostMs);
  });

  it.each(['sim/transcribe', 'openai/whisper-1', 'openai/gpt-4o-transcribe'])(
    'writes down what it hears with %s',
    async (model) => {
      const file = await toFile(recordingOf(2500), 'talk.wav', { type: 'audio/wav' });
      const reply = await client().audio.transcriptions.create({ model, file });
      expect(reply.text).toContain('Simulated transcript');
    },
  );

  it('writes subtitles, words and plain text', async () => {
    const ask = async (format: 'srt' | 'vtt' | 'text' | 'verbose_json') =>
      await client().audio.transcriptions.create({
        model: 'openai/whisper-1',
        file: await toFile(recordingOf(2500), 'talk.wav', { type: 'audio/wav' }),
        response_format: format,
        ...(format === 'verbose_json' ? { timestamp_granularities: ['word' as const] } : {}),
      });
    expect(await ask('srt')).toMatch(/^1\n00:00:00,000 --> 00:00:02,500\nSimulated/);
    expect(await ask('vtt')).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:02\.500\nSimulated/);
    expect(await ask('text')).toMatch(/^Simulated .*\n$/);
    const { words, ...verbose } = (await ask('verbose_json')) as unknown as {
      readonly words: readonly object[];
    };
    expect(verbose).toMatchObject({ duration: 2.5 });
    expect(words[0]).toMatchObject({ word: 'Simulated', start: 0 });
  });

  it('translates', async () => {
    const reply = await client().audio.translations.create({
      model: 'openai/whisper-1',
      file: await toFile(recordingOf(1000), 'talk.wav', { type: 'audio/wav' }),
    });
    expect(reply.text).toContain('Simulated transcript');
  });

  it.each(['sim/embed', 'openai/text-embedding-3-small'])('embeds with %s', async (model) => {
    const { data, usage } = await client().embeddings.create({
      model,
      input: ['one', 'two'],
      dimensions: 16,
    });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([16, 16]);
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
    expect(usage.prompt_tokens).toBe(2);
  });

  it('throws its own errors', async () => {
    await expect(
      client().images.generate({ model: 'sim/image', prompt: '' }),
    ).rejects.toMatchObject({ status: 400, param: 'prompt' });
  });
});
