/**
 * `POST /v1/audio/transcriptions` and `/v1/audio/translations`
 * (https://platform.openai.com/docs/api-reference/audio/createTranscription) as dialects of the pipeline.
 *
 * @module
 */
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { TranscriptionOptions } from '../../../contracts/transcription-provider.ts';
import type { Dialect } from '../../../gateway/dialect.ts';
import type { OperationCall } from '../../../gateway/operation-call.ts';
import { measureAudio } from '../../../media/audio-duration.ts';
import { invalidRequest } from '../../validation.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { mediaInput, readForm } from '../form-body.ts';
import { checked, optionsFor, present, unknownMembers } from '../request-fields.ts';
import { unstreamed } from '../unstreamed.ts';
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
  stream: z.enum(['true', 'false']).nullish(),
  chunking_strategy: z.string().max(1000).nullish(),
  provider_options: z
    .record(z.string(), z.record(z.string(), z.string()))
    .nullish()
    .describe('Options of one provider’s own, under its id, as JSON; sent as they are.'),
});

type TranscriptionRequest = z.infer<typeof transcriptionSchema>;

/** The form as OpenAPI describes it. */
export const transcriptionFormSchema = transcriptionSchema.extend({
  file: z.string().meta({ format: 'binary' }).describe('The recording.'),
});

function assertWhole(request: TranscriptionRequest): void {
  if (request.stream !== 'true') return;
  throw new GatewayError('invalid_request', {
    message: 'Transcripts are delivered when they are finished: leave stream out.',
    param: 'stream',
  });
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

async function readRecording(
  body: Buffer,
  contentType: string | null,
): Promise<{
  readonly members: Readonly<Record<string, unknown>>;
  readonly audio: TranscriptionOptions['audio'];
  readonly durationMs: number;
}> {
  const { members, files } = await readForm(body, contentType ?? '', 1);
  const [file] = files;
  if (file === undefined || file.part !== 'file') {
    throw invalidRequest('file', 'the recording must be a part of this name.');
  }
  const audio = await mediaInput(file.bytes, { param: 'file', kinds: ['audio', 'video'] });
  const durationMs = await measureAudio(audio.bytes, audio.mediaType);
  if (durationMs === null) {
    throw invalidRequest(
      'file',
      `its length cannot be read from the ${audio.mediaType} container, so its cost cannot be bounded. Convert it, for example to WAV or FLAC.`,
    );
  }
  return { members, audio, durationMs };
}

async function parseTranscription(
  task: Task,
  body: Buffer,
  contentType: string | null,
): Promise<OperationCall> {
  const { members, audio, durationMs } = await readRecording(body, contentType);
  const request = checked(transcriptionSchema, members);
  assertWhole(request);
  const format = request.response_format ?? 'json';
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
    stream: false,
    streamType: null,
    spec: {
      operation,
      // Providers count whole seconds.
      audio: { seconds: Math.ceil(durationMs / 1000) },
      options: { timestamps: timestamps.length === 0 ? 'off' : 'on' },
    },
    serviceTier: null,
    unknownParameters: unknownMembers(transcriptionSchema, members),
    isServedBy: (definition) => definition.transcription !== undefined,
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
      const exchange = present(definition.transcription).transcribe(options, target);
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
    bodies: 'form',
    maxBodyBytes: (settings) => settings.maxAudioBodyBytes,
    parse: (body, _maxDepth, contentType) => parseTranscription(task, body, contentType),
    renderError: openAiError,
    errorFrame: openAiErrorFrame,
  };
}

export const transcriptionsDialect = dialectOf('transcribe');
export const translationsDialect = dialectOf('translate');
