import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedMilliseconds, jsonMilliseconds, toMicroseconds } from './durations.ts';

const microseconds = fc.nat({ max: 10_000_000_000 });

describe('durations', () => {
  it('are written with three decimals', () => {
    fc.assert(
      fc.property(microseconds, (count) => {
        expect(fixedMilliseconds(count / 1000)).toBe((count / 1000).toFixed(3));
      }),
    );
    expect([0, 0.0004, 0.1, 2, 1234.5678].map(fixedMilliseconds)).toEqual([
      '0.000',
      '0.000',
      '0.100',
      '2.000',
      '1234.568',
    ]);
  });

  it('are written as JSON writes the rounded number', () => {
    const any = fc.oneof(
      microseconds.map((count) => count / 1000),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
    );
    fc.assert(
      fc.property(any, (milliseconds) => {
        expect(jsonMilliseconds(milliseconds)).toBe(JSON.stringify(toMicroseconds(milliseconds)));
      }),
    );
  });
});
