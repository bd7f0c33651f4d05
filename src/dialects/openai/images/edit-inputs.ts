/**
 * Pictures and mask of an edit, out of a form's parts or a JSON body's data URLs.
 *
 * @module
 */
import type { MediaInput } from '../../../contracts/media.ts';
import { checkImageBytes, type ImageSize } from '../../../media/image-header.ts';
import { parseJsonObject } from '../../json-body.ts';
import { invalidRequest } from '../../validation.ts';
import { dataUrlBytes, mediaInput, readForm, type FormBody } from '../form-body.ts';

/** Pictures of one call, as OpenAI bounds them. */
const IMAGES_MAX = 16;
/** A picture of 16,384 × 16,384: what is larger is a bomb, or nothing that any model takes. */
const PIXELS_MAX = 268_435_456;

/** What an edit is made of. */
export interface EditInputs {
  readonly members: Readonly<Record<string, unknown>>;
  readonly images: readonly [MediaInput, ...MediaInput[]];
  readonly mask: MediaInput | null;
}

interface Found {
  readonly param: string;
  readonly bytes: Buffer;
}

async function checkedImage({
  param,
  bytes,
}: Found): Promise<{ input: MediaInput; size: ImageSize }> {
  const input = await mediaInput(bytes, { param, kinds: ['image'] });
  const check = checkImageBytes(bytes, input.mediaType, PIXELS_MAX);
  if (check.type === 'refused') throw invalidRequest(param, check.reason);
  return { input, size: check.size };
}

async function inputsOf(
  members: EditInputs['members'],
  found: { readonly images: readonly Found[]; readonly mask: Found | null },
): Promise<EditInputs> {
  if (found.images.length > IMAGES_MAX) {
    throw invalidRequest('image', `at most ${IMAGES_MAX} pictures are taken.`);
  }
  const images = await Promise.all(found.images.map(checkedImage));
  const [first, ...others] = images;
  if (first === undefined) throw invalidRequest('image', 'the picture to be edited is missing.');
  const inputs = [first.input, ...others.map(({ input }) => input)] as const;
  if (found.mask === null) return { members, images: [...inputs], mask: null };
  const mask = await checkedImage(found.mask);
  const { width, height } = first.size;
  if (mask.size.width !== width || mask.size.height !== height) {
    throw invalidRequest(
      'mask',
      `has ${mask.size.width} × ${mask.size.height} pixels; it must be as large as the first picture, ${width} × ${height}.`,
    );
  }
  return { members, images: [...inputs], mask: mask.input };
}

/** Parts of a form. A mask is a mask: it never becomes a reference picture. */
function fromForm({ members, files }: FormBody): Promise<EditInputs> {
  const images: Found[] = [];
  let mask: Found | null = null;
  for (const { part, bytes } of files) {
    if (part === 'image') images.push({ param: 'image', bytes });
    else if (part === 'mask' && mask === null) mask = { param: 'mask', bytes };
    else
      throw invalidRequest(
        part.slice(0, 100),
        'unknown file; pictures are "image" or "image[]", and one "mask".',
      );
  }
  return inputsOf(members, { images, mask });
}

/** A data URL, alone or as `{image_url}`. */
function foundIn(value: unknown, param: string): Found {
  const url =
    typeof value === 'object' && value !== null && 'image_url' in value ? value.image_url : value;
  if (typeof url !== 'string') {
    throw invalidRequest(param, 'must be a data URL, or {"image_url": "data:…"}.');
  }
  return { param, bytes: dataUrlBytes(url, param) };
}

/** `images: [{image_url}]` as OpenAI has it, or `image`: one, or a list. */
function fromJson(body: Readonly<Record<string, unknown>>): Promise<EditInputs> {
  const { images, image, mask, ...members } = body;
  const name = images === undefined ? 'image' : 'images';
  const value = images ?? image ?? [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const found = list.map((one, at) => foundIn(one, Array.isArray(value) ? `${name}[${at}]` : name));
  return inputsOf(members, {
    images: found,
    mask: mask === undefined || mask === null ? null : foundIn(mask, 'mask'),
  });
}

/**
 * Reads the body of an edit.
 *
 * @throws GatewayError `invalid_request` and `unsupported_media_type`, naming the field
 */
export async function readEdit(
  body: Buffer,
  maxDepth: number,
  formType: string | null,
): Promise<EditInputs> {
  if (formType === null) return await fromJson(parseJsonObject(body, maxDepth));
  return await fromForm(await readForm(body, formType, IMAGES_MAX + 1));
}
