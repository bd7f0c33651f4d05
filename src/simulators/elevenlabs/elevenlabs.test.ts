import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createSimulator, type Simulator } from '../index.ts';
import { tonePcm, wavOf } from '../media/sound.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterEach(() => simulator.reset());
afterAll(() => simulator.close());

function call(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${simulator.url}/elevenlabs/v1${path}`, {
    ...init,
    headers: { 'xi-api-key': 'key' },
  });
}

function speak(voice: string, body: object, format = 'mp3_44100_128'): Promise<Response> {
  return call(`/text-to-speech/${voice}/stream?output_format=${format}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
}

const voiceList = z.object({
  voices: z.array(z.object({ voice_id: z.string(), name: z.string() })),
});

test('a voice that was made is listed, and speaks', async () => {
  const form = new FormData();
  form.set('name', 'Narrator');
  form.append('files', new Blob([new Uint8Array(wavOf(tonePcm(100, 'x')))]), 'a.wav');
  const made = await call('/voices/add', { method: 'POST', body: form });
  const { voice_id: id } = z
    .strictObject({ voice_id: z.string(), requires_verification: z.boolean() })
    .parse(await made.json());
  const { voices } = voiceList.parse(await (await call('/voices')).json());
  expect(voices.at(-1)).toEqual(expect.objectContaining({ voice_id: id, name: 'Narrator' }));
  const sound = await speak(id, { text: 'Hello', model_id: 'eleven_flash_v2_5' });
  expect([sound.status, sound.headers.get('character-cost')]).toEqual([200, '3']);
});

test.each([
  ['nobody', { text: 'x' }, 'mp3_44100_128', 404, 'voice_not_found'],
  [
    'simulatedVoiceOne001',
    { text: 'x'.repeat(10_001) },
    'mp3_44100_128',
    400,
    'max_character_limit_exceeded',
  ],
  ['simulatedVoiceOne001', { text: 'x' }, 'flac', 400, 'output_format_not_allowed'],
  [
    'simulatedVoiceOne001',
    { text: 'x', voice_settings: { speed: 2 } },
    'pcm_24000',
    400,
    'invalid_voice_settings',
  ],
])('speech by %s is refused as ElevenLabs does', async (voice, body, format, status, word) => {
  const reply = await speak(voice, body, format);
  expect([reply.status, await reply.json()]).toMatchObject([status, { detail: { status: word } }]);
});

test('a field that is missing is said as the validator says it', async () => {
  const reply = await speak('simulatedVoiceOne001', {});
  expect([reply.status, await reply.json()]).toMatchObject([
    422,
    { detail: [{ loc: ['body', 'text'] }] },
  ]);
});

test.each([
  ['auth', 401, 'invalid_api_key'],
  ['credit', 401, 'quota_exceeded'],
  ['rate_limit', 429, 'too_many_concurrent_requests'],
  ['overloaded', 429, 'system_busy'],
] as const)('%s is %i with a word of its own', async (error, status, word) => {
  simulator.setFault({ match: { family: 'elevenlabs' }, sequence: [{ type: 'error', error }] });
  const reply = await speak('simulatedVoiceOne001', { text: 'x' });
  expect([reply.status, await reply.json()]).toMatchObject([status, { detail: { status: word } }]);
});
