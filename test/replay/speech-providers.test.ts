/**
 * Recorded traffic of Deepgram and ElevenLabs, replayed through the whole gateway: what the provider sent reaches the client in
 * OpenAI's form, and its length or characters the books.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordingOf } from '../media/files.ts';
import {
  explainAbsence,
  hasRecordings,
  loadRecording,
  recordingEntries,
} from '../support/recordings.ts';
import { replyOf, startReplayUpstream, type ReplayUpstream } from '../support/replay-upstream.ts';
import {
  requestOf,
  startTestGateway,
  verifyLedger,
  type TestGateway,
} from '../support/running-gateway.ts';
import { looseOf, type Loose } from './json.ts';

const PROVIDERS = ['deepgram', 'elevenlabs'];
const MODELS: Readonly<Record<string, string>> = {
  'deepgram.speech': 'deepgram/aura-2-thalia-en',
  'deepgram.transcription': 'deepgram/nova-3-general',
  'elevenlabs.speech': 'elevenlabs/eleven_multilingual_v2',
  'elevenlabs.transcription': 'elevenlabs/scribe_v1',
};

const entries = recordingEntries().filter(({ provider }) => PROVIDERS.includes(provider));
const of = (operation: string) =>
  entries.filter((entry) => entry.operation === operation).map((entry) => [entry.id] as const);

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

let upstream: ReplayUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  explainAbsence();
  upstream = await startReplayUpstream();
  gateway = await startTestGateway({
    environment: {
      DEEPGRAM_API_KEY: 'replay',
      DEEPGRAM_BASE_URL: upstream.url,
      ELEVENLABS_API_KEY: 'replay',
      ELEVENLABS_BASE_URL: upstream.url,
    },
  });
});
afterAll(async () => {
  expect((await verifyLedger(gateway)).open_holds).toBe(0);
  await gateway.stop();
  await upstream.close();
});

async function send(path: string, body: FormData | string): Promise<Response> {
  return await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.apiKey}`,
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
    },
    body,
  });
}

describe.skipIf(!hasRecordings)('recorded', () => {
  it.each(of('speech'))('%s', async (id) => {
    const recording = loadRecording(id);
    upstream.clear();
    upstream.serve({}, replyOf(recording));
    const said = looseOf(recording.request.body)['text'];
    const text = typeof said === 'string' ? said : 'Hello';
    const body = { model: modelOf(id, 'speech'), voice: 'thalia', input: text };
    const reply = await send('/v1/audio/speech', JSON.stringify(body));
    const bytes = Buffer.from(await reply.arrayBuffer());
    expect(bytes.equals(Buffer.from(recording.response.bodyBase64 ?? '', 'base64'))).toBe(true);
    expect(upstream.requests[0]?.body).toMatchObject({ text });
    const counted = Number(recording.response.headers['dg-char-count'] ?? text.length);
    const booked = await requestOf(gateway, reply.headers.get('x-request-id') ?? '');
    expect([booked.usage['characters'], booked.estimated]).toEqual([counted, false]);
  });

  it.each(of('transcription'))('%s', async (id) => {
    const recording = loadRecording(id);
    const recorded = looseOf(recording.response.body);
    upstream.clear();
    upstream.serve({}, replyOf(recording));
    const form = new FormData();
    form.set('model', modelOf(id, 'transcription'));
    form.set('response_format', 'verbose_json');
    form.append('timestamp_granularities[]', 'word');
    form.set('file', new Blob([new Uint8Array(recordingOf(3700))]), 'talk.wav');
    const reply = await send('/v1/audio/transcriptions', form);
    const shown = looseOf(await reply.json());
    expect([reply.status, shown['text']]).toEqual([200, recordedText(recorded)]);
    expect(lists(shown['words']).map(({ word }) => word)).toEqual(recordedWords(recorded));
    const duration = Number(looseOf(recorded['metadata'])['duration'] ?? 3.7);
    const booked = await requestOf(gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked.usage['audio_ms']).toBe(Math.ceil(duration * 1000));
    expect(Number(booked.cost)).toBeGreaterThan(0);
  });
});
