/**
 * What Gemini's media models take.
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../../contracts/media-model.ts';

/** A family of picture models. */
export interface ImageFamily {
  /** Model ids, a trailing `*` for any rest. */
  readonly ids: readonly string[];
  readonly shapes: readonly string[];
  /** Classes of size, smallest first; empty: the model has one and takes no option. */
  readonly classes: readonly string[];
  readonly inputImages: number;
}

const SHAPES = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'] as const;
const LONG_SHAPES = [...SHAPES, '1:4', '4:1', '1:8', '8:1'] as const;

const IMAGE_FAMILIES: readonly ImageFamily[] = [
  { ids: ['gemini-2.5-flash-image*'], shapes: SHAPES, classes: [], inputImages: 3 },
  { ids: ['gemini-3-pro-image*'], shapes: SHAPES, classes: ['1K', '2K', '4K'], inputImages: 14 },
  {
    ids: ['gemini-3.1-flash-lite-image*'],
    shapes: LONG_SHAPES,
    classes: ['1K'],
    inputImages: 14,
  },
  {
    ids: ['gemini-3.1-flash-image*', 'gemini-nano-banana-*'],
    shapes: LONG_SHAPES,
    classes: ['512', '1K', '2K', '4K'],
    inputImages: 14,
  },
];

const IMAGE_SOURCE =
  'https://ai.google.dev/gemini-api/docs/image-generation; recorded: gemini-3.1-flash-lite-image without options, one edit of 2.0 without its request. Shapes, sizes and counts of pictures rest on the documentation.';
/** What an unknown picture model is taken for: the newest. */
const [FALLBACK] = IMAGE_FAMILIES.slice(-1);

function isOf(id: string, model: string): boolean {
  return id.endsWith('*') ? model.startsWith(id.slice(0, -1)) : model === id;
}

/** The family of a picture model. */
export function imageFamilyOf(model: string): ImageFamily {
  const found = IMAGE_FAMILIES.find(({ ids }) => ids.some((id) => isOf(id, model))) ?? FALLBACK;
  if (found === undefined) throw new Error('there is no family of picture models');
  return found;
}

const PROMPT: OptionRule = { type: 'text', maxChars: 32_000 };
const SEED: OptionRule = { type: 'range', min: -2_147_483_648, max: 2_147_483_647 };

/** What a picture model takes for either operation. */
export function imageModel(
  id: string,
  family: ImageFamily,
  operation: 'image.generate' | 'image.edit',
): MediaModel {
  return {
    id,
    operation,
    options: {
      prompt: PROMPT,
      n: { type: 'one_of', values: [1] },
      size: { type: 'text', maxChars: 11 },
      seed: SEED,
      ...(operation === 'image.edit'
        ? {
            image: { type: 'files', max: family.inputImages },
            mode: { type: 'one_of', values: ['instruct'] },
          }
        : {}),
    },
    source: IMAGE_SOURCE,
  };
}

const IMAGE_MODELS: readonly MediaModel[] = IMAGE_FAMILIES.flatMap((family) =>
  family.ids.flatMap((id) => [
    imageModel(id, family, 'image.generate'),
    imageModel(id, family, 'image.edit'),
  ]),
);

/** The table. */
export const GEMINI_MEDIA_MODELS: readonly MediaModel[] = IMAGE_MODELS;
