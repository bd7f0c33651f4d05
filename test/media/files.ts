/**
 * Reading of files that the gateway delivers, written from their specifications alone.
 *
 * @module
 */
import { crc32, inflateSync } from 'node:zlib';

/** Decodes a PNG of one byte a pixel down to its pixels. @throws Error when it is no such file, or cut short */
export function decodePng(bytes: Buffer): { readonly width: number; readonly height: number } {
  if (bytes.toString('latin1', 0, 8) !== '\u0089PNG\r\n\u001a\n') throw new Error('no PNG');
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const data: Buffer[] = [];
  let last = '';
  for (let at = 8; at < bytes.length && last !== 'IEND';) {
    const length = bytes.readUInt32BE(at);
    last = bytes.toString('latin1', at + 4, at + 8);
    if (last === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const pixels = inflateSync(Buffer.concat(data));
  if (last !== 'IEND' || pixels.length !== (width + 1) * height) throw new Error('a broken PNG');
  return { width, height };
}

/** A PNG of one byte a pixel with these compressed bytes for its rows, whatever they hold. */
export function pngOf(
  size: { readonly width: number; readonly height: number },
  rows: Buffer,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size.width, 0);
  header.writeUInt32BE(size.height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const check = Buffer.alloc(4);
    check.writeUInt32BE(crc32(typed));
    return Buffer.concat([length, typed, check]);
  };
  return Buffer.concat([
    Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Milliseconds of a WAV file by its header. @throws Error where header and length disagree */
export function wavMs(bytes: Buffer): number {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error('no WAV');
  }
  const rate = bytes.readUInt32LE(28);
  const length = bytes.readUInt32LE(40);
  if (length !== bytes.length - 44) throw new Error('a WAV whose header lies');
  return (length / rate) * 1000;
}

/** A WAV of silence: 8 kHz, 16 bits, one channel. */
export function recordingOf(durationMs: number): Buffer {
  const data = Buffer.alloc(Math.round(durationMs * 8) * 2);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(16_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}
