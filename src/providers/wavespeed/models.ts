/**
 * WaveSpeed's models as data: what each takes, and what its options are called on the wire.
 *
 * Sources: https://wavespeed.ai/models (request schemas of its video models in a third-party copy of 2026-03), the vendor's agent
 * skills and ALwrity's client (AJaySi/ALwrity, 2026-06-13) for pictures and sound. One submission reply is recorded; the rest
 * rests on documentation.
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../contracts/media-model.ts';
import { jsonModel, type JsonModel } from '../json-models.ts';

/** Names on the wire by the gateway's own. */
export const FIELD_NAMES: Readonly<Record<string, string>> = {
  seconds: 'duration',
  steps: 'num_inference_steps',
  n: 'num_images',
  mask: 'mask_image',
  voice: 'voice_id',
};

const PAGE = 'https://wavespeed.ai/models';
const WORDS: OptionRule = { type: 'text', maxChars: 10_000 };
const SEED: OptionRule = { type: 'range', min: 0, max: 2_147_483_647, step: 1 };
const FLAG: OptionRule = { type: 'flag' };
const IMAGE_BYTES_MAX = 10 * 1024 * 1024;
const AUDIO_BYTES_MAX = 15 * 1024 * 1024;
const FORMATS: OptionRule = { type: 'one_of', values: ['jpeg', 'png', 'webp'] };

const pictures = (max = 1): OptionRule => ({ type: 'files', max, maxBytes: IMAGE_BYTES_MAX });
const sound = (maxBytes = AUDIO_BYTES_MAX): OptionRule => ({ type: 'files', max: 1, maxBytes });
const CLIP: OptionRule = { type: 'files', max: 1 };
const oneOf = (...values: readonly (string | number)[]): OptionRule => ({ type: 'one_of', values });
/** Clips are never shorter than asked for: what lies between goes up. */
const lengths = (min: number, max: number, step: number): OptionRule => ({
  type: 'range',
  min,
  max,
  step,
});

const SIZES_480 = ['832x480', '480x832'];
const SIZES_720 = ['1280x720', '720x1280'];
const SIZES_1080 = ['1920x1080', '1080x1920'];

type Known = Pick<JsonModel, 'id' | 'operation' | 'options'> & Partial<JsonModel>;

function model(known: Known): JsonModel {
  return jsonModel({ source: `${PAGE}/${known.id}`, ...known });
}

function textToVideo(id: string, options: MediaModel['options']): JsonModel {
  return model({
    id,
    operation: 'video.text_to_video',
    options: { prompt: WORDS, seed: SEED, ...options },
    required: ['prompt'],
  });
}

function imageToVideo(id: string, options: MediaModel['options']): JsonModel {
  return model({
    id,
    operation: 'video.image_to_video',
    options: { prompt: WORDS, image: pictures(), seed: SEED, ...options },
    required: ['image', 'prompt'],
  });
}

function extended(id: string, options: MediaModel['options']): JsonModel {
  return model({
    id,
    operation: 'video.extend',
    options: { prompt: WORDS, video: CLIP, seed: SEED, ...options },
    required: ['video', 'prompt'],
  });
}

const RATIOS = oneOf('21:9', '16:9', '4:3', '1:1', '3:4', '9:16');
const WAN_WORDS = { negative_prompt: WORDS, audio: sound() } as const;
const SEEDANCE = {
  resolution: oneOf('480p', '720p', '1080p'),
  seconds: lengths(4, 12, 1),
  generate_audio: FLAG,
} as const;
const VEO = {
  negative_prompt: WORDS,
  aspect_ratio: oneOf('16:9', '9:16'),
  resolution: oneOf('720p', '1080p', '4k'),
  seconds: lengths(4, 8, 2),
  generate_audio: FLAG,
} as const;
/** The fast one has no price in 4k. */
const VEO_FAST = { ...VEO, resolution: oneOf('720p', '1080p') } as const;

const CLIPS_FROM_WORDS: readonly JsonModel[] = [
  textToVideo('alibaba/wan-2.5/text-to-video', {
    ...WAN_WORDS,
    size: oneOf(...SIZES_480, ...SIZES_720, ...SIZES_1080),
    seconds: lengths(5, 10, 5),
  }),
  textToVideo('alibaba/wan-2.6/text-to-video', {
    ...WAN_WORDS,
    size: oneOf(...SIZES_720, ...SIZES_1080),
    seconds: lengths(5, 15, 5),
  }),
  textToVideo('wavespeed-ai/hunyuan-video-1.5/text-to-video', {
    negative_prompt: WORDS,
    size: oneOf(...SIZES_480, ...SIZES_720),
    seconds: lengths(5, 8, 3),
  }),
  textToVideo('bytedance/seedance-v1.5-pro/text-to-video', { ...SEEDANCE, aspect_ratio: RATIOS }),
  textToVideo('google/veo3.1/text-to-video', VEO),
  textToVideo('google/veo3.1-fast/text-to-video', VEO_FAST),
  model({
    id: 'lightricks/ltx-2-pro/text-to-video',
    operation: 'video.text_to_video',
    options: { prompt: WORDS, seconds: lengths(6, 10, 2), generate_audio: FLAG },
    required: ['prompt'],
  }),
];

const CLIPS_FROM_PICTURES: readonly JsonModel[] = [
  imageToVideo('alibaba/wan-2.5/image-to-video', {
    ...WAN_WORDS,
    resolution: oneOf('480p', '720p', '1080p'),
    seconds: lengths(3, 10, 1),
  }),
  imageToVideo('alibaba/wan-2.6/image-to-video', {
    ...WAN_WORDS,
    resolution: oneOf('720p', '1080p'),
    seconds: lengths(5, 15, 5),
  }),
  imageToVideo('wavespeed-ai/hunyuan-video-1.5/image-to-video', {
    resolution: oneOf('480p', '720p'),
    seconds: lengths(5, 8, 3),
  }),
  imageToVideo('bytedance/seedance-v1.5-pro/image-to-video', {
    ...SEEDANCE,
    aspect_ratio: RATIOS,
    last_image: pictures(),
  }),
  imageToVideo('google/veo3.1/image-to-video', { ...VEO, last_image: pictures() }),
  imageToVideo('google/veo3.1-fast/image-to-video', { ...VEO_FAST, last_image: pictures() }),
  model({
    id: 'kwaivgi/kling-v2.5-turbo-std/image-to-video',
    operation: 'video.image_to_video',
    options: {
      prompt: WORDS,
      image: pictures(),
      negative_prompt: WORDS,
      seconds: lengths(5, 10, 5),
    },
    required: ['image', 'prompt'],
  }),
  model({
    id: 'lightricks/ltx-2-pro/image-to-video',
    operation: 'video.image_to_video',
    options: {
      prompt: WORDS,
      image: pictures(),
      seconds: lengths(6, 10, 2),
      generate_audio: FLAG,
    },
    required: ['image', 'prompt'],
  }),
];

const CLIPS_FROM_CLIPS: readonly JsonModel[] = [
  extended('alibaba/wan-2.5/video-extend', {
    ...WAN_WORDS,
    resolution: oneOf('480p', '720p', '1080p'),
    seconds: lengths(3, 10, 1),
  }),
  extended('wavespeed-ai/wan-2.2-spicy/video-extend', {
    resolution: oneOf('480p', '720p'),
    seconds: lengths(5, 8, 3),
  }),
  extended('bytedance/seedance-v1.5-pro/video-extend', SEEDANCE),
  model({
    id: 'wavespeed-ai/video-face-swap',
    operation: 'video.face_swap',
    options: {
      video: CLIP,
      image: pictures(),
      target_index: { type: 'range', min: 0, max: 10, step: 1 },
      target_gender: oneOf('all', 'male', 'female'),
    },
    fields: { image: 'face_image' },
    required: ['video', 'image'],
  }),
  model({
    id: 'wavespeed-ai/wan-2.1/mocha',
    operation: 'video.face_swap',
    options: {
      video: CLIP,
      image: pictures(),
      prompt: WORDS,
      resolution: oneOf('480p', '720p'),
      seed: SEED,
    },
    required: ['video', 'image'],
  }),
  model({
    id: 'wavespeed-ai/flashvsr',
    operation: 'video.upscale',
    options: { video: CLIP, resolution: oneOf('720p', '1080p', '2k', '4k') },
    fields: { resolution: 'target_resolution' },
    required: ['video'],
  }),
  model({
    id: 'wavespeed-ai/video-background-remover',
    operation: 'video.remove_background',
    options: { video: CLIP, image: pictures() },
    fields: { image: 'background_image' },
    required: ['video'],
  }),
  model({
    id: 'wavespeed-ai/hunyuan-video-foley',
    operation: 'video.add_sound',
    options: { video: CLIP, prompt: WORDS, seed: SEED },
    required: ['video'],
  }),
  model({
    id: 'wavespeed-ai/think-sound',
    operation: 'video.add_sound',
    options: { video: CLIP, prompt: WORDS, seed: SEED },
    required: ['video'],
  }),
];

const SPEAKERS: readonly JsonModel[] = ['infinitetalk', 'hunyuan-avatar'].map((name) =>
  model({
    id: `wavespeed-ai/${name}`,
    operation: 'video.talking_avatar',
    options: {
      image: pictures(),
      audio: sound(50 * 1024 * 1024),
      prompt: WORDS,
      resolution: oneOf('480p', '720p'),
      seed: SEED,
    },
    required: ['image', 'audio'],
  }),
);

const MADE = { prompt: WORDS, seed: SEED, output_format: FORMATS } as const;
const KONTEXT_RATIOS = oneOf('21:9', '16:9', '4:3', '3:2', '1:1', '2:3', '3:4', '9:16', '9:21');

/** `size` of these is any within the model's bounds. */
const ANY_SIZE: OptionRule = { type: 'text', maxChars: 11 };

const PICTURES: readonly JsonModel[] = [
  model({
    id: 'wavespeed-ai/qwen-image/text-to-image',
    operation: 'image.generate',
    options: { ...MADE, size: ANY_SIZE },
    required: ['prompt'],
  }),
  model({
    id: 'ideogram-ai/ideogram-v3-turbo',
    operation: 'image.generate',
    options: {
      prompt: WORDS,
      seed: SEED,
      style: oneOf('Auto', 'General', 'Realistic', 'Design'),
      aspect_ratio: oneOf('16:9', '4:3', '3:2', '1:1', '2:3', '3:4', '9:16'),
    },
    required: ['prompt'],
  }),
  model({
    id: 'wavespeed-ai/flux-kontext-pro/text-to-image',
    operation: 'image.generate',
    options: {
      ...MADE,
      aspect_ratio: KONTEXT_RATIOS,
      guidance_scale: { type: 'range', min: 1, max: 20 },
    },
    required: ['prompt'],
  }),
  model({
    id: 'wavespeed-ai/flux-kontext-pro',
    operation: 'image.edit',
    options: {
      ...MADE,
      image: pictures(),
      aspect_ratio: KONTEXT_RATIOS,
      guidance_scale: { type: 'range', min: 1, max: 20 },
    },
    required: ['prompt', 'image'],
  }),
  model({
    id: 'wavespeed-ai/qwen-image/edit',
    operation: 'image.edit',
    options: { ...MADE, image: pictures(), size: ANY_SIZE },
    required: ['prompt', 'image'],
  }),
  model({
    id: 'wavespeed-ai/qwen-image/edit-plus',
    operation: 'image.edit',
    options: { ...MADE, image: pictures(3), size: ANY_SIZE },
    fields: { image: 'images' },
    lists: ['image'],
    required: ['prompt', 'image'],
  }),
  model({
    id: 'bytedance/seedream-v4.5/edit',
    operation: 'image.edit',
    options: { prompt: WORDS, image: pictures(10), size: ANY_SIZE },
    fields: { image: 'images' },
    lists: ['image'],
    required: ['prompt', 'image'],
  }),
  model({
    id: 'google/nano-banana-pro/edit-ultra',
    operation: 'image.edit',
    options: {
      prompt: WORDS,
      image: pictures(14),
      aspect_ratio: oneOf('1:1', '3:2', '2:3', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'),
      resolution: oneOf('4k', '8k'),
      output_format: oneOf('png', 'jpeg'),
    },
    fields: { image: 'images' },
    lists: ['image'],
    required: ['prompt', 'image'],
  }),
];

const FACES = { image: pictures(), face_image: pictures() } as const;

const FACE_SWAPS: readonly JsonModel[] = [
  model({
    id: 'wavespeed-ai/image-face-swap',
    operation: 'image.face_swap',
    options: {
      ...FACES,
      target_index: { type: 'range', min: 0, max: 10, step: 1 },
      target_gender: oneOf('all', 'male', 'female'),
      output_format: FORMATS,
    },
  }),
  ...['image-face-swap-pro', 'image-head-swap'].map((name) =>
    model({
      id: `wavespeed-ai/${name}`,
      operation: 'image.face_swap',
      options: { ...FACES, output_format: FORMATS },
    }),
  ),
  model({
    id: 'wavespeed-ai/infinite-you',
    operation: 'image.face_swap',
    options: FACES,
    fields: { image: 'target_image', face_image: 'source_image' },
  }),
  model({
    id: 'akool/image-face-swap',
    operation: 'image.face_swap',
    options: FACES,
    // One face for each face: https://wavespeed.ai/models/akool/image-face-swap
    fields: { image: 'image', face_image: 'source_image' },
    lists: ['face_image'],
  }),
];

const SPEECH_OPTIONS = {
  text: WORDS,
  voice: { type: 'text', maxChars: 200 },
  speed: { type: 'range', min: 0.5, max: 2 },
  format: oneOf('mp3', 'wav', 'pcm', 'flac'),
} as const;

const SOUNDS: readonly JsonModel[] = [
  ...['speech-02-hd', 'speech-02-turbo', 'speech-2.6-hd', 'speech-2.6-turbo'].map((name) =>
    model({ id: `minimax/${name}`, operation: 'audio.speech', options: SPEECH_OPTIONS }),
  ),
  model({
    id: 'minimax/voice-clone',
    operation: 'audio.clone_voice',
    options: { audio: sound(), name: { type: 'text', maxChars: 200 }, text: WORDS },
    fields: { name: 'custom_voice_id' },
    members: { model: 'speech-02-hd' },
  }),
  ...['wavespeed-ai/openai-whisper', 'wavespeed-ai/openai-whisper-turbo'].flatMap((id) =>
    (['audio.transcribe', 'audio.translate'] as const).map((operation) =>
      model({
        id,
        operation,
        options: {
          audio: sound(300 * 1024 * 1024),
          language: { type: 'text', maxChars: 20 },
          prompt: WORDS,
          // The turbo one is sold without times alone.
          ...(id.endsWith('turbo') ? {} : { timestamps: FLAG }),
        },
        fields: id.endsWith('turbo') ? {} : { timestamps: 'enable_timestamps' },
      }),
    ),
  ),
];

/** Every model that is served. */
export const MODELS: readonly JsonModel[] = [
  ...PICTURES,
  ...FACE_SWAPS,
  ...SOUNDS,
  ...CLIPS_FROM_WORDS,
  ...CLIPS_FROM_PICTURES,
  ...CLIPS_FROM_CLIPS,
  ...SPEAKERS,
];
