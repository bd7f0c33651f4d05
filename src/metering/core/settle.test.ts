import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput } from '../../contracts/metering.ts';
import type { MeterAmounts } from '../ports.ts';
import {
  benchOf,
  boundOf,
  chargeOf,
  DAY_MS,
  EPOCH_MS,
  PERIOD_MS,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import { JournalFold, resolvedFrom } from './rebuild.ts';
import type { BucketImage } from './types.ts';

const COST: LimitInput = { meter: 'cost_usd', window: 'period', amount: '0.000000100' };
const REQUESTS: LimitInput = { meter: 'requests', window: 'period', amount: 10 };

function nano(cost: bigint): MeterAmounts {
  return { requests: 1n, cost_usd: cost };
}

function errorCode(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error);
  }
  return 'none';
}

function costBench(limits: readonly LimitInput[] = [COST, REQUESTS]) {
  const bench = benchOf(limits);
  const hold = (id: string, cost: bigint) =>
    bench.engine.reserve(reserveOf(id, { bound: boundOf(nano(cost)) }), START_MS);
  const settle = (id: string, cost: bigint) =>
    bench.engine.settle({ holdId: id, charges: [chargeOf(nano(cost))] }, START_MS);
  const bucket = (limitId = 'cost_usd/period'): BucketImage => {
    const found = bench.engine.buckets().find((one) => one.limitId === limitId);
    if (found === undefined) throw new Error('no bucket');
    return found;
  };
  return { ...bench, hold, settle, bucket };
}

describe('settle', () => {
  it('I8 books below, at and above the hold: what is free first, then overrun', () => {
    const { hold, settle, bucket } = costBench();
    hold('h1', 40n);
    expect(settle('h1', 30n).result).toEqual({
      type: 'settled',
      replayed: false,
      overrunNanoUsd: 0n,
    });
    expect(bucket()).toMatchObject({ held: 0n, spent: 30n, overrun: 0n });
    hold('h2', 40n);
    expect(settle('h2', 40n).result.overrunNanoUsd).toBe(0n);
    hold('h3', 10n);
    hold('h4', 15n);
    expect(settle('h3', 25n).result.overrunNanoUsd).toBe(10n);
    expect(bucket()).toMatchObject({ held: 15n, spent: 85n, overrun: 10n });
    expect(bucket('requests/period')).toMatchObject({ held: 1n, spent: 3n });
  });

  it('works off overrun before it admits anything new', () => {
    const { engine, hold, settle, bucket } = costBench();
    hold('h1', 60n);
    hold('h2', 40n);
    settle('h2', 55n);
    engine.void({ holdId: 'h1', reason: 'x' }, START_MS);
    expect(bucket()).toMatchObject({ held: 0n, spent: 40n, overrun: 15n });
    expect(hold('h3', 46n).result.type).toBe('refused');
    expect(hold('h4', 45n).result.type).toBe('held');
  });

  it('I4 answers a replay as before, whatever it says', () => {
    const { engine, hold, settle, bucket } = costBench();
    hold('h1', 40n);
    settle('h1', 60n);
    const before = bucket();
    const replay = settle('h1', 99n);
    expect(replay.result).toEqual({ type: 'settled', replayed: true, overrunNanoUsd: 0n });
    expect(replay.journal).toEqual([]);
    expect(engine.void({ holdId: 'h1', reason: 'x' }, START_MS).result).toEqual(replay.result);
    expect(bucket()).toEqual(before);
  });

  it('counts each charge on the limits of its own model and one request, on the last', () => {
    const { engine, bucket } = costBench([
      REQUESTS,
      COST,
      { id: 'g', meter: 'requests', window: 'period', amount: 10, model: 'gemini/*' },
      { id: 'o', meter: 'requests', window: 'period', amount: 10, model: 'openai/*' },
      { id: 'oc', meter: 'cost_usd', window: 'day', amount: '0.000000005', model: 'openai/*' },
    ]);
    engine.reserve(reserveOf('h1', { bound: boundOf(nano(40n)) }), START_MS);
    const { result } = engine.settle(
      {
        holdId: 'h1',
        charges: [chargeOf(nano(3n)), chargeOf(nano(9n), 'openai/x')],
      },
      START_MS,
    );
    expect(bucket('requests/period').spent).toBe(1n);
    expect(bucket('g')).toMatchObject({ held: 0n, spent: 0n });
    expect(bucket('o').spent).toBe(1n);
    expect(bucket('cost_usd/period').spent).toBe(12n);
    expect(bucket('oc')).toMatchObject({ spent: 5n, overrun: 4n });
    expect(result.overrunNanoUsd).toBe(4n);
  });

  it('counts no request for a hold without one', () => {
    const { engine, bucket } = costBench();
    engine.reserve(reserveOf('h1', { bound: boundOf({ cost_usd: 5n }) }), START_MS);
    engine.settle({ holdId: 'h1', charges: [chargeOf(nano(5n))] }, START_MS);
    expect(engine.buckets()).toHaveLength(1);
    expect(bucket().spent).toBe(5n);
  });

  it('I10 books in the period of the reserve, even on limits that the hold did not touch', () => {
    const { engine } = costBench([COST, { id: 'o', ...REQUESTS, model: 'openai/*' }]);
    const end = EPOCH_MS + PERIOD_MS;
    engine.reserve(reserveOf('h1', { bound: boundOf(nano(40n)) }), end - 1);
    engine.reserve(reserveOf('h2', { bound: boundOf(nano(7n)) }), end);
    engine.settle({ holdId: 'h1', charges: [chargeOf(nano(90n), 'openai/x')] }, end + DAY_MS);
    const booked = engine.buckets().map((one) => [one.limitId, one.windowId, one.held, one.spent]);
    expect(booked).toEqual([
      ['cost_usd/period', `per_${EPOCH_MS}`, 0n, 90n],
      ['cost_usd/period', `per_${end}`, 7n, 0n],
      ['o', `per_${EPOCH_MS}`, 0n, 1n],
    ]);
  });

  it('asks the store for an ended bucket rather than granting it twice', () => {
    const limits = [{ id: 'o', ...REQUESTS, model: 'openai/*' }];
    const stored: BucketImage = {
      id: `cus_1|o|per_${EPOCH_MS}|plan:requests/period`,
      ownerId: 'cus_1',
      limitId: 'o',
      windowId: `per_${EPOCH_MS}`,
      sourceKey: 'plan:requests/period',
      meter: 'requests',
      priority: 0,
      effectiveAtMs: EPOCH_MS,
      expiresAtMs: EPOCH_MS + PERIOD_MS,
      granted: 10n,
      held: 0n,
      spent: 10n,
      overrun: 0n,
      expired: 0n,
      leased: 0n,
    };
    const { engine } = benchOf(limits, {
      options: { findEndedBucket: (id) => (id === stored.id ? stored : null) },
    });
    engine.reserve(reserveOf('h1'), START_MS);
    const late = START_MS + PERIOD_MS;
    const settled = engine.settle({ holdId: 'h1', charges: [chargeOf({}, 'openai/x')] }, late);
    expect(settled.journal.map((entry) => entry.eventId)).toEqual(['settle:h1']);
    expect(engine.bucket(stored.id)).toMatchObject({ granted: 10n, spent: 10n, overrun: 1n });
    engine.reserve(reserveOf('h2'), START_MS);
    const raised = engine.extend(
      { holdId: 'h2', keep: [], next: boundOf({ requests: 1n }, { model: 'openai/y' }) },
      late,
    );
    expect(raised.result).toMatchObject({ type: 'refused', code: 'limit_exceeded' });
  });

  it('knows no hold that it was never told of', () => {
    const { engine } = costBench();
    expect(errorCode(() => engine.settle({ holdId: 'x', charges: [] }, START_MS))).toBe(
      'not_found',
    );
    expect(errorCode(() => engine.void({ holdId: 'x', reason: '' }, START_MS))).toBe('not_found');
  });

  it('remembers a bounded number of ends', () => {
    const { engine } = benchOf([REQUESTS], { options: { recentHolds: 2 } });
    for (const id of ['h1', 'h2', 'h3']) {
      engine.reserve(reserveOf(id), START_MS);
      engine.settle({ holdId: id, charges: [] }, START_MS);
    }
    expect(['h1', 'h2', 'h3'].map((id) => engine.holdStanding(id))).toEqual([
      null,
      'resolved',
      'resolved',
    ]);
    expect(errorCode(() => engine.settle({ holdId: 'h1', charges: [] }, START_MS))).toBe(
      'not_found',
    );
  });
});

describe('void and expiry', () => {
  it('I9 release exactly the legs', () => {
    const { engine, hold, bucket } = costBench();
    hold('h1', 40n);
    hold('h2', 30n);
    expect(engine.void({ holdId: 'h1', reason: 'refused' }, START_MS).result.type).toBe('voided');
    expect(bucket()).toMatchObject({ held: 30n, spent: 0n, granted: 100n });
    expect(bucket('requests/period')).toMatchObject({ held: 1n, spent: 0n });
    expect(engine.void({ holdId: 'h1', reason: 'again' }, START_MS).result.replayed).toBe(true);
  });

  it('I3 expire only what was never dispatched and is past its time', () => {
    const { engine, bucket } = costBench();
    const bound = boundOf(nano(5n));
    engine.reserve(reserveOf('h1', { bound, expiresAtMs: START_MS + 10 }), START_MS);
    engine.reserve(reserveOf('h2', { bound, expiresAtMs: START_MS + 10 }), START_MS);
    engine.reserve(reserveOf('h3', { bound }), START_MS);
    engine.dispatch('h2', START_MS);
    expect(engine.dispatch('h2', START_MS).journal).toEqual([]);
    expect(engine.dueHolds(START_MS + 9)).toEqual([]);
    expect(engine.dueHolds(START_MS + 10)).toEqual(['h1']);
    expect(errorCode(() => engine.expire('h1', START_MS + 9))).toBe('not_found');
    expect(errorCode(() => engine.expire('h3', START_MS + 99))).toBe('not_found');
    expect(engine.expire('h1', START_MS + 10).result.type).toBe('voided');
    expect(bucket().held).toBe(10n);
    expect(errorCode(() => engine.expire('h1', START_MS + 10))).toBe('not_found');
  });
});

describe('late settlement', () => {
  it('books after a void, once', () => {
    const { engine, hold, settle, bucket } = costBench();
    hold('h1', 40n);
    engine.void({ holdId: 'h1', reason: 'timeout' }, START_MS);
    const late = settle('h1', 120n);
    expect(late.journal.map((entry) => [entry.eventId, entry.kind])).toEqual([
      ['late:h1:1', 'adjust'],
    ]);
    expect(late.result).toEqual({ type: 'settled', replayed: false, overrunNanoUsd: 20n });
    expect(bucket()).toMatchObject({ held: 0n, spent: 100n, overrun: 20n });
    expect(bucket('requests/period').spent).toBe(1n);
    expect(settle('h1', 120n).result.replayed).toBe(true);
  });

  it('corrects an estimate in both directions', () => {
    const { engine, hold, settle, bucket } = costBench();
    for (const id of ['low', 'high']) hold(id, 30n);
    hold('rest', 40n);
    engine.recoverOpenHolds(START_MS);
    for (const [holdId, cost] of [
      ['low', 60n],
      ['high', 20n],
    ] as const) {
      engine.reconcileUnknown(
        { holdId, policy: 'charge_observed', observed: [chargeOf(nano(cost))] },
        START_MS,
      );
    }
    expect(bucket()).toMatchObject({ held: 40n, spent: 50n, overrun: 30n });
    settle('low', 25n);
    expect(bucket()).toMatchObject({ spent: 45n, overrun: 0n });
    settle('high', 22n);
    expect(bucket()).toMatchObject({ held: 40n, spent: 47n, overrun: 0n });
    expect(bucket('requests/period')).toMatchObject({ held: 1n, spent: 2n });
  });

  it('takes back of an overrun what is its own, and that before anything spent', () => {
    const { engine, hold, settle, bucket } = costBench();
    for (const id of ['a', 'b']) hold(id, 50n);
    engine.recoverOpenHolds(START_MS);
    for (const [holdId, cost] of [
      ['a', 60n],
      ['b', 90n],
    ] as const) {
      const observed = [chargeOf(nano(cost))];
      engine.reconcileUnknown({ holdId, policy: 'charge_observed', observed }, START_MS);
    }
    expect(bucket()).toMatchObject({ spent: 100n, overrun: 50n });
    settle('b', 80n);
    expect(bucket()).toMatchObject({ spent: 100n, overrun: 40n });
    // Of 60 its own 10 of overrun first, then 25 that were spent; what the other owes stays owed.
    settle('a', 25n);
    expect(bucket()).toMatchObject({ spent: 75n, overrun: 30n });
    expect(settle('a', 25n).journal).toEqual([]);
  });

  it('takes back what the provider’s answer does not bear out', () => {
    const { engine, bucket } = costBench([
      COST,
      { id: 'o', ...COST, model: 'openai/*' },
      { meter: 'requests', window: 'minute', amount: 9 },
    ]);
    engine.reserve(reserveOf('h1', { bound: boundOf(nano(30n), { model: 'openai/x' }) }), START_MS);
    engine.recoverOpenHolds(START_MS);
    engine.reconcileUnknown({ holdId: 'h1', policy: 'charge_hold', observed: [] }, START_MS);
    engine.settle({ holdId: 'h1', charges: [chargeOf(nano(30n))] }, START_MS);
    expect(bucket('cost_usd/period')).toMatchObject({ spent: 30n });
    expect(bucket('o')).toMatchObject({ spent: 0n, granted: 100n });
  });
});

describe('recovery', () => {
  it('turns dispatched holds into unknown ones that keep their reservation but no slot', () => {
    const { engine, bucket } = costBench([
      COST,
      { meter: 'requests', window: 'concurrent', amount: 1 },
    ]);
    const bound = boundOf(nano(30n));
    engine.reserve(reserveOf('h1', { bound }), START_MS);
    const recovered = engine.recoverOpenHolds(START_MS);
    expect(recovered.result).toEqual(['h1']);
    expect(engine.hold('h1')?.state).toBe('unknown');
    expect(bucket().held).toBe(30n);
    expect(engine.recoverOpenHolds(START_MS).journal).toEqual([]);
    expect(errorCode(() => engine.dispatch('h1', START_MS))).toBe('not_found');
    expect(engine.reserve(reserveOf('h2', { bound }), START_MS).result.type).toBe('held');
    expect(
      errorCode(() =>
        engine.reconcileUnknown({ holdId: 'h2', policy: 'release', observed: [] }, START_MS),
      ),
    ).toBe('not_found');
  });

  it('ends an unknown hold by policy, never below what was surely sent', () => {
    const floor = { input_tokens: 9n, cost_usd: 6n };
    const ends = [
      ['charge_observed', [], [['gemini/flash', floor]]],
      [
        'charge_observed',
        [chargeOf({ cost_usd: 2n }), chargeOf({ cost_usd: 1n }, 'b/c')],
        [
          ['gemini/flash', { cost_usd: 2n }],
          ['b/c', { cost_usd: 4n, input_tokens: 9n }],
        ],
      ],
      [
        'charge_observed',
        [chargeOf({ cost_usd: 8n, input_tokens: 10n })],
        [['gemini/flash', { cost_usd: 8n, input_tokens: 10n }]],
      ],
      ['charge_hold', [], [['gemini/flash', nano(30n)]]],
      ['release', [], []],
    ] as const;
    for (const [policy, observed, charged] of ends) {
      const { engine } = costBench();
      engine.reserve(
        reserveOf('h1', { bound: boundOf(nano(30n)), observedFloor: floor }),
        START_MS,
      );
      engine.recoverOpenHolds(START_MS);
      const { result, journal } = engine.reconcileUnknown(
        { holdId: 'h1', policy, observed },
        START_MS,
      );
      expect(result.charges.map((charge) => [charge.model, charge.amounts])).toEqual(charged);
      expect(journal.at(-1)).toMatchObject({
        eventId: 'reconcile:h1',
        kind: 'reconcile',
        body: { policy, estimated: true },
      });
    }
  });

  it('books what somebody decided, with who and why, as no estimate and nothing besides', () => {
    const { engine, hold, bucket } = costBench();
    hold('h1', 40n);
    engine.recoverOpenHolds(START_MS);
    const decided = { by: 'operator', reason: 'invoice 7' };
    const { result, journal } = engine.reconcileUnknown(
      { holdId: 'h1', policy: 'settle', observed: [chargeOf(nano(7n))], decided },
      START_MS,
    );
    expect(result.charges).toEqual([chargeOf(nano(7n))]);
    expect(journal.at(-1)?.body).toMatchObject({ policy: 'settle', estimated: false, ...decided });
    expect(bucket()).toMatchObject({ held: 0n, spent: 7n });
  });

  it('says nothing of a hold out of entries that do not begin it', () => {
    const { engine, hold, settle } = costBench();
    const begun = hold('h1', 40n).journal;
    const ended = settle('h1', 30n).journal;
    expect(resolvedFrom(ended)).toBe(null);
    expect(resolvedFrom(begun)).toBe(null);
    expect(resolvedFrom([...begun, ...ended])).toMatchObject({ type: 'settled', final: true });
    expect(engine.openHolds()).toEqual([]);
  });

  it('settles a loaded hold like any other', () => {
    const first = costBench();
    first.hold('h1', 40n);
    const second = costBench();
    for (const bucket of first.engine.buckets()) second.engine.loadBucket(bucket);
    const [image] = first.engine.openHolds();
    if (image === undefined) throw new Error('no hold');
    second.engine.loadHold(image, planOf([COST, REQUESTS]));
    second.engine.loadHold(image);
    expect(second.engine.openHolds()).toEqual([image]);
    second.settle('h1', 12n);
    expect(second.bucket()).toMatchObject({ held: 0n, spent: 12n });
    expect(() => costBench().engine.loadHold(image)).toThrow('is not loaded');
  });

  it('answers replays and late settlements of holds that ended in an earlier life', () => {
    const first = costBench();
    const elastic = { tokens: 5, minTokens: 5, nanoUsdPerMillion: 0n };
    const journal = ['done', 'gone', 'guess'].flatMap((id) => [
      ...first.engine.reserve(reserveOf(id, { bound: boundOf(nano(20n), { elastic }) }), START_MS)
        .journal,
    ]);
    journal.push(
      ...first.settle('done', 30n).journal,
      ...first.engine.void({ holdId: 'gone', reason: 'x' }, START_MS).journal,
      ...first.engine.recoverOpenHolds(START_MS).journal,
      ...first.engine.reconcileUnknown(
        { holdId: 'guess', policy: 'charge_hold', observed: [] },
        START_MS,
      ).journal,
    );
    const stored = new Map(first.engine.buckets().map((bucket) => [bucket.id, bucket]));
    const second = benchOf([COST, REQUESTS], {
      options: { findEndedBucket: (id) => stored.get(id) ?? null },
    });
    for (const id of ['done', 'gone', 'guess']) {
      const resolved = resolvedFrom(journal.filter((entry) => entry.holdId === id));
      if (resolved === null) throw new Error('not resolved');
      second.engine.loadResolved(resolved);
      second.engine.loadResolved(resolved);
    }
    for (const bucket of stored.values()) second.engine.loadBucket(bucket);
    const settle = (holdId: string, cost: bigint) =>
      second.engine.settle({ holdId, charges: [chargeOf(nano(cost))] }, START_MS);
    expect(settle('done', 1n).result.replayed).toBe(true);
    journal.push(...settle('gone', 25n).journal, ...settle('guess', 15n).journal);
    const fold = new JournalFold();
    for (const entry of journal) fold.add(entry);
    expect(fold.compare(second.engine.buckets(), second.engine.openHolds())).toMatchObject({
      ok: true,
      open_holds: 0,
      mismatches: [],
    });
    const cost = second.engine.buckets().find((bucket) => bucket.meter === 'cost_usd');
    expect(cost).toMatchObject({ spent: 70n, held: 0n });
    const late = resolvedFrom(journal.filter((entry) => entry.holdId === 'gone'));
    expect(late).toMatchObject({ type: 'settled', final: true });
    expect(resolvedFrom([])).toBe(null);
  });
});
