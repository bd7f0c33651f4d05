import { describe, expect, it } from 'vitest';
import { releaseBytes } from './release-bytes.ts';

describe('releaseBytes', () => {
  it('gives large buffers back, and leaves alone what others may read', () => {
    const large = Buffer.alloc(100_000, 1);
    const part = Buffer.alloc(100_000, 2).subarray(1);
    const small = Buffer.from('small');
    for (const bytes of [large, part, small]) releaseBytes(bytes);
    releaseBytes(large);
    expect([large.length, part.length, small.toString()]).toEqual([0, 99_999, 'small']);
  });
});
