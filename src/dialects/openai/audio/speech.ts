/**
 * `POST /v1/audio/speech` (https://platform.openai.com/docs/api-reference/audio/createSpeech) as a dialect of the
 * pipeline.
 *
 * @module
 */
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { isJobExchange } from '../../../contracts/job-provider.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import {
  SPEECH_FORMATS,
  SPEECH_MEDIA_TYPES,
  type SpeechExchange,
} from '../../../contracts/speech-provider.ts';
import type { Dialect, ParseContext, RequestOrigin } from '../../../gateway/dialect.ts';
import type {
  FinishedJob,
  OperationAnswer,
  OperationCall,
} from '../../../gateway/operation-call.ts';
import type { AnswerStream } from '../../../gateway/text-call.ts';
import { parseJsonObject } from '../../json-body.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { optionsFor } from '../provider-options.ts';
import {
  backgroundFlag,
  checked,
  isBackground,
  present,
  unknownMembers,
} from '../request-fields.ts';
import { ByteStream } from './byte-stream.ts';
import { SpokenEvents } from './spoken-events.ts';
import { SpokenStream } from './spoken-stream.ts';
import { voiceFor } from './voice-owner.ts';

/** A name, or a voice that the provider has made (`{id}`). */
const voiceSchema = z.union([
  z.string().min(1).max(200),
  z.strictObject({ id: z.string().min(1).max(200) }),
]);

export const speechSchema = z.looseObject({
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  input: z.string().min(1).max(100_000).describe('What is said.'),
  voice: voiceSchema,
  instructions: z.string().max(10_000).nullish().describe('How it is said.'),
  response_format: z.enum(SPEECH_FORMATS).nullish().describe('`mp3` by default.'),
  speed: z.number().min(0.25).max(4).nullish(),
  stream_format: z
    .enum(['audio', 'sse'])
    .nullish()
    .describe('`audio`: bytes, the default; `sse`: events that hold them.'),
  background: backgroundFlag,
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
});

/** Sound that a job has made, whole. @throws ProviderFailureError for a job that ended without any */
function spokenAnswer({ media, facts }: FinishedJob): OperationAnswer {
  const [sound] = media;
  if (sound === undefined) {
    throw new ProviderFailureError(
      providerFailure({
        kind: 'malformed_reply',
        status: 200,
        message: 'The provider ended the work without sound.',
      }),
    );
  }
  return {
    facts,
    contentType: sound.type,
    warnings: [],
    store: null,
    render: () => sound.bytes,
  };
}

/** The reader of a reply: bytes as they come, or the sound within. */
function spokenBy(exchange: SpeechExchange): AnswerStream {
  const { facts, mediaType } = exchange;
  const reader = exchange.open?.();
  return reader === undefined
    ? new ByteStream(facts.usage, facts.modelServed)
    : new SpokenStream(reader, mediaType, facts);
}

/** Sound whose reply was waited for whole. @throws ProviderFailureError for what is none */
function wholeSound(exchange: SpeechExchange, body: Buffer): OperationAnswer {
  const stream = spokenBy(exchange);
  const pieces = [stream.push(body), stream.end()];
  if (stream.failure !== null) throw new ProviderFailureError(stream.failure);
  return {
    facts: { ...exchange.facts, usage: stream.usage ?? exchange.facts.usage },
    contentType: exchange.mediaType,
    warnings: [],
    store: null,
    render: (receipt) =>
      Buffer.concat([...pieces.filter((piece) => piece !== null), stream.close(receipt)]),
  };
}

function notStreamed(): GatewayError {
  return new GatewayError('invalid_request', {
    message: 'This model delivers its sound when it is finished: leave stream_format out.',
    param: 'stream_format',
  });
}

async function parseSpeech(
  bytes: Buffer,
  { settings, store }: ParseContext,
  origin: RequestOrigin,
): Promise<OperationCall> {
  const body = parseJsonObject(bytes, settings.maxJsonDepth);
  const request = checked(speechSchema, body);
  const asEvents = request.stream_format === 'sse';
  const format = request.response_format ?? 'mp3';
  const { input } = request;
  const name = typeof request.voice === 'string' ? request.voice : request.voice.id;
  const voice = await voiceFor(store.voices, origin.caller.customer.id, name);
  return {
    kind: 'operation',
    operation: 'audio.speech',
    work: 'media',
    model: request.model,
    stream: !isBackground(request.background),
    background: isBackground(request.background),
    streamType: asEvents ? null : SPEECH_MEDIA_TYPES[format],
    // Code points, as providers count them.
    spec: {
      operation: 'audio.speech',
      audio: { chars: Array.from(input).length },
      // Of models that are sold by tokens: all the words that they read.
      text: {
        inputBytes: Buffer.byteLength(input) + Buffer.byteLength(request.instructions ?? ''),
      },
    },
    content: { texts: [input, request.instructions ?? ''], images: [] },
    serviceTier: null,
    unknownParameters: unknownMembers(speechSchema, body),
    prepare(definition, target) {
      const options = {
        text: input,
        voice: voice.at(definition.id),
        instructions: request.instructions ?? null,
        format,
        speed: request.speed ?? null,
        asEvents,
        extra: optionsFor(request.provider_options, definition.id),
      };
      const exchange = present(definition.speech).speak(options, target);
      if (isJobExchange(exchange)) {
        if (asEvents) throw notStreamed();
        return { submission: exchange, answer: spokenAnswer };
      }
      return {
        request: exchange.request,
        warnings: exchange.warnings,
        read: ({ body }) => wholeSound(exchange, body),
        open: () => (asEvents ? new SpokenEvents(spokenBy(exchange)) : spokenBy(exchange)),
      };
    },
  };
}

export const speechDialect: Dialect = {
  operation: 'audio.speech',
  bodies: 'json',
  maxBodyBytes: (settings) => settings.maxAudioBodyBytes,
  parse: parseSpeech,
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
