/**
 * Routes of pictures that OpenAI has no shape for, as OpenAPI describes them.
 *
 * @module
 */
import type { z } from 'zod';
import { backgroundRemovalSchema } from '../dialects/openai/images/background-removals.ts';
import { faceSwapSchema } from '../dialects/openai/images/face-swaps.ts';
import { file, pictureSchema } from '../dialects/openai/images/schema.ts';
import { upscaleSchema } from '../dialects/openai/images/upscales.ts';
import { imagesReplySchema } from './operation-shapes.ts';
import type { RouteBody } from './route-description.ts';

/** JSON and form of a request with pictures, by their members. */
function pictureBody(
  schema: z.ZodObject,
  name: string,
  pictures: Readonly<Record<string, string>>,
): RouteBody {
  const members = Object.entries(pictures);
  const json = schema.extend(
    Object.fromEntries(members.map(([member, text]) => [member, pictureSchema.describe(text)])),
  );
  const form = schema.extend(
    Object.fromEntries(members.map(([member, text]) => [member, file.describe(text)])),
  );
  return {
    schema: json.meta({ id: `${name}Request` }),
    otherContent: { 'multipart/form-data': { schema: form.meta({ id: `${name}Form` }) } },
    required: true,
  };
}

const content = { 'application/json': { schema: imagesReplySchema } };
const NAMED = 'A data URL, an https URL, the id of an asset, or a part of the form.';

/** Face swaps, larger pictures, pictures without background. */
export const pictureRoutes = [
  {
    path: '/v1/images/face-swaps',
    operationId: 'swapFace',
    summary: 'Put a face into a picture',
    description: 'Replaces a face of `image` by the one of `face_image`.',
    tag: 'images',
    body: pictureBody(faceSwapSchema, 'FaceSwap', {
      image: `The picture whose face is replaced. ${NAMED}`,
      face_image: `The face that is put in. ${NAMED}`,
    }),
    content,
  },
  {
    path: '/v1/images/upscales',
    operationId: 'upscaleImage',
    summary: 'Make a picture larger',
    description: 'The same picture with more pixels.',
    tag: 'images',
    body: pictureBody(upscaleSchema, 'Upscale', { image: NAMED }),
    content,
  },
  {
    path: '/v1/images/background-removals',
    operationId: 'removeBackground',
    summary: 'Take the background away',
    description: 'The same picture, transparent but for what it shows.',
    tag: 'images',
    body: pictureBody(backgroundRemovalSchema, 'BackgroundRemoval', { image: NAMED }),
    content,
  },
] as const;
