/**
 * What becomes of Gemini's sound, however it comes: samples behind a header or bare, whole or in events that are cut
 * anywhere; and transcripts with times.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import { isJobExchange } from '../../../contracts/job-provider.ts';
import { ProviderFailureError, type ProviderFailure } from '../../../contracts/provider-failure.ts';
import type { SpeechFormat } from '../../../contracts/speech-provider.ts';
import { gemini } from '../provider.ts';
import { wavHeader, wavSamples } from './wav.ts';

const PCM = Buffer.from(Array.from({ length: 64 }, (_, at) => at));
const BARE = 'audio/L16;codec=pcm;rate=24000';

function response(data: Buffer | null, more: object = {}, mimeType = BARE): object {
  const parts =
    data === null
      ? [{ text: 'I cannot say that.' }]
      : [{ inlineData: { mimeType, data: data.toString('base64') } }];
  return {
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
    usageMetadata: {
      promptTokenCount: 11,
      candidatesTokenCount: 111,
      totalTokenCount: 122,
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 111 }],
    },
    modelVersion: 'served',
  };
}
const END = { finishReason: 'STOP' };

function speak(model: string, format: SpeechFormat) {
  const exchange = gemini.speech?.speak(
    { text: 'Hello', voice: 'kore', instructions: null, format, speed: null, extra: {} },
    { model, baseUrl: '', credential: 'k', settings: {} },
  );
  if (exchange === undefined || isJobExchange(exchange)) throw new Error('Gemini speaks at once');
  const reader = exchange.open?.();
  if (reader === undefined) throw new Error('the sound is within a reply');
  return { ...exchange, reader };
}

/** All of a reply, in pieces of so many bytes. */
function heard(model: string, format: SpeechFormat, body: Buffer, size = body.length) {
  const { reader } = speak(model, format);
  const out: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const sound = reader.push(body.subarray(at, at + size));
    if (sound !== null) out.push(sound);
  }
  const rest = reader.end();
  if (rest !== null) out.push(rest);
  return { sound: Buffer.concat(out), facts: reader.facts };
}

function failureOf(run: () => unknown): ProviderFailure {
  try {
    run();
  } catch (error) {
    if (error instanceof ProviderFailureError) return error.failure;
    throw error;
  }
  throw new Error('it was read without a failure');
}

const whole = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const events = (...values: readonly object[]): Buffer =>
  Buffer.from(values.map((value) => `data: ${JSON.stringify(value)}\r\n\r\n`).join(''));

const OLD = 'gemini-2.5-flash-preview-tts';
const NEW = 'gemini-3.8-flash-tts';
const USAGE = { input_text_tokens: 11, output_audio_tokens: 111, characters: 5 };

describe('speech of Gemini', () => {
  test('that comes whole gets a header of its length', () => {
    const { sound, facts } = heard(OLD, 'wav', whole(response(PCM, END)));
    expect(sound.readUInt32LE(40)).toBe(PCM.length);
    expect(wavSamples(sound)).toEqual({ rate: 24_000, pcm: PCM });
    expect(facts).toMatchObject({ usage: USAGE, modelServed: 'served' });
  });

  test('is bare where that is asked for, also from a WAV', () => {
    const wav = Buffer.concat([wavHeader(24_000, PCM.length), PCM]);
    for (const reply of [response(PCM, END), response(wav, END, 'audio/wav')]) {
      expect(heard(OLD, 'pcm', whole(reply)).sound).toEqual(PCM);
    }
  });

  test.each([1, 7, 100, 10_000])('in events passes in pieces of %i bytes', (size) => {
    const reply = events(
      response(PCM.subarray(0, 20)),
      response(PCM.subarray(20, 40)),
      response(PCM.subarray(40), END),
    );
    const { sound, facts } = heard(NEW, 'wav', reply, size);
    expect(sound.subarray(44)).toEqual(PCM);
    expect(sound.toString('latin1', 0, 4)).toBe('RIFF');
    expect(facts?.usage).toEqual(USAGE);
    expect(heard(NEW, 'pcm', reply, size).sound).toEqual(PCM);
  });

  test('leaves before the stream ends', () => {
    const { reader } = speak(NEW, 'pcm');
    expect(reader.push(events(response(PCM)))).toEqual(PCM);
  });

  test('is asked for as events from 3.1 on, and bare from 3.8 on', () => {
    const sent = (model: string) => speak(model, 'mp3').request;
    expect(sent(OLD).path).toBe(`/v1beta/models/${OLD}:generateContent`);
    expect(sent(NEW).path).toBe(`/v1beta/models/${NEW}:streamGenerateContent?alt=sse`);
    expect(sent(NEW).body?.toString()).toContain('"mimeType":"AUDIO_L16"');
    expect(sent(OLD).body?.toString()).toContain('"voiceName":"Kore"');
  });

  test('of a form that the model does not make is WAV, and says so', () => {
    const { warnings, mediaType } = speak(OLD, 'mp3');
    expect(mediaType).toBe('audio/wav');
    expect(warnings).toMatchObject([{ option: 'response_format', action: 'mapped' }]);
  });

  test('of an unknown voice is refused, naming the voices', () => {
    const options = { text: 'x', voice: 'alloy', instructions: null, format: 'wav' } as const;
    const target = { model: OLD, baseUrl: '', credential: null, settings: {} };
    expect(() => gemini.speech?.speak({ ...options, speed: null, extra: {} }, target)).toThrow(
      expect.objectContaining({ param: 'voice', message: expect.stringContaining('Kore') }),
    );
  });

  test.each([
    ['in words', OLD, whole(response(null, END)), 'invalid_request'],
    ['in words, as events', NEW, events(response(null, END)), 'invalid_request'],
    ['withheld', OLD, whole(response(PCM, { finishReason: 'SAFETY' })), 'content_filtered'],
    ['blocked', NEW, events({ promptFeedback: { blockReason: 'OTHER' } }), 'content_filtered'],
    ['cut off', OLD, whole(response(PCM, END)).subarray(0, 50), 'malformed_reply'],
    ['that breaks off', NEW, events(response(PCM)), 'broken_stream'],
    ['of no events', NEW, Buffer.from('<html>'), 'broken_stream'],
    ['of no JSON', NEW, Buffer.from('data: {"a\n\n'), 'malformed_reply'],
    [
      'of no sound',
      OLD,
      whole(response(Buffer.from('<html>'), END, 'text/html')),
      'malformed_reply',
    ],
    ['at another rate', OLD, whole(response(PCM, END, 'audio/L16;rate=8000')), 'malformed_reply'],
    ['with an error', OLD, whole({ error: { code: 503, status: 'UNAVAILABLE' } }), 'overloaded'],
    ['with an error beside the events', NEW, whole({ error: { code: 500 } }), 'server_error'],
  ])('%s is a failure', (_name, model, body, kind) => {
    expect(failureOf(() => heard(model, 'pcm', body)).kind).toBe(kind);
  });

  test.each([
    Buffer.alloc(0),
    Buffer.from('RIFF'),
    wavHeader(8000, 0).subarray(0, 30),
    Buffer.concat([wavHeader(8000, 4).subarray(0, 12), Buffer.from('data\u0004\0\0\0abcd')]),
  ])('no samples are found where there are none', (bytes) => {
    expect(wavSamples(bytes)).toBeNull();
  });
});

describe('transcripts of Gemini with times', () => {
  const read = (said: unknown) => {
    const exchange = gemini.transcription?.transcribe(
      {
        audio: { bytes: Buffer.alloc(4), mediaType: 'audio/wav', fileName: 'a.wav' },
        durationMs: 5000,
        task: 'transcribe',
        language: null,
        prompt: null,
        temperature: null,
        timestamps: ['segment'],
        speakers: true,
        extra: {},
      },
      { model: 'gemini-3.8-flash', baseUrl: '', credential: 'k', settings: {} },
    );
    if (exchange === undefined || isJobExchange(exchange)) throw new Error('Gemini hears at once');
    const parts = [{ text: typeof said === 'string' ? said : JSON.stringify(said) }];
    const body = { candidates: [{ content: { parts }, finishReason: 'STOP' }] };
    return exchange.read({ status: 200, headers: {}, body: whole(body) });
  };

  test('have segments and speakers, within the recording', () => {
    const segments = [
      { start: 0, end: 2.5, text: 'Hello. ', speaker: 'A' },
      { start: 2.5, end: 5.4, text: 'Hi.', speaker: 'B' },
    ];
    expect(read({ language: 'en', segments })).toMatchObject({
      text: 'Hello. Hi.',
      language: 'en',
      segments: [
        { start: 0, end: 2.5, speaker: 'A' },
        { start: 2.5, end: 5, speaker: 'B' },
      ],
    });
  });

  test.each([
    ['Hello.'],
    [{ language: 'en' }],
    [{ segments: [{ start: 3, end: 1, text: 'x' }] }],
    [{ segments: [{ start: 60, end: 61, text: 'x' }] }],
    [{ segments: [{ start: -1, end: 1, text: 'x' }] }],
    [{ segments: [{ start: 0, end: 1 }] }],
  ])('fail where the times cannot be true: %j', (said) => {
    expect(failureOf(() => read(said)).kind).toBe('malformed_reply');
  });
});
