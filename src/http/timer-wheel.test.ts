import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimerWheel } from './timer-wheel.ts';

let nowMs = 0;

/** Moves both the wheel's clock and its interval. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 10) {
    nowMs += 10;
    vi.advanceTimersByTime(10);
  }
}

beforeEach(() => {
  nowMs = 0;
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('TimerWheel', () => {
  it('fires within a tick after the asked time, never before', () => {
    const wheel = new TimerWheel(() => nowMs);
    const fired: number[] = [];
    for (const delayMs of [0, 40, 120, 1_000]) wheel.after(delayMs, () => fired.push(delayMs));
    pass(110);
    expect(fired.toSorted((a, b) => a - b)).toEqual([0, 40]);
    pass(60);
    expect(fired).toContain(120);
    pass(800);
    expect(fired).not.toContain(1_000);
    pass(80);
    expect(fired).toContain(1_000);
  });

  it('forgets what is cancelled, wherever it stands in the list, and the timer with the last', () => {
    const wheel = new TimerWheel(() => nowMs);
    const fired: number[] = [];
    const deadlines = [0, 1, 2, 3, 4].map((index) => wheel.after(100, () => fired.push(index)));
    for (const index of [2, 0, 4]) deadlines[index]?.cancel();
    deadlines[2]?.cancel();
    pass(200);
    expect(fired.toSorted((a, b) => a - b)).toEqual([1, 3]);
    pass(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a callback arm and cancel others', () => {
    const wheel = new TimerWheel(() => nowMs);
    const fired: string[] = [];
    const other = wheel.after(50, () => fired.push('other'));
    wheel.after(50, () => {
      other.cancel();
      wheel.after(50, () => fired.push('later'));
    });
    pass(200);
    expect(fired).toContain('later');
    expect(fired.length).toBeLessThanOrEqual(2);
  });
});
