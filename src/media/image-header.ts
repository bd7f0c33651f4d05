/**
 * How large a picture is when it is decoded, read from its header alone: nothing here decodes, and what would not fit
 * a decoder's memory is refused before one sees it.
 *
 * @module
 */
import { stat } from 'node:fs/promises';
import { imageSize } from 'image-size';
import { readHead } from './media-type.ts';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

export type ImageCheck =
  | { readonly type: 'ok'; readonly size: ImageSize }
  /** `reason` ends a sentence that begins with the field. */
  | { readonly type: 'refused'; readonly reason: string };

/** Large colour profiles and previews stand before the dimensions of a JPEG. */
const HEAD_BYTES = 512 * 1024;

/** DEFLATE (RFC 1951) makes at most 258 bytes of two bits; zlib's documentation gives 1032:1. */
const DEFLATE_RATIO_MAX = 1032;
/** A picture of one colour reaches DEFLATE's limit; small ones are harmless. */
const SUSPECT_RAW_BYTES = 128 * 1024 * 1024;
const SUSPECT_RATIO = 200;

/** Channels by colour type (PNG specification, section 11.2.2). */
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Bytes that a PNG's rows have before compression; null where the header is none. */
function pngRawBytes(head: Buffer): number | null {
  if (head.length < 33 || head.toString('latin1', 12, 16) !== 'IHDR') return null;
  const width = head.readUInt32BE(16);
  const height = head.readUInt32BE(20);
  const channels = PNG_CHANNELS[head.readUInt8(25)];
  if (channels === undefined) return null;
  return height * (1 + Math.ceil((width * channels * head.readUInt8(24)) / 8));
}

function checkPng(head: Buffer, fileBytes: number): string | null {
  const raw = pngRawBytes(head);
  if (raw === null) return 'is no PNG: its header cannot be read.';
  if (raw > fileBytes * DEFLATE_RATIO_MAX) {
    return `declares more pixels than its ${fileBytes} bytes can hold.`;
  }
  if (raw > SUSPECT_RAW_BYTES && raw > fileBytes * SUSPECT_RATIO) {
    return `would grow from ${fileBytes} to ${raw} bytes when it is decoded.`;
  }
  return null;
}

/** Width and height of a picture as its header states them; null where it cannot be read. */
export function imageSizeOf(picture: Buffer): ImageSize | null {
  try {
    const { width, height } = imageSize(picture.subarray(0, HEAD_BYTES));
    return width > 0 && height > 0 ? { width, height } : null;
  } catch {
    return null;
  }
}

/** Checks a picture by its header against the most pixels that are taken. */
export async function checkImage(
  path: string,
  type: string,
  maxPixels: number,
): Promise<ImageCheck> {
  const head = await readHead(path, HEAD_BYTES);
  return checkHead(head, { type, maxPixels, fileBytes: (await stat(path)).size });
}

/** {@link checkImage} of a picture in memory. */
export function checkImageBytes(bytes: Buffer, type: string, maxPixels: number): ImageCheck {
  return checkHead(bytes.subarray(0, HEAD_BYTES), { type, maxPixels, fileBytes: bytes.length });
}

function checkHead(
  head: Buffer,
  file: { readonly type: string; readonly maxPixels: number; readonly fileBytes: number },
): ImageCheck {
  const { type, maxPixels, fileBytes } = file;
  const size = imageSizeOf(head);
  if (size === null) {
    return { type: 'refused', reason: `has a header of ${type} whose size cannot be read.` };
  }
  const { width, height } = size;
  if (width * height > maxPixels) {
    const reason = `has ${width} × ${height} pixels; at most ${maxPixels} are taken (assets.maxPixels).`;
    return { type: 'refused', reason };
  }
  const bomb = type === 'image/png' || type === 'image/apng' ? checkPng(head, fileBytes) : null;
  return bomb === null ? { type: 'ok', size } : { type: 'refused', reason: bomb };
}
