import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simulatedMp4 } from '../simulators/media/mp4.ts';
import { measureAudio } from './audio-duration.ts';
import { mp4DurationMs } from './mp4-duration.ts';

function box(type: string, body: Buffer, sizeBytes: 4 | 8 = 4): Buffer {
  const head = Buffer.alloc(sizeBytes === 4 ? 8 : 16);
  head.write(type, 4, 'latin1');
  if (sizeBytes === 4) head.writeUInt32BE(8 + body.length);
  else {
    head.writeUInt32BE(1);
    head.writeBigUInt64BE(BigInt(16 + body.length), 8);
  }
  return Buffer.concat([head, body]);
}

function header(version: 0 | 1, scale: number, length: bigint): Buffer {
  const body = Buffer.alloc(112);
  body.writeUInt8(version);
  const at = version === 1 ? 20 : 12;
  body.writeUInt32BE(scale, at);
  if (version === 1) body.writeBigUInt64BE(length, at + 4);
  else body.writeUInt32BE(Number(length), at + 4);
  return box('mvhd', body);
}

function file(movie: Buffer, sizeBytes: 4 | 8 = 4): Buffer {
  const type = box('ftyp', Buffer.from('isom\0\0\0\0isom', 'latin1'));
  return Buffer.concat([type, box('mdat', Buffer.alloc(100)), box('moov', movie, sizeBytes)]);
}

describe('the length of a clip', () => {
  test('without sound is read from its movie header', async () => {
    const bytes = simulatedMp4({ width: 64, height: 64, durationMs: 5_000 }, 'clip');
    expect(mp4DurationMs(bytes)).toBe(5_000);
    expect(await measureAudio(bytes, 'video/mp4')).toBe(5_000);
  });

  test('in both versions of the header and of box sizes, rounded up', () => {
    expect(mp4DurationMs(file(header(0, 3, 10n)))).toBe(3_334);
    expect(mp4DurationMs(file(header(1, 90_000, 90_000n), 8))).toBe(1_000);
  });

  test.each([
    ['is not known', file(header(0, 1_000, 0xffff_ffffn))],
    ['is zero, as of fragments', file(header(0, 1_000, 0n))],
    ['has no scale', file(header(0, 0, 7n))],
    ['has no header', file(Buffer.alloc(0))],
    ['is of no file', Buffer.from('not a clip at all')],
  ])('that %s is null', (_name, bytes) => {
    expect(mp4DurationMs(bytes)).toBeNull();
  });

  test('of any bytes is a number or null, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
        const whole = file(header(0, 1_000, 5_000n));
        whole.set(bytes.subarray(0, Math.max(0, whole.length - at)), Math.min(at, whole.length));
        const found = mp4DurationMs(whole);
        expect(found === null || found > 0).toBe(true);
      }),
    );
  });
});
