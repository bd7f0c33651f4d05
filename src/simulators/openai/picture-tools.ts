/**
 * The simulator's own routes for face swaps, larger pictures and pictures without background. They take forms and answer
 * as OpenAI's routes of pictures do; what comes back depends on every byte that was sent.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { findFault, type Fault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { SimulatedReply } from '../core/reply.ts';
import { pictureSize, type PictureSize } from '../media/picture-size.ts';
import { simulatedPng } from '../media/png.ts';
import { CREATED_S } from './chat.ts';
import { errorJson } from './errors.ts';
import { fieldOf, partsOf, type SimulatedPart } from './form.ts';
import { jsonReply, mediaUsage, refuse } from './media-reply.ts';

/** Largest picture that is made. */
const PIXELS_MAX = 24_000_000;

/** One of the routes: which files it needs, and how large the picture becomes. */
interface PictureTool {
  readonly files: readonly string[];
  readonly isTransparent: boolean;
  sizeOf(size: PictureSize, parts: readonly SimulatedPart[]): PictureSize | string;
}

const SCALE_DEFAULT = 2;

const TOOLS: Readonly<Record<string, PictureTool>> = {
  '/v1/images/face-swaps': {
    files: ['image', 'face_image'],
    isTransparent: false,
    sizeOf: (size) => size,
  },
  '/v1/images/upscales': {
    files: ['image'],
    isTransparent: false,
    sizeOf({ width, height }, parts) {
      const scale = Number(fieldOf(parts, 'scale') ?? SCALE_DEFAULT);
      if (!(scale >= 1 && scale <= 8)) return 'scale';
      return { width: Math.round(width * scale), height: Math.round(height * scale) };
    },
  },
  '/v1/images/background-removals': {
    files: ['image'],
    isTransparent: true,
    sizeOf: (size) => size,
  },
};

function answer(
  call: SimulatedCall,
  { tool, parts }: { readonly tool: PictureTool; readonly parts: readonly SimulatedPart[] },
  faults: readonly Fault[],
): SimulatedReply {
  const model = fieldOf(parts, 'model') ?? '';
  const inBand = findFault(faults, 'in-band-error');
  if (inBand !== undefined) {
    const reply = jsonReply(call, {}, mediaUsage({}));
    return { ...reply, body: errorJson(inBand.error, model), usage: null };
  }
  const files = new Map(
    parts.filter((part) => part.fileName !== null).map(({ name, bytes }) => [name, bytes]),
  );
  const sizes = new Map<string, PictureSize>();
  for (const name of tool.files) {
    const size = pictureSize(files.get(name) ?? Buffer.alloc(0));
    if (size === null) return refuse(call, name, `Missing or unreadable picture: '${name}'.`);
    sizes.set(name, size);
  }
  const format = fieldOf(parts, 'output_format') ?? 'png';
  if (format !== 'png') return refuse(call, 'output_format', 'The simulator makes PNG alone.');
  const made = tool.sizeOf(sizes.get('image') ?? { width: 1, height: 1 }, parts);
  if (typeof made === 'string') return refuse(call, made, `Invalid '${made}'.`);
  if (made.width * made.height > PIXELS_MAX) {
    return refuse(call, 'image', `At most ${String(PIXELS_MAX)} pixels are made.`);
  }
  const seed = `${call.seed}${call.path}/${hash('sha256', call.body, 'hex').slice(0, 16)}`;
  const size = `${String(made.width)}x${String(made.height)}`;
  return jsonReply(
    call,
    {
      created: CREATED_S,
      background: tool.isTransparent ? 'transparent' : 'opaque',
      data: [
        {
          b64_json: simulatedPng(made, seed, { isTransparent: tool.isTransparent }).toString(
            'base64',
          ),
        },
      ],
      output_format: 'png',
      size,
    },
    mediaUsage({ images: 1 }),
  );
}

/** The route of a path; null where it is none of these. */
export function pictureToolRoute(call: SimulatedCall): FamilyRoute | null {
  const tool = TOOLS[call.path];
  if (tool === undefined) return null;
  const parts = partsOf(call);
  return {
    model: fieldOf(parts, 'model'),
    stream: false,
    answer: (faults) => answer(call, { tool, parts }, faults),
  };
}
