/**
 * `POST /audio/transcriptions` and `POST /audio/translations`
 * (https://platform.openai.com/docs/api-reference/audio; recorded traffic of whisper-1 and gpt-4o-transcribe-diarize).
 *
 * Subtitles and plain text are rendered by the gateway: their replies say nothing of usage, those in JSON do.
 *
 * @module
 */
import type {
  TranscriptionOptions,
  TranscriptionProvider,
  TranscriptionResult,
  TranscriptSegment,
  TranscriptWord,
} from '../../../contracts/transcription-provider.ts';
import type { MediaEventReader, TranscriptEvent } from '../../../contracts/media-stream.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import type { FormPart } from '../../../http/multipart-form.ts';
import { isObject, listOf, objectOf, textOf, type LooseObject } from '../loose-json.ts';
import { malformed } from '../../replies.ts';
import {
  countOf,
  formRequest,
  objectIn,
  objectReply,
  refused,
  type MediaServer,
} from './server.ts';

const MS = 1000;

/** Which form of reply holds what is asked for. */
function replyFormat(server: MediaServer, options: TranscriptionOptions, model: string): string {
  const traits = server.transcription(model);
  if (options.task === 'translate' && !traits.translates) {
    throw refused('model', `${model} does not translate.`);
  }
  if (options.speakers) {
    if (!traits.speakers)
      throw refused('response_format', `${model} does not tell speakers apart.`);
    return 'diarized_json';
  }
  if (options.timestamps.length === 0) return 'json';
  if (!traits.timestamps) {
    throw refused('response_format', `${model} gives no times: ask for json or text.`);
  }
  return 'verbose_json';
}

function formOf(server: MediaServer, options: TranscriptionOptions, model: string): FormPart[] {
  const { audio, language, prompt, temperature, timestamps, task, extra } = options;
  const format = replyFormat(server, options, model);
  const texts: Readonly<Record<string, string | null>> = {
    model,
    response_format: format,
    language: task === 'transcribe' ? language : null,
    prompt,
    temperature: temperature === null ? null : String(temperature),
    // Speakers of recordings over 30 s are told apart in pieces only.
    chunking_strategy: format === 'diarized_json' ? 'auto' : null,
    ...extra,
  };
  const parts: FormPart[] = Object.entries(texts).flatMap(([name, text]) =>
    text === null ? [] : [{ name, text }],
  );
  if (format === 'verbose_json' && task === 'transcribe') {
    parts.push(...timestamps.map((text) => ({ name: 'timestamp_granularities[]', text })));
  }
  const { bytes, fileName, mediaType } = audio;
  return [...parts, { name: 'file', bytes, fileName, mediaType }];
}

function secondsOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

function segmentOf(item: unknown): TranscriptSegment {
  const { start, end, text, speaker, ...details } = objectOf(item);
  return {
    start: secondsOf(start),
    end: secondsOf(end),
    text: textOf(text) ?? '',
    speaker: textOf(speaker),
    details,
  };
}

function wordOf(item: unknown): TranscriptWord {
  const { word, start, end } = objectOf(item);
  return { word: textOf(word) ?? '', start: secondsOf(start), end: secondsOf(end) };
}

/** Whole seconds of sound, which is how they are billed, in milliseconds. */
function wholeSecondsMs(seconds: number): number {
  return Math.ceil(seconds) * MS;
}

/** As the provider counted it; the measured length where it counts tokens, or nothing. */
function usageOf(usage: LooseObject, durationMs: number): UsageVector {
  if (usage['type'] === 'duration') {
    return { audio_ms: wholeSecondsMs(secondsOf(usage['seconds'])) };
  }
  const audioMs = wholeSecondsMs(durationMs / MS);
  const input = countOf(usage['input_tokens']);
  const output = countOf(usage['output_tokens']);
  if (input + output === 0) return { audio_ms: audioMs };
  const details = objectOf(usage['input_token_details']);
  const heard = Math.min(input, countOf(details['audio_tokens']));
  return {
    input_audio_tokens: heard,
    ...(input > heard ? { input_text_tokens: input - heard } : {}),
    output_text_tokens: output,
    audio_ms: audioMs,
  };
}

function readTranscript(reply: WireReply, options: TranscriptionOptions): TranscriptionResult {
  return transcriptIn(objectReply(reply), options);
}

/** A transcript of a reply or of a last event. @throws ProviderFailureError where there is none */
function transcriptIn(body: LooseObject, options: TranscriptionOptions): TranscriptionResult {
  const text = body['text'];
  if (typeof text !== 'string') throw malformed('The provider sent no transcript.');
  const duration = secondsOf(body['duration']);
  return {
    text,
    language: textOf(body['language']),
    duration: duration === 0 ? null : duration,
    segments: Array.isArray(body['segments']) ? listOf(body['segments']).map(segmentOf) : null,
    words: Array.isArray(body['words']) ? listOf(body['words']).map(wordOf) : null,
    reported: isObject(body['usage']) ? body['usage'] : null,
    usage: usageOf(objectOf(body['usage']), options.durationMs),
    modelServed: textOf(body['model']),
    dimensions: {},
  };
}

/** Events of a transcript while it is written. */
function transcriptEventReader(options: TranscriptionOptions): MediaEventReader<TranscriptEvent> {
  return ({ data }) => {
    const body = objectIn(data);
    switch (body['type']) {
      case 'transcript.text.delta':
        return { type: 'delta', text: textOf(body['delta']) ?? '' };
      case 'transcript.text.done':
        return { type: 'done', result: transcriptIn(body, options) };
      default:
        return null;
    }
  };
}

/** Words from sound. */
export function transcription(server: MediaServer): TranscriptionProvider {
  return {
    transcribe(options, target) {
      const parts = formOf(server, options, target.model);
      const path = options.task === 'translate' ? '/audio/translations' : '/audio/transcriptions';
      return {
        request: formRequest(server, target, { path, parts }),
        warnings: [],
        read: (reply) => readTranscript(reply, options),
      };
    },
    transcribeStream(options, target) {
      if (server.transcription(target.model).streams !== true) {
        throw refused(
          'stream',
          `${target.model} delivers its transcripts when they are finished: leave stream out.`,
        );
      }
      const parts = [...formOf(server, options, target.model), { name: 'stream', text: 'true' }];
      const path = options.task === 'translate' ? '/audio/translations' : '/audio/transcriptions';
      return {
        request: formRequest(server, target, { path, parts }),
        warnings: [],
        open: () => transcriptEventReader(options),
      };
    },
  };
}
