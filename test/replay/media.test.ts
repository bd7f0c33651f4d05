/**
 * Recorded traffic of pictures, speech, transcripts and embeddings, replayed through the whole gateway: what the provider
 * sent reaches the client, and its usage the books.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordingOf } from '../media/files.ts';
import { hasRecordings, loadRecording, type Recording } from '../support/recordings.ts';
import { requestOf } from '../support/running-gateway.ts';
import { eventData, jsonOrText, looseList, looseOf, stringOf, type Loose } from './json.ts';
import { idsOf } from './media-plan.ts';
import { MediaWorld } from './media-world.ts';

/** A model for recordings whose request was not kept. */
const MODELS: Readonly<Record<string, string>> = {
  image_generate: 'gpt-image-1',
  image_edit: 'gpt-image-1',
  transcription: 'whisper-1',
};
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function callOf(id: string): string {
  return id
    .slice(id.indexOf('/') + 1)
    .replace(/-\d+$/, '')
    .replaceAll('-', '_');
}

/** The client's body: as it was recorded, but for the model's name and for files that were cut. */
function clientBody(recording: Recording): FormData | object {
  const operation = callOf(recording.id).replace('_stream', '');
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
      if (callOf(recording.id).endsWith('stream')) form.set('stream', 'true');
      form.set('file', new Blob([new Uint8Array(recordingOf(3700))]), 'ruby.wav');
      return form;
    }
    case 'image_edit': {
      const images = [{ image_url: `data:image/png;base64,${PNG}` }];
      const kept = { prompt: 'x', quality: 'low', size: '1024x1024', ...recorded };
      return { ...kept, model, images };
    }
    case 'image_generate':
      return {
        prompt: 'x',
        quality: 'high',
        size: '1024x1024',
        ...recorded,
        model,
      };
    default:
      return { ...recorded, model };
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

let world: MediaWorld;
beforeAll(async () => {
  world = await MediaWorld.open('openai', {
    environment: (url) => ({ OPENAI_API_KEY: 'sk-replay', OPENAI_BASE_URL: url }),
  });
});
afterAll(async () => {
  await world.close();
});

async function replayed(id: string) {
  const recording = loadRecording(id);
  world.upstream.clear();
  world.upstream.serve({}, world.reply(id));
  const answered = await world.ask(recording.request.path, clientBody(recording));
  expect(world.upstream.requests[0]?.path).toBe(recording.request.path);
  return { ...answered, recording, recorded: looseOf(recording.response.body) };
}

const ids = hasRecordings ? idsOf('openai') : [];
const of = (...calls: readonly string[]) =>
  ids.filter((id) => calls.includes(callOf(id))).map((id) => [id] as const);

describe.skipIf(!hasRecordings)('recorded media of OpenAI', () => {
  it.each(of('speech'))('%s', async (id) => {
    const { bytes, booked, recording } = await replayed(id);
    expect(bytes.equals(Buffer.from(recording.response.bodyBase64 ?? '', 'base64'))).toBe(true);
    expect(booked.estimated).toBe(true);
  });

  it.each(of('image_generate', 'image_edit', 'transcription', 'embeddings'))('%s', async (id) => {
    const { json, booked, recorded } = await replayed(id);
    expect(picturesOf(json)).toEqual(picturesOf(recorded));
    if ('text' in recorded) expect(json['text']).toBe(recorded['text']);
    if ('words' in recorded) expect(json['words']).toEqual(recorded['words']);
    const total = Object.entries(booked.usage)
      .filter(([unit]) => unit.endsWith('_tokens'))
      .reduce((sum, [, count]) => sum + count, 0);
    for (const told of tokensOf(looseOf(recorded['usage']))) expect(total).toBe(told);
  });

  it.each(of('transcription_stream'))('%s', async (id) => {
    const { bytes, booked, recording } = await replayed(id);
    const events = (text: string) => eventData(text).map((data) => looseOf(jsonOrText(data)));
    const told = events(recording.response.sse ?? '').filter(({ type }) => type !== undefined);
    const words = (all: readonly Loose[]) => all.map(({ delta }) => stringOf(delta)).join('');
    const shown = events(bytes.toString()).filter(({ type }) => type !== undefined);
    expect(words(shown)).toBe(words(told));
    expect(shown.at(-1)?.['text']).toBe(told.at(-1)?.['text']);
    const tokens = looseOf(told.at(-1)?.['usage']);
    const counted =
      (booked.usage['input_audio_tokens'] ?? 0) + (booked.usage['input_text_tokens'] ?? 0);
    expect([counted, booked.usage['output_text_tokens']]).toEqual([
      tokens['input_tokens'],
      tokens['output_tokens'],
    ]);
  });

  it.each(of('moderation'))('%s', async (id) => {
    const recording = loadRecording(id);
    world.upstream.clear();
    world.upstream.serve({}, world.reply(id));
    const body = { ...looseOf(recording.request.body), model: `openai/${recording.model ?? ''}` };
    const reply = await world.fetch('/v1/moderations', body);
    const shown = looseOf(await reply.json());
    const verdicts = (all: unknown) =>
      looseList(all).map(({ flagged, category_scores: scores }) => ({ flagged, scores }));
    expect(reply.status).toBe(200);
    expect(verdicts(shown['results'])).toEqual(
      verdicts(looseOf(recording.response.body)['results']),
    );
    const booked = await requestOf(world.gateway, reply.headers.get('x-request-id') ?? '');
    // OpenAI's verdicts are free.
    expect([Number(booked.cost), booked.hold?.state]).toEqual([0, 'settled']);
  });
});
