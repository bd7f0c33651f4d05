/**
 * Pixels → the shapes and classes of size that Gemini's picture models know.
 * https://ai.google.dev/gemini-api/docs/image-generation#aspect_ratios
 *
 * @module
 */

/** How a size is asked for; null: left to the model. */
export interface ImageShape {
  readonly aspectRatio: string | null;
  readonly imageSize: string | null;
  /** Whether the picture will have other pixels than were asked for, as far as is known. */
  readonly isNear: boolean;
}

/** Most pixels of each class; a class is a square of that side, with room for other shapes. The same bounds as prices have. */
const CLASSES: readonly (readonly [pixels: number, name: string])[] = [
  [600_000, '512'],
  [1_800_000, '1K'],
  [7_000_000, '2K'],
  [Number.POSITIVE_INFINITY, '4K'],
];

/** Side of the square of each class. */
const SIDES: Readonly<Record<string, number>> = { '512': 512, '1K': 1024, '2K': 2048, '4K': 4096 };

function ratioOf(name: string): number {
  const [width = 1, height = 1] = name.split(':').map(Number);
  return width / height;
}

/** The shape that is nearest by its proportions. */
function nearest(ratio: number, shapes: readonly string[]): string {
  const distance = (name: string): number => Math.abs(Math.log(ratioOf(name) / ratio));
  return shapes.reduce((best, name) => (distance(name) < distance(best) ? name : best), '1:1');
}

/** The smallest class of the model that holds so many pixels; its largest where none does. */
function classOf(pixels: number, classes: readonly string[]): string | null {
  const wanted = CLASSES.findIndex(([most]) => pixels <= most);
  const found = CLASSES.slice(wanted).find(([, name]) => classes.includes(name));
  return found?.[1] ?? classes.at(-1) ?? null;
}

/** `size` as the gateway's bodies have it: `<width>x<height>`, `auto`, or null. `classes`: those of the model, smallest first. */
export function imageShape(
  size: string | null,
  model: { readonly shapes: readonly string[]; readonly classes: readonly string[] },
): ImageShape {
  const [, wide, high] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? [];
  const [width, height] = [Number(wide), Number(high)];
  if (wide === undefined || width * height === 0) {
    return { aspectRatio: null, imageSize: null, isNear: false };
  }
  const aspectRatio = nearest(width / height, model.shapes);
  const imageSize = classOf(width * height, model.classes);
  const side = SIDES[imageSize ?? '1K'];
  const isExact = aspectRatio === '1:1' && width === height && width === side;
  return { aspectRatio, imageSize, isNear: !isExact };
}
