/**
 * Recorded traffic of Deepgram and ElevenLabs, replayed through the whole gateway: what the provider sent reaches the client in
 * OpenAI's form, and its length or characters the books.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordingOf } from '../media/files.ts';
import { hasRecordings, loadRecording } from '../support/recordings.ts';
import { looseOf, type Loose } from './json.ts';
import { idsOf } from './media-plan.ts';
import { MediaWorld } from './media-world.ts';

const MODELS: Readonly<Record<string, string>> = {
  'deepgram.speech': 'deepgram/aura-2-thalia-en',
  'deepgram.transcription': 'deepgram/nova-3-general',
  'elevenlabs.speech': 'elevenlabs/eleven_multilingual_v2',
  'elevenlabs.transcription': 'elevenlabs/scribe_v1',
};

const ids = hasRecordings ? idsOf('voices') : [];
const of = (operation: string) =>
  ids.filter((id) => id.includes(`/${operation}-`)).map((id) => [id] as const);

function modelOf(id: string, operation: string): string {
  return MODELS[`${id.split('/')[0] ?? ''}.${operation}`] ?? '';
}

function lists(value: unknown): readonly Loose[] {
  return Array.isArray(value) ? value.map(looseOf) : [];
}

/** Words that the recorded body has, in either provider's form. */
function recordedWords(body: Loose): readonly unknown[] {
  const [channel] = lists(looseOf(body['results'])['channels']);
  const [alternative] = lists(channel?.['alternatives']);
  const words = lists(body['words'] ?? alternative?.['words']);
  return words
    .filter((word) => (word['type'] ?? 'word') === 'word')
    .map((word) => word['punctuated_word'] ?? word['word'] ?? word['text']);
}

function recordedText(body: Loose): unknown {
  const [channel] = lists(looseOf(body['results'])['channels']);
  const [alternative] = lists(channel?.['alternatives']);
  return body['text'] ?? alternative?.['transcript'];
}

let world: MediaWorld;
beforeAll(async () => {
  world = await MediaWorld.open('voices', {
    environment: (url) => ({
      DEEPGRAM_API_KEY: 'replay',
      DEEPGRAM_BASE_URL: url,
      ELEVENLABS_API_KEY: 'replay',
      ELEVENLABS_BASE_URL: url,
    }),
  });
});
afterAll(async () => {
  await world.close();
});

describe.skipIf(!hasRecordings)('recorded', () => {
  it.each(of('speech'))('%s', async (id) => {
    const recording = loadRecording(id);
    world.upstream.clear();
    world.upstream.serve({}, world.reply(id));
    const said = looseOf(recording.request.body)['text'];
    const text = typeof said === 'string' ? said : 'Hello';
    const body = { model: modelOf(id, 'speech'), voice: 'thalia', input: text };
    const { bytes, booked } = await world.ask('/v1/audio/speech', body);
    expect(bytes.equals(Buffer.from(recording.response.bodyBase64 ?? '', 'base64'))).toBe(true);
    expect(world.upstream.requests[0]?.body).toMatchObject({ text });
    const counted = Number(recording.response.headers['dg-char-count'] ?? text.length);
    expect([booked.usage['characters'], booked.estimated]).toEqual([counted, false]);
  });

  it.each(of('transcription'))('%s', async (id) => {
    const recording = loadRecording(id);
    const recorded = looseOf(recording.response.body);
    world.upstream.clear();
    world.upstream.serve({}, world.reply(id));
    const form = new FormData();
    form.set('model', modelOf(id, 'transcription'));
    form.set('response_format', 'verbose_json');
    form.append('timestamp_granularities[]', 'word');
    form.set('file', new Blob([new Uint8Array(recordingOf(3700))]), 'talk.wav');
    const { json: shown, booked } = await world.ask('/v1/audio/transcriptions', form);
    expect(shown['text']).toBe(recordedText(recorded));
    expect(lists(shown['words']).map(({ word }) => word)).toEqual(recordedWords(recorded));
    const duration = Number(looseOf(recorded['metadata'])['duration'] ?? 3.7);
    expect(booked.usage['audio_ms']).toBe(Math.ceil(duration * 1000));
  });
});
