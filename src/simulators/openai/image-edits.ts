/**
 * `POST /v1/images/edits` (https://platform.openai.com/docs/api-reference/images/createEdit; recorded gpt-image-1.5), as a
 * form and as JSON. What is answered depends on every picture and on the mask.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { listOf, numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { pictureSize } from '../media/picture-size.ts';
import { fieldOf, partsOf, type SimulatedPart } from './form.ts';
import { answerImages, draftsOf, imageRequestOf, streamedImages } from './images.ts';
import { refuse } from './media-reply.ts';

/** Members of a form that are numbers in JSON. */
const NUMBERS: ReadonlySet<string> = new Set(['n', 'seed', 'steps', 'output_compression']);

interface EditBody {
  readonly members: JsonObject;
  readonly images: readonly Buffer[];
  readonly mask: Buffer | null;
}

function membersOf(parts: readonly SimulatedPart[]): JsonObject {
  const fields = parts.filter((part) => part.fileName === null);
  return Object.fromEntries(
    fields.map(({ name }) => {
      const text = fieldOf(parts, name) ?? '';
      return [name, NUMBERS.has(name) ? Number(text) : text];
    }),
  );
}

function bytesOf(value: unknown): Buffer | null {
  const url = stringOf(objectOf(value)['image_url']) ?? '';
  const data = /^data:image\/[a-z]+;base64,(.+)$/.exec(url)?.[1];
  return data === undefined ? null : Buffer.from(data, 'base64');
}

function bodyOf(call: SimulatedCall): EditBody {
  const parts = partsOf(call);
  if (parts.length === 0) {
    const { images, mask, ...members } = objectOf(call.json);
    return {
      members,
      images: listOf(images).flatMap((image) => bytesOf(image) ?? []),
      mask: bytesOf(mask),
    };
  }
  const files = parts.filter((part) => part.fileName !== null);
  return {
    members: membersOf(parts),
    images: files.filter(({ name }) => /^image(\[\])?$/.test(name)).map(({ bytes }) => bytes),
    mask: files.find(({ name }) => name === 'mask')?.bytes ?? null,
  };
}

const SIDE_MAX = 8192;

/** Size of a picture that grows by `expand`, which the simulator takes beside OpenAI's members; null: it does not grow. */
function grownSize(
  picture: Buffer | undefined,
  expand: unknown,
): { readonly width: number; readonly height: number } | 'unreadable' | null {
  if (typeof expand !== 'string') return null;
  try {
    const sides = objectOf(JSON.parse(expand));
    const by = (name: string): number => numberOf(sides[name]) ?? 0;
    const size = pictureSize(picture ?? Buffer.alloc(0));
    if (size === null) return 'unreadable';
    const width = size.width + by('left') + by('right');
    const height = size.height + by('up') + by('down');
    return Math.max(width, height) <= SIDE_MAX ? { width, height } : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

export function imageEditsRoute(call: SimulatedCall): FamilyRoute {
  const { members, images, mask } = bodyOf(call);
  const drafts = draftsOf(stringOf(members['model']) ?? '', members);
  return {
    model: stringOf(members['model']),
    stream: drafts !== null,
    answer(faults) {
      if (images.length === 0) return refuse(call, 'image', "Missing required parameter: 'image'.");
      const request = imageRequestOf(call, members);
      if ('kind' in request) return request;
      const all = mask === null ? images : [...images, mask];
      const looks = all.map((bytes) => hash('sha256', bytes, 'hex').slice(0, 16));
      const how = [members['mode'], members['search'], members['expand'], members['strength']];
      const seed = `${request.seed}/edit/${looks.join('/')}/${JSON.stringify(how)}`;
      const grown = grownSize(images[0], members['expand']);
      if (grown === 'unreadable') return refuse(call, 'expand', "Invalid 'expand'.");
      const made = { ...request, ...grown, seed };
      const reply = answerImages(call, made, { faults, inputs: all.length, drafts });
      return drafts === null ? reply : streamedImages(reply, made, { name: 'image_edit', drafts });
    },
  };
}
