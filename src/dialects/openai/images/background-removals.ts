/**
 * `POST /v1/images/background-removals`.
 *
 * @module
 */
import { z } from 'zod';
import { optionsFor } from '../provider-options.ts';
import { present } from '../request-fields.ts';
import { pictureWorkDialect, pictureWorkMembers, sizeText } from './picture-work.ts';

export const backgroundRemovalSchema = z.looseObject({
  ...pictureWorkMembers,
  output_format: z.enum(['png', 'webp']).nullish().describe('What can be transparent.'),
});

export const backgroundRemovalsDialect = pictureWorkDialect({
  operation: 'image.remove_background',
  schema: backgroundRemovalSchema,
  media: { image: { max: 1 } },
  specOf: (_request, pictures) => ({
    image: { n: 1, size: sizeText(pictures.of('image')), inputs: 1 },
  }),
  exchange: ({ request, pictures }, definition, target) =>
    present(definition.backgroundRemoval).removeBackground(
      {
        image: { type: 'bytes', ...pictures.of('image').input },
        outputFormat: request.output_format ?? null,
        extra: optionsFor(request.provider_options, definition.id),
      },
      target,
    ),
});
