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

function drawMark(rows: Buffer, width: number, height: number): void {
  const scale = Math.max(1, Math.floor((width * 0.9) / (MARK.length * COLUMNS)));
  const left = Math.max(0, Math.floor((width - MARK.length * COLUMNS * scale) / 2));
  const top = Math.max(0, Math.floor((height - ROWS * scale) / 2));
  for (let y = 0; y < ROWS * scale && top + y < height; y += 1) {
    for (let x = 0; x < MARK.length * COLUMNS * scale && left + x < width; x += 1) {
      const column = Math.floor(x / scale);
      const letter = GLYPHS[MARK[Math.floor(column / COLUMNS)] ?? ''];
      const bits = letter?.[Math.floor(y / scale)] ?? 0;
      if (((bits >> (COLUMNS - 2 - (column % COLUMNS))) & 1) === 1) {
        rows[(top + y) * (width + 1) + 1 + left + x] = INK;
      }
    }
  }
}

/** A decodable PNG of exactly that size; equal seeds give equal bytes. Where it is transparent, all but the mark is. */
export function simulatedPng(
  size: { readonly width: number; readonly height: number },
  seed: string,
  isTransparent = false,
): Buffer {
  const { width, height } = size;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const rows = drawRows(width, height);
  drawMark(rows, width, height);
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
