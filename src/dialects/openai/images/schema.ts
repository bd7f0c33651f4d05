/**
 * `POST /v1/images/generations` and `/v1/images/edits` as OpenAI documents them
 * (https://platform.openai.com/docs/api-reference/images), and the gateway's own options beside.
 *
 * @module
 */
import { z } from 'zod';
import { IMAGE_EDIT_MODES } from '../../../contracts/image-provider.ts';

const wholeNumber = (most: number) => z.coerce.number().int().min(0).max(most).nullish();

const common = {
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  prompt: z.string().min(1).max(32_000),
  n: z.coerce.number().int().min(1).max(10).nullish().describe('Pictures wanted; 1 by default.'),
  size: z
    .string()
    .regex(/^(?:auto|\d{2,5}x\d{2,5})$/, { message: 'must be <width>x<height> or auto' })
    .nullish(),
  quality: z.string().max(40).nullish(),
  background: z
    .union([z.enum(['transparent', 'opaque', 'auto', 'true', 'false']), z.boolean()])
    .nullish()
    .describe('Of the picture; `true`: the reply is a job (202), whose pictures are kept.'),
  output_format: z.enum(['png', 'jpeg', 'webp']).nullish(),
  output_compression: wholeNumber(100),
  response_format: z
    .enum(['b64_json', 'url'])
    .nullish()
    .describe('`b64_json` by default; `url`: kept as an asset, under a signed address.'),
  user: z.string().max(512).nullish(),
  negative_prompt: z.string().max(32_000).nullish(),
  guidance_scale: z.coerce.number().min(0).max(100).nullish(),
  steps: wholeNumber(1000),
  seed: z.coerce.number().int().nullish(),
  stream: z.union([z.boolean(), z.enum(['true', 'false'])]).nullish(),
  partial_images: wholeNumber(3),
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
};

export const imageGenerationSchema = z.looseObject({
  ...common,
  style: z.string().max(100).nullish(),
  moderation: z.string().max(40).nullish(),
});

const side = z.number().int().min(0).max(8192).default(0);

export const imageEditSchema = z.looseObject({
  ...common,
  prompt: z
    .string()
    .max(32_000)
    .nullish()
    .describe('What is to be seen. Not needed to erase or to outpaint.'),
  input_fidelity: z.enum(['low', 'high']).nullish(),
  mode: z
    .enum(IMAGE_EDIT_MODES)
    .nullish()
    .describe('The way of editing; by default `inpaint` with a mask, `instruct` without.'),
  search: z
    .string()
    .min(1)
    .max(10_000)
    .nullish()
    .describe(
      'What is to be found in the picture, for `search_and_replace` and `search_and_recolor`.',
    ),
  expand: z
    .strictObject({ left: side, right: side, up: side, down: side })
    .nullish()
    .describe('Pixels by which each side grows, for `outpaint`; in a form as JSON.'),
  strength: z.coerce
    .number()
    .min(0)
    .max(1)
    .nullish()
    .describe('How far the result may be from the picture.'),
});

/** A checked edit. */
export type ImageEditRequest = z.infer<typeof imageEditSchema>;

/** One picture as JSON bodies name it. */
export const pictureSchema = z
  .union([z.string(), z.object({ image_url: z.string() }), z.object({ file_id: z.string() })])
  .describe(
    'A data URL, an https URL or the id of an asset, also as `{"image_url": …}` or `{"file_id": "ast_…"}`.',
  );

/** The JSON body as OpenAPI describes it. */
export const imageEditJsonSchema = imageEditSchema.extend({
  images: z.array(pictureSchema).max(16).optional().describe('The first is edited.'),
  image: z.union([pictureSchema, z.array(pictureSchema).max(16)]).optional(),
  mask: pictureSchema.optional().describe('As large as the first picture.'),
});

/** One file of a form. */
export const file = z.string().meta({ format: 'binary' });

/** The form as OpenAPI describes it. */
export const imageEditFormSchema = imageEditSchema.extend({
  image: z.union([file, z.array(file).max(16)]).describe('`image`, or several `image[]`.'),
  mask: file.optional().describe('As large as the first picture.'),
});

const imageMembersSchema = z.object(common);

/** Members that generations and edits share, and those of generations. */
export type ImageRequest = Omit<z.infer<typeof imageMembersSchema>, 'prompt'> & {
  readonly prompt?: string | null | undefined;
  readonly style?: string | null | undefined;
  readonly moderation?: string | null | undefined;
};
