/**
 * `POST /v1/listen` (https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded; recorded traffic of
 * nova-3-general): the recording is the body, options stand in the query. Utterances become segments.
 *
 * @module
 */
import { mediaModelOf } from '../../contracts/media-model.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type {
  TranscriptionOptions,
  TranscriptionProvider,
  TranscriptionResult,
  TranscriptSegment,
  TranscriptWord,
} from '../../contracts/transcription-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { checkMediaOptions } from '../media-options.ts';
import { listOf, objectOf, textOf, type LooseObject } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed, secondsOf } from '../replies.ts';
import { failureOf } from './errors.ts';
import { MODELS } from './models.ts';
import { ownOptions, postRequest, refusal } from './request.ts';

const MS = 1000;

function queryOf(options: TranscriptionOptions, model: string): Record<string, string> {
  const { language, speakers } = options;
  return {
    ...ownOptions(options.extra),
    model,
    smart_format: 'true',
    utterances: 'true',
    // Without a word on it Deepgram takes all speech for English.
    ...(language === null ? { detect_language: 'true' } : { language }),
    ...(speakers ? { diarize: 'true' } : {}),
  };
}

function warningsOf(options: TranscriptionOptions, id: string): readonly ProviderWarning[] {
  const model = mediaModelOf(MODELS, id, 'audio.transcribe');
  // What is not in the table is Deepgram's to judge; it takes what its siblings take.
  const table = model ?? mediaModelOf(MODELS, 'nova-3', 'audio.transcribe');
  if (table === null) return [];
  const { prompt, temperature } = options;
  return checkMediaOptions({ ...table, id }, { prompt, temperature }, new Set()).warnings;
}

function wordOf(item: unknown): TranscriptWord {
  const { word, punctuated_word: punctuated, start, end } = objectOf(item);
  return {
    word: textOf(punctuated) ?? textOf(word) ?? '',
    start: secondsOf(start),
    end: secondsOf(end),
  };
}

function segmentOf(item: unknown): TranscriptSegment {
  const { start, end, transcript, speaker, channel, confidence } = objectOf(item);
  return {
    start: secondsOf(start),
    end: secondsOf(end),
    text: textOf(transcript) ?? '',
    speaker: typeof speaker === 'number' ? String(speaker) : null,
    details: { channel, confidence },
  };
}

/** `nova-3-general` of the model that says `general-nova-3` of itself: as callers and prices name it. */
function servedModel(metadata: LooseObject): string | null {
  const [id = ''] = listOf(metadata['models']).flatMap((one) => textOf(one) ?? []);
  const { name, arch } = objectOf(objectOf(metadata['model_info'])[id]);
  const [family, full] = [textOf(arch), textOf(name)];
  if (family === null || full === null || !full.endsWith(`-${family}`)) return null;
  return `${family}-${full.slice(0, -family.length - 1)}`;
}

function readTranscript(reply: WireReply, options: TranscriptionOptions): TranscriptionResult {
  const body = jsonObjectOf(reply);
  if (textOf(body['err_code']) !== null) throw new ProviderFailureError(failureOf(500, body));
  const metadata = objectOf(body['metadata']);
  const results = objectOf(body['results']);
  const channels = listOf(results['channels']).map(objectOf);
  const best = channels.map((channel) => objectOf(listOf(channel['alternatives'])[0]));
  const texts = best.map((one) => one['transcript']);
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string')) {
    throw malformed('Deepgram sent no transcript.');
  }
  const duration = secondsOf(metadata['duration']);
  const heardMs = Math.ceil(duration === 0 ? options.durationMs : duration * MS);
  const utterances = results['utterances'];
  return {
    text: texts.join('\n'),
    language: textOf(channels[0]?.['detected_language']) ?? options.language,
    duration: duration === 0 ? null : duration,
    segments: Array.isArray(utterances) ? utterances.map(segmentOf) : null,
    words: best.flatMap((one) => listOf(one['words']).map(wordOf)),
    reported: { duration: metadata['duration'], channels: metadata['channels'] },
    // Each channel that was listened to is billed for the whole length.
    usage: { audio_ms: heardMs * channels.length },
    modelServed: servedModel(metadata),
    dimensions: {},
  };
}

export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    if (options.task === 'translate') throw refusal('model', 'Deepgram does not translate.');
    const { bytes, mediaType } = options.audio;
    return {
      request: postRequest(target, {
        path: '/listen',
        query: queryOf(options, target.model),
        accept: 'application/json',
        contentType: mediaType,
        body: bytes,
      }),
      warnings: warningsOf(options, target.model),
      read: (reply) => readTranscript(reply, options),
    };
  },
};
