/**
 * What every adapter of pictures, speech, transcripts and embeddings must do, whatever its wire looks like. A provider's
 * test names one call of each capability and a reply to it; everything else is derived.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type { BackgroundRemovalOptions } from '../contracts/background-removal-provider.ts';
import type { EmbeddingOptions, EmbeddingResult } from '../contracts/embedding-provider.ts';
import type { FaceSwapOptions } from '../contracts/face-swap-provider.ts';
import type {
  ImageEditOptions,
  ImageGenerationResult,
  ImageOptions,
} from '../contracts/image-provider.ts';
import type { ImageUpscaleOptions } from '../contracts/image-upscale-provider.ts';
import { wholeExchange } from '../contracts/job-provider.ts';
import type { MediaExchange, ResultFacts } from '../contracts/media.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import { ProviderFailureError } from '../contracts/provider-failure.ts';
import type { SpeechOptions } from '../contracts/speech-provider.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import type {
  TranscriptionOptions,
  TranscriptionResult,
} from '../contracts/transcription-provider.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type {
  VoiceCloneOptions,
  VoiceCloneResult,
  VoiceList,
} from '../contracts/voice-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../contracts/wire.ts';

const CREDENTIAL = 'secret-credential-7d1f';

interface Written {
  readonly request: WireRequest;
  readonly warnings: readonly ProviderWarning[];
}

/** One call of a capability, and what it must come to. */
export interface MediaCallFixture<Options, Result extends ResultFacts> {
  readonly model: string;
  readonly options: Options;
  /** Each changes the request, or is warned of. */
  readonly variants: readonly Partial<Options>[];
  /** Body of a whole reply. */
  readonly reply: object;
  readonly usage: UsageVector;
  /** Bodies that are no answer: malformed, empty, of something else. */
  readonly broken: readonly object[];
  readonly check: (result: Result) => void;
}

/** The capabilities that a provider has; absent: none. */
export interface MediaProviderFixture {
  readonly definition: ProviderDefinition;
  readonly generate?: MediaCallFixture<ImageOptions, ImageGenerationResult>;
  readonly edit?: MediaCallFixture<ImageEditOptions, ImageGenerationResult>;
  readonly swapFace?: MediaCallFixture<FaceSwapOptions, ImageGenerationResult>;
  readonly upscale?: MediaCallFixture<ImageUpscaleOptions, ImageGenerationResult>;
  readonly removeBackground?: MediaCallFixture<BackgroundRemovalOptions, ImageGenerationResult>;
  readonly cloneVoice?: MediaCallFixture<VoiceCloneOptions, VoiceCloneResult>;
  /** A reply to the question for the provider's voices, and how many it names. */
  readonly voices?: {
    readonly reply: object;
    readonly count: number;
    readonly broken: readonly object[];
  };
  readonly transcribe?: MediaCallFixture<TranscriptionOptions, TranscriptionResult>;
  readonly embed?: MediaCallFixture<EmbeddingOptions, EmbeddingResult>;
  readonly speak?: {
    readonly model: string;
    readonly options: SpeechOptions;
    readonly variants: readonly Partial<SpeechOptions>[];
    readonly usage: UsageVector;
  };
  /** A body that is an error under status 200. */
  readonly inBandError: object;
}

function targetOf(model: string, credential: string | null): ProviderTarget {
  return { model, baseUrl: 'https://provider.test', credential, settings: {} };
}

function replyOf(body: Buffer | object): WireReply {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return { status: 200, headers: { 'content-type': 'application/json' }, body: bytes };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}

/** What holds of every request, whatever it asks for. */
function describeRequests<Options>(
  call: {
    readonly model: string;
    readonly options: Options;
    readonly variants: readonly Partial<Options>[];
  },
  write: (options: Options, target: ProviderTarget) => Written,
): void {
  const written = (options: Options): Written => write(options, targetOf(call.model, CREDENTIAL));

  test('the same options make the same request, and stay as they were', () => {
    const options = deepFreeze(structuredCloneOf(call.options));
    const [first, second] = [written(options), written(options)];
    expect([first.request, first.warnings]).toEqual([second.request, second.warnings]);
  });

  test('the request has a path, lower-case headers and the credential, where there is one', () => {
    const { request } = written(call.options);
    expect(request.path).toMatch(/^\/[\w./:%?&=-]+$/);
    expect(Object.keys(request.headers)).toEqual(
      Object.keys(request.headers).map((name) => name.toLowerCase()),
    );
    expect(JSON.stringify(request.headers)).toContain(CREDENTIAL);
    const without = write(call.options, targetOf(call.model, null));
    expect(JSON.stringify(without.request.headers)).not.toContain('null');
    expect(without.request.headers).not.toHaveProperty('authorization');
  });

  test.each(
    call.variants.map((variant) => [JSON.stringify(variant).slice(0, 80), variant] as const),
  )('an option is sent or named: %s', (_name, variant) => {
    const plain = written(call.options);
    const varied = written({ ...call.options, ...variant });
    const isSent =
      plain.request.path !== varied.request.path ||
      !(plain.request.body ?? Buffer.alloc(0)).equals(varied.request.body ?? Buffer.alloc(0));
    expect(isSent || varied.warnings.length > plain.warnings.length).toBe(true);
  });
}

/** Members that are buffers are shared: an adapter has no business with changing them. */
function structuredCloneOf<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(structuredCloneOf) as Value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, structuredCloneOf(member)]),
  ) as Value;
}

function failureOf(run: () => unknown): ProviderFailureError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProviderFailureError) return error;
    throw error;
  }
  throw new Error('the reply was read without a failure');
}

function describeCall<Options, Result extends ResultFacts>(
  fixture: MediaCallFixture<Options, Result>,
  inBandError: object,
  write: (options: Options, target: ProviderTarget) => MediaExchange<Result>,
): void {
  describeRequests(fixture, write);
  const exchange = (): MediaExchange<Result> =>
    write(fixture.options, targetOf(fixture.model, CREDENTIAL));

  test('a whole reply is read, with its usage', () => {
    const result = exchange().read(replyOf(fixture.reply));
    expect(result.usage).toEqual(fixture.usage);
    fixture.check(result);
  });

  test('a reply that was cut off anywhere is malformed', () => {
    const whole = Buffer.from(JSON.stringify(fixture.reply));
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 40)) {
      const failure = failureOf(() => exchange().read(replyOf(whole.subarray(0, at))));
      expect(failure.failure.kind).toBe('malformed_reply');
    }
  });

  test.each(fixture.broken.map((body) => [JSON.stringify(body).slice(0, 80), body] as const))(
    'what is no answer is no result: %s',
    (_name, body) => {
      expect(failureOf(() => exchange().read(replyOf(body))).failure.kind).toBe('malformed_reply');
    },
  );

  test('an error under status 200 is that error', () => {
    const { failure } = failureOf(() => exchange().read(replyOf(inBandError)));
    expect(failure.kind).not.toBe('malformed_reply');
  });
}

/** The new pictures that are made of others, and voices. */
function describeFurtherOperations(fixture: MediaProviderFixture): void {
  const { definition, swapFace, upscale, removeBackground, cloneVoice, inBandError } = fixture;
  const { faceSwap, imageUpscale, backgroundRemoval, voiceClone } = definition;
  if (swapFace !== undefined && faceSwap !== undefined) {
    describe('swap a face', () => {
      describeCall(swapFace, inBandError, (options, target) =>
        wholeExchange(faceSwap.swapFace(options, target)),
      );
    });
  }
  if (upscale !== undefined && imageUpscale !== undefined) {
    describe('upscale', () => {
      describeCall(upscale, inBandError, (options, target) =>
        wholeExchange(imageUpscale.upscale(options, target)),
      );
    });
  }
  if (removeBackground !== undefined && backgroundRemoval !== undefined) {
    describe('remove a background', () => {
      describeCall(removeBackground, inBandError, (options, target) =>
        wholeExchange(backgroundRemoval.removeBackground(options, target)),
      );
    });
  }
  if (cloneVoice !== undefined && voiceClone !== undefined) {
    describe('clone a voice', () => {
      describeCall(cloneVoice, inBandError, (options, target) =>
        wholeExchange(voiceClone.cloneVoice(options, target)),
      );
    });
  }
}

function describeVoices(fixture: MediaProviderFixture): void {
  const { voices, inBandError } = fixture;
  const list = fixture.definition.voices?.list?.bind(fixture.definition.voices);
  if (voices === undefined || list === undefined) return;
  describe('list voices', () => {
    const { count, ...rest } = voices;
    const check = (found: VoiceList): void => {
      expect(found.voices).toHaveLength(count);
      expect(new Set(found.voices.map(({ id }) => id)).size).toBe(count);
    };
    const call = { ...rest, model: '', options: {}, variants: [], usage: {}, check };
    describeCall(call, inBandError, (_options, target) => list(target));
  });
}

/** Registers the tests of every capability that the fixture names. */
export function describeMediaProvider(fixture: MediaProviderFixture): void {
  const { definition, generate, edit, speak, transcribe, embed, inBandError } = fixture;
  describe(`${definition.id}, media`, () => {
    test('has a fixture for every capability', () => {
      expect({
        imageGeneration: generate !== undefined,
        imageEdit: edit !== undefined,
        faceSwap: fixture.swapFace !== undefined,
        imageUpscale: fixture.upscale !== undefined,
        backgroundRemoval: fixture.removeBackground !== undefined,
        voiceClone: fixture.cloneVoice !== undefined,
        voices: fixture.voices !== undefined,
        speech: speak !== undefined,
        transcription: transcribe !== undefined,
        embedding: embed !== undefined,
      }).toEqual({
        imageGeneration: definition.imageGeneration !== undefined,
        imageEdit: definition.imageEdit !== undefined,
        faceSwap: definition.faceSwap !== undefined,
        imageUpscale: definition.imageUpscale !== undefined,
        backgroundRemoval: definition.backgroundRemoval !== undefined,
        voiceClone: definition.voiceClone !== undefined,
        // Voices that are known need no question.
        voices: definition.voices?.list !== undefined,
        speech: definition.speech !== undefined,
        transcription: definition.transcription !== undefined,
        embedding: definition.embedding !== undefined,
      });
    });
    const { imageGeneration, imageEdit, speech, transcription, embedding } = definition;
    if (generate !== undefined && imageGeneration !== undefined) {
      describe('generate', () => {
        describeCall(generate, inBandError, (options, target) =>
          wholeExchange(imageGeneration.generate(options, target)),
        );
      });
    }
    if (edit !== undefined && imageEdit !== undefined) {
      describe('edit', () => {
        describeCall(edit, inBandError, (options, target) =>
          wholeExchange(imageEdit.edit(options, target)),
        );
      });
    }
    describeFurtherOperations(fixture);
    describeVoices(fixture);
    if (transcribe !== undefined && transcription !== undefined) {
      describe('transcribe', () => {
        describeCall(transcribe, inBandError, (options, target) =>
          wholeExchange(transcription.transcribe(options, target)),
        );
      });
    }
    if (embed !== undefined && embedding !== undefined) {
      describe('embed', () => {
        describeCall(embed, inBandError, (options, target) => embedding.embed(options, target));
      });
    }
    if (speak !== undefined && speech !== undefined) {
      describe('speak', () => {
        describeRequests(speak, (options, target) => speech.speak(options, target));
        test('says what the text comes to', () => {
          const { facts } = speech.speak(speak.options, targetOf(speak.model, CREDENTIAL));
          expect(facts.usage).toEqual(speak.usage);
        });
      });
    }
  });
}
