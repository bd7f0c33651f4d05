/**
 * The suite of every media provider over Gemini's codecs, and what is Gemini's own. Replies have the members of recorded
 * ones.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type { ImageEditOptions, ImageOptions } from '../../../contracts/image-provider.ts';
import { wholeExchange } from '../../../contracts/job-provider.ts';
import type { MediaInput } from '../../../contracts/media.ts';
import { ProviderFailureError, type ProviderFailure } from '../../../contracts/provider-failure.ts';
import type { SpeechOptions } from '../../../contracts/speech-provider.ts';
import type { TranscriptionOptions } from '../../../contracts/transcription-provider.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { describeMediaProvider } from '../../media.contract.ts';
import { gemini } from '../provider.ts';
import { imageShape } from './image-size.ts';
import { imageFamilyOf } from './models.ts';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const picture: MediaInput = {
  bytes: Buffer.from(PNG, 'base64'),
  mediaType: 'image/png',
  fileName: 'image.png',
};
const imageOptions: ImageOptions = {
  prompt: 'a siamese cat',
  negativePrompt: null,
  n: 1,
  size: null,
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
  extra: {},
};
const editOptions: ImageEditOptions = {
  ...imageOptions,
  images: [picture],
  mask: null,
  inputFidelity: null,
  mode: null,
  search: null,
  expand: null,
  strength: null,
};
const speechOptions: SpeechOptions = {
  text: 'Grüß dich 👋',
  voice: 'Kore',
  instructions: null,
  format: 'wav',
  speed: null,
  extra: {},
};
const transcriptionOptions: TranscriptionOptions = {
  audio: { bytes: Buffer.from('RIFF....WAVE'), mediaType: 'audio/wav', fileName: 'file.wav' },
  durationMs: 3700,
  task: 'transcribe',
  language: null,
  prompt: null,
  temperature: null,
  timestamps: [],
  speakers: false,
  extra: {},
};
const imageVariants: readonly Partial<ImageOptions>[] = [
  { prompt: 'a dog' },
  { negativePrompt: 'people' },
  { size: '1024x1536' },
  { quality: 'high' },
  { style: 'vivid' },
  { background: 'transparent' },
  { outputFormat: 'webp' },
  { outputCompression: 50 },
  { moderation: 'low' },
  { guidanceScale: 7 },
  { steps: 20 },
  { seed: 7 },
  { user: 'user-1' },
  { extra: { safetySettings: [] } },
];

function answerOf(parts: readonly object[], more: object = {}): object {
  return {
    candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0, ...more }],
    usageMetadata: {
      promptTokenCount: 263,
      candidatesTokenCount: 1518,
      totalTokenCount: 1811,
      thoughtsTokenCount: 30,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 5 },
        { modality: 'IMAGE', tokenCount: 258 },
      ],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
    },
    modelVersion: 'gemini-3.1-flash-lite-image',
  };
}
const made = { inlineData: { mimeType: 'image/png', data: PNG } };
const thought = { thought: true, inlineData: { mimeType: 'image/png', data: PNG } };
const images = {
  model: 'gemini-3.1-flash-lite-image',
  reply: answerOf([{ text: 'Thinking …', thought: true }, thought, { text: 'Here it is.' }, made]),
  usage: {
    input_text_tokens: 5,
    input_image_tokens: 258,
    output_text_tokens: 398,
    output_image_tokens: 1120,
    reasoning_tokens: 30,
    images: 1,
  },
  broken: [
    {},
    { candidates: [] },
    { candidates: [{ index: 0 }] },
    { candidates: [{ content: { parts: [] }, finishReason: 'STOP' }] },
    answerOf([{ inlineData: { mimeType: 'image/png', data: 'PGh0bWw+' } }]),
    answerOf([thought]),
  ],
  check: (result: { readonly images: readonly { readonly bytes: Buffer | null }[] }) => {
    expect(result.images.map(({ bytes }) => bytes?.toString('base64'))).toEqual([PNG]);
  },
};

describeMediaProvider({
  definition: gemini,
  inBandError: { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } },
  generate: { ...images, options: imageOptions, variants: imageVariants },
  edit: {
    ...images,
    options: editOptions,
    variants: [
      ...imageVariants,
      { images: [picture, picture] },
      { inputFidelity: 'high' },
      { search: 'the sky' },
      { strength: 0.5 },
    ],
  },
  speak: {
    model: 'gemini-2.5-flash-preview-tts',
    options: speechOptions,
    variants: [
      { text: 'Hello' },
      { voice: 'puck' },
      { instructions: 'Say slowly' },
      { format: 'mp3' },
      { speed: 2 },
      { extra: { safetySettings: [] } },
    ],
    usage: { characters: 11 },
  },
  transcribe: {
    model: 'gemini-2.5-flash',
    options: transcriptionOptions,
    variants: [
      { task: 'translate' },
      { language: 'de' },
      { prompt: 'Zürich' },
      { temperature: 0 },
      { timestamps: ['segment'] },
      { speakers: true },
      { durationMs: 60_000 },
      { extra: { cachedContent: 'x' } },
    ],
    reply: {
      candidates: [
        { content: { parts: [{ text: 'Ruby is fun.\n' }], role: 'model' }, finishReason: 'STOP' },
      ],
      usageMetadata: {
        promptTokenCount: 133,
        candidatesTokenCount: 10,
        totalTokenCount: 164,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 14 },
          { modality: 'AUDIO', tokenCount: 119 },
        ],
        thoughtsTokenCount: 21,
      },
      modelVersion: 'gemini-2.5-flash',
    },
    usage: {
      input_text_tokens: 14,
      input_audio_tokens: 119,
      output_text_tokens: 10,
      reasoning_tokens: 21,
      audio_ms: 4000,
    },
    broken: [{}, { candidates: [] }, answerOf([{ text: 'Ruby' }], { finishReason: 'MAX_TOKENS' })],
    check: ({ text, segments }) => {
      expect([text, segments]).toEqual(['Ruby is fun.', null]);
    },
  },
  embed: {
    model: 'gemini-embedding-2',
    options: {
      inputs: ['Ruby', 'Python'],
      dimensions: null,
      encoding: 'float',
      user: null,
      extra: {},
    },
    variants: [
      { inputs: ['Ruby'] },
      { dimensions: 768 },
      { user: 'user-1' },
      { extra: { taskType: 'CLASSIFICATION' } },
    ],
    reply: {
      embeddings: [{ values: [0.5, 0.25] }, { values: [-1, 0] }],
      usageMetadata: {
        promptTokenCount: 8,
        promptTokenDetails: [{ modality: 'TEXT', tokenCount: 8 }],
      },
    },
    usage: { input_text_tokens: 8, inputs: 2 },
    broken: [
      {},
      { embeddings: [] },
      { embeddings: [{ values: [1] }] },
      { embeddings: [{ values: [1] }, { values: [] }] },
      { embeddings: [{ values: [1] }, { values: ['x'] }] },
    ],
    check: ({ vectors }) => {
      expect(vectors).toEqual([
        [0.5, 0.25],
        [-1, 0],
      ]);
    },
  },
});

const target: ProviderTarget = {
  model: 'gemini-3-pro-image',
  baseUrl: 'https://provider.test',
  credential: 'k',
  settings: {},
};

function replyOf(body: object): WireReply {
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the provider has it');
  return value;
}

function failureOf(body: object): ProviderFailure {
  try {
    wholeExchange(present(gemini.imageGeneration).generate(imageOptions, target)).read(
      replyOf(body),
    );
  } catch (error) {
    if (error instanceof ProviderFailureError) return error.failure;
    throw error;
  }
  throw new Error('the reply was read without a failure');
}

function sentTo(options: ImageOptions, model: string): Record<string, unknown> {
  const { request } = present(gemini.imageGeneration).generate(options, { ...target, model });
  return JSON.parse(request.body?.toString() ?? '{}') as Record<string, unknown>;
}

describe('pictures of Gemini', () => {
  test.each(['SAFETY', 'IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'NO_IMAGE', 'RECITATION'])(
    'that were withheld for %s are filtered, and billed',
    (finishReason) => {
      const failure = failureOf(answerOf([], { finishReason, finishMessage: 'Try another.' }));
      expect(failure).toMatchObject({ kind: 'content_filtered', providerCode: finishReason });
      expect(failure.usage).toMatchObject({ input_text_tokens: 5 });
    },
  );

  test('of a blocked prompt are filtered', () => {
    const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } };
    expect(failureOf(body)).toMatchObject({ kind: 'content_filtered' });
  });

  test('that are an answer in words fail with these words, and are billed', () => {
    const failure = failureOf(answerOf([{ text: 'Which cat do you mean?' }]));
    expect(failure).toMatchObject({ kind: 'invalid_request' });
    expect(failure.message).toContain('Which cat do you mean?');
    expect(failure.usage).toMatchObject({ output_text_tokens: 398 });
  });

  test.each([
    ['1024x1024', { aspectRatio: '1:1', imageSize: '1K', isNear: false }],
    ['1024x1536', { aspectRatio: '2:3', imageSize: '1K', isNear: true }],
    ['1792x1024', { aspectRatio: '16:9', imageSize: '2K', isNear: true }],
    ['4096x4096', { aspectRatio: '1:1', imageSize: '4K', isNear: false }],
    ['256x256', { aspectRatio: '1:1', imageSize: '1K', isNear: true }],
    ['99999x1', { aspectRatio: '21:9', imageSize: '1K', isNear: true }],
    ['0x5', { aspectRatio: null, imageSize: null, isNear: false }],
    ['auto', { aspectRatio: null, imageSize: null, isNear: false }],
    [null, { aspectRatio: null, imageSize: null, isNear: false }],
  ])('of size %s are asked for by their shape', (size, shape) => {
    expect(imageShape(size, imageFamilyOf('gemini-3-pro-image'))).toEqual(shape);
  });

  test('send sizes to models that have some, and shapes to all', () => {
    const options = { ...imageOptions, size: '512x512', seed: 3 };
    const config = (model: string) => sentTo(options, model)['generationConfig'];
    expect(config('gemini-3.1-flash-image')).toEqual({
      responseModalities: ['TEXT', 'IMAGE'],
      imageConfig: { aspectRatio: '1:1', imageSize: '512' },
      seed: 3,
    });
    expect(config('gemini-2.5-flash-image')).toMatchObject({ imageConfig: { aspectRatio: '1:1' } });
  });

  test('keep the members that a caller adds beside those of the gateway', () => {
    const extra = { generationConfig: { imageConfig: { imageSize: '4K' } } };
    expect(sentTo({ ...imageOptions, extra }, 'gemini-3-pro-image')['generationConfig']).toEqual({
      responseModalities: ['TEXT', 'IMAGE'],
      imageConfig: { imageSize: '4K' },
    });
  });

  test.each([
    [{ n: 2 }, 'n'],
    [{ mask: picture }, 'mask'],
    [{ mode: 'outpaint' as const }, 'mode'],
    [{ expand: { left: 1, right: 0, up: 0, down: 0 } }, 'expand'],
    [{ images: Array.from({ length: 15 }, () => picture) as unknown as [MediaInput] }, 'image'],
  ])('are refused where the model cannot make them: %j', (options, param) => {
    const edit = () => present(gemini.imageEdit).edit({ ...editOptions, ...options }, target);
    expect(edit).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });
});

test.each([
  ['imageGeneration', 'gemini-2.5-flash'],
  ['imageEdit', 'gemini-2.5-flash-preview-tts'],
  ['embedding', 'gemini-2.5-flash'],
  ['speech', 'gemini-3-pro-image'],
  ['transcription', 'gemini-embedding-2'],
] as const)('%s is not asked of %s', (capability, model) => {
  const of = { ...target, model };
  const run = {
    imageGeneration: () => present(gemini.imageGeneration).generate(imageOptions, of),
    imageEdit: () => present(gemini.imageEdit).edit(editOptions, of),
    embedding: () =>
      present(gemini.embedding).embed(
        { inputs: ['x'], dimensions: null, encoding: 'float', user: null, extra: {} },
        of,
      ),
    speech: () => present(gemini.speech).speak(speechOptions, of),
    transcription: () => present(gemini.transcription).transcribe(transcriptionOptions, of),
  };
  expect(run[capability]).toThrow(expect.objectContaining({ param: 'model' }));
});

describe('embeddings of Gemini', () => {
  const embed = present(gemini.embedding);
  const options = {
    inputs: ['Ruby'],
    dimensions: 768,
    encoding: 'base64',
    user: null,
    extra: {},
  } as const;

  test('come as base64 where they are asked for so', () => {
    const exchange = embed.embed(options, { ...target, model: 'gemini-embedding-001' });
    const { vectors, usage } = exchange.read(replyOf({ embeddings: [{ values: [0.5] }] }));
    expect(vectors).toEqual(['AAAAPw==']);
    // This model says nothing of tokens.
    expect(usage).toEqual({ inputs: 1 });
  });

  test.each([[[[1, 2]]], [Array.from({ length: 101 }, () => 'x')]])(
    'are refused for what the model cannot take',
    (inputs) => {
      const of = { ...target, model: 'gemini-embedding-2' };
      expect(() => embed.embed({ ...options, inputs }, of)).toThrow(
        expect.objectContaining({ param: 'input' }),
      );
    },
  );
});
