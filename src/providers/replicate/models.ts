/**
 * Replicate's models as data: what each takes, and what its options are called on the wire. Official models alone, which are called
 * by name and sold by the piece.
 *
 * Sources: https://replicate.com/<model>/api/schema; recorded predictions of `flux-schnell` and errors. Models without a price of
 * ours are refused until the operator sets one.
 *
 * @module
 */
import type { OptionRule } from '../../contracts/media-model.ts';
import { jsonModel, type JsonModel } from '../json-models.ts';

/** Names on the wire by the gateway's own. */
export const FIELD_NAMES: Readonly<Record<string, string>> = {
  n: 'num_outputs',
  steps: 'num_inference_steps',
  output_compression: 'output_quality',
  seconds: 'duration',
};

const WORDS: OptionRule = { type: 'text', maxChars: 10_000 };
const SEED: OptionRule = { type: 'range', min: 0, max: 2_147_483_647, step: 1 };
const FORMATS: OptionRule = { type: 'one_of', values: ['webp', 'jpeg', 'png'] };
const TWO_FORMATS: OptionRule = { type: 'one_of', values: ['jpeg', 'png'] };
const QUALITY: OptionRule = { type: 'range', min: 0, max: 100, step: 1 };
const ONE_PICTURE: OptionRule = { type: 'files', max: 1, maxBytes: 10 * 1024 * 1024 };
const RATIOS: OptionRule = {
  type: 'one_of',
  values: ['1:1', '16:9', '21:9', '3:2', '2:3', '4:5', '5:4', '3:4', '4:3', '9:16', '9:21'],
};
/** JPEG is `jpg` there. */
const FORMAT_NAMES = {
  output_format: (format: string | number | boolean) => (format === 'jpeg' ? 'jpg' : format),
};

type Known = Pick<JsonModel, 'id' | 'operation' | 'options'> & Partial<JsonModel>;

function model(known: Known): JsonModel {
  return jsonModel({
    source: `https://replicate.com/${known.id}/api/schema`,
    formats: FORMAT_NAMES,
    ...known,
  });
}

/** Every model that is served. */
export const MODELS: readonly JsonModel[] = [
  model({
    id: 'black-forest-labs/flux-schnell',
    operation: 'image.generate',
    options: {
      prompt: WORDS,
      seed: SEED,
      n: { type: 'range', min: 1, max: 4, step: 1 },
      aspect_ratio: RATIOS,
      steps: { type: 'range', min: 1, max: 4, step: 1 },
      output_format: FORMATS,
      output_compression: QUALITY,
    },
    required: ['prompt'],
  }),
  model({
    id: 'black-forest-labs/flux-dev',
    operation: 'image.generate',
    options: {
      prompt: WORDS,
      seed: SEED,
      n: { type: 'range', min: 1, max: 4, step: 1 },
      aspect_ratio: RATIOS,
      steps: { type: 'range', min: 1, max: 50, step: 1 },
      guidance_scale: { type: 'range', min: 0, max: 10 },
      output_format: FORMATS,
      output_compression: QUALITY,
    },
    fields: { guidance_scale: 'guidance' },
    required: ['prompt'],
  }),
  model({
    id: 'black-forest-labs/flux-1.1-pro',
    operation: 'image.generate',
    options: {
      prompt: WORDS,
      seed: SEED,
      aspect_ratio: RATIOS,
      output_format: FORMATS,
      output_compression: QUALITY,
    },
    required: ['prompt'],
  }),
  model({
    id: 'black-forest-labs/flux-1.1-pro-ultra',
    operation: 'image.generate',
    options: { prompt: WORDS, seed: SEED, aspect_ratio: RATIOS, output_format: TWO_FORMATS },
    required: ['prompt'],
  }),
  ...['black-forest-labs/flux-kontext-pro', 'black-forest-labs/flux-kontext-max'].map((id) =>
    model({
      id,
      operation: 'image.edit',
      options: {
        prompt: WORDS,
        seed: SEED,
        image: ONE_PICTURE,
        aspect_ratio: RATIOS,
        output_format: TWO_FORMATS,
      },
      fields: { image: 'input_image' },
      required: ['prompt', 'image'],
    }),
  ),
  model({
    id: 'recraft-ai/recraft-crisp-upscale',
    operation: 'image.upscale',
    options: { image: ONE_PICTURE },
    required: ['image'],
  }),
  model({
    id: 'recraft-ai/recraft-remove-background',
    operation: 'image.remove_background',
    options: { image: ONE_PICTURE },
    required: ['image'],
  }),
  model({
    id: 'google/veo-3.1',
    operation: 'video.text_to_video',
    options: {
      prompt: WORDS,
      negative_prompt: WORDS,
      seed: SEED,
      seconds: { type: 'range', min: 4, max: 8, step: 2 },
      resolution: { type: 'one_of', values: ['720p', '1080p'] },
      aspect_ratio: { type: 'one_of', values: ['16:9', '9:16'] },
      generate_audio: { type: 'flag' },
      references: { type: 'files', max: 3 },
    },
    fields: { references: 'reference_images' },
    lists: ['references'],
    required: ['prompt'],
  }),
  model({
    id: 'bytedance/seedance-1-pro',
    operation: 'video.image_to_video',
    options: {
      prompt: WORDS,
      seed: SEED,
      image: ONE_PICTURE,
      last_image: ONE_PICTURE,
      seconds: { type: 'range', min: 2, max: 12, step: 1 },
      resolution: { type: 'one_of', values: ['480p', '720p', '1080p'] },
    },
    fields: { last_image: 'last_frame_image' },
    required: ['prompt', 'image'],
  }),
];
