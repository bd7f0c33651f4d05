/**
 * Pictures that anyone can see to be simulated: stripes in the seed's colours with the word across them, as PNG
 * (RFC 2083, one byte of palette a pixel).
 *
 * @module
 */
import { crc32, deflateSync } from 'node:zlib';
import { createRandom } from '../core/random.ts';

/** Letters of the mark, five columns by seven rows, one bit a pixel, the leftmost highest. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  S: [0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e],
  I: [0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e],
  M: [0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11],
  U: [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
  L: [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f],
  A: [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
  T: [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04],
  E: [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
  D: [0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e],
  B: [0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e],
  C: [0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e],
  F: [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10],
  G: [0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f],
  K: [0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11],
  N: [0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11],
  O: [0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
  P: [0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10],
  R: [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11],
  V: [0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04],
  W: [0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11],
  X: [0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11],
};
const MARK = 'SIMULATED';
const COLUMNS = 6;
const ROWS = 7;
const STRIPES = 6;
const INK = STRIPES;

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, check]);
}

/** Muted colours, and white for the mark. */
function palette(seed: string): Buffer {
  const random = createRandom(seed, 'palette');
  const colours = Buffer.alloc((STRIPES + 1) * 3, 255);
  for (let at = 0; at < STRIPES * 3; at += 1) colours[at] = random.integer(30, 200);
  return colours;
}

/** One byte a pixel, each row after its filter byte. */
function drawRows(width: number, height: number): Buffer {
  const rows = Buffer.alloc((width + 1) * height);
  const band = Math.max(1, Math.ceil(Math.max(width, height) / 16));
  for (let y = 0; y < height; y += 1) {
    const start = y * (width + 1) + 1;
    for (let x = 0; x < width; x += band) {
      const colour = Math.floor((x + y) / band) % STRIPES;
      rows.fill(colour, start + x, start + Math.min(x + band, width));
    }
  }
  return rows;
}

interface Line {
  readonly text: string;
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

function drawLine(
  rows: Buffer,
  { width, height }: { readonly width: number; readonly height: number },
  line: Line,
): void {
  const { text, scale, left, top } = line;
  for (let y = 0; y < ROWS * scale && top + y < height; y += 1) {
    for (let x = 0; x < text.length * COLUMNS * scale && left + x < width; x += 1) {
      const column = Math.floor(x / scale);
      const letter = GLYPHS[text[Math.floor(column / COLUMNS)] ?? ''];
      const bits = letter?.[Math.floor(y / scale)] ?? 0;
      if (((bits >> (COLUMNS - 2 - (column % COLUMNS))) & 1) === 1) {
        rows[(top + y) * (width + 1) + 1 + left + x] = INK;
      }
    }
  }
}

/** The mark in the middle, and what was done in smaller letters below it. */
function drawMark(
  rows: Buffer,
  size: { readonly width: number; readonly height: number },
  caption: string,
): void {
  const { width, height } = size;
  const centred = (text: string, scale: number): number =>
    Math.max(0, Math.floor((width - text.length * COLUMNS * scale) / 2));
  const scale = Math.max(1, Math.floor((width * 0.9) / (MARK.length * COLUMNS)));
  const top = Math.max(0, Math.floor((height - ROWS * scale) / 2));
  drawLine(rows, size, { text: MARK, scale, left: centred(MARK, scale), top });
  const small = Math.max(1, Math.floor(scale / 2));
  const left = centred(caption, small);
  const below = top + Math.ceil((ROWS + 2) * scale);
  drawLine(rows, size, { text: caption, scale: small, left, top: below });
}

/** What is seen beside stripes and mark. */
export interface PictureLooks {
  /** All but what is written is transparent. */
  readonly isTransparent?: boolean;
  /** What was done, in capitals. */
  readonly caption?: string;
}

/** A decodable PNG of exactly that size; equal seeds and looks give equal bytes. */
export function simulatedPng(
  size: { readonly width: number; readonly height: number },
  seed: string,
  looks: PictureLooks = {},
): Buffer {
  const { width, height } = size;
  const { isTransparent = false, caption = '' } = looks;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const rows = drawRows(width, height);
  drawMark(rows, size, caption);
  return Buffer.concat([
    Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', palette(seed)),
    ...(isTransparent ? [chunk('tRNS', Buffer.alloc(STRIPES))] : []),
    chunk('tEXt', Buffer.from(`Comment\u0000simulated ${seed.slice(0, 200)}`, 'latin1')),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
