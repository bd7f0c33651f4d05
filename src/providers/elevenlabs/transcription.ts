/**
 * `POST /v1/speech-to-text` (https://elevenlabs.io/docs/api-reference/speech-to-text/convert; recorded replies of scribe).
 *
 * @module
 */
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type {
  TranscriptionOptions,
  TranscriptionProvider,
  TranscriptionResult,
} from '../../contracts/transcription-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import type { FormPart } from '../../http/multipart-form.ts';
import { checkMediaOptions } from '../media-options.ts';
import { listOf, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed, secondsOf } from '../replies.ts';
import { failureOf } from './errors.ts';
import { tableOf } from './models.ts';
import { formRequest, refusal, textParts } from './request.ts';
import { segmentsOf, type HeardPiece } from './segments.ts';

const MS = 1000;
/** What a model that is not in the tables is taken for. */
const USUAL_MODEL = 'scribe_v2';

/** Options that cost extra, or that answer elsewhere or otherwise. They have no price here, so they are not passed on. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  'cloud_storage_url',
  'entity_detection',
  'keyterms',
  'model_id',
  'source_url',
  'use_multi_channel',
  'webhook',
]);

function partsOf(
  options: TranscriptionOptions,
  model: string,
  temperature: unknown,
): readonly FormPart[] {
  const unpriced = Object.keys(options.extra).find((name) => NOT_PASSED_ON.has(name));
  if (unpriced !== undefined) {
    throw refusal(
      'provider_options',
      `${unpriced} changes what ElevenLabs bills, or what it answers: it is not passed on.`,
    );
  }
  const { audio, language, speakers } = options;
  const { bytes, fileName, mediaType } = audio;
  return [
    ...textParts({
      // Sounds that are no words are no part of a transcript, unless they are asked for.
      tag_audio_events: 'false',
      ...options.extra,
      model_id: model,
      language_code: language,
      temperature,
      diarize: speakers ? 'true' : null,
      // Segments are made of words.
      timestamps_granularity: 'word',
    }),
    { name: 'file', bytes, fileName, mediaType },
  ];
}

function pieceOf(item: unknown): HeardPiece {
  const { text, start, end, type, speaker_id: speaker } = objectOf(item);
  return {
    text: textOf(text) ?? '',
    start: secondsOf(start),
    end: secondsOf(end),
    type: type === 'spacing' || type === 'audio_event' ? type : 'word',
    speaker: textOf(speaker),
  };
}

function readTranscript(reply: WireReply, options: TranscriptionOptions): TranscriptionResult {
  const body = jsonObjectOf(reply);
  if ('detail' in body) throw new ProviderFailureError(failureOf(500, body));
  const { text, words } = body;
  if (typeof text !== 'string') throw malformed('ElevenLabs sent no transcript.');
  const pieces = listOf(words).map(pieceOf);
  const duration = secondsOf(body['audio_duration_secs']);
  // Without `diarize` all that is said counts as one speaker's, and that says nothing.
  const told = options.speakers ? pieces : pieces.map((piece) => ({ ...piece, speaker: null }));
  return {
    text,
    language: textOf(body['language_code']),
    duration: duration === 0 ? null : duration,
    segments: Array.isArray(words) ? segmentsOf(told) : null,
    words: Array.isArray(words)
      ? pieces
          .filter(({ type }) => type === 'word')
          .map((piece) => ({ word: piece.text, start: piece.start, end: piece.end }))
      : null,
    reported: null,
    usage: { audio_ms: Math.ceil(duration === 0 ? options.durationMs : duration * MS) },
    modelServed: null,
    dimensions: {},
  };
}

export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    if (options.task === 'translate') throw refusal('model', 'ElevenLabs does not translate.');
    const { prompt, temperature } = options;
    const { values, warnings } = checkMediaOptions(
      tableOf(target.model, USUAL_MODEL),
      { prompt, temperature },
      new Set(),
    );
    const parts = partsOf(options, target.model, values['temperature']);
    return {
      request: formRequest(target, '/speech-to-text', parts),
      warnings,
      read: (reply) => readTranscript(reply, options),
    };
  },
};
