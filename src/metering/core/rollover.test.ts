import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import {
  benchOf,
  boundOf,
  chargeOf,
  EPOCH_MS,
  PERIOD_MS,
  planOf,
  accountOf,
  reserveOf,
  START_MS,
  windowOf,
} from './fixtures/engine-fixture.ts';
import { JournalFold } from './rebuild.ts';
import type { Applied } from './types.ts';

const IMAGES: LimitInput = { meter: 'images', window: 'period', amount: 10, rollover_max: 6 };

function benchWith(limit: Partial<LimitInput> = {}) {
  const plan = planOf([{ ...IMAGES, ...limit }]);
  const fold = new JournalFold();
  const options = { findEndedBucket: (id: string) => fold.buckets.get(id) ?? null };
  let bench = benchOf(plan, { options });
  const eventIds = new Set<string>();
  const keep = <Result>(applied: Applied<Result>): Result => {
    for (const entry of applied.journal) {
      expect(eventIds.has(entry.eventId)).toBe(false);
      eventIds.add(entry.eventId);
      fold.add(entry);
    }
    const kept = new Map(fold.buckets);
    for (const bucket of bench.engine.buckets()) kept.set(bucket.id, bucket);
    const report = fold.compare(kept.values(), bench.engine.openHolds());
    expect(report.mismatches).toEqual([]);
    return applied.result;
  };
  const at = (period: number): number => START_MS + period * PERIOD_MS;
  const hold = (holdId: string, images: number, period: number) =>
    keep(
      bench.engine.reserve(
        reserveOf(holdId, { bound: boundOf({ images: BigInt(images) }) }),
        at(period),
      ),
    );
  const settle = (holdId: string, images: number, period: number) =>
    keep(
      bench.engine.settle({ holdId, charges: [chargeOf({ images: BigInt(images) })] }, at(period)),
    );
  const use = (holdId: string, images: number, period: number): void => {
    expect(hold(holdId, images, period).type).toBe('held');
    settle(holdId, images, period);
  };
  const view = (period: number) => {
    const [status] = bench.engine.limitStatuses('cus_1', null, at(period));
    return [status?.limit, status?.used, status?.remaining];
  };
  /** A new process knows what is live, and finds the rest in the store. */
  const restart = (period: number): void => {
    bench = benchOf(plan, { options });
    bench.engine.loadAccount(accountOf(plan));
    for (const bucket of fold.buckets.values()) {
      if (bucket.expiresAtMs === null || bucket.expiresAtMs > at(period))
        bench.engine.loadBucket(bucket);
    }
  };
  const rollovers = () => [...eventIds].filter((id) => id.startsWith('rollover:'));
  return {
    engine: () => bench.engine,
    fold,
    keep,
    at,
    hold,
    settle,
    use,
    view,
    restart,
    rollovers,
  };
}

describe('rollover', () => {
  it('moves what is left, at most what the limit allows, when the next period is first used', () => {
    const { fold, use, view, rollovers, hold } = benchWith();
    use('a', 3, 0);
    expect(view(0)).toEqual(['10', '3', '7']);
    expect(view(1)).toEqual(['16', '0', '16']);
    expect(rollovers()).toEqual([]);
    use('b', 4, 1);
    expect(rollovers()).toEqual([`rollover:cus_1|images/period|per_${EPOCH_MS}|plan`]);
    expect(view(1)).toEqual(['16', '4', '12']);
    const rolled = [...fold.buckets.values()].find((one) => one.sourceKey === 'rollover');
    expect(rolled).toMatchObject({ granted: 6n, spent: 4n, expiresAtMs: EPOCH_MS + 2 * PERIOD_MS });
    expect(hold('c', 13, 1).type).toBe('refused');
    expect(hold('d', 12, 1).type).toBe('held');
  });

  it('goes on for one period only, and never twice', () => {
    const { use, view, restart, rollovers } = benchWith();
    use('a', 3, 0);
    use('b', 1, 1);
    restart(1);
    use('c', 1, 1);
    expect(rollovers()).toHaveLength(1);
    // Of 16, 2 were used, out of what had rolled: all 10 of the period's own are left, 6 of which go on.
    expect(view(2)).toEqual(['16', '0', '16']);
    restart(2);
    expect(view(2)).toEqual(['16', '0', '16']);
    use('d', 1, 2);
    restart(2);
    use('e', 1, 2);
    expect(rollovers()).toHaveLength(2);
  });

  it('brings nothing over periods in which nothing was used', () => {
    const { use, view, rollovers } = benchWith();
    use('a', 3, 0);
    expect(view(3)).toEqual(['10', '0', '10']);
    use('b', 1, 3);
    expect(rollovers()).toEqual([]);
  });

  it('goes into no period that another one was cut short for', () => {
    const { engine, keep, use, view } = benchWith();
    use('a', 3, 0);
    const restarted = { id: 'per_new', startMs: START_MS + 5, endMs: START_MS + 5 + PERIOD_MS };
    const input = accountOf(planOf([IMAGES]), {
      windowOf: (window, nowMs) =>
        window === 'period' && nowMs >= restarted.startMs ? restarted : windowOf(window, nowMs),
    });
    keep(engine().changePlan(input, START_MS + 5));
    const bound = boundOf({ images: 11n });
    expect(engine().reserve(reserveOf('b', { bound }), START_MS + 6).result.type).toBe('refused');
    expect(view(0)[0]).toBe('10');
  });

  it('is each owner’s own, and binds no call that has no such owner', () => {
    const { engine, keep, at, hold, fold } = benchWith({ scope: 'tag:team' });
    const call = (holdId: string, period: number, team: string) => {
      const bound = boundOf({ images: 4n });
      keep(engine().reserve(reserveOf(holdId, { bound, tags: { team } }), at(period)));
      keep(engine().settle({ holdId, charges: [chargeOf({ images: 4n })] }, at(period)));
    };
    call('a', 0, 'blue');
    call('b', 1, 'blue');
    call('c', 1, 'red');
    expect(hold('untagged', 99, 1).type).toBe('held');
    const rolled = [...fold.buckets.values()].filter((one) => one.sourceKey === 'rollover');
    expect(rolled.map((one) => [one.ownerId, one.granted])).toEqual([['cus_1#tag:team=blue', 6n]]);
  });

  it('waits for calls in flight, and adds what a later correction gives back', () => {
    const { engine, keep, at, use, hold, settle, view, rollovers } = benchWith();
    use('a', 3, 0);
    hold('open', 5, 0);
    expect(view(1)).toEqual(['10', '0', '10']);
    use('b', 1, 1);
    expect(rollovers()).toEqual([]);
    keep(engine().recoverOpenHolds(at(1)));
    keep(engine().reconcileUnknown({ holdId: 'open', policy: 'charge_hold', observed: [] }, at(1)));
    expect(view(1)).toEqual(['12', '1', '11']);
    use('c', 1, 1);
    expect(rollovers()).toHaveLength(1);
    settle('open', 2, 1);
    expect(view(1)).toEqual(['15', '2', '13']);
    use('d', 1, 1);
    expect(rollovers()).toHaveLength(2);
  });

  it('is awaited from calls in flight, which alone stand in the way of what it could pay for', () => {
    const { use, hold, settle } = benchWith();
    use('a', 3, 0);
    hold('open', 5, 0);
    // 2 are free and 5 held of the old period; 6 may go on.
    expect(hold('b', 12, 1)).toMatchObject({
      type: 'refused',
      code: 'limit_held',
      message: expect.stringContaining('while calls in flight hold 5'),
    });
    expect(hold('c', 17, 1)).toMatchObject({ type: 'refused', code: 'limit_exceeded' });
    settle('open', 5, 1);
    // All of it was used, so only the 2 went on.
    expect(hold('d', 13, 1)).toMatchObject({ type: 'refused', code: 'limit_exceeded' });
    expect(hold('e', 12, 1).type).toBe('held');
  });

  it('pays a late settlement of the old period before that goes into overrun', () => {
    const { engine, keep, at, hold, settle, use, view, fold } = benchWith();
    hold('open', 1, 0);
    keep(engine().void({ holdId: 'open', reason: 'x' }, at(0)));
    use('b', 1, 1);
    expect(view(1)).toEqual(['16', '1', '15']);
    // 4 stayed in the old period, 5 are left of what went on.
    settle('open', 11, 1);
    const old = fold.buckets.get(`cus_1|images/period|per_${EPOCH_MS}|plan`);
    expect(old).toMatchObject({ granted: 10n, expired: 6n, spent: 4n, overrun: 2n });
    expect(view(1)).toEqual(['16', '6', '10']);
  });

  it('is no room for new calls where the period itself was overrun before it came', () => {
    const { hold, settle, view } = benchWith();
    hold('open', 4, 0);
    hold('a', 1, 1);
    settle('a', 12, 1);
    settle('open', 4, 0);
    // 6 went on; 2 of them are owed.
    expect(view(1)).toEqual(['16', '12', '4']);
    expect(hold('b', 5, 1).type).toBe('refused');
    expect(hold('c', 4, 1).type).toBe('held');
    expect(view(1)).toEqual(['16', '12', '0']);
  });

  it('is taken back with a refusal and with an undo', () => {
    const { engine, use, at, rollovers } = benchWith();
    use('a', 3, 0);
    const bound = boundOf({ images: 17n });
    expect(engine().reserve(reserveOf('b', { bound }), at(1)).journal).toEqual([]);
    const buckets = engine().buckets();
    const fits = reserveOf('c', { bound: boundOf({ images: 16n }) });
    const applied = engine().reserve(fits, at(1));
    expect(applied.journal.map((entry) => entry.kind)).toEqual([
      'grant',
      'rollover',
      'grant',
      'hold',
    ]);
    applied.undo();
    expect(engine().buckets()).toEqual(buckets);
    expect(rollovers()).toEqual([]);
  });
});
