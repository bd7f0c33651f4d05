/**
 * Deepgram and ElevenLabs through the running gateway with the official client: speech as it is made, transcripts in every form,
 * each held and charged at its price; errors as these providers say them.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { recordingOf, wavMs } from '../media/files.ts';
import { openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
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

const TEXT = 'Words that are spoken.';
const VOICE = 'simulatedVoiceOne001';

async function costOf(response: Response): Promise<string> {
  const id = response.headers.get('x-request-id') ?? '';
  return (await requestOf(lab.gateway, id)).cost;
}

describe('speech', () => {
  test.each([
    ['deepgram/aura-2', 'thalia', '0.000660000'],
    ['deepgram/aura-2-zeus-en', 'zeus', '0.000660000'],
    ['deepgram/aura', 'luna', '0.000330000'],
    ['elevenlabs/eleven_multilingual_v2', VOICE, '0.003960000'],
    ['elevenlabs/eleven_turbo_v2_5', VOICE, '0.001980000'],
  ])('of %s is whole, and booked by its characters', async (model, voice, cost) => {
    const { data, response } = await client.audio.speech
      .create({ model, voice, input: TEXT, response_format: 'wav' })
      .withResponse();
    expect(wavMs(Buffer.from(await data.arrayBuffer()))).toBeGreaterThan(500);
    expect(await costOf(response)).toBe(cost);
    expect(lab.simulator.log[0]?.billed?.media).toEqual({ characters: 22 });
  });

  test.each([
    ['deepgram/aura', 'aura-2-thalia-en', {}, 'voice'],
    ['elevenlabs/eleven_v3', VOICE, { response_format: 'flac' }, 'response_format'],
    ['elevenlabs/eleven_v3', '../../admin', {}, 'voice'],
  ] as const)(
    'of %s as %s %j is refused before anything is asked',
    async (model, voice, more, param) => {
      const body = { model, voice, input: TEXT, ...more };
      const reply = await lab.call('/v1/audio/speech', { body });
      expect([reply.status, reply.error['param']]).toEqual([400, param]);
      expect(lab.simulator.log).toEqual([]);
    },
  );

  test('with a voice that ElevenLabs does not know costs nothing', async () => {
    const customer = await createCustomerKey(lab.gateway, { limits: [] });
    const body = { model: 'elevenlabs/eleven_v3', voice: 'nobody', input: TEXT };
    const reply = await lab.call('/v1/audio/speech', { body, key: customer.apiKey });
    expect([reply.status, reply.error['param']]).toEqual([400, 'voice']);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).not.toHaveProperty('speech_characters');
  });
});

describe.each(['deepgram/nova-3', 'elevenlabs/scribe_v2'])('a transcript by %s', (model) => {
  const recording = async () => await toFile(recordingOf(3700), 'talk.wav', { type: 'audio/wav' });

  test('is booked by its length', async () => {
    const { data, response } = await client.audio.transcriptions
      .create({ model, file: await recording() })
      .withResponse();
    expect(data.text).toMatch(/^Simulated transcript of 59244 bytes/);
    // A 44 byte header and 3.7 seconds, at $0.0043 a minute and at $0.22 an hour.
    const cost = model.startsWith('deepgram') ? '0.000265167' : '0.000226112';
    expect(response.headers.get('x-gateway-cost')).toBe(cost);
  });

  test('has words, segments and subtitles', async () => {
    const words = await client.audio.transcriptions.create({
      model,
      file: await recording(),
      response_format: 'verbose_json',
      timestamp_granularities: ['word', 'segment'],
    });
    expect(words.words?.length).toBe(6);
    expect(words.segments?.map(({ text }) => text).join(' ')).toBe(words.text);
    const subtitles = await client.audio.transcriptions.create({
      model,
      file: await recording(),
      response_format: 'srt',
    });
    expect(subtitles).toMatch(/^1\n00:00:00,000 --> 00:00:03,700\nSimulated transcript/);
  });

  test('tells speakers apart', async () => {
    // The client's types know diarisation of one model of OpenAI's alone.
    const told = (await client.audio.transcriptions.create({
      model,
      file: await recording(),
      response_format: 'diarized_json',
    })) as unknown as OpenAI.Audio.TranscriptionDiarized;
    const speakers = told.segments.map(({ speaker }) => speaker);
    expect([speakers.length, new Set(speakers).size]).toEqual([2, 2]);
  });

  test('in English is refused before anything is asked', async () => {
    await expect(
      client.audio.translations.create({ model, file: await recording() }),
    ).rejects.toMatchObject({ status: 400, param: 'model' });
    expect(lab.simulator.log).toEqual([]);
  });

  test('that failed costs nothing', async () => {
    const customer = await createCustomerKey(lab.gateway, { limits: [] });
    const own = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: customer.apiKey, maxRetries: 0 });
    lab.simulator.setFault({ match: { path: '/v1/*' }, sequence: ['400', null] });
    await expect(
      own.audio.transcriptions.create({ model, file: await recording() }),
    ).rejects.toMatchObject({ status: 400 });
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).not.toHaveProperty('transcription_seconds');
  });
});

test.each([
  ['auth', 'provider_auth'],
  ['credit', 'provider_credit'],
] as const)('401 of ElevenLabs for %s is told apart', async (error, code) => {
  const own = await openLab();
  const fault = { type: 'error', error } as const;
  own.simulator.setFault({ match: { family: 'elevenlabs' }, sequence: [fault, fault, fault] });
  const body = { model: 'elevenlabs/eleven_v3', voice: VOICE, input: TEXT };
  const reply = await own.call('/v1/audio/speech', { body });
  expect([reply.error['code'], own.simulator.log[0]?.status]).toEqual([code, 401]);
  await own.close();
});
