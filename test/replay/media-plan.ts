/**
 * Which recordings of pictures, sound, clips, vectors and verdicts are replayed through the gateway, by which suite; and which are
 * not, with the reason.
 *
 * @module
 */
import { PROVIDERS } from '../../src/providers/registry.ts';
import { recordingEntries, type RecordingEntry } from '../support/recordings.ts';

/** The suites, each a file of tests. */
export type MediaSuite = 'openai' | 'gemini' | 'huggingface' | 'voices' | 'followed';

export type Planned =
  | { readonly suite: MediaSuite }
  | { readonly suite: null; readonly reason: string };

const CALLS = new Set([
  'download',
  'embeddings',
  'image_download',
  'image_edit',
  'image_generate',
  'image_poll',
  'image_predict',
  'image_start',
  'moderation',
  'prediction',
  'prediction_cancel',
  'prediction_create',
  'prediction_get',
  'queue_result',
  'queue_status',
  'speech',
  'transcription',
  'transcription_poll',
  'transcription_result',
  'transcription_start',
  'video_download',
  'video_poll',
  'video_start',
]);
/** Answers of one call that hold other media than text; `generateContent` is Gemini's call for all of them. */
const MEDIA_FEATURES =
  /^(?:generateContent|responses)\.(?:image_output|image_edit|tts|audio_input)/;

function isMedia({ operation }: RecordingEntry): boolean {
  return CALLS.has(operation.split('.')[0] ?? '') || MEDIA_FEATURES.test(operation);
}

/** Every recording of media, or none where recordings are absent. */
export const mediaEntries: readonly RecordingEntry[] = recordingEntries().filter(isMedia);

const SUITE_BY_PROVIDER: Readonly<Record<string, MediaSuite>> = {
  openai: 'openai',
  gemini: 'gemini',
  vertex: 'gemini',
  huggingface: 'huggingface',
  deepgram: 'voices',
  elevenlabs: 'voices',
  fal: 'followed',
  replicate: 'followed',
  wavespeed: 'followed',
};

/** Recordings that stand alone within a provider that is replayed. */
const REASONS: Readonly<Record<string, string>> = {
  'gemini/embeddings-03': 'a vector of a picture: the route takes texts',
  'huggingface/image-generate-02':
    'Black Forest Labs behind the router: its wire is not spoken, a call that names it is refused',
  'replicate/prediction-create-01': 'text of Llama: no text is made at Replicate',
  'replicate/prediction-create-09': 'text of Llama: no text is made at Replicate',
  'replicate/prediction-stream-01': 'text of Llama: no text is made at Replicate',
  'replicate/prediction-create-06': 'speech: no speech is made at Replicate',
  'replicate/prediction-create-07': 'speech: no speech is made at Replicate',
  'vertex/embeddings-01': 'Vertex’s `:predict`, which is not spoken',
  'vertex/image-predict-imagen-01': 'Vertex’s `:predict`, which is not spoken',
};

const CHAINED: Readonly<Record<string, MediaSuite>> = {
  // The picture of a prediction that went through the router.
  'replicate/download-01': 'huggingface',
};

function mediaProviders(): ReadonlySet<string> {
  const found = PROVIDERS.filter(({ mediaModels, embedding }) => mediaModels ?? embedding);
  return new Set(found.map(({ id }) => id));
}

const WITH_MEDIA = mediaProviders();

/** What becomes of a recording. */
export function plannedOf({ id, provider, operation }: RecordingEntry): Planned {
  const reason = REASONS[id];
  if (reason !== undefined) return { suite: null, reason };
  if (operation.startsWith('responses.')) {
    return { suite: null, reason: 'OpenAI’s Responses, which is no route of the gateway' };
  }
  const suite = CHAINED[id] ?? SUITE_BY_PROVIDER[provider];
  if (suite !== undefined) return { suite };
  if (WITH_MEDIA.has(provider)) throw new Error(`${id} has neither a suite nor a reason`);
  const isKnown = PROVIDERS.some(({ id: known }) => known === provider);
  return {
    suite: null,
    reason: isKnown ? `${provider} makes text alone here` : `${provider} is no provider here`,
  };
}

/** Ids that a suite has to replay. */
export function idsOf(suite: MediaSuite): readonly string[] {
  return mediaEntries.filter((entry) => plannedOf(entry).suite === suite).map(({ id }) => id);
}
