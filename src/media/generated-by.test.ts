import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { withGeneratedBy } from './generated-by.ts';
import { imageSizeOf } from './image-header.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** The first segments of a JFIF file of 16 × 8, and a frame header. */
const JPEG = Buffer.from(
  'ffd8ffe000104a46494600010100000100010000ffc0000b080008001001011100ffd9',
  'hex',
);

function chunksOf(bytes: Buffer): readonly (readonly [type: string, isSound: boolean])[] {
  const found: (readonly [string, boolean])[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const typed = bytes.subarray(at + 4, at + 8 + length);
    found.push([
      bytes.toString('latin1', at + 4, at + 8),
      crc32(typed) === bytes.readUInt32BE(at + 8 + length),
    ]);
    at += length + 12;
  }
  return found;
}

describe('a generated-by note', () => {
  it('is a sound chunk behind the header of a PNG, and escapes its text', () => {
    const noted = withGeneratedBy(PNG, 'ALwrity <"&">');
    expect(chunksOf(noted)).toEqual([
      ['IHDR', true],
      ['iTXt', true],
      ['IDAT', true],
      ['IEND', true],
    ]);
    expect(noted.toString('utf8')).toContain('CreatorTool="ALwrity &#60;&#34;&#38;&#34;&#62;"');
    expect(noted.toString('utf8')).toContain('trainedAlgorithmicMedia');
  });

  it('is a segment behind JFIF in a JPEG, whose size is still read', () => {
    const noted = withGeneratedBy(JPEG, 'ALwrity');
    expect(noted.readUInt16BE(20)).toBe(0xffe1);
    expect(imageSizeOf(noted)).toEqual(imageSizeOf(JPEG));
  });

  it('is left out where Content Credentials or XMP speak for themselves, byte for byte', () => {
    const header = PNG.subarray(0, 33);
    const signed = Buffer.concat([
      header,
      Buffer.from('00000000', 'hex'),
      Buffer.from('caBX', 'latin1'),
      Buffer.from('00000000', 'hex'),
      PNG.subarray(33),
    ]);
    expect(withGeneratedBy(signed, 'ALwrity')).toBe(signed);
    const noted = withGeneratedBy(PNG, 'ALwrity');
    expect(withGeneratedBy(noted, 'Another')).toBe(noted);
  });

  it('is left out of other forms', () => {
    const webp = Buffer.from('RIFF....WEBPVP8 ');
    expect(withGeneratedBy(webp, 'ALwrity')).toBe(webp);
  });
});
