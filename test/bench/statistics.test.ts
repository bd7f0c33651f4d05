import { describe, expect, it } from 'vitest';
import { Histogram, median, relativeSpread } from '../../bench/statistics.ts';

describe('median', () => {
  it('takes the middle of an odd number of values, whatever their order', () => {
    expect(median([30, 10, 20])).toBe(20);
  });

  it('takes the mean of the two middle values of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('has no value for nothing', () => {
    expect(median([])).toBeNaN();
  });
});

it('relativeSpread is half the range over the median', () => {
  expect(relativeSpread([90, 100, 110])).toBeCloseTo(0.1);
});

describe('Histogram', () => {
  it('gives quantiles within one percent of the exact ones over six decades', () => {
    const histogram = new Histogram();
    const values: number[] = [];
    for (let step = 0; step < 6000; step += 1) values.push(Math.floor(10 ** (step / 1000)));
    for (const value of values) histogram.record(value);
    for (const share of [0.01, 0.25, 0.5, 0.9, 0.99, 1]) {
      const exact = values[Math.ceil(share * values.length) - 1] ?? Number.NaN;
      const found = histogram.quantile(share);
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * 1.01 + 1);
    }
  });

  it('never reports more than the largest value', () => {
    const histogram = new Histogram();
    histogram.record(1000);
    expect(histogram.quantile(0.99)).toBe(1000);
    expect(histogram.max).toBe(1000);
  });

  it('is zero while empty', () => {
    expect(new Histogram().quantile(0.5)).toBe(0);
  });
});
