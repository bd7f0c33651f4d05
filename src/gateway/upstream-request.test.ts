import { describe, expect, it } from 'vitest';
import { warningsOf } from './upstream-request.ts';

describe('warningsOf', () => {
  it('names what was changed and what was left out', () => {
    const mapped = { option: 'seed', action: 'mapped', detail: 'to 32 bits' } as const;
    expect(warningsOf([mapped], ['top_k'])).toEqual(['seed_mapped', 'top_k_dropped']);
  });

  it('keeps names and lists of callers short', () => {
    expect(warningsOf([], ['k'.repeat(1_000_000)])).toEqual([`${'k'.repeat(100)}_dropped`]);
    const many = warningsOf(
      [],
      Array.from({ length: 2000 }, (_, place) => `p${place}`),
    );
    expect(many).toHaveLength(101);
    expect(many.slice(-2)).toEqual(['p99_dropped', '1900_more']);
  });
});
