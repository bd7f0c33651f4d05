import { decode, encode } from 'fast-png';
import { expect, test } from 'vitest';
import { decodePng } from '../../test/media/files.ts';
import { brightnessMask } from './brightness-mask.ts';

function pngOf(channels: number, depth: 8 | 16, data: readonly number[]): Buffer {
  const pixels = depth === 16 ? Uint16Array.from(data) : Uint8Array.from(data);
  return Buffer.from(encode({ width: 2, height: 1, channels, depth, data: pixels }));
}

function pixelsOf(mask: Buffer): readonly number[] {
  const made = brightnessMask(mask);
  if (made.type === 'refused') throw new Error(made.reason);
  expect(decodePng(made.png)).toEqual({ width: 2, height: 1 });
  return [...decode(made.png).data];
}

test.each([
  ['RGBA', pngOf(4, 8, [9, 9, 9, 0, 9, 9, 9, 255])],
  ['grey and alpha', pngOf(2, 8, [200, 0, 200, 255])],
  ['sixteen bits', pngOf(4, 16, [9, 9, 9, 0, 9, 9, 9, 65_535])],
])('what is transparent becomes white, what is opaque black: %s', (_name, mask) => {
  expect(pixelsOf(mask)).toEqual([255, 0]);
});

test('half transparent is grey', () => {
  expect(pixelsOf(pngOf(4, 8, [0, 0, 0, 128, 0, 0, 0, 255]))).toEqual([127, 0]);
});

test.each([
  ['without transparency', pngOf(3, 8, [1, 2, 3, 4, 5, 6]), /no transparency/],
  ['that is no PNG', Buffer.from('GIF89a and so on, for more than thirty bytes'), /must be a PNG/],
  ['that is cut off', pngOf(4, 8, [9, 9, 9, 0, 9, 9, 9, 255]).subarray(0, 45), /cannot be decoded/],
])('a mask %s is refused, saying why', (_name, mask, reason) => {
  const made = brightnessMask(mask);
  expect(made).toMatchObject({ type: 'refused', reason: expect.stringMatching(reason) });
});

test('a header that claims more pixels than are taken is never decoded', () => {
  const mask = pngOf(4, 8, [9, 9, 9, 0, 9, 9, 9, 255]);
  mask.writeUInt32BE(60_000, 16);
  mask.writeUInt32BE(60_000, 20);
  expect(brightnessMask(mask)).toMatchObject({ reason: expect.stringMatching(/pixels/) });
});
