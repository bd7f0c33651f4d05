import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anomalyOf, medianOf, USUAL_HOURS_MIN } from './anomaly.ts';
import { forecastOf, projectedUse } from './forecast.ts';

const DAY_MS = 86_400_000;
const PERIOD = { startMs: 0, endMs: 30 * DAY_MS };

describe('forecast', () => {
  it.each([
    [20n, 10, 60n, 'twice the limit by the end'],
    [11n, 10, 33n, 'just beyond'],
    [10n, 10, null, 'exactly the limit'],
    [5n, 10, null, 'half of it'],
    [20n, 3, null, 'too early to tell'],
    [2n, 4, null, 'too little used to be a trend'],
    [30n, 20, null, 'used up: the threshold tells'],
    [29n, 30, null, 'the period is over'],
  ])('of %s used after %s days is %s (%s)', (used, days, expected, _why) => {
    expect(forecastOf({ ...PERIOD, used, limit: 30n }, days * DAY_MS)).toBe(expected);
  });

  const arbitrary = fc.record({
    used: fc.bigInt(0n, 10n ** 15n),
    limit: fc.bigInt(1n, 10n ** 15n),
    startMs: fc.integer({ min: 0, max: 10 ** 12 }),
    length: fc.integer({ min: 1, max: 400 * DAY_MS }),
    share: fc.double({ min: 0, max: 1.2, noNaN: true }),
  });
  const momentOf = ({
    startMs,
    length,
    share,
  }: {
    startMs: number;
    length: number;
    share: number;
  }) => startMs + Math.floor(length * share);

  it('is told only of what has room left and would not last', () => {
    fc.assert(
      fc.property(arbitrary, (drawn) => {
        const use = { ...drawn, endMs: drawn.startMs + drawn.length };
        const projected = forecastOf(use, momentOf(drawn));
        if (projected === null) return;
        expect(projected).toBeGreaterThan(use.limit);
        expect(use.used).toBeLessThan(use.limit);
        expect(momentOf(drawn)).toBeLessThan(use.endMs);
      }),
    );
  });

  it('grows with use, and with a larger limit never begins', () => {
    fc.assert(
      fc.property(arbitrary, fc.bigInt(0n, 10n ** 12n), (drawn, more) => {
        const use = { ...drawn, endMs: drawn.startMs + drawn.length };
        const nowMs = momentOf(drawn);
        expect(projectedUse({ ...use, used: use.used + more }, nowMs)).toBeGreaterThanOrEqual(
          projectedUse(use, nowMs),
        );
        expect(projectedUse(use, nowMs)).toBeGreaterThanOrEqual(use.used);
        if (forecastOf(use, nowMs) === null && use.used < use.limit) {
          expect(forecastOf({ ...use, limit: use.limit + more }, nowMs)).toBeNull();
        }
      }),
    );
  });
});

describe('anomaly', () => {
  const RULE = { minimumNanoUsd: 1_000_000_000n, factor: 5n };
  const steady = Array.from({ length: 24 }, (_, n) => 200_000_000n + BigInt(n % 3) * 10_000_000n);

  it('is an hour far above the usual', () => {
    expect(anomalyOf(RULE, 3_000_000_000n, steady)).toEqual({
      usualNanoUsd: 210_000_000n,
      hours: 24,
    });
  });

  it.each([
    [900_000_000n, steady, 'below the minimum'],
    [1_000_000_000n, steady, 'less than the factor'],
    [3_000_000_000n, steady.slice(0, USUAL_HOURS_MIN - 1), 'too little known'],
    [
      3_000_000_000n,
      Array.from({ length: 24 }, (_, n) => 50_000_000n * BigInt(1 + (n % 24) * 2)),
      'within what swings anyway',
    ],
    [3_000_000_000n, [], 'a first hour'],
  ])('is not %s (%#)', (hour, before) => {
    expect(anomalyOf(RULE, hour, before)).toBeNull();
  });

  const hours = fc.array(fc.bigInt(1n, 10n ** 12n), { minLength: USUAL_HOURS_MIN, maxLength: 168 });
  const amount = fc.bigInt(0n, 10n ** 14n);

  it('never ends by spending more, nor begins by spending less', () => {
    fc.assert(
      fc.property(hours, amount, amount, (before, one, other) => {
        const [less, more] = one < other ? [one, other] : [other, one];
        if (anomalyOf(RULE, less, before) !== null) {
          expect(anomalyOf(RULE, more, before)).not.toBeNull();
        }
      }),
    );
  });

  it('depends on no order, and above the minimum on no currency', () => {
    fc.assert(
      fc.property(hours, amount, fc.bigInt(1n, 1000n), (before, hour, scale) => {
        const verdict = anomalyOf(RULE, hour, before) !== null;
        expect(anomalyOf(RULE, hour, before.toReversed()) !== null).toBe(verdict);
        if (hour < RULE.minimumNanoUsd) {
          expect(verdict).toBe(false);
          return;
        }
        const scaled = before.map((one) => one * scale);
        expect(anomalyOf(RULE, hour * scale, scaled) !== null).toBe(verdict);
      }),
    );
  });

  it('moves with no single hour of the past beyond its neighbours', () => {
    fc.assert(
      fc.property(hours, fc.nat(), amount, (before, place, wild) => {
        const at = place % before.length;
        const sorted = before.toSorted((one, other) => (one < other ? -1 : 1));
        const middle = Math.floor((sorted.length - 1) / 2);
        const median = medianOf(before.map((one, index) => (index === at ? wild : one)));
        expect(median).toBeGreaterThanOrEqual(sorted[Math.max(0, middle - 1)] ?? 0n);
        expect(median).toBeLessThanOrEqual(sorted[Math.min(sorted.length - 1, middle + 1)] ?? 0n);
      }),
    );
  });
});
