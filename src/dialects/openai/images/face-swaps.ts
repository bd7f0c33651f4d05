/**
 * `POST /v1/images/face-swaps`.
 *
 * @module
 */
import { z } from 'zod';
import { optionsFor } from '../provider-options.ts';
import { present } from '../request-fields.ts';
import { pictureWorkDialect, pictureWorkMembers, sizeText } from './picture-work.ts';

export const faceSwapSchema = z.looseObject({
  ...pictureWorkMembers,
  target_index: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .nullish()
    .describe('Which face is replaced, from 0, largest first; the largest by default.'),
  target_gender: z
    .enum(['all', 'female', 'male'])
    .nullish()
    .describe('Whose faces are replaced, where the model tells them apart.'),
});

export const faceSwapsDialect = pictureWorkDialect({
  operation: 'image.face_swap',
  schema: faceSwapSchema,
  media: { image: { max: 1 }, face_image: { max: 1 } },
  specOf: (_request, pictures) => ({
    image: { n: 1, size: sizeText(pictures.of('image')), inputs: 2 },
  }),
  exchange: ({ request, pictures }, definition, target) =>
    present(definition.faceSwap).swapFace(
      {
        image: { type: 'bytes', ...pictures.of('image').input },
        faceImage: { type: 'bytes', ...pictures.of('face_image').input },
        targetIndex: request.target_index ?? null,
        targetGender: request.target_gender ?? null,
        outputFormat: request.output_format ?? null,
        extra: optionsFor(request.provider_options, definition.id),
      },
      target,
    ),
});
