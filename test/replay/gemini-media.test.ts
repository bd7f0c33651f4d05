/**
 * Recorded media traffic of Gemini, replayed through the whole gateway: what the provider made reaches the client, and the
 * tokens that it counted reach the books.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gemini } from '../../src/providers/gemini/provider.ts';
import { pngOf } from '../support/media-samples.ts';
import { hasRecordings, loadRecording, responseBytes } from '../support/recordings.ts';
import { recordingOf } from '../media/files.ts';
import { looseOf, type Loose } from './json.ts';
import { MediaWorld, type Answered } from './media-world.ts';
import { atOnce } from '../support/pace.ts';

/** A model of which an edit was recorded, and whose price the book no longer has. */
const OLD_EDITOR = 'gemini-2.0-flash-preview-image-generation';
const prices = [
  {
    provider: 'gemini',
    model: OLD_EDITOR,
    rates: {},
    media: [{ unit: 'images', rate: 39_000_000_000_000 }],
  },
];

let world: MediaWorld;
let pace: Disposable;
beforeAll(async () => {
  pace = atOnce(gemini);
  world = await MediaWorld.open('gemini', {
    environment: (url) => ({ GEMINI_API_KEY: 'replayed', GEMINI_BASE_URL: url }),
    config: { models: { prices } },
  });
});
afterAll(async () => {
  pace[Symbol.dispose]();
  await world.close();
});

/** Asks the gateway while the recorded reply stands upstream. @returns also the body that went to the provider */
async function replayed(
  id: string,
  call: { readonly path: string; readonly body: object | FormData },
): Promise<Answered & { readonly sent: Loose }> {
  world.upstream.clear();
  world.upstream.serve({}, world.reply(id));
  const answered = await world.ask(call.path, call.body);
  const [request] = world.upstream.requests;
  const method = (path: string | undefined) => path?.slice(path.lastIndexOf('/models/'));
  expect(method(request?.path)).toBe(method(loadRecording(id).request.path));
  return { ...answered, sent: looseOf(request?.body) };
}

function madeIn(id: string, part: number): string {
  const body = loadRecording(id).response.body as {
    readonly candidates: readonly [
      { readonly content: { readonly parts: readonly { inlineData?: { data: string } }[] } },
    ];
  };
  return body.candidates[0].content.parts[part]?.inlineData?.data ?? '';
}

function firstPicture({ json }: Answered): string {
  const [first] = json['data'] as readonly [{ readonly b64_json: string }];
  return first.b64_json;
}

describe.skipIf(!hasRecordings)('recorded media of Gemini', () => {
  it('makes a picture', async () => {
    const id = 'gemini/generatecontent-image-output-01';
    const answered = await replayed(id, {
      path: '/v1/images/generations',
      body: { model: 'gemini/gemini-3.1-flash-lite-image', prompt: 'a siamese cat' },
    });
    expect(firstPicture(answered)).toBe(madeIn(id, 0));
    expect(answered.booked.usage).toMatchObject({
      input_text_tokens: 5,
      output_text_tokens: 398,
      output_image_tokens: 1120,
      images: 1,
    });
    // What the recorded client sent, and that nothing is to be kept.
    expect(answered.sent).toEqual({
      ...looseOf(loadRecording(id).request.body),
      store: false,
    });
  });

  it('makes a picture on Vertex, whose wire is the same', async () => {
    const id = 'vertex/generatecontent-image-output-01';
    const answered = await replayed(id, {
      path: '/v1/images/generations',
      body: { model: 'gemini/gemini-3.1-flash-lite-image', prompt: 'a siamese cat' },
    });
    expect(firstPicture(answered)).toBe(madeIn(id, 0));
    expect(answered.booked.usage).toMatchObject({
      input_text_tokens: 4,
      output_image_tokens: 1120,
    });
  });

  it('changes a picture, after words about it', async () => {
    const id = 'gemini/generatecontent-image-edit-01';
    const answered = await replayed(id, {
      path: '/v1/images/edits',
      body: {
        model: `gemini/${OLD_EDITOR}`,
        prompt: 'a vaporwave sunset behind it',
        images: [{ image_url: `data:image/png;base64,${pngOf(8, 8).toString('base64')}` }],
      },
    });
    expect(firstPicture(answered)).toBe(madeIn(id, 1));
    expect(answered.booked).toMatchObject({ cost: '0.039000000', usage: { images: 1 } });
  });

  it('makes a clip: submitted, followed, fetched through the redirect', async () => {
    const polls = [1, 2, 3, 4, 5].map((step) => world.reply(`gemini/video-poll-0${step}`));
    world.upstream.clear();
    world.upstream.serve({ path: ':predictLongRunning' }, world.reply('gemini/video-start-01'));
    world.upstream.serve({ path: '/operations/umz7sqimep69' }, ...polls);
    world.upstream.serve({ path: ':download' }, world.reply('gemini/video-download-01'));
    const file = world.reply('gemini/video-download-02');
    world.upstream.serve({ path: '/download/v1beta/files/zqw12cp8qc38:download' }, file);
    const model = 'gemini/veo-3.1-lite-generate-preview';
    const body = { model, prompt: 'a calm ocean wave at sunset', seconds: 4 };
    const reply = await world.fetch('/v1/videos', body);
    const { id } = looseOf(await reply.json());
    expect(await world.ended(id)).toMatchObject({ status: 'succeeded', cost: '0.200000000' });
    const content = await world.fetch(`/v1/videos/${String(id)}/content`, undefined, 'GET');
    const bytes = Buffer.from(await content.arrayBuffer());
    expect(bytes).toEqual(responseBytes(world.recording('gemini/video-download-02')));
    const asked = world.upstream.requests.map(({ method, path }) => `${method} ${path}`);
    const steps = ['video-start-01', ...polls.map((_poll, step) => `video-poll-0${step + 1}`)];
    const recorded = [...steps, 'video-download-01', 'video-download-02']
      .map((step) => loadRecording(`gemini/${step}`).request)
      .map(({ method, path }) => `${method} ${path}`);
    expect(asked).toEqual(recorded);
    expect(world.upstream.requests[0]?.body).toEqual(
      loadRecording('gemini/video-start-01').request.body,
    );
  });

  it.each([
    ['gemini/embeddings-01', ["Ruby is a programmer's best friend"], null],
    ['gemini/embeddings-02', ['Ruby', 'Python', 'JavaScript'], null],
    ['gemini/embeddings-04', ["Ruby is a programmer's best friend"], 8],
  ])('embeds: %s', async (id, input, tokens) => {
    const recording = loadRecording(id);
    const answered = await replayed(id, {
      path: '/v1/embeddings',
      body: { model: `gemini/${recording.model ?? ''}`, input, dimensions: 768 },
    });
    expect(answered.sent).toEqual(recording.request.body);
    const vectors = (looseOf(recording.response.body)['embeddings'] as Loose[]).map(
      (one) => one['values'],
    );
    const data = answered.json['data'] as readonly Loose[];
    expect(data.map((one) => one['embedding'])).toEqual(vectors);
    expect(answered.booked.estimated).toBe(tokens === null);
    if (tokens !== null) expect(answered.booked.usage['input_text_tokens']).toBe(tokens);
  });

  it('speaks', async () => {
    const id = 'gemini/generatecontent-tts-01';
    const input = 'Ruby is a programming language designed for developer happiness.';
    const model = 'gemini/gemini-2.5-flash-preview-tts';
    const body = { model, input, voice: 'Kore', response_format: 'pcm' };
    const answered = await replayed(id, { path: '/v1/audio/speech', body });
    expect(answered.bytes).toEqual(Buffer.from(madeIn(id, 0), 'base64'));
    expect(answered.booked.usage).toEqual({
      input_text_tokens: 11,
      output_audio_tokens: 111,
      characters: input.length,
    });
    const { model: _model, ...recorded } = looseOf(loadRecording(id).request.body);
    expect(answered.sent).toEqual({ ...recorded, store: false });
  });

  it.each([
    ['gemini/generatecontent-audio-input-01', { input_text_tokens: 14, input_audio_tokens: 119 }],
    ['gemini/generatecontent-audio-input-02', { input_text_tokens: 6, input_audio_tokens: 139 }],
    ['gemini/generatecontent-audio-input-03', { input_text_tokens: 6, input_audio_tokens: 119 }],
    ['vertex/generatecontent-audio-input-01', { input_text_tokens: 13, input_audio_tokens: 100 }],
  ])('writes down what it hears: %s', async (id, usage) => {
    const form = new FormData();
    form.set('model', 'gemini/gemini-2.5-flash');
    form.set('file', new Blob([new Uint8Array(recordingOf(3700))]), 'ruby.wav');
    const answered = await replayed(id, { path: '/v1/audio/transcriptions', body: form });
    expect(answered.json['text']).toBe(
      'Ruby is a programming language designed for developer happiness.',
    );
    expect(answered.booked.usage).toMatchObject({
      ...usage,
      output_text_tokens: 10,
      audio_ms: 4000,
    });
  });
});
