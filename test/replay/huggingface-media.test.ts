/**
 * Recorded media traffic of Hugging Face's router, read by the adapter: what was sent upstream then is what would be sent
 * now, and what came back is a picture, a sound, a transcript or a vector.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { isJobExchange } from '../../src/contracts/job-provider.ts';
import type { WireReply } from '../../src/contracts/wire.ts';
import { huggingFace } from '../../src/providers/huggingface/provider.ts';
import {
  explainAbsence,
  hasRecordings,
  loadRecording,
  responseBytes,
} from '../support/recordings.ts';
import { looseOf } from './json.ts';

explainAbsence();

function replyOf(id: string): WireReply {
  const recording = loadRecording(id);
  const { status, headers } = recording.response;
  return { status, headers, body: responseBytes(recording) };
}

function targetOf(model: string) {
  return { model, baseUrl: 'https://router.test', credential: 'k', settings: {} };
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the provider has it');
  return value;
}

const PROMPT = 'An astronaut riding a horse on the moon.';
const audio = { bytes: Buffer.from('fLaC'), mediaType: 'audio/flac', fileName: 'a.flac' };

function generate(model: string, size: string | null, extra: object = {}) {
  return present(huggingFace.imageGeneration).generate(
    {
      prompt: PROMPT,
      negativePrompt: null,
      n: 1,
      size,
      quality: null,
      style: null,
      background: null,
      outputFormat: null,
      outputCompression: null,
      moderation: null,
      guidanceScale: null,
      steps: null,
      seed: null,
      user: null,
      extra: { ...extra },
    },
    targetOf(model),
  );
}

function hear(model: string) {
  const exchange = present(huggingFace.transcription).transcribe(
    {
      audio,
      durationMs: 4650,
      task: 'transcribe',
      language: null,
      prompt: null,
      temperature: null,
      timestamps: [],
      speakers: false,
      extra: {},
    },
    targetOf(model),
  );
  if (isJobExchange(exchange)) throw new Error('it is answered at once');
  return exchange;
}

describe.skipIf(!hasRecordings)('recorded media behind the router', () => {
  it.each([
    ['huggingface/image-generate-01', 'CompVis/stable-diffusion-v1-4', null],
    ['huggingface/image-generate-05', 'stabilityai/stable-diffusion-xl-base-1.0:together', null],
    ['huggingface/image-generate-06', 'CompVis/stable-diffusion-v1-4', '256x256'],
  ])('%s is a picture', (id, model, size) => {
    const body = looseOf(loadRecording(id).request.body);
    const isTogether = model.endsWith(':together');
    const exchange = generate(model, size, isTogether ? { provider_id: body['model'] } : {});
    if (isJobExchange(exchange)) throw new Error('it is answered at once');
    expect(JSON.parse(exchange.request.body?.toString() ?? '')).toEqual(body);
    const { images } = exchange.read(replyOf(id));
    expect(images).toMatchObject([{ mediaType: 'image/jpeg' }]);
  });

  it('the result of fal is an address', () => {
    const ticket = {
      id: 'x',
      paths: { poll: '/fal-ai/x/requests/x', result: '/fal-ai/x/requests/x' },
    };
    const reading = present(huggingFace.jobs).readPoll(
      ticket,
      replyOf('huggingface/image-generate-03'),
    );
    expect(reading).toMatchObject({
      type: 'succeeded',
      result: { outputs: [{ mediaType: 'image/jpeg', isFlagged: false }] },
    });
  });

  it('a prediction of Replicate that is waited for has its output before its end', () => {
    const exchange = generate('black-forest-labs/FLUX.1-dev:replicate', null);
    if (!isJobExchange(exchange)) throw new Error('it is followed');
    const reading = exchange.readStart(replyOf('huggingface/image-generate-04'));
    const [url] = looseOf(loadRecording('huggingface/image-generate-04').response.body)[
      'output'
    ] as string[];
    expect(reading).toMatchObject({ type: 'succeeded', result: { outputs: [{ url }] } });
  });

  it.each(['fal/queue-status-01', 'fal/queue-status-02'])('%s is followed', (id) => {
    const ticket = { id: 'x', paths: { poll: '/fal-ai/x/status', result: '/fal-ai/x' } };
    const reading = present(huggingFace.jobs).readPoll(ticket, replyOf(id));
    expect(reading.type).toBe('pending');
  });

  it.each([
    ['huggingface/transcription-01', 'facebook/wav2vec2-large-960h-lv60-self'],
    ['huggingface/transcription-02', 'jonatasgrosman/wav2vec2-large-xlsr-53-english'],
    ['huggingface/transcription-03', 'openai/whisper-large-v3:fal-ai'],
  ])('%s is a transcript', (id, model) => {
    const exchange = hear(model);
    expect(exchange.request.path).toBe(loadRecording(id).request.path);
    const said = String(looseOf(loadRecording(id).response.body)['text']);
    expect(exchange.read(replyOf(id)).text).toBe(said.trim());
  });

  it('a model that embeds tokens is no model for texts', () => {
    const embed = (model: string) =>
      present(huggingFace.embedding).embed(
        { inputs: ['x'], dimensions: null, encoding: 'float', user: null, extra: {} },
        targetOf(model),
      );
    const sentence = embed('sentence-transformers/distilbert-base-nli-mean-tokens');
    expect(sentence.read(replyOf('huggingface/embeddings-01')).vectors).toHaveLength(1);
    const tokens = embed('facebook/bart-base');
    expect(() => tokens.read(replyOf('huggingface/embeddings-04'))).toThrow(/as a whole/);
  });
});
