import { describe, expect, it } from 'vitest';
import { SpanCache } from './span-cache.ts';

describe('SpanCache', () => {
  it('gives a span for the moments it holds, its start among them and its end not', () => {
    const cache = new SpanCache(4);
    const span = cache.keep('a', { startMs: 10, endMs: 20 });
    expect([9, 10, 19, 20].map((atMs) => cache.at('a', atMs))).toEqual([null, span, span, null]);
    expect(cache.at('b', 10)).toBeNull();
  });

  it('tells the last span of a key, whatever the moment', () => {
    const cache = new SpanCache(4);
    expect(cache.last('a')).toBeNull();
    cache.keep('a', { startMs: 10, endMs: 20 });
    const later = cache.keep('a', { startMs: 20, endMs: 30 });
    expect(cache.last('a')).toBe(later);
  });

  it('forgets all when one more key comes than it may have', () => {
    const cache = new SpanCache(2);
    cache.keep('a', { startMs: 0, endMs: 1 });
    cache.keep('b', { startMs: 0, endMs: 1 });
    cache.keep('b', { startMs: 1, endMs: 2 });
    expect([cache.size, cache.last('a')?.endMs]).toEqual([2, 1]);
    cache.keep('c', { startMs: 0, endMs: 1 });
    expect([cache.size, cache.last('a'), cache.last('c')?.endMs]).toEqual([1, null, 1]);
  });
});
