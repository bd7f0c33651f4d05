/**
 * Small files of each kind, made here: no decoder of the product is involved.
 *
 * @module
 */
import { crc32, deflateSync } from 'node:zlib';

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** A PNG of one colour; `claimed` puts another size into its header. */
export function pngOf(
  width: number,
  height: number,
  { shade = 0, claimed }: { shade?: number; claimed?: readonly [number, number] } = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(claimed?.[0] ?? width, 0);
  header.writeUInt32BE(claimed?.[1] ?? height, 4);
  // Eight bits of grey.
  header.writeUInt8(8, 8);
  const rows = Buffer.alloc((width + 1) * height, shade);
  for (let row = 0; row < height; row += 1) rows.writeUInt8(0, row * (width + 1));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A WAV of silence: 8 kHz, 16 bits, one channel. */
export function wavOf(samples: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples * 2, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(16_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples * 2, 40);
  return Buffer.concat([header, Buffer.alloc(samples * 2)]);
}

/** The box that an MP4 begins with; what follows is for the caller to add. */
export function mp4Head(brand = 'isom'): Buffer {
  const box = Buffer.alloc(24);
  box.writeUInt32BE(24, 0);
  box.write(`ftyp${brand}`, 4, 'latin1');
  box.write('isommp42', 16, 'latin1');
  return box;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const text = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');
const padded = (head: Buffer): Buffer => Buffer.concat([head, Buffer.alloc(64)]);

/** A start of frame that says 3 × 2 pixels. */
const JPEG = Buffer.concat([
  hex('ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 0000'),
  hex('ffc0 000b 08 0002 0003 01 01 11 00'),
  hex('ffda 0008 01 01 00 00 3f 00 00 ffd9'),
]);
const GIF = Buffer.concat([
  text('GIF89a'),
  hex('0300 0200 80 00 00 000000 ffffff 2c 0000 0000 0300 0200 00 02 02 4c01 00 3b'),
]);
const WEBP = Buffer.concat([
  text('RIFF'),
  hex('1a000000'),
  text('WEBPVP8L'),
  hex('0d000000 2f 02400000 00000000 00000000 00'),
]);

/** The beginning of a file of each kind that is taken, by the type it is stored as. */
export const SAMPLES: readonly (readonly [type: string, bytes: Buffer])[] = [
  ['image/png', pngOf(3, 2)],
  ['image/jpeg', JPEG],
  ['image/gif', GIF],
  ['image/webp', WEBP],
  ['audio/wav', wavOf(100)],
  ['audio/mpeg', padded(hex('49443303000000000000 fffb9064'))],
  [
    'audio/ogg',
    padded(Buffer.concat([text('OggS'), hex('0002'), Buffer.alloc(22), text('OpusHead')])),
  ],
  ['audio/flac', padded(text('fLaC'))],
  ['audio/mp4', padded(mp4Head('M4A '))],
  ['video/mp4', padded(mp4Head())],
  ['video/quicktime', padded(mp4Head('qt  '))],
  [
    'video/webm',
    padded(
      hex(
        '1a45dfa3 9f 4286 81 01 42f7 81 01 42f2 81 04 42f3 81 08 4282 84 7765626d 4287 81 04 4285 81 02',
      ),
    ),
  ],
];
