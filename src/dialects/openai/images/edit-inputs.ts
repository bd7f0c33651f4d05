/**
 * Pictures and mask of an edit.
 *
 * @module
 */
import type { MediaInput } from '../../../contracts/media.ts';
import type { ImageSize } from '../../../media/image-header.ts';
import { invalidRequest } from '../../validation.ts';
import type { MediaBody, MediaReceiver, MediaRules } from '../media-body.ts';

/** Pictures of one call, as OpenAI bounds them. A mask is a mask: it never becomes a reference picture. */
export const EDIT_MEDIA: MediaRules = { image: { max: 16, alias: 'images' }, mask: { max: 1 } };

/** What an edit is made of. */
export interface EditInputs {
  readonly images: readonly [MediaInput, ...MediaInput[]];
  readonly mask: MediaInput | null;
  /** Of the first picture. */
  readonly size: ImageSize | null;
}

/**
 * Gets pictures and mask.
 *
 * @throws GatewayError naming the field; also for a mask that is not as large as the first picture
 */
export async function receiveEditInputs(
  { media }: MediaBody,
  receiver: MediaReceiver,
): Promise<EditInputs> {
  const { image = [], mask: masks = [] } = media;
  if (image.length === 0) throw invalidRequest('image', 'the picture to be edited is missing.');
  const received = await receiver.receiveAll(image, ['image']);
  const [first, ...others] = received.map(({ input }) => input);
  if (first === undefined) throw invalidRequest('image', 'the picture to be edited is missing.');
  const size = received[0]?.size ?? null;
  const [mask] = await receiver.receiveAll(masks, ['image']);
  if (mask === undefined) return { images: [first, ...others], mask: null, size };
  if (mask.size?.width !== size?.width || mask.size?.height !== size?.height) {
    throw invalidRequest(
      'mask',
      `has ${mask.size?.width} × ${mask.size?.height} pixels; it must be as large as the first picture, ${size?.width} × ${size?.height}.`,
    );
  }
  return { images: [first, ...others], mask: mask.input, size };
}
