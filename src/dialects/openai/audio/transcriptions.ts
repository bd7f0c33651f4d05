/**
 * `POST /v1/audio/transcriptions` and `/v1/audio/translations`
 * (https://platform.openai.com/docs/api-reference/audio/createTranscription) as dialects of the pipeline.
 *
 * @module
 */
import { z } from 'zod';
import { isJobExchange } from '../../../contracts/job-provider.ts';
import type { MediaStreamExchange, TranscriptEvent } from '../../../contracts/media-stream.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import type {
  TranscriptionOptions,
  TranscriptionResult,
} from '../../../contracts/transcription-provider.ts';
import type { Dialect, ParseContext, RequestOrigin } from '../../../gateway/dialect.ts';
import type { OperationCall, PreparedOperation } from '../../../gateway/operation-call.ts';
import { measureAudio } from '../../../media/audio-duration.ts';
import { invalidRequest } from '../../validation.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { EventStream } from '../event-stream.ts';
import { MediaReceiver, readMediaBody, type NamedMedia } from '../media-body.ts';
import { optionsFor } from '../provider-options.ts';
import {
  backgroundFlag,
  checked,
  isBackground,
  present,
  unknownMembers,
} from '../request-fields.ts';
import { neverWhole, unstreamed } from '../unstreamed.ts';
import { transcriptEventWriter } from './transcript-events.ts';
import {
  TRANSCRIPT_FORMATS,
  transcriptAnswer,
  type TranscriptFormat,
  type TranscriptShape,
} from './transcript-reply.ts';

type Task = TranscriptionOptions['task'];

export const transcriptionSchema = z.looseObject({
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  language: z.string().max(40).nullish().describe('ISO 639-1.'),
  prompt: z.string().max(10_000).nullish(),
  response_format: z.enum(TRANSCRIPT_FORMATS).nullish().describe('`json` by default.'),
  temperature: z.coerce.number().min(0).max(2).nullish(),
  timestamp_granularities: z
    .array(z.enum(['word', 'segment']))
    .nullish()
    .describe('With `verbose_json`; `segment` by default.'),
  stream: z.union([z.boolean(), z.enum(['true', 'false'])]).nullish(),
  chunking_strategy: z.string().max(1000).nullish(),
  background: backgroundFlag,
  provider_options: z
    .record(z.string(), z.record(z.string(), z.string()))
    .nullish()
    .describe('Options of one provider’s own, under its id, as JSON; sent as they are.'),
});

type TranscriptionRequest = z.infer<typeof transcriptionSchema>;

/** The JSON body as OpenAPI describes it. */
export const transcriptionJsonSchema = transcriptionSchema.extend({
  file: z.string().describe('The recording: a data URL, an https URL or the id of an asset.'),
});

/** The form as OpenAPI describes it. */
export const transcriptionFormSchema = transcriptionSchema.extend({
  file: z.string().meta({ format: 'binary' }).describe('The recording.'),
});

/** Whether the transcript is to come as it is written. @throws GatewayError for a form that is no text */
function isStreamed(request: TranscriptionRequest, format: TranscriptFormat): boolean {
  if (request.stream !== true && request.stream !== 'true') return false;
  if (format === 'json' || format === 'text') return true;
  throw invalidRequest('response_format', 'must be json or text: a stream has no other form.');
}

/** Which times must be known for the form of the reply. */
function timestampsOf(
  request: TranscriptionRequest,
  format: TranscriptFormat,
): TranscriptionOptions['timestamps'] {
  switch (format) {
    case 'json':
    case 'text':
    case 'diarized_json':
      return [];
    case 'srt':
    case 'vtt':
      return ['segment'];
    case 'verbose_json': {
      const asked = request.timestamp_granularities ?? [];
      return asked.length === 0 ? ['segment'] : [...new Set(asked)];
    }
  }
}

async function receiveRecording(
  [named]: readonly NamedMedia[],
  receiver: MediaReceiver,
): Promise<{
  readonly audio: TranscriptionOptions['audio'];
  readonly durationMs: number;
}> {
  if (named === undefined) {
    throw invalidRequest('file', 'the recording must be a part or a member of this name.');
  }
  const { input: audio } = await receiver.receive(named, ['audio', 'video']);
  const durationMs = await measureAudio(audio.bytes, audio.mediaType);
  if (durationMs === null) {
    throw invalidRequest(
      'file',
      `its length cannot be read from the ${audio.mediaType} container, so its cost cannot be bounded. Convert it, for example to WAV or FLAC.`,
    );
  }
  return { audio, durationMs };
}

/** @throws ProviderFailureError for a job that ended without one */
function deliveredTranscript(transcript: TranscriptionResult | null): TranscriptionResult {
  if (transcript !== null) return transcript;
  throw new ProviderFailureError(
    providerFailure({
      kind: 'malformed_reply',
      status: 200,
      message: 'The provider ended the work without a transcript.',
    }),
  );
}

/** @throws GatewayError `invalid_request` for a provider that streams no transcripts */
function streamedTranscript(
  exchange: MediaStreamExchange<TranscriptEvent> | undefined,
): PreparedOperation {
  if (exchange === undefined) {
    throw invalidRequest('stream', 'this model delivers its transcripts when they are finished.');
  }
  return {
    request: exchange.request,
    warnings: exchange.warnings,
    read: neverWhole,
    open: () => new EventStream(exchange.open(), transcriptEventWriter),
  };
}

async function parseTranscription(
  task: Task,
  body: Buffer,
  { context, origin }: { readonly context: ParseContext; readonly origin: RequestOrigin },
): Promise<OperationCall> {
  const { members, media } = await readMediaBody(body, { context, origin }, { file: { max: 1 } });
  const request = checked(transcriptionSchema, members);
  const format = request.response_format ?? 'json';
  const streams = isStreamed(request, format);
  const receiver = new MediaReceiver(context, origin, context.settings.maxAudioBodyBytes);
  const { audio, durationMs } = await receiveRecording(media['file'] ?? [], receiver);
  const timestamps = timestampsOf(request, format);
  const shape: TranscriptShape = {
    format,
    task,
    durationMs,
    words: timestamps.includes('word'),
    segments: timestamps.includes('segment'),
  };
  const operation = task === 'transcribe' ? 'audio.transcribe' : 'audio.translate';
  return {
    kind: 'operation',
    operation,
    work: 'media',
    model: request.model,
    stream: streams,
    streamType: null,
    spec: {
      operation,
      // Providers count whole seconds.
      audio: { seconds: Math.ceil(durationMs / 1000) },
      options: { timestamps: timestamps.length === 0 ? 'off' : 'on' },
    },
    serviceTier: null,
    unknownParameters: unknownMembers(transcriptionSchema, members),
    background: isBackground(request.background),
    prepare(definition, target) {
      const own = optionsFor(request.provider_options, definition.id);
      const options: TranscriptionOptions = {
        audio,
        durationMs,
        task,
        language: request.language ?? null,
        prompt: request.prompt ?? null,
        temperature: request.temperature ?? null,
        timestamps,
        speakers: format === 'diarized_json',
        extra: Object.fromEntries(
          Object.entries(own).map(([name, value]) => [name, String(value)]),
        ),
      };
      const provider = present(definition.transcription);
      if (streams) return streamedTranscript(provider.transcribeStream?.(options, target));
      const exchange = provider.transcribe(options, target);
      if (isJobExchange(exchange)) {
        return {
          submission: exchange,
          answer: ({ transcript }) => transcriptAnswer(deliveredTranscript(transcript), shape),
        };
      }
      return {
        request: exchange.request,
        warnings: exchange.warnings,
        read: (reply) => transcriptAnswer(exchange.read(reply), shape),
        open: unstreamed,
      };
    },
  };
}

function dialectOf(task: Task): Dialect {
  return {
    operation: task === 'transcribe' ? 'audio.transcribe' : 'audio.translate',
    bodies: 'json_or_form',
    maxBodyBytes: (settings) => settings.maxAudioBodyBytes,
    parse: (body, context, origin) => parseTranscription(task, body, { context, origin }),
    renderError: openAiError,
    errorFrame: openAiErrorFrame,
  };
}

export const transcriptionsDialect = dialectOf('transcribe');
export const translationsDialect = dialectOf('translate');
