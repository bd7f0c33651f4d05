/**
 * fal's models as data: what each takes, and what its options are called on the wire.
 *
 * Sources: https://fal.ai/models (each model's API page, read in third-party copies); recorded replies of `flux/schnell`, `fast-sdxl`,
 * `wizper` and `whisper`. Models without a price of ours are refused until the operator sets one.
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../contracts/media-model.ts';
import { jsonModel, type JsonModel } from '../json-models.ts';

/** Names on the wire by the gateway's own. */
export const FIELD_NAMES: Readonly<Record<string, string>> = {
  size: 'image_size',
  n: 'num_images',
  steps: 'num_inference_steps',
  image: 'image_url',
  last_image: 'last_image_url',
  mask: 'mask_url',
  audio: 'audio_url',
  video: 'video_url',
  seconds: 'duration',
};

const WORDS: OptionRule = { type: 'text', maxChars: 10_000 };
const SEED: OptionRule = { type: 'range', min: 0, max: 2_147_483_647, step: 1 };
const SIZE: OptionRule = { type: 'text', maxChars: 11 };
const FORMATS: OptionRule = { type: 'one_of', values: ['jpeg', 'png'] };
const FEW: OptionRule = { type: 'range', min: 1, max: 4, step: 1 };
const IMAGE_BYTES_MAX = 10 * 1024 * 1024;
const pictures = (max: number): OptionRule => ({ type: 'files', max, maxBytes: IMAGE_BYTES_MAX });
const STEPS = (max: number): OptionRule => ({ type: 'range', min: 1, max, step: 1 });
const GUIDANCE: OptionRule = { type: 'range', min: 1, max: 20 };
const RATIOS: OptionRule = {
  type: 'one_of',
  values: ['21:9', '16:9', '4:3', '3:2', '1:1', '2:3', '3:4', '9:16', '9:21'],
};
const MADE = { prompt: WORDS, seed: SEED, n: FEW, output_format: FORMATS } as const;

type Known = Pick<JsonModel, 'id' | 'operation' | 'options'> & Partial<JsonModel>;

function model(known: Known): JsonModel {
  return jsonModel({ source: `https://fal.ai/models/${known.id}/api`, ...known });
}

function generator(id: string, options: MediaModel['options']): JsonModel {
  return model({
    id,
    operation: 'image.generate',
    options: { ...MADE, ...options },
    required: ['prompt'],
  });
}

/** Every model that is served. */
export const MODELS: readonly JsonModel[] = [
  generator('fal-ai/flux/schnell', { size: SIZE, steps: STEPS(12), guidance_scale: GUIDANCE }),
  generator('fal-ai/flux/dev', { size: SIZE, steps: STEPS(50), guidance_scale: GUIDANCE }),
  generator('fal-ai/flux-pro/v1.1', { size: SIZE }),
  generator('fal-ai/flux-pro/v1.1-ultra', { aspect_ratio: RATIOS }),
  generator('fal-ai/flux-2-pro', { size: SIZE }),
  generator('fal-ai/qwen-image', {
    size: SIZE,
    steps: STEPS(250),
    guidance_scale: { type: 'range', min: 0, max: 20 },
    negative_prompt: WORDS,
  }),
  generator('fal-ai/seedream-v4', { size: SIZE }),
  generator('fal-ai/nano-banana-2', { aspect_ratio: RATIOS }),
  generator('fal-ai/nano-banana-pro', { aspect_ratio: RATIOS }),
  model({
    id: 'fal-ai/recraft-v3',
    operation: 'image.generate',
    options: { prompt: WORDS, size: SIZE, style: { type: 'text', maxChars: 100 } },
    required: ['prompt'],
  }),
  ...['fal-ai/ideogram/v2', 'fal-ai/ideogram/v2/turbo'].map((id) =>
    model({
      id,
      operation: 'image.generate',
      options: {
        prompt: WORDS,
        negative_prompt: WORDS,
        seed: SEED,
        aspect_ratio: RATIOS,
        style: {
          type: 'one_of',
          values: ['auto', 'general', 'realistic', 'design', 'render_3D', 'anime'],
        },
      },
      required: ['prompt'],
    }),
  ),
  model({
    id: 'fal-ai/flux-pro/kontext',
    operation: 'image.edit',
    options: { ...MADE, image: pictures(1), aspect_ratio: RATIOS, guidance_scale: GUIDANCE },
    required: ['prompt', 'image'],
  }),
  model({
    id: 'fal-ai/nano-banana-pro/edit',
    operation: 'image.edit',
    options: { ...MADE, image: pictures(14), aspect_ratio: RATIOS },
    fields: { image: 'image_urls' },
    lists: ['image'],
    required: ['prompt', 'image'],
  }),
  model({
    id: 'fal-ai/face-swap',
    operation: 'image.face_swap',
    options: { image: pictures(1), face_image: pictures(1) },
    fields: { image: 'base_image_url', face_image: 'swap_image_url' },
  }),
  model({
    id: 'fal-ai/clarity-upscaler',
    operation: 'image.upscale',
    options: {
      image: pictures(1),
      prompt: WORDS,
      scale: { type: 'range', min: 1, max: 4 },
    },
    fields: { scale: 'upscale_factor' },
    required: ['image'],
  }),
  model({
    id: 'fal-ai/bria/background/remove',
    operation: 'image.remove_background',
    options: { image: pictures(1) },
    required: ['image'],
  }),
  ...(['audio.transcribe', 'audio.translate'] as const).flatMap((operation) => [
    model({
      id: 'fal-ai/wizper',
      operation,
      options: { audio: { type: 'files', max: 1 }, language: { type: 'text', maxChars: 20 } },
    }),
    model({
      id: 'fal-ai/whisper',
      operation,
      options: {
        audio: { type: 'files', max: 1 },
        language: { type: 'text', maxChars: 20 },
        prompt: WORDS,
        speakers: { type: 'flag' },
        words: { type: 'flag' },
      },
      fields: { speakers: 'diarize' },
    }),
  ]),
  ...(['text-to-video', 'image-to-video'] as const).map((kind) =>
    model({
      id: `fal-ai/kling-video/v3/pro/${kind}`,
      operation: kind === 'text-to-video' ? 'video.text_to_video' : 'video.image_to_video',
      options: {
        prompt: WORDS,
        negative_prompt: WORDS,
        seconds: { type: 'range', min: 5, max: 10, step: 5 },
        ...(kind === 'text-to-video'
          ? { aspect_ratio: { type: 'one_of', values: ['16:9', '9:16', '1:1'] } as const }
          : { image: pictures(1) }),
      },
      required: kind === 'text-to-video' ? ['prompt'] : ['image', 'prompt'],
      formats: { seconds: String },
    }),
  ),
  ...['fal-ai/veo3.1', 'fal-ai/veo3.1/fast'].map((id) =>
    model({
      id,
      operation: 'video.text_to_video',
      options: {
        prompt: WORDS,
        negative_prompt: WORDS,
        seed: SEED,
        aspect_ratio: { type: 'one_of', values: ['16:9', '9:16'] },
        resolution: { type: 'one_of', values: ['720p', '1080p'] },
        seconds: { type: 'range', min: 4, max: 8, step: 2 },
        generate_audio: { type: 'flag' },
      },
      required: ['prompt'],
      formats: { seconds: (seconds) => `${String(seconds)}s` },
    }),
  ),
];
