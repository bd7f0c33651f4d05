import { describe, expect, test } from 'vitest';
import type { SpeechOptions } from '../../contracts/speech-provider.ts';
import type { TranscriptionOptions } from '../../contracts/transcription-provider.ts';
import type { ProviderTarget, WireReply } from '../../contracts/wire.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { VOICES } from './models.ts';
import { deepgram } from './provider.ts';

const LISTEN: TranscriptionOptions = {
  audio: { bytes: Buffer.from('RIFF....WAVE'), mediaType: 'audio/wav', fileName: 'file.wav' },
  durationMs: 3700,
  task: 'transcribe',
  language: null,
  prompt: null,
  temperature: null,
  timestamps: ['segment'],
  speakers: false,
  extra: {},
};
const SPEAK: SpeechOptions = {
  text: 'Grüß dich 👋',
  voice: 'thalia',
  instructions: null,
  format: 'mp3',
  speed: null,
  extra: {},
};

const word = { word: 'ruby', start: 0.16, end: 0.56, confidence: 0.9, punctuated_word: 'Ruby.' };
const WHOLE = {
  metadata: {
    request_id: 'r1',
    duration: 3.6999376,
    channels: 1,
    models: ['m1'],
    model_info: { m1: { name: 'general-nova-3', version: '2025-07-31.0', arch: 'nova-3' } },
  },
  results: {
    channels: [{ alternatives: [{ transcript: 'Ruby.', confidence: 0.9, words: [word] }] }],
    utterances: [
      { start: 0.16, end: 0.56, confidence: 0.9, channel: 0, transcript: 'Ruby.', speaker: 1 },
    ],
  },
};

describeMediaProvider({
  definition: deepgram,
  inBandError: { err_code: 'INTERNAL_SERVER_ERROR', err_msg: 'x', request_id: 'r' },
  speak: {
    model: 'aura-2',
    options: SPEAK,
    variants: [
      { text: 'Hello' },
      { voice: 'zeus-en' },
      { instructions: 'slowly' },
      { format: 'wav' },
      { speed: 2 },
      { extra: { bit_rate: 32_000 } },
    ],
    usage: { characters: 11 },
  },
  transcribe: {
    model: 'nova-3-general',
    options: LISTEN,
    variants: [
      { language: 'de' },
      { prompt: 'ALwrity' },
      { temperature: 0.5 },
      { speakers: true },
      { extra: { numerals: 'true' } },
    ],
    reply: WHOLE,
    usage: { audio_ms: 3700 },
    broken: [{}, { results: { channels: [] } }, { results: { channels: [{ alternatives: [] }] } }],
    check: ({ text, segments, words, modelServed, duration }) => {
      expect([text, modelServed, duration]).toEqual(['Ruby.', 'nova-3-general', 3.6999376]);
      expect(words).toEqual([{ word: 'Ruby.', start: 0.16, end: 0.56 }]);
      expect(segments).toMatchObject([{ start: 0.16, end: 0.56, text: 'Ruby.', speaker: '1' }]);
    },
  },
});

function targetOf(model: string): ProviderTarget {
  return { model, baseUrl: 'https://api.deepgram.test', credential: 'k', settings: {} };
}

function reply(status: number, body: object): WireReply {
  return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

function spoken(model: string, options: Partial<SpeechOptions>) {
  const exchange = deepgram.speech?.speak({ ...SPEAK, ...options }, targetOf(model));
  if (exchange === undefined || !('mediaType' in exchange)) throw new Error('no speech');
  return { exchange, query: new URL(exchange.request.path, 'http://x').searchParams };
}

describe('speech', () => {
  test.each([
    ['aura-2', 'thalia', 'aura-2-thalia-en'],
    ['aura-2', 'Zeus-en', 'aura-2-zeus-en'],
    ['aura-2', 'aura-2-celeste-es', 'aura-2-celeste-es'],
    ['aura-2', 'novel-nl', 'aura-2-novel-nl'],
    ['aura', 'luna', 'aura-luna-en'],
    ['aura-2-thalia-en', 'thalia', 'aura-2-thalia-en'],
  ])('of %s with the voice %s is that of %s', (model, voice, wire) => {
    expect(spoken(model, { voice }).query.get('model')).toBe(wire);
  });

  test.each([
    ['mp3', 'mp3', null],
    ['opus', 'opus', 'ogg'],
    ['wav', 'linear16', 'wav'],
    ['pcm', 'linear16', 'none'],
  ] as const)('as %s is encoded as %s in %s', (format, encoding, container) => {
    const { query } = spoken('aura-2', { format });
    expect([query.get('encoding'), query.get('container')]).toEqual([encoding, container]);
  });

  test.each([
    ['a voice of a dearer family', 'aura', { voice: 'aura-2-thalia-en' }, 'voice'],
    ['a voice that there is not', 'aura-2', { voice: 'alloy' }, 'voice'],
    ['another voice than the model is', 'aura-2-zeus-en', { voice: 'thalia' }, 'voice'],
    ['a model that listens', 'nova-3', {}, 'model'],
    ['a long text', 'aura-2', { text: 'x'.repeat(2001) }, 'input'],
    [
      'another model by the back door',
      'aura',
      { voice: 'luna', extra: { model: 'x' } },
      'provider_options',
    ],
  ])('with %s is refused', (_what, model, options, param) => {
    expect(() => spoken(model, options)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    );
  });

  test('knows its voices by unique names', () => {
    const ids = VOICES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(deepgram.voices?.known).toContainEqual(
      expect.objectContaining({ id: 'aura-2-thalia-en', language: 'en' }),
    );
  });
});

describe('a transcript', () => {
  function exchange(options: Partial<TranscriptionOptions>) {
    const made = deepgram.transcription?.transcribe({ ...LISTEN, ...options }, targetOf('nova-3'));
    if (made === undefined || !('read' in made)) throw new Error('no transcript');
    return made;
  }

  test('is asked for with the recording as the body', () => {
    const { request } = exchange({ speakers: true });
    expect(request.body).toBe(LISTEN.audio.bytes);
    expect(request.headers).toMatchObject({
      authorization: 'Token k',
      'content-type': 'audio/wav',
    });
    const query = Object.fromEntries(new URL(request.path, 'http://x').searchParams);
    expect(query).toEqual({
      model: 'nova-3',
      smart_format: 'true',
      utterances: 'true',
      detect_language: 'true',
      diarize: 'true',
    });
  });

  test('of several channels is billed for each of them', () => {
    const [channel] = WHOLE.results.channels;
    const body = { ...WHOLE, results: { channels: [channel, channel] } };
    const result = exchange({}).read(reply(200, body));
    expect([result.text, result.usage]).toEqual(['Ruby.\nRuby.', { audio_ms: 7400 }]);
  });

  test('without a length is billed by the measured one', () => {
    const result = exchange({}).read(reply(200, { results: WHOLE.results }));
    expect([result.usage, result.duration]).toEqual([{ audio_ms: 3700 }, null]);
  });

  test.each([
    ['in English', { task: 'translate' }, 'model'],
    ['of each channel', { extra: { multichannel: 'true' } }, 'provider_options'],
    ['with terms that cost extra', { extra: { keyterm: 'ALwrity' } }, 'provider_options'],
  ] as const)('%s is refused', (_what, options, param) => {
    expect(() => exchange(options)).toThrow(expect.objectContaining({ param }));
  });
});

test.each([
  [400, { err_code: 'Bad Request', err_msg: 'corrupt data' }, 'invalid_request'],
  [401, { err_code: 'INVALID_AUTH', err_msg: 'Invalid credentials.' }, 'auth'],
  [402, { err_code: 'ASR_PAYMENT_REQUIRED', err_msg: 'credits' }, 'credit'],
  [403, { err_code: 'INSUFFICIENT_PERMISSIONS', err_msg: 'no access' }, 'auth'],
  [
    400,
    { category: 'INVALID_JSON', message: 'Invalid JSON.', details: 'line 7' },
    'invalid_request',
  ],
  [422, { err_code: 'ASR_UNPROCESSABLE_ENTITY', err_msg: 'incomplete' }, 'invalid_request'],
  [429, { err_code: 'TOO_MANY_REQUESTS', err_msg: 'later' }, 'rate_limited'],
  [503, {}, 'overloaded'],
  [504, {}, 'server_error'],
])('%i %j is %s', (status, body, kind) => {
  expect(deepgram.readError(reply(status, body)).kind).toBe(kind);
});
