import { describe, expect, it } from 'vitest';
import { briefCopy, giveBack } from './brief-copy.ts';

describe('briefCopy', () => {
  it('keeps copies apart until they are given back, whatever their size', () => {
    const sizes = [0, 1, 4_096, 10_000, 65_536, 81_920, 81_921, 200_000];
    for (let round = 0; round < 3; round += 1) {
      const bytes = sizes.map((size, at) => Buffer.alloc(size, `${round}${at}`));
      const copies = bytes.map(briefCopy);
      for (const [at, original] of bytes.entries()) expect(copies[at]?.equals(original)).toBe(true);
      copies.forEach(giveBack);
    }
  });

  it('uses the memory of what was given back', () => {
    const first = briefCopy(Buffer.alloc(5_000));
    giveBack(first);
    const second = briefCopy(Buffer.alloc(6_000));
    expect(second.buffer).toBe(first.buffer);
    expect(briefCopy(second).buffer).not.toBe(first.buffer);
  });
});
