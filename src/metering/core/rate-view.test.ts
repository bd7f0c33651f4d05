import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import type { RateViews } from '../ports.ts';
import { benchOf, boundOf, HOUR_MS, reserveOf, START_MS } from './fixtures/engine-fixture.ts';

const MINUTE_MS = 60_000;

/** What a call is told that asks for `requests` and `output` tokens at `atMs`, after as many calls like it. */
function ratesOf(
  limits: readonly LimitInput[],
  { atMs = START_MS, after = 0, output = 10n }: { atMs?: number; after?: number; output?: bigint },
): RateViews {
  const { engine } = benchOf(limits);
  const bound = boundOf({ requests: 1n, output_tokens: output });
  for (let call = 0; call < after; call += 1) {
    engine.reserve(reserveOf(`before${call}`, { bound }), START_MS);
  }
  const { result } = engine.reserve(reserveOf('h1', { bound }), atMs);
  if (result.rates === undefined || result.rates === null) throw new Error('no rates were told');
  return result.rates;
}

describe('the rates that a call is told', () => {
  it('are of the limit by the minute, even where another limit has less left', () => {
    const day: LimitInput = { meter: 'requests', window: 'day', amount: 5 };
    const minute: LimitInput = { meter: 'requests', window: 'minute', amount: 60 };
    const expected = { limit: '60', remaining: '59', resetMs: 1000 };
    expect(ratesOf([day, minute], {}).requests).toEqual(expected);
    expect(ratesOf([minute, day], {}).requests).toEqual(expected);
  });

  it('are of the tightest limit of a kind, wherever it stands', () => {
    const wide: LimitInput = { meter: 'requests', window: 'day', amount: 50 };
    const narrow: LimitInput = { meter: 'requests', window: 'hour', amount: 8 };
    const expected = { limit: '8', remaining: '7', resetMs: HOUR_MS };
    expect(ratesOf([wide, narrow], {}).requests).toEqual(expected);
    expect(ratesOf([narrow, wide], {}).requests).toEqual(expected);
  });

  it('are of the first of two limits that have as much left', () => {
    const hour: LimitInput = { id: 'hour', meter: 'requests', window: 'hour', amount: 9 };
    const life: LimitInput = { id: 'life', meter: 'requests', window: 'lifetime', amount: 9 };
    expect(ratesOf([hour, life], {}).requests).toMatchObject({ resetMs: HOUR_MS });
    expect(ratesOf([life, hour], {}).requests).toMatchObject({ resetMs: null });
  });

  it('say when the window ends, and nothing where none does', () => {
    const hour: LimitInput = { meter: 'requests', window: 'hour', amount: 9 };
    const quarterLaterMs = START_MS + 15 * MINUTE_MS;
    expect(ratesOf([hour], { atMs: quarterLaterMs }).requests).toEqual({
      limit: '9',
      remaining: '8',
      resetMs: 45 * MINUTE_MS,
    });
    const life: LimitInput = { meter: 'requests', window: 'lifetime', amount: 9 };
    expect(ratesOf([life], {}).requests).toEqual({ limit: '9', remaining: '8', resetMs: null });
  });

  it('count what other calls have taken, down to nothing', () => {
    const hour: LimitInput = { meter: 'requests', window: 'hour', amount: 2 };
    expect(ratesOf([hour], { after: 1 }).requests).toMatchObject({ remaining: '0' });
    expect(ratesOf([hour], { after: 2 }).requests).toMatchObject({ remaining: '0' });
  });

  it('leave nothing below zero where a limit goes on into overage', () => {
    const soft: LimitInput = { meter: 'requests', window: 'hour', amount: 2, on_breach: 'soft' };
    expect(ratesOf([soft], { after: 4 }).requests).toMatchObject({ limit: '2', remaining: '0' });
  });

  it('tell of tokens and requests apart, and of nothing that has no limit', () => {
    const tokens: LimitInput = { meter: 'output_tokens', window: 'minute', amount: 600 };
    expect(ratesOf([tokens], {})).toEqual({
      requests: null,
      tokens: { limit: '600', remaining: '590', resetMs: 1000 },
    });
    expect(ratesOf([{ meter: 'requests', window: 'hour', amount: 'unlimited' }], {})).toEqual({
      requests: null,
      tokens: null,
    });
  });
});
