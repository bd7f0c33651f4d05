import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import {
  accountOf,
  benchOf,
  boundOf,
  chargeOf,
  EPOCH_MS,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import { NO_CROSSINGS } from './thresholds.ts';
import type { Applied } from './types.ts';

const IMAGES: LimitInput = { meter: 'images', window: 'period', amount: 100 };

function benchWith(limit: Partial<LimitInput> = {}) {
  const bench = benchOf([{ ...IMAGES, ...limit }]);
  const { engine } = bench;
  let calls = 0;
  /** Holds `held` images and settles `used`. */
  const call = (held: number, used: number) => {
    calls += 1;
    const holdId = `h${calls}`;
    const bound = boundOf({ requests: 1n, images: BigInt(held) });
    const hold = engine.reserve(reserveOf(holdId, { bound }), START_MS);
    const charges = [chargeOf({ images: BigInt(used) })];
    return { hold, settle: engine.settle({ holdId, charges }, START_MS) };
  };
  return { ...bench, call };
}

function passed(applied: Applied<unknown>): readonly (readonly [number, string])[] {
  return applied.crossings.map(({ threshold, direction }) => [threshold, direction] as const);
}

describe('thresholds', () => {
  it('tell of every share that use passes, and of nothing on the way between', () => {
    const { call } = benchWith();
    expect(call(49, 49).settle.crossings).toBe(NO_CROSSINGS);
    const { hold, settle } = call(1, 1);
    expect(hold.crossings).toBe(NO_CROSSINGS);
    expect(settle.crossings).toEqual([
      {
        customerId: 'cus_1',
        ownerId: 'cus_1',
        limitId: 'images/period',
        windowId: `per_${EPOCH_MS}`,
        meter: 'images',
        threshold: 50,
        percentBefore: 49,
        percentAfter: 50,
        atMs: START_MS,
        direction: 'crossed',
      },
    ]);
    expect(call(29, 29).settle.crossings).toBe(NO_CROSSINGS);
    expect(passed(call(21, 21).settle)).toEqual([
      [80, 'crossed'],
      [90, 'crossed'],
      [100, 'crossed'],
    ]);
  });

  it('pass by what is used, not by what is held, and recover when the limit is raised', () => {
    const { engine, call } = benchWith();
    const { hold, settle } = call(80, 55);
    expect(hold.crossings).toBe(NO_CROSSINGS);
    expect(passed(settle)).toEqual([[50, 'crossed']]);
    const raised = engine.changePlan(accountOf(planOf([{ ...IMAGES, amount: 200 }])), START_MS);
    expect(raised.crossings).toMatchObject([
      { threshold: 50, direction: 'recovered', percentBefore: 55, percentAfter: 27.5 },
    ]);
  });

  it('count overage beyond the whole, and overrun too', () => {
    const { call } = benchWith({
      on_breach: 'overage',
      overage_cap: 100,
      thresholds: [100, 150, 99.5, 250],
    });
    expect(passed(call(100, 100).settle)).toEqual([
      [99.5, 'crossed'],
      [100, 'crossed'],
    ]);
    expect(passed(call(50, 160).settle)).toEqual([
      [150, 'crossed'],
      [250, 'crossed'],
    ]);
  });

  it('are silent for a limit that names none, and heed a plan that names some later', () => {
    const { engine, call } = benchWith({ thresholds: [] });
    expect(call(90, 90).settle.crossings).toBe(NO_CROSSINGS);
    engine.changePlan(accountOf(planOf([{ ...IMAGES, thresholds: [95] }])), START_MS);
    expect(passed(call(6, 6).settle)).toEqual([[95, 'crossed']]);
  });

  it('are told again after an undo', () => {
    const { engine } = benchWith();
    engine.reserve(reserveOf('a', { bound: boundOf({ images: 60n }) }), START_MS);
    const command = { holdId: 'a', charges: [chargeOf({ images: 60n })] };
    const first = engine.settle(command, START_MS);
    first.undo();
    expect(engine.settle(command, START_MS).crossings).toEqual(first.crossings);
    expect(passed(first)).toEqual([[50, 'crossed']]);
  });
});
