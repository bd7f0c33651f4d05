/**
 * `POST /v1/images/upscales`.
 *
 * @module
 */
import { z } from 'zod';
import { optionsFor } from '../provider-options.ts';
import { present } from '../request-fields.ts';
import { pictureWorkDialect, pictureWorkMembers, sizeText } from './picture-work.ts';

export const upscaleSchema = z.looseObject({
  ...pictureWorkMembers,
  scale: z.coerce
    .number()
    .min(1)
    .max(16)
    .nullish()
    .describe('How many times as wide and as high; the model’s own by default.'),
  mode: z
    .string()
    .min(1)
    .max(40)
    .nullish()
    .describe('A way of the model’s own: `fast`, `conservative`, `creative` …'),
  prompt: z
    .string()
    .max(32_000)
    .nullish()
    .describe('What is to be seen, for ways that invent details.'),
});

export const upscalesDialect = pictureWorkDialect({
  operation: 'image.upscale',
  schema: upscaleSchema,
  media: { image: { max: 1 } },
  specOf({ scale, mode, prompt }, pictures) {
    return {
      text: { inputBytes: Buffer.byteLength(prompt ?? '') },
      image: {
        n: 1,
        // Without a scale the model decides how large it becomes.
        size: typeof scale === 'number' ? sizeText(pictures.of('image'), scale) : 'auto',
        inputs: 1,
      },
      ...(typeof mode === 'string' ? { options: { mode } } : {}),
    };
  },
  exchange: ({ request, pictures }, definition, target) =>
    present(definition.imageUpscale).upscale(
      {
        image: { type: 'bytes', ...pictures.of('image').input },
        scale: request.scale ?? null,
        mode: request.mode ?? null,
        prompt: request.prompt ?? null,
        outputFormat: request.output_format ?? null,
        extra: optionsFor(request.provider_options, definition.id),
      },
      target,
    ),
});
