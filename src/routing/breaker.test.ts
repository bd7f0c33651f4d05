import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';

const MIDDLE = 0.5;

function openBreaker(nowMs: number): Breaker {
  const breaker = new Breaker();
  for (let count = 0; count < 5; count += 1) breaker.failure(nowMs, MIDDLE);
  return breaker;
}

describe('P6: breaker', () => {
  it('opens at five failures in a row, not at four', () => {
    const breaker = new Breaker();
    for (let count = 0; count < 4; count += 1) breaker.failure(0, MIDDLE);
    expect(breaker.state(0)).toBe('closed');
    breaker.success(0);
    for (let count = 0; count < 4; count += 1) breaker.failure(0, MIDDLE);
    expect(breaker.state(0)).toBe('closed');
    breaker.failure(0, MIDDLE);
    expect(breaker.state(0)).toBe('open');
    expect(breaker.admit(1000)).toEqual({ type: 'refused', probeAtMs: 5000 });
  });

  it('opens at half of at least twenty attempts within 30 s', () => {
    const breaker = new Breaker();
    for (let count = 0; count < 10; count += 1) {
      breaker.success(count * 1000);
      expect(breaker.state(count * 1000)).toBe('closed');
      breaker.failure(count * 1000, MIDDLE);
    }
    expect(breaker.state(9000)).toBe('open');
  });

  it('forgets what is older than 30 s', () => {
    const breaker = new Breaker();
    for (let count = 0; count < 9; count += 1) {
      breaker.failure(0, MIDDLE);
      breaker.success(0);
    }
    breaker.success(31_000);
    breaker.failure(31_000, MIDDLE);
    expect(breaker.state(31_000)).toBe('closed');
  });

  it('is open for 5, 10, 20, 20 s, each ± 20 %', () => {
    const breaker = openBreaker(0);
    let nowMs = 0;
    for (const pauseMs of [5000, 10_000, 20_000, 20_000]) {
      expect(breaker.admit(nowMs)).toEqual({ type: 'refused', probeAtMs: nowMs + pauseMs });
      nowMs += pauseMs;
      expect(breaker.admit(nowMs)).toEqual({ type: 'admitted', probe: true });
      breaker.failure(nowMs, MIDDLE);
    }
    for (const [random, untilMs] of [
      [0, 4000],
      [1, 6000],
    ] as const) {
      const other = new Breaker();
      for (let count = 0; count < 5; count += 1) other.failure(0, random);
      expect(other.peek(0)).toEqual({ type: 'refused', probeAtMs: untilMs });
    }
  });

  it('lets one probe through at a time and closes after two successes in a row', () => {
    const breaker = openBreaker(0);
    expect(breaker.admit(5000)).toEqual({ type: 'admitted', probe: true });
    expect(breaker.admit(5001).type).toBe('refused');
    breaker.success(5100);
    expect(breaker.state(5100)).toBe('half_open');
    expect(breaker.admit(5101)).toEqual({ type: 'admitted', probe: true });
    breaker.success(5200);
    expect(breaker.state(5200)).toBe('closed');
    expect(breaker.admit(5201)).toEqual({ type: 'admitted', probe: false });
  });

  it('B15: counts a success after the pause though it was no probe, and starts over at 5 s', () => {
    const breaker = openBreaker(0);
    breaker.success(3000);
    expect(breaker.state(3000)).toBe('open');
    breaker.success(6000);
    breaker.success(6001);
    expect(breaker.state(6001)).toBe('closed');
    for (let count = 0; count < 5; count += 1) breaker.failure(7000, MIDDLE);
    expect(breaker.peek(7000)).toEqual({ type: 'refused', probeAtMs: 12_000 });
  });

  it('frees the probe of a caller that left, or that never said how it ended', () => {
    const breaker = openBreaker(0);
    breaker.admit(5000);
    breaker.abandon();
    expect(breaker.admit(5001)).toEqual({ type: 'admitted', probe: true });
    expect(breaker.admit(125_002)).toEqual({ type: 'admitted', probe: true });
  });

  it('ignores failures of calls that were under way when it opened', () => {
    const breaker = openBreaker(0);
    breaker.failure(100, MIDDLE);
    expect(breaker.peek(200)).toEqual({ type: 'refused', probeAtMs: 5000 });
  });

  it('F35: a target that never recovers is called by probes only, and one that does comes back', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        const breaker = new Breaker();
        let calls = 0;
        for (let nowMs = 0; nowMs < 60_000; nowMs += 50) {
          if (breaker.admit(nowMs).type === 'refused') continue;
          calls += 1;
          breaker.failure(nowMs, random);
        }
        expect(calls).toBeLessThanOrEqual(5 + 5);
        let backMs = 60_000;
        while (breaker.state(backMs) !== 'closed' && backMs < 120_000) {
          if (breaker.admit(backMs).type === 'admitted') breaker.success(backMs);
          backMs += 50;
        }
        expect(backMs).toBeLessThanOrEqual(60_000 + 24_000 + 100);
      }),
    );
  });
});
