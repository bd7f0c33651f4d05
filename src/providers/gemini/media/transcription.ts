/**
 * Transcripts and translations through `generateContent` and a prompt of ours
 * (https://ai.google.dev/gemini-api/docs/audio; recorded gemini-2.5-flash with plain text). Times and speakers are the
 * model's own account of what it hears, in JSON by a schema; that form rests on the documentation alone.
 *
 * @module
 */
import type {
  TranscriptionOptions,
  TranscriptionProvider,
  TranscriptionResult,
  TranscriptSegment,
} from '../../../contracts/transcription-provider.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { checkMediaOptions } from '../../media-options.ts';
import { asRecord, asRecords, asText, parseJsonOrUndefined, type JsonRecord } from '../json.ts';
import { toThinkingConfig } from '../thinking.ts';
import { WarningList } from '../warnings.ts';
import {
  failed,
  generateBody,
  inlinePart,
  madeParts,
  methodRequest,
  objectReply,
  refused,
  textOf,
  type MadeParts,
} from './exchange.ts';
import { assertKind, transcriptionModel } from './models.ts';

const MS = 1000;
/** What is held for: so many tokens a second, and some to think with. The same numbers stand with the prices. */
const OUTPUT_TOKENS_PER_SECOND = 16;
const OUTPUT_TOKENS_BESIDE = 1024;
/** Rounding of the model's times beyond the end that is forgiven. */
const LATE_SECONDS = 2;

const AUDIO_TYPES: ReadonlySet<string> = new Set([
  'audio/wav',
  'audio/mpeg',
  'audio/aiff',
  'audio/aac',
  'audio/ogg',
  'audio/flac',
]);

const ESSENTIAL: ReadonlySet<string> = new Set(['timestamp_granularities', 'speakers']);

function wantsSegments({ timestamps, speakers }: TranscriptionOptions): boolean {
  return timestamps.length > 0 || speakers;
}

function instructionOf(options: TranscriptionOptions): string {
  const { task, language, prompt, speakers } = options;
  const sentences = [
    task === 'transcribe'
      ? 'Transcribe the provided audio and respond with only the transcript text.'
      : 'Translate what is said in the provided audio into English and respond with only the translation.',
  ];
  if (language !== null) sentences.push(`The spoken language is "${language}" (ISO 639-1).`);
  if (prompt !== null) sentences.push(`Names and words that may occur: ${prompt}`);
  if (wantsSegments(options)) {
    sentences.push(
      'Divide it into segments of at most one sentence, with start and end in seconds from the beginning of the audio.',
    );
  }
  if (speakers)
    sentences.push('Begin a new segment when another person speaks, and name speakers A, B, C.');
  return sentences.join(' ');
}

function schemaOf(speakers: boolean): JsonRecord {
  const time = { type: 'number', minimum: 0 };
  const segment = {
    start: time,
    end: time,
    text: { type: 'string' },
    ...(speakers ? { speaker: { type: 'string' } } : {}),
  };
  return {
    type: 'object',
    properties: {
      language: { type: 'string', description: 'Spoken language, ISO 639-1' },
      segments: {
        type: 'array',
        items: { type: 'object', properties: segment, required: Object.keys(segment) },
      },
    },
    required: ['language', 'segments'],
  };
}

function configOf(options: TranscriptionOptions, model: string): JsonRecord {
  const seconds = Math.ceil(options.durationMs / MS);
  // A transcript needs no thought; models that cannot do without think as little as they can.
  const thinkingConfig = toThinkingConfig({ effort: 'none' }, model, new WarningList());
  return {
    maxOutputTokens: seconds * OUTPUT_TOKENS_PER_SECOND + OUTPUT_TOKENS_BESIDE,
    ...(options.temperature === null ? {} : { temperature: options.temperature }),
    ...(thinkingConfig === undefined ? {} : { thinkingConfig }),
    ...(wantsSegments(options)
      ? { responseMimeType: 'application/json', responseJsonSchema: schemaOf(options.speakers) }
      : { responseMimeType: 'text/plain' }),
  };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function segmentOf(item: JsonRecord, seconds: number): TranscriptSegment | null {
  const { start, end, text, speaker } = item;
  if (!isTime(start) || !isTime(end) || typeof text !== 'string') return null;
  if (end < start || start > seconds + LATE_SECONDS) return null;
  return {
    start: Math.min(start, seconds),
    end: Math.min(end, seconds),
    text,
    speaker: asText(speaker),
    details: {},
  };
}

interface Heard {
  readonly text: string;
  readonly language: string | null;
  readonly segments: readonly TranscriptSegment[] | null;
}

function heardSegments(made: MadeParts, options: TranscriptionOptions): Heard {
  const body = asRecord(parseJsonOrUndefined(textOf(made.parts)));
  const items = asRecords(body?.['segments']);
  const segments = items.flatMap((item) => segmentOf(item, options.durationMs / MS) ?? []);
  if (!Array.isArray(body?.['segments']) || segments.length !== items.length) {
    const message = 'Gemini sent a transcript whose times cannot be true.';
    throw failed('malformed_reply', message, { usage: made.usage });
  }
  const text = segments.map((segment) => segment.text.trim()).join(' ');
  return { text, language: asText(body['language']), segments };
}

function readTranscript(reply: WireReply, options: TranscriptionOptions): TranscriptionResult {
  const body = objectReply(reply);
  const made = madeParts(body);
  if (made.finish !== 'STOP') {
    const message = `Gemini stopped before the transcript was complete (${made.finish ?? 'no reason'}).`;
    throw failed('malformed_reply', message, { usage: made.usage });
  }
  const heard: Heard = wantsSegments(options)
    ? heardSegments(made, options)
    : { text: textOf(made.parts).trim(), language: null, segments: null };
  return {
    ...heard,
    words: null,
    duration: null,
    reported: asRecord(body['usageMetadata']),
    usage: { ...made.usage, audio_ms: Math.ceil(options.durationMs / MS) * MS },
    modelServed: made.modelServed,
    dimensions: {},
  };
}

function assertHeard({ audio }: TranscriptionOptions, model: string): void {
  if (AUDIO_TYPES.has(audio.mediaType)) return;
  throw refused(
    'file',
    `${model} hears WAV, MP3, AIFF, AAC, OGG and FLAC, not ${audio.mediaType}. Convert the recording.`,
  );
}

/** What is asked for by the names that the gateway's bodies have; the dearest of several times decides. */
function askedOf(options: TranscriptionOptions): Record<string, string | number | boolean | null> {
  const { language, prompt, temperature, timestamps, speakers } = options;
  return {
    language,
    prompt,
    temperature,
    timestamp_granularities: timestamps.includes('word') ? 'word' : (timestamps[0] ?? null),
    speakers: speakers ? true : null,
  };
}

/** Words from sound. */
export const geminiTranscription: TranscriptionProvider = {
  transcribe(options: TranscriptionOptions, target: ProviderTarget) {
    assertHeard(options, target.model);
    assertKind(target.model, 'transcripts');
    const operation = options.task === 'transcribe' ? 'audio.transcribe' : 'audio.translate';
    const table = transcriptionModel(target.model, operation);
    const { warnings } = checkMediaOptions(table, askedOf(options), ESSENTIAL);
    const ownWarnings = new WarningList();
    const prompt = {
      parts: [{ text: instructionOf(options) }, inlinePart(options.audio)],
      config: configOf(options, target.model),
    };
    const body = generateBody(prompt, options.extra, ownWarnings);
    return {
      request: methodRequest(target, { method: 'generateContent', body }),
      warnings: [...warnings, ...ownWarnings.all],
      read: (reply) => readTranscript(reply, options),
    };
  },
};
