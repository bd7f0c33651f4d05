import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clampWaitMs,
  parseGoDuration,
  parseGoogleDuration,
  parseHttpDate,
  RETRY_WAIT_MAX_MS,
  RETRY_WAIT_MIN_MS,
  retryWaitMs,
} from './retry-after.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0);

describe('wait of a refusal', () => {
  test.each<[string, Record<string, string>, number | null]>([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['fractions of seconds', { 'retry-after': '0.25' }, 250],
    ['HTTP-date', { 'retry-after': 'Mon, 23 Nov 2026 12:00:30 GMT' }, 30_000],
    ['RFC 850 date', { 'retry-after': 'Monday, 23-Nov-26 12:00:30 GMT' }, 30_000],
    ['asctime date', { 'retry-after': 'Mon Nov 23 12:00:30 2026' }, 30_000],
    ['date in the past', { 'retry-after': 'Mon, 23 Nov 2026 11:59:00 GMT' }, null],
    ['a duration', { 'retry-after': '2m' }, 120_000],
    ['milliseconds', { 'retry-after-ms': '1234' }, 1234],
    ['milliseconds before seconds', { 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    ['seconds before resets', { 'retry-after': '3', 'x-ratelimit-reset-tokens': '6m0s' }, 3000],
    ['a zero gives way', { 'retry-after-ms': '0', 'retry-after': '1' }, 1000],
    ['nothing but zero', { 'retry-after': '0' }, 100],
    ['repeated header', { 'retry-after': '3, 3' }, 3000],
    ['Go duration', { 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
    ['short Go duration', { 'x-ratelimit-reset-requests': '12ms' }, 100],
    [
      'the exhausted limit counts',
      {
        'x-ratelimit-reset-requests': '20s',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-tokens': '6m0s',
        'x-ratelimit-remaining-tokens': '150',
      },
      20_000,
    ],
    [
      'RFC 3339',
      {
        'anthropic-ratelimit-tokens-reset': '2026-11-23T12:00:05Z',
        'anthropic-ratelimit-tokens-remaining': '0',
      },
      5000,
    ],
    ['seconds since 1970', { 'x-ratelimit-reset': String(NOW_MS / 1000 + 40) }, 40_000],
    ['milliseconds since 1970', { 'x-ratelimit-reset': String(NOW_MS + 1500) }, 1500],
    ['IETF reset', { 'ratelimit-reset': '39' }, 39_000],
    ['IETF field', { ratelimit: '"api";r=0;t=30' }, 30_000],
    ['older IETF field', { ratelimit: 'limit=10, remaining=0, reset=50' }, 50_000],
    ['Mistral', { 'ratelimitbysize-reset': '39' }, 39_000],
    ['absurd', { 'retry-after': '1000000000' }, 3_600_000],
    ['absurd reset', { 'x-ratelimit-reset-tokens': '1000000000' }, 3_600_000],
    ['negative', { 'retry-after': '-5' }, null],
    ['negative gives way', { 'retry-after': '-5', 'ratelimit-reset': '2' }, 2000],
    ['garbage', { 'retry-after': 'soon-ish', 'x-ratelimit-reset-tokens': 'later' }, null],
    ['no header', { 'content-type': 'application/json' }, null],
  ])('%s', (_name, headers, expected) => {
    expect(retryWaitMs(headers, NOW_MS)).toBe(expected);
  });

  test('a date says nothing without a clock', () => {
    expect(retryWaitMs({ 'retry-after': 'Mon, 23 Nov 2026 12:00:30 GMT' }, null)).toBeNull();
  });

  test('whatever headers say, the wait is null or within the bounds', () => {
    const name = fc.constantFrom(
      'retry-after',
      'retry-after-ms',
      'x-ratelimit-reset-tokens',
      'ratelimit-reset',
      'ratelimit',
    );
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.integer().map((n) => `${n}s`),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        const wait = retryWaitMs(headers, NOW_MS);
        if (wait === null) return;
        expect(wait).toBeGreaterThanOrEqual(RETRY_WAIT_MIN_MS);
        expect(wait).toBeLessThanOrEqual(RETRY_WAIT_MAX_MS);
        expect(Number.isInteger(wait)).toBe(true);
      }),
    );
  });
});

describe('durations and dates', () => {
  test.each([
    ['6m0s', 360_000],
    ['12ms', 12],
    ['1h2m3.5s', 3_723_500],
    ['500us', 0.5],
    ['1d', 86_400_000],
  ])('Go duration %s', (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms);
  });

  test.each(['', '5', 's', '-3s', '3 s', '1x', '6m0s!'])('no Go duration: %j', (text) => {
    expect(parseGoDuration(text)).toBeNull();
  });

  test('Google durations', () => {
    expect(parseGoogleDuration('34.4s')).toBeCloseTo(34_400, 6);
    expect(parseGoogleDuration('48s')).toBe(48_000);
    expect(parseGoogleDuration('48')).toBeNull();
    expect(parseGoogleDuration('6m0s')).toBeNull();
  });

  test('HTTP-dates', () => {
    expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(784_111_777_000);
    expect(parseHttpDate('2026-11-23')).toBeNull();
    expect(parseHttpDate('Mon, 99 Foo 2026 12:00:00 GMT')).toBeNull();
  });

  test('clamping', () => {
    expect(clampWaitMs(1)).toBe(100);
    expect(clampWaitMs(Number.POSITIVE_INFINITY)).toBe(3_600_000);
    expect(clampWaitMs(-1)).toBeNull();
    expect(clampWaitMs(Number.NaN)).toBeNull();
  });
});
