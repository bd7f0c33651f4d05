/**
 * `POST /v1/videos` as OpenAI documents it (https://platform.openai.com/docs/api-reference/videos/create), and the gateway's
 * own members beside.
 *
 * @module
 */
import { z } from 'zod';
import type { VideoOperation } from '../../../contracts/video-provider.ts';
import type { MediaRules } from '../media-body.ts';

/** Operations by the names that bodies use. */
export const VIDEO_OPERATIONS = {
  text_to_video: 'video.text_to_video',
  generate: 'video.text_to_video',
  image_to_video: 'video.image_to_video',
  extend: 'video.extend',
  talking_avatar: 'video.talking_avatar',
  face_swap: 'video.face_swap',
  upscale: 'video.upscale',
  remove_background: 'video.remove_background',
  add_sound: 'video.add_sound',
} as const satisfies Readonly<Record<string, VideoOperation>>;

/** Which members hold media. */
export const VIDEO_MEDIA: MediaRules = {
  image: { max: 1, alias: 'input_reference' },
  last_image: { max: 1 },
  references: { max: 8 },
  video: { max: 1 },
  audio: { max: 1 },
};

const flag = z.union([z.boolean(), z.enum(['true', 'false'])]).nullish();

export const videoSchema = z.looseObject({
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  operation: z
    .enum(Object.keys(VIDEO_OPERATIONS) as [keyof typeof VIDEO_OPERATIONS])
    .nullish()
    .describe('`image_to_video` with an `image`, else `text_to_video`, where it is left out.'),
  prompt: z.string().max(32_000).nullish(),
  negative_prompt: z.string().max(32_000).nullish(),
  seconds: z.coerce.number().min(0.1).max(3600).nullish().describe('Length of the clip.'),
  size: z
    .string()
    .regex(/^\d{2,5}x\d{2,5}$/, { message: 'must be <width>x<height>' })
    .nullish(),
  resolution: z
    .string()
    .regex(/^(?:\d{3,4}p|[248]k)$/i, { message: 'must be 480p, 720p, 1080p, 4k …' })
    .nullish(),
  aspect_ratio: z
    .string()
    .regex(/^\d{1,3}:\d{1,3}$/, { message: 'must be <width>:<height>' })
    .nullish(),
  with_audio: flag.describe('Whether the clip has a sound; as the model does by default.'),
  target_index: z.coerce.number().int().min(0).max(100).nullish(),
  target_gender: z.enum(['all', 'female', 'male']).nullish(),
  seed: z.coerce.number().int().nullish(),
  background: flag.describe('A clip is always made in the background.'),
  user: z.string().max(512).nullish(),
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
});

/** A body that {@link videoSchema} has accepted. */
export type VideoRequest = z.infer<typeof videoSchema>;

const medium = z.string().describe('A data URL, an https URL or the id of an asset.');

/** The JSON body as OpenAPI describes it. */
export const videoJsonSchema = videoSchema.extend({
  image: medium.optional().describe('First picture, speaker, or face; `input_reference` too.'),
  last_image: medium.optional(),
  references: z.array(medium).max(8).optional(),
  video: medium.optional().describe('The clip that is extended or changed.'),
  audio: medium.optional().describe('What is spoken or heard.'),
});

const file = z.string().meta({ format: 'binary' });

/** The form as OpenAPI describes it. */
export const videoFormSchema = videoSchema.extend({
  input_reference: file.optional(),
  image: file.optional(),
  last_image: file.optional(),
  references: z.array(file).max(8).optional(),
  video: file.optional(),
  audio: file.optional(),
});

/** A clip as OpenAI shows it. */
export const videoReplySchema = z.object({
  id: z.string(),
  object: z.literal('video'),
  model: z.string(),
  operation: z.string(),
  status: z.enum(['queued', 'in_progress', 'completed', 'failed', 'cancelled']),
  progress: z.number().int().describe('Percent; an estimate where the provider tells none.'),
  created_at: z.number().int(),
  completed_at: z.number().int().nullable(),
  expires_at: z.number().int().nullable(),
  seconds: z.string().nullable(),
  size: z.string().nullable(),
  prompt: z.null().describe('Prompts are not kept.'),
  remixed_from_video_id: z.null(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  url: z.string().nullable().describe('Signed address of the clip once it is there.'),
  usage: z.object({ cost: z.string().nullable() }),
});
