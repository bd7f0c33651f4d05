import { describe, expect, test } from 'vitest';
import type { SpeechOptions } from '../../contracts/speech-provider.ts';
import type { TranscriptionOptions } from '../../contracts/transcription-provider.ts';
import type { VoiceCloneOptions } from '../../contracts/voice-provider.ts';
import type { ProviderTarget, WireReply } from '../../contracts/wire.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { elevenLabs } from './provider.ts';

const RECORDING = {
  bytes: Buffer.from('RIFF....WAVE'),
  mediaType: 'audio/wav',
  fileName: 'file.wav',
} as const;

const SPEAK: SpeechOptions = {
  text: 'Grüß dich 👋',
  voice: 'JBFqnCBsd6RMkjVDRZzb',
  instructions: null,
  format: 'mp3',
  speed: null,
  extra: {},
};
const LISTEN: TranscriptionOptions = {
  audio: RECORDING,
  durationMs: 3700,
  task: 'transcribe',
  language: null,
  prompt: null,
  temperature: null,
  timestamps: ['segment'],
  speakers: false,
  extra: {},
};
const CLONE: VoiceCloneOptions = {
  samples: [{ type: 'bytes', ...RECORDING }],
  name: 'Narrator',
  description: null,
  text: null,
  extra: {},
};

const HELLO = {
  language_code: 'eng',
  language_probability: 0.89,
  text: 'Hello there. (laughs) Yes.',
  words: [
    { text: 'Hello', start: 0.2, end: 0.5, type: 'word', speaker_id: 'speaker_0' },
    { text: ' ', start: 0.5, end: 0.6, type: 'spacing', speaker_id: 'speaker_0' },
    { text: 'there.', start: 0.6, end: 1, type: 'word', speaker_id: 'speaker_0' },
    { text: ' ', start: 1, end: 1.1, type: 'spacing', speaker_id: 'speaker_0' },
    { text: '(laughs)', start: 1.1, end: 1.4, type: 'audio_event', speaker_id: 'speaker_1' },
    { text: ' ', start: 1.4, end: 1.5, type: 'spacing', speaker_id: 'speaker_1' },
    { text: 'Yes.', start: 1.5, end: 2, type: 'word', speaker_id: 'speaker_1' },
  ],
};

describeMediaProvider({
  definition: elevenLabs,
  inBandError: { detail: { status: 'system_busy', message: 'busy' } },
  speak: {
    model: 'eleven_multilingual_v2',
    options: SPEAK,
    variants: [
      { text: 'Hello' },
      { voice: 'another' },
      { instructions: 'slowly' },
      { format: 'pcm' },
      { speed: 1.1 },
      { speed: 3 },
      { extra: { seed: 7 } },
      { extra: { voice_settings: { stability: 0.5 } } },
    ],
    usage: { characters: 11 },
  },
  transcribe: {
    model: 'scribe_v1',
    options: LISTEN,
    variants: [
      { language: 'de' },
      { prompt: 'ALwrity' },
      { temperature: 0.5 },
      { speakers: true },
      { extra: { num_speakers: '2' } },
    ],
    reply: HELLO,
    usage: { audio_ms: 3700 },
    broken: [{}, { text: null }, { language_code: 'eng', words: [] }],
    check: ({ text, segments, words, language }) => {
      expect([text, language]).toEqual([HELLO.text, 'eng']);
      expect(segments?.map((one) => [one.text, one.start, one.end, one.speaker])).toEqual([
        ['Hello there.', 0.2, 1, null],
        ['(laughs) Yes.', 1.1, 2, null],
      ]);
      expect(words?.map(({ word }) => word)).toEqual(['Hello', 'there.', 'Yes.']);
    },
  },
  voices: {
    reply: {
      voices: [
        { voice_id: 'a', name: 'Ann', labels: { language: 'en', gender: 'female' } },
        { voice_id: 'b', name: 'Bob', labels: {}, preview_url: 'https://x.test/b.mp3' },
        { name: 'nobody' },
      ],
    },
    count: 2,
    broken: [{}, { voices: null }],
  },
  cloneVoice: {
    model: 'instant-voice-clone',
    options: CLONE,
    variants: [
      { name: 'Other' },
      { description: 'a calm voice' },
      { text: 'a trial' },
      {
        samples: [
          { type: 'bytes', ...RECORDING },
          { type: 'bytes', ...RECORDING },
        ],
      },
      { extra: { remove_background_noise: true } },
    ],
    reply: { voice_id: 'c38kUX8pkfYO2kHyqfFy', requires_verification: false },
    usage: { voice_clones: 1 },
    broken: [{}, { voice_id: '' }, { requires_verification: true }],
    check: ({ voiceId }) => expect(voiceId).toBe('c38kUX8pkfYO2kHyqfFy'),
  },
});

function targetOf(model: string): ProviderTarget {
  return { model, baseUrl: 'https://api.elevenlabs.test', credential: 'k', settings: {} };
}

function reply(status: number, body: unknown): WireReply {
  return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

function spoken(options: Partial<SpeechOptions>, model = 'eleven_flash_v2_5') {
  const exchange = elevenLabs.speech?.speak({ ...SPEAK, ...options }, targetOf(model));
  if (exchange === undefined || !('mediaType' in exchange)) throw new Error('no speech');
  return exchange;
}

describe('speech', () => {
  test.each([
    ['mp3', 'mp3_44100_128'],
    ['opus', 'opus_48000_128'],
    ['wav', 'wav_24000'],
    ['pcm', 'pcm_24000'],
  ] as const)('is streamed as %s', (format, wire) => {
    const { request } = spoken({ format });
    expect(request.path).toBe(`/v1/text-to-speech/${SPEAK.voice}/stream?output_format=${wire}`);
    expect(request.headers).toMatchObject({ 'xi-api-key': 'k' });
  });

  test('keeps settings of the voice beside its speed, and the model', () => {
    const extra = { voice_settings: { stability: 0.5 }, model_id: 'eleven_v3', seed: 7 };
    const { request, warnings } = spoken({ speed: 4, extra });
    expect(JSON.parse(request.body?.toString() ?? '')).toEqual({
      seed: 7,
      text: SPEAK.text,
      model_id: 'eleven_flash_v2_5',
      voice_settings: { stability: 0.5, speed: 1.2 },
    });
    expect(warnings).toMatchObject([{ option: 'speed', action: 'clamped' }]);
  });

  test.each([
    ['a form that there is not', { format: 'flac' }, 'response_format'],
    ['a text that is too long', { text: 'x'.repeat(40_001) }, 'input'],
    ['a path for a voice', { voice: '../voices/add' }, 'voice'],
  ] as const)('with %s is refused', (_what, options, param) => {
    expect(() => spoken(options)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    );
  });

  test('takes texts as long as the model does', () => {
    expect(() => spoken({ text: 'x'.repeat(10_001) }, 'eleven_multilingual_v2')).toThrow(/10000/);
  });
});

describe('a transcript', () => {
  function read(options: Partial<TranscriptionOptions>, body: object) {
    const exchange = elevenLabs.transcription?.transcribe(
      { ...LISTEN, ...options },
      targetOf('scribe_v2'),
    );
    if (exchange === undefined || !('read' in exchange)) throw new Error('no transcript');
    return exchange.read(reply(200, body));
  }

  test('with speakers tells who said what', () => {
    const { segments } = read({ speakers: true }, HELLO);
    expect(segments?.map(({ text, speaker }) => [text, speaker])).toEqual([
      ['Hello there.', 'speaker_0'],
      ['(laughs) Yes.', 'speaker_1'],
    ]);
  });

  test('is billed by the length that ElevenLabs counted', () => {
    expect(read({}, { ...HELLO, audio_duration_secs: 2.4801 })).toMatchObject({
      usage: { audio_ms: 2481 },
      duration: 2.4801,
    });
  });

  test.each([
    ['in English', { task: 'translate' }, 'model'],
    ['with terms that cost extra', { extra: { keyterms: '["x"]' } }, 'provider_options'],
    ['that is answered elsewhere', { extra: { webhook: 'true' } }, 'provider_options'],
  ] as const)('%s is refused', (_what, options, param) => {
    expect(() => read(options, HELLO)).toThrow(expect.objectContaining({ param }));
  });
});

test('a recording that lies elsewhere is refused', () => {
  const samples = [{ type: 'url', url: 'https://x.test/a.wav', mediaType: null }] as const;
  expect(() =>
    elevenLabs.voiceClone?.cloneVoice({ ...CLONE, samples }, targetOf('instant-voice-clone')),
  ).toThrow(expect.objectContaining({ param: 'samples' }));
});

test.each([
  [400, { status: 'max_character_limit_exceeded', message: 'x' }, 'invalid_request', 'input'],
  [401, { status: 'invalid_api_key', message: 'x' }, 'auth', null],
  [401, { status: 'quota_exceeded', message: 'x' }, 'credit', null],
  [404, { status: 'voice_not_found', message: 'x' }, 'invalid_request', 'voice'],
  [
    422,
    [{ loc: ['body', 'text'], msg: 'field required', type: 'missing' }],
    'invalid_request',
    'text',
  ],
  [429, { status: 'too_many_concurrent_requests', message: 'x' }, 'rate_limited', null],
  [429, { status: 'system_busy', message: 'x' }, 'overloaded', null],
  [500, 'Internal Server Error', 'server_error', null],
  [403, { status: 'new_word', message: 'x' }, 'auth', null],
])('%i %j is %s', (status, detail, kind, param) => {
  expect(elevenLabs.readError(reply(status, { detail }))).toMatchObject({ kind, param });
});
