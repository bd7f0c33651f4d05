/**
 * Recorded media traffic of Gemini, replayed through the whole gateway: what the provider made reaches the client, and the
 * tokens that it counted reach the books.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainAbsence, hasRecordings, loadRecording } from '../support/recordings.ts';
import { replyOf, startReplayUpstream, type ReplayUpstream } from '../support/replay-upstream.ts';
import { recordingOf } from '../media/files.ts';
import {
  requestOf,
  startTestGateway,
  verifyLedger,
  type TestGateway,
} from '../support/running-gateway.ts';
import { looseOf, type Loose } from './json.ts';

let upstream: ReplayUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  explainAbsence();
  upstream = await startReplayUpstream();
  gateway = await startTestGateway({
    environment: { GEMINI_API_KEY: 'replayed', GEMINI_BASE_URL: upstream.url },
  });
});
afterAll(async () => {
  expect((await verifyLedger(gateway)).open_holds).toBe(0);
  await gateway.stop();
  await upstream.close();
});

interface Answered {
  readonly bytes: Buffer;
  readonly json: Loose;
  readonly usage: Readonly<Record<string, number>>;
  readonly estimated: boolean;
  /** Body that went to the provider. */
  readonly sent: Loose;
}

/** Asks the gateway while the recorded reply stands upstream. */
async function replayed(
  id: string,
  call: { readonly path: string; readonly body: object | FormData },
): Promise<Answered> {
  const recording = loadRecording(id);
  upstream.clear();
  upstream.serve({}, replyOf(recording));
  const isForm = call.body instanceof FormData;
  const reply = await fetch(`${gateway.url}${call.path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.apiKey}`,
      ...(isForm ? {} : { 'content-type': 'application/json' }),
    },
    body: call.body instanceof FormData ? call.body : JSON.stringify(call.body),
  });
  const bytes = Buffer.from(await reply.arrayBuffer());
  expect([reply.status, reply.status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
  expect(upstream.requests[0]?.path).toBe(recording.request.path);
  const booked = await requestOf(gateway, reply.headers.get('x-request-id') ?? '');
  expect(Number(booked.cost)).toBeGreaterThan(0);
  const isJson = reply.headers.get('content-type')?.includes('json') === true;
  return {
    bytes,
    json: isJson ? looseOf(JSON.parse(bytes.toString())) : {},
    usage: booked.usage,
    estimated: booked.estimated,
    sent: looseOf(upstream.requests[0]?.body),
  };
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
    expect(answered.usage).toMatchObject({
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
    expect(answered.estimated).toBe(tokens === null);
    if (tokens !== null) expect(answered.usage['input_text_tokens']).toBe(tokens);
  });

  it('speaks', async () => {
    const id = 'gemini/generatecontent-tts-01';
    const input = 'Ruby is a programming language designed for developer happiness.';
    const model = 'gemini/gemini-2.5-flash-preview-tts';
    const body = { model, input, voice: 'Kore', response_format: 'pcm' };
    const answered = await replayed(id, { path: '/v1/audio/speech', body });
    expect(answered.bytes).toEqual(Buffer.from(madeIn(id, 0), 'base64'));
    expect(answered.usage).toEqual({
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
  ])('writes down what it hears: %s', async (id, usage) => {
    const form = new FormData();
    form.set('model', 'gemini/gemini-2.5-flash');
    form.set('file', new Blob([new Uint8Array(recordingOf(3700))]), 'ruby.wav');
    const answered = await replayed(id, { path: '/v1/audio/transcriptions', body: form });
    expect(answered.json['text']).toBe(
      'Ruby is a programming language designed for developer happiness.',
    );
    expect(answered.usage).toMatchObject({ ...usage, output_text_tokens: 10, audio_ms: 4000 });
  });
});
