/**
 * Masks as providers want them that read brightness: white where the picture is to change, black where it stays. The gateway's own
 * masks say it by transparency, as OpenAI's do.
 *
 * @module
 */
import { decode, encode } from 'fast-png';
import { mediaTypeOf } from './media-type.ts';

/** Most pixels of a mask that is decoded: what any provider of this kind takes, and some 75 MB at worst. */
const PIXELS_MAX = 9_437_184;
const WIDTH_AT = 16;
const HEIGHT_AT = 20;
const HEADER_BYTES = 33;

/** The mask, or why there is none; `reason` continues "The mask …". */
export type BrightnessMask =
  | { readonly type: 'mask'; readonly png: Buffer }
  | { readonly type: 'refused'; readonly reason: string };

function refused(reason: string): BrightnessMask {
  return { type: 'refused', reason };
}

/** How transparent each pixel of a palette is, from 0 to 255; null where all of them are opaque. */
function paletteTransparency(palette: readonly (readonly number[])[]): readonly number[] | null {
  const found = palette.map(([, , , alpha = 255]) => 255 - alpha);
  return found.some((one) => one > 0) ? found : null;
}

/** Transparency of every pixel, from 0 to 255; null for a picture that has none. */
function transparencyOf(png: ReturnType<typeof decode>): Uint8Array | null {
  const { width, height, channels, depth, data, palette } = png;
  const found = new Uint8Array(width * height);
  if (palette !== undefined) {
    // Pixels of fewer than eight bits are packed, several to a byte.
    const levels = depth === 8 ? paletteTransparency(palette) : null;
    if (levels === null) return null;
    for (let at = 0; at < found.length; at += 1) found[at] = levels[data[at] ?? 0] ?? 0;
    return found;
  }
  if (channels !== 2 && channels !== 4) return null;
  for (let at = 0; at < found.length; at += 1) {
    const alpha = data[at * channels + channels - 1] ?? 0;
    found[at] = 255 - (depth === 16 ? alpha >> 8 : alpha);
  }
  return found;
}

/** White where the mask is transparent, black where it is opaque; greys in between. */
export function brightnessMask(mask: Buffer): BrightnessMask {
  if (mediaTypeOf(mask) !== 'image/png' || mask.length < HEADER_BYTES) {
    return refused('must be a PNG that is transparent where the picture is to change.');
  }
  if (mask.readUInt32BE(WIDTH_AT) * mask.readUInt32BE(HEIGHT_AT) > PIXELS_MAX) {
    return refused(`has more than the ${PIXELS_MAX} pixels that this provider takes.`);
  }
  let png: ReturnType<typeof decode>;
  try {
    png = decode(mask);
  } catch {
    return refused('is a PNG that cannot be decoded.');
  }
  const data = transparencyOf(png);
  if (data === null) {
    return refused('has no transparency: make transparent what is to change.');
  }
  const { width, height } = png;
  return { type: 'mask', png: Buffer.from(encode({ width, height, channels: 1, depth: 8, data })) };
}
