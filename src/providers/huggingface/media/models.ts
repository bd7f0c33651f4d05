/**
 * What media models behind the router take. A sub-provider takes what its task takes; models differ within that, so what is
 * listed here is sent on and the rest is named.
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../../contracts/media-model.ts';
import type { Operation } from '../../../contracts/metering.ts';

const PROMPT: OptionRule = { type: 'text', maxChars: 32_000 };
const SEED: OptionRule = { type: 'range', min: 0, max: 4_294_967_295 };
const SIZE: OptionRule = { type: 'text', maxChars: 11 };
const ONE: OptionRule = { type: 'one_of', values: [1] };

const IMAGE: MediaModel['options'] = {
  prompt: PROMPT,
  negative_prompt: PROMPT,
  n: ONE,
  size: SIZE,
  seed: SEED,
  guidance_scale: { type: 'range', min: 0, max: 20 },
  steps: { type: 'range', min: 1, max: 150 },
};

const OPTIONS: Readonly<Partial<Record<Operation, MediaModel['options']>>> = {
  'image.generate': IMAGE,
  'image.edit': {
    ...IMAGE,
    image: { type: 'files', max: 4 },
    mode: { type: 'one_of', values: ['instruct'] },
    strength: { type: 'range', min: 0, max: 1 },
  },
  'audio.speech': {
    input: { type: 'text', maxChars: 10_000 },
    voice: { type: 'text', maxChars: 200 },
  },
  'audio.transcribe': {
    file: { type: 'files', max: 1 },
    timestamp_granularities: { type: 'one_of', values: ['segment'] },
  },
  // Groq's models alone, behind the router.
  'audio.translate': {
    file: { type: 'files', max: 1 },
    prompt: PROMPT,
    temperature: { type: 'range', min: 0, max: 1 },
  },
  'text.embed': { input: { type: 'files', max: 2048 } },
  'video.text_to_video': {
    prompt: PROMPT,
    negative_prompt: PROMPT,
    seed: SEED,
    resolution: { type: 'one_of', values: ['480p', '580p', '720p', '1080p'] },
    aspect_ratio: { type: 'one_of', values: ['16:9', '9:16', '1:1'] },
  },
  'video.image_to_video': {
    prompt: PROMPT,
    negative_prompt: PROMPT,
    image: { type: 'files', max: 1 },
    seed: SEED,
    resolution: { type: 'one_of', values: ['480p', '580p', '720p', '1080p'] },
    aspect_ratio: { type: 'one_of', values: ['16:9', '9:16', '1:1'] },
  },
};

const SOURCE =
  'https://huggingface.co/docs/inference-providers/tasks; recorded: text-to-image (hf-inference, fal at once, replicate, together), speech and transcripts of hf-inference, one of fal, vectors of hf-inference. Queues, edits and clips rest on the official client’s source.';

/** What a model takes for an operation. */
export function modelFor(id: string, operation: Operation): MediaModel {
  return { id, operation, options: OPTIONS[operation] ?? {}, source: SOURCE };
}

/** The table: one entry an operation, for all models of the Hub. */
export const HUGGING_FACE_MEDIA_MODELS: readonly MediaModel[] = (
  Object.keys(OPTIONS) as Operation[]
).map((operation) => modelFor('*', operation));
