/**
 * Transcripts behind the router: bytes to hf-inference and a data URL to fal (both recorded), a form to groq.
 *
 * @module
 */
import type {
  TranscriptionOptions,
  TranscriptionProvider,
  TranscriptionResult,
  TranscriptSegment,
} from '../../../contracts/transcription-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../../contracts/wire.ts';
import { checkMediaOptions, type OptionValue } from '../../media-options.ts';
import { listOf, objectOf, textOf } from '../../openai-compatible/loose-json.ts';
import { transcription as openAiTranscription } from '../../openai-compatible/media/transcription.ts';
import { malformed } from '../../replies.ts';
import {
  addressOf,
  modelPath,
  objectReply,
  ownOptions,
  postFile,
  postJson,
  SETTING_HEADERS,
} from './exchange.ts';
import { modelFor } from './models.ts';
import { routeOf, type Route } from './routes.ts';

const MS = 1000;

/** Groq's routes under the router (https://console.groq.com/docs/speech-to-text). */
const groq = openAiTranscription({
  versionSegment: '/groq/openai/v1',
  settingHeaders: SETTING_HEADERS,
  image: () => ({ maxImages: 0, asksForBytes: false, options: new Set() }),
  takesInstructions: () => false,
  transcription: () => ({ timestamps: true, speakers: false, translates: true }),
});

function askedOf(options: TranscriptionOptions): Record<string, OptionValue> {
  const { language, prompt, temperature, timestamps, speakers, task } = options;
  return {
    language,
    prompt,
    temperature,
    timestamp_granularities: timestamps.includes('word') ? 'word' : (timestamps[0] ?? null),
    speakers: speakers ? true : null,
    task: task === 'translate' ? task : null,
  };
}

const ESSENTIAL: ReadonlySet<string> = new Set(['timestamp_granularities', 'speakers', 'task']);

function requestOf(
  options: TranscriptionOptions,
  target: ProviderTarget,
  route: Route,
): WireRequest {
  const { extra } = ownOptions(options.extra);
  if (route.wire === 'fal-sync') {
    return postJson(target, {
      path: `/fal-ai/${modelPath(route.name)}`,
      members: { audio_url: addressOf(options.audio), ...extra },
    });
  }
  const path = `/hf-inference/models/${modelPath(route.name)}`;
  if (options.timestamps.length === 0) return postFile(target, path, options.audio);
  return postJson(target, {
    path,
    members: {
      inputs: options.audio.bytes.toString('base64'),
      parameters: { return_timestamps: true, ...extra },
    },
  });
}

function timeOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** `{text, timestamp: [from, to]}`; the last may end at null, which is the end of the recording. */
function segmentOf(item: unknown, seconds: number): TranscriptSegment {
  const { text, timestamp, speaker } = objectOf(item);
  const [from, to] = listOf(timestamp);
  const start = timeOf(from);
  if (typeof text !== 'string' || start === null) {
    throw malformed('The router sent a piece of a transcript without its time.');
  }
  return {
    start,
    end: Math.max(start, timeOf(to) ?? seconds),
    text,
    speaker: textOf(speaker),
    details: {},
  };
}

function readTranscript(reply: WireReply, options: TranscriptionOptions): TranscriptionResult {
  const body = objectReply(reply);
  const { text } = body;
  if (typeof text !== 'string') throw malformed('The router sent no transcript.');
  const chunks = listOf(body['chunks']);
  const seconds = options.durationMs / MS;
  return {
    text: text.trim(),
    language: textOf(listOf(body['inferred_languages'])[0]),
    duration: null,
    segments: chunks.length === 0 ? null : chunks.map((chunk) => segmentOf(chunk, seconds)),
    words: null,
    reported: null,
    usage: { audio_ms: Math.ceil(seconds) * MS },
    modelServed: null,
    dimensions: {},
  };
}

/** Words from sound. */
export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    const { named, extra } = ownOptions(options.extra);
    const operation = options.task === 'translate' ? 'audio.translate' : 'audio.transcribe';
    const route = routeOf(target.model, operation, named);
    if (route.wire === 'openai') {
      const texts = Object.fromEntries(
        Object.entries(extra).map(([name, value]) => [name, String(value)]),
      );
      return groq.transcribe({ ...options, extra: texts }, { ...target, model: route.name });
    }
    const table = modelFor(target.model, 'audio.transcribe');
    const { warnings } = checkMediaOptions(table, askedOf(options), ESSENTIAL);
    return {
      request: requestOf(options, target, route),
      warnings,
      read: (reply) => readTranscript(reply, options),
    };
  },
};
