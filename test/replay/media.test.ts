/**
 * Recorded traffic of pictures, speech, transcripts and embeddings, replayed through the whole gateway: what the provider
 * sent reaches the client, and its usage the books.
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
  type Recording,
  type RecordingEntry,
} from '../support/recordings.ts';
import { replyOf, startReplayUpstream, type ReplayUpstream } from '../support/replay-upstream.ts';
import {
  requestOf,
  startTestGateway,
  verifyLedger,
  type TestGateway,
} from '../support/running-gateway.ts';
import { looseOf, type Loose } from './json.ts';

const OPERATIONS = ['image_generate', 'image_edit', 'speech', 'transcription', 'embeddings'];
/** A model for recordings whose request was not kept. */
const MODELS: Readonly<Record<string, string>> = {
  image_generate: 'gpt-image-1',
  image_edit: 'gpt-image-1',
  transcription: 'whisper-1',
};
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function operationOf({ operation }: Pick<RecordingEntry, 'operation'>): string {
  return operation.split('.')[0] ?? '';
}

const entries = recordingEntries().filter(
  (entry) =>
    entry.provider === 'openai' &&
    OPERATIONS.includes(operationOf(entry)) &&
    !entry.operation.endsWith('.stream'),
);

/** The client's body: as it was recorded, but for the model's name and for files that were cut. */
function clientBody(recording: Recording): FormData | string {
  const operation = operationOf(recording);
  const recorded = looseOf(recording.request.body);
  const model = `openai/${recording.model ?? MODELS[operation] ?? ''}`;
  switch (operation) {
    case 'transcription': {
      const form = new FormData();
      const reply = looseOf(recording.response.body);
      const format = Array.isArray(reply['segments']) ? 'diarized_json' : 'json';
      form.set('model', model);
      form.set('response_format', Array.isArray(reply['words']) ? 'verbose_json' : format);
      if (Array.isArray(reply['words'])) form.append('timestamp_granularities[]', 'word');
      form.set('file', new Blob([new Uint8Array(recordingOf(3700))]), 'ruby.wav');
      return form;
    }
    case 'image_edit': {
      const images = [{ image_url: `data:image/png;base64,${PNG}` }];
      const kept = { prompt: 'x', quality: 'low', size: '1024x1024', ...recorded };
      return JSON.stringify({ ...kept, model, images });
    }
    case 'image_generate':
      return JSON.stringify({
        prompt: 'x',
        quality: 'high',
        size: '1024x1024',
        ...recorded,
        model,
      });
    default:
      return JSON.stringify({ ...recorded, model });
  }
}

function picturesOf(reply: Loose): readonly string[] {
  const data = Array.isArray(reply['data']) ? (reply['data'] as unknown[]) : [];
  // Recordings are cut at any character; only whole groups of base64 stand for bytes.
  return data.map((item) => String(looseOf(item)['b64_json']).replace(/=+$/, '').slice(0, 64));
}

function tokensOf(usage: Loose): readonly number[] {
  const counted = Number(usage['total_tokens'] ?? 0);
  return counted > 0 ? [counted] : [];
}

let upstream: ReplayUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  explainAbsence();
  upstream = await startReplayUpstream();
  gateway = await startTestGateway({
    environment: { OPENAI_API_KEY: 'sk-replay', OPENAI_BASE_URL: upstream.url },
  });
});
afterAll(async () => {
  expect((await verifyLedger(gateway)).open_holds).toBe(0);
  await gateway.stop();
  await upstream.close();
});

describe.skipIf(!hasRecordings)('recorded media of OpenAI', () => {
  it.each(entries.map((entry) => [entry.id] as const))('%s', async (id) => {
    const recording = loadRecording(id);
    upstream.clear();
    upstream.serve({}, replyOf(recording));
    const body = clientBody(recording);
    const reply = await fetch(`${gateway.url}${recording.request.path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gateway.apiKey}`,
        ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
      },
      body,
    });
    const bytes = Buffer.from(await reply.arrayBuffer());
    expect([reply.status, reply.status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
    const booked = await requestOf(gateway, reply.headers.get('x-request-id') ?? '');
    expect(Number(booked.cost)).toBeGreaterThan(0);
    expect(upstream.requests[0]?.path).toBe(recording.request.path);
    if (operationOf(recording) === 'speech') {
      expect(bytes.equals(Buffer.from(recording.response.bodyBase64 ?? '', 'base64'))).toBe(true);
      expect(booked.estimated).toBe(true);
      return;
    }
    const shown = looseOf(JSON.parse(bytes.toString()));
    const recorded = looseOf(recording.response.body);
    expect(picturesOf(shown)).toEqual(picturesOf(recorded));
    if ('text' in recorded) expect(shown['text']).toBe(recorded['text']);
    if ('words' in recorded) expect(shown['words']).toEqual(recorded['words']);
    const total = Object.entries(booked.usage)
      .filter(([unit]) => unit.endsWith('_tokens'))
      .reduce((sum, [, count]) => sum + count, 0);
    for (const told of tokensOf(looseOf(recorded['usage']))) expect(total).toBe(told);
  });
});
