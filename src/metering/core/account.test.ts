import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import {
  accountOf,
  benchOf,
  boundOf,
  chargeOf,
  DAY_MS,
  EPOCH_MS,
  HOUR_MS,
  PERIOD_MS,
  planOf,
  reserveOf,
  START_MS,
  windowOf,
} from './fixtures/engine-fixture.ts';
import { createEngine } from './engine.ts';
import { JournalFold } from './rebuild.ts';
import type { CalendarWindow } from './types.ts';

const REQUESTS: LimitInput = { meter: 'requests', window: 'period', amount: 10 };

function requestsOf(amount: LimitInput['amount'], more: Partial<LimitInput> = {}) {
  return planOf([{ ...REQUESTS, amount, ...more }]);
}

function used(count: number, limit: LimitInput = REQUESTS) {
  const bench = benchOf([limit]);
  const hold = (id: string, requests: number) =>
    bench.engine.reserve(
      reserveOf(id, { bound: boundOf({ requests: BigInt(requests) }) }),
      START_MS,
    ).result;
  const change = (...more: Parameters<typeof accountOf>) =>
    bench.engine.changePlan(accountOf(...more), START_MS);
  if (count > 0) {
    hold('used', count);
    bench.engine.settle({ holdId: 'used', charges: [chargeOf({})] }, START_MS);
  }
  const bucket = () => bench.engine.buckets().find((one) => one.sourceKey.startsWith('plan'));
  return { ...bench, hold, change, bucket };
}

describe('plan changes', () => {
  it('keep what is used: raised limits are granted, lowered ones expire', () => {
    const { change, bucket, hold } = used(4);
    const up = change(requestsOf(25));
    expect(up.journal).toMatchObject([{ kind: 'adjust', body: { plan: 'pro', plan_version: 1 } }]);
    expect(bucket()).toMatchObject({ granted: 25n, spent: 4n, expired: 0n });
    change(requestsOf(6));
    expect(bucket()).toMatchObject({ granted: 25n, spent: 4n, expired: 19n });
    expect([hold('a', 3).type, hold('b', 2).type, hold('c', 1).type]).toEqual([
      'refused',
      'held',
      'refused',
    ]);
    expect(change(requestsOf(6)).journal).toEqual([]);
  });

  it('deny, not break, where more is held than the new plan allows, and let nothing back in on release', () => {
    const { engine, change, bucket, hold } = used(0);
    hold('a', 8);
    change(requestsOf(3));
    expect(bucket()).toMatchObject({ granted: 10n, held: 8n, expired: 2n });
    expect(hold('b', 1)).toMatchObject({ type: 'refused', code: 'limit_held' });
    engine.void({ holdId: 'a', reason: 'x' }, START_MS);
    expect(engine.limitStatuses('cus_1', null, START_MS)).toMatchObject([
      { limit: '3', remaining: '3' },
    ]);
    expect(hold('c', 4)).toMatchObject({ type: 'refused', code: 'limit_exceeded' });
    expect(hold('d', 3).type).toBe('held');
    expect(bucket()).toMatchObject({ granted: 10n, held: 3n, expired: 7n });
  });

  it('prorate by the millisecond, over any number of changes', () => {
    const day = (count: number): number => EPOCH_MS + count * DAY_MS;
    const { change, bucket } = used(1);
    change(requestsOf(40), { phases: [{ plan: requestsOf(10), untilMs: day(10) }] });
    expect(bucket()?.granted).toBe(30n);
    change(requestsOf(70), {
      phases: [
        { plan: requestsOf(1), untilMs: day(0) },
        { plan: requestsOf(10), untilMs: day(10) },
        { plan: requestsOf(40), untilMs: day(20) },
      ],
    });
    expect(bucket()?.granted).toBe(40n);
    change(requestsOf(50), { phases: [{ plan: requestsOf('unlimited'), untilMs: day(10) }] });
    expect(bucket()?.granted).toBe(50n);
    change(requestsOf(60), { phases: [{ plan: requestsOf(10), untilMs: day(-1) }] });
    expect(bucket()?.granted).toBe(60n);
  });

  it('I10 restart in a new period and leave the old one alone', () => {
    const { engine, change, hold, bucket } = used(4);
    hold('a', 2);
    const restarted = { id: 'per_new', startMs: START_MS, endMs: START_MS + PERIOD_MS };
    change(requestsOf(12), {
      windowOf: (window, nowMs) => (window === 'period' ? restarted : windowOf(window, nowMs)),
    });
    expect(bucket()).toMatchObject({ granted: 10n, held: 2n, spent: 4n });
    expect(hold('b', 12).type).toBe('held');
    engine.settle({ holdId: 'a', charges: [chargeOf({})] }, START_MS);
    expect(engine.buckets().map((one) => [one.windowId, one.held, one.spent])).toEqual([
      [`per_${EPOCH_MS}`, 0n, 6n],
      ['per_new', 12n, 0n],
    ]);
  });

  it('leave alone what the new plan does not number, and end an overage that it does not have', () => {
    const overage = { ...REQUESTS, on_breach: 'overage', overage_cap: 5 } as const;
    const { engine, change, hold } = used(11, overage);
    expect(change(requestsOf('unlimited')).journal).toEqual([]);
    expect(change(planOf([])).journal).toEqual([]);
    expect(
      change(planOf([{ ...REQUESTS, window: 'minute', id: 'requests/period' }])).journal,
    ).toEqual([]);
    expect(engine.limitStatuses('cus_1', null, START_MS)).toMatchObject([{ used: '0' }]);
    change(requestsOf(10));
    expect(engine.limitStatuses('cus_1', null, START_MS)).toMatchObject([
      { limit: '10', used: '11', remaining: '0' },
    ]);
    expect(hold('a', 1).type).toBe('refused');
    change(planOf([overage]));
    expect(hold('b', 4).type).toBe('held');
  });

  it('admit into no overage while more is used than a lowered limit and its overage allow', () => {
    const lowered = { ...REQUESTS, amount: 4, on_breach: 'overage', overage_cap: 5 } as const;
    const { engine, change, hold } = used(10, {
      ...REQUESTS,
      on_breach: 'overage',
      overage_cap: 5,
    });
    change(planOf([lowered]));
    expect(hold('over', 1).type).toBe('refused');
    expect(engine.limitStatuses('cus_1', null, START_MS)[0]).toMatchObject({
      limit: '9',
      used: '10',
      remaining: '0',
    });
    change(planOf([{ ...lowered, amount: 6 }]));
    expect(hold('fits', 1).type).toBe('held');
    expect(hold('full', 1).type).toBe('refused');
  });

  it('stand in the journal under a note of their own, even where no balance changes', () => {
    const { engine } = used(4);
    const note = { eventId: 'override:cus_1:7', body: { overrides: 'requests/period' } };
    const change = (amount: number) =>
      engine.changePlan(accountOf(requestsOf(amount)), START_MS, note).journal;
    expect(change(10)).toMatchObject([
      { ...note, kind: 'adjust', holdId: null, customerId: 'cus_1', postings: [] },
    ]);
    expect(change(11)).toMatchObject([{ ...note, postings: [{ dGranted: 1n }] }]);
  });

  it('settle and extend under the plan of the hold while the account has another', () => {
    const { engine, change, hold, bucket } = used(0);
    hold('a', 6);
    change(planOf([]));
    const next = boundOf({ requests: 9n });
    expect(engine.extend({ holdId: 'a', keep: [], next }, START_MS).result.type).toBe('held');
    engine.settle({ holdId: 'a', charges: [chargeOf({})] }, START_MS);
    expect(bucket()).toMatchObject({ granted: 10n, held: 0n, spent: 9n });
  });
});

describe('accounts in memory', () => {
  it('live in an engine of their own', () => {
    const engine = createEngine();
    engine.loadAccount(accountOf(planOf([REQUESTS])));
    engine.reserve(reserveOf('a'), START_MS);
    const [bucket] = engine.buckets();
    expect(engine.bucket(bucket?.id ?? '')).toEqual(bucket);
    expect([engine.bucket('x'), engine.hold('x'), engine.holdStanding('a')]).toEqual([
      null,
      null,
      'open',
    ]);
  });

  it('go stale when told', () => {
    const { engine } = benchOf([], { account: { staleAtMs: START_MS } });
    expect(engine.hasAccount('cus_1', START_MS - 1)).toBe(true);
    expect(engine.hasAccount('cus_1', START_MS)).toBe(false);
    expect(engine.hasAccount('cus_2', START_MS)).toBe(false);
    engine.loadAccount(accountOf(planOf([])));
    expect(engine.hasAccount('cus_1', START_MS)).toBe(true);
  });

  it('are swept when idle, without holds and with their rates at rest', () => {
    const { engine } = benchOf([REQUESTS, { meter: 'requests', window: 'minute', amount: 1 }]);
    engine.reserve(reserveOf('a'), START_MS);
    expect(engine.sweep(START_MS + HOUR_MS, START_MS + HOUR_MS)).toEqual([]);
    engine.settle({ holdId: 'a', charges: [chargeOf({})] }, START_MS);
    expect(engine.sweep(START_MS + 1, START_MS + 1)).toEqual([]);
    expect(engine.sweep(START_MS, START_MS + HOUR_MS)).toEqual([]);
    expect(engine.holdStanding('a')).toBe('resolved');
    expect(engine.sweep(START_MS + 1, START_MS + HOUR_MS)).toEqual(['cus_1']);
    expect([
      engine.hasAccount('cus_1', START_MS),
      engine.buckets().length,
      engine.holdStanding('a'),
    ]).toEqual([false, 0, null]);
  });

  it('lose ended buckets that hold nothing, and the ends that name them', () => {
    const { engine } = benchOf([{ meter: 'requests', window: 'hour', amount: 9 }]);
    for (const id of ['a', 'b']) engine.reserve(reserveOf(id), START_MS);
    engine.settle({ holdId: 'a', charges: [chargeOf({})] }, START_MS);
    const later = START_MS + HOUR_MS;
    engine.sweep(later, later);
    expect(engine.buckets()).toHaveLength(1);
    engine.settle({ holdId: 'b', charges: [chargeOf({})] }, later);
    engine.sweep(later, later);
    expect([
      engine.buckets().length,
      engine.holdStanding('a'),
      engine.hasAccount('cus_1', later),
    ]).toEqual([0, null, true]);
  });

  it('keep an ended bucket whose box goes on under a new calendar, and lose it when that ends', () => {
    const { engine } = benchOf([{ meter: 'requests', window: 'day', amount: 1 }]);
    const long = (window: CalendarWindow, nowMs: number) => {
      const { id, startMs, endMs } = windowOf(window, nowMs - (window === 'day' ? DAY_MS / 8 : 0));
      return { id, startMs, endMs: (endMs ?? 0) + DAY_MS / 8 };
    };
    engine.reserve(reserveOf('a'), START_MS + HOUR_MS);
    engine.settle({ holdId: 'a', charges: [chargeOf({})] }, START_MS + HOUR_MS);
    const plan = planOf([{ meter: 'requests', window: 'day', amount: 1 }]);
    engine.loadAccount(accountOf(plan, { windowOf: long }));
    const late = START_MS + DAY_MS + 2 * HOUR_MS;
    engine.reserve(reserveOf('b'), late - 1);
    engine.sweep(late - HOUR_MS, late);
    expect(engine.reserve(reserveOf('c'), late).result).toMatchObject({ type: 'refused' });
    engine.sweep(late + HOUR_MS, late + HOUR_MS);
    expect(engine.buckets()).toEqual([]);
  });
});

describe('limit statuses', () => {
  const limits: readonly LimitInput[] = [
    REQUESTS,
    { meter: 'images', window: 'period', amount: 'disabled' },
    { meter: 'cost_usd', window: 'period', amount: 'unlimited' },
    { meter: 'requests', window: 'minute', amount: 6 },
    { meter: 'requests', window: 'concurrent', amount: 4 },
    { meter: 'video_seconds', window: 'call', amount: '1.5' },
    { meter: 'requests', window: 'day', amount: 5, scope: 'key' },
    { meter: 'requests', window: 'week', amount: 5, scope: 'tag:team' },
    { meter: 'requests', window: 'rolling:3h', amount: 5 },
    { meter: 'requests', window: 'lifetime', amount: 50 },
  ];

  it('show every limit with its use, keys and tags apart', () => {
    const { engine } = benchOf(limits);
    engine.reserve(reserveOf('a', { tags: { team: 'blue' } }), START_MS);
    const row = (keyId: string | null) =>
      engine
        .limitStatuses('cus_1', keyId, START_MS)
        .map((one) =>
          [one.id, one.scope, one.limit, one.used, one.held, one.remaining, one.resets_at].join(
            ' ',
          ),
        );
    expect(row('key_1')).toEqual([
      'requests/period customer 10 0 1 9 2026-12-01T00:00:00Z',
      'images/period customer disabled 0 0 0 ',
      'cost_usd/period customer unlimited 0.000000000 0.000000000 unlimited 2026-12-01T00:00:00Z',
      'requests/minute customer 6 1 0 5 2026-11-11T00:00:10Z',
      'requests/concurrent customer 4 0 1 3 ',
      'video_seconds/call customer 1.5 0 0 1.5 ',
      'requests/day key 5 0 1 4 2026-11-12T00:00:00Z',
      'requests/week tag:team=blue 5 0 1 4 2026-11-15T00:00:00Z',
      'requests/rolling:3h customer 5 0 1 4 2026-11-11T03:00:00Z',
      'requests/lifetime customer 50 0 1 49 ',
    ]);
    expect(row(null).some((text) => text.startsWith('requests/day'))).toBe(false);
  });

  it('count on an unlimited limit what open calls of just its kind hold', () => {
    const { engine } = benchOf([
      { id: 'all', meter: 'requests', window: 'period', amount: 'unlimited' },
      { id: 'own', meter: 'cost_usd', window: 'day', amount: 'unlimited', scope: 'key' },
      {
        id: 'pictures',
        meter: 'images',
        window: 'rolling:5h',
        amount: 'unlimited',
        operation: 'image.*',
      },
      { id: 'other', meter: 'requests', window: 'period', amount: 'unlimited', model: 'openai/*' },
      { id: 'slots', meter: 'requests', window: 'concurrent', amount: 'unlimited' },
      { id: 'team', meter: 'requests', window: 'day', amount: 'unlimited', scope: 'tag:team' },
    ]);
    engine.loadAccount(accountOf(planOf([]), { customerId: 'cus_2' }));
    const bound = boundOf({ requests: 1n, cost_usd: 7n });
    engine.reserve(reserveOf('mine', { bound }), START_MS);
    engine.reserve(reserveOf('of-a-key', { bound, keyId: 'key_2' }), START_MS);
    engine.reserve(reserveOf('of-another', { bound, customerId: 'cus_2' }), START_MS);
    const images = boundOf({ requests: 1n, images: 3n }, { model: 'openai/x' });
    engine.reserve(reserveOf('image', { bound: images, operation: 'image.generate' }), START_MS);
    const query = { customerId: 'cus_1', keyId: 'key_1', token: null };
    const rows = engine.limitRows(query, START_MS);
    expect(rows.map(({ status }) => [status.id, status.held, status.resets_at])).toEqual([
      ['all', '3', '2026-12-01T00:00:00Z'],
      ['own', '0.000000007', '2026-11-12T00:00:00Z'],
      ['pictures', '3', null],
      ['other', '1', '2026-12-01T00:00:00Z'],
      ['slots', '3', null],
    ]);
    const any = { keyId: null, operation: '*', model: '*' };
    expect(rows.map(({ rollup }) => rollup)).toEqual([
      { ...any, meter: 'requests', fromMs: EPOCH_MS },
      { ...any, meter: 'cost_usd', fromMs: START_MS, keyId: 'key_1' },
      { ...any, meter: 'images', fromMs: START_MS - 5 * HOUR_MS, operation: 'image.*' },
      { ...any, meter: 'requests', fromMs: EPOCH_MS, model: 'openai/*' },
      null,
    ]);
    const keyless = engine.limitRows({ ...query, keyId: null }, START_MS);
    expect(keyless.map(({ status }) => status.id)).not.toContain('own');
  });

  it('say where the use of an unlimited limit is found, and no reset of a box that is not open', () => {
    const { engine } = benchOf(limits);
    const [unopened] = engine
      .limitStatuses('cus_1', null, START_MS)
      .filter((one) => one.window === 'rolling:3h');
    expect(unopened?.resets_at).toBe(null);
    const bound = boundOf({ requests: 1n, cost_usd: 9n });
    engine.reserve(reserveOf('a', { bound }), START_MS);
    const query = { customerId: 'cus_1', keyId: null, token: null };
    const rows = engine.limitRows(query, START_MS);
    expect(rows.find((row) => row.status.limit === 'unlimited')).toMatchObject({
      status: { id: 'cost_usd/period', held: '0.000000009' },
      rollup: { meter: 'cost_usd', fromMs: EPOCH_MS, keyId: null, operation: '*', model: '*' },
    });
  });
});

describe('rebuilding', () => {
  function sample() {
    const bench = benchOf([REQUESTS]);
    const journal = [
      ...bench.engine.reserve(
        reserveOf('a', { tags: { team: 'x' }, expiresAtMs: START_MS + 9 }),
        START_MS,
      ).journal,
      ...bench.engine.reserve(reserveOf('b'), START_MS).journal,
    ];
    const fold = new JournalFold();
    for (const entry of journal) fold.add(entry);
    return { ...bench, journal, fold };
  }

  it('I2 gives the rows that are kept, from the start or from a checkpoint', () => {
    const { engine, fold } = sample();
    expect(fold.compare(engine.buckets(), engine.openHolds())).toEqual({
      ok: true,
      events: 3,
      buckets: 1,
      open_holds: 2,
      mismatches: [],
    });
    expect(fold.openHolds.get('a')).toEqual(engine.hold('a'));
    const later = new JournalFold();
    later.start(engine.buckets(), engine.openHolds());
    for (const entry of engine.dispatch('a', START_MS).journal) later.add(entry);
    for (const entry of engine.void({ holdId: 'b', reason: 'x' }, START_MS).journal)
      later.add(entry);
    expect(later.compare(engine.buckets(), engine.openHolds())).toMatchObject({
      ok: true,
      events: 2,
    });
  });

  it('finds any counter that is off by anything', () => {
    const { engine, fold } = sample();
    const [bucket] = engine.buckets();
    if (bucket === undefined) throw new Error('no bucket');
    fc.assert(
      fc.property(
        fc.constantFrom('granted', 'held', 'spent', 'overrun', 'expired', 'leased'),
        fc.bigInt({ min: 1n, max: 9n }),
        (field, off) => {
          const damaged = { ...bucket, [field]: bucket[field] + off };
          expect(fold.compare([damaged], engine.openHolds()).mismatches).toEqual([
            {
              bucket: bucket.id,
              field,
              expected: String(bucket[field]),
              actual: String(bucket[field] + off),
            },
          ]);
        },
      ),
    );
  });

  it('finds missing, surplus and stray rows, holds and postings', () => {
    const { engine, journal, fold } = sample();
    const [bucket] = engine.buckets();
    if (bucket === undefined) throw new Error('no bucket');
    const fields = (report: { mismatches: readonly { field: string; actual: string }[] }) =>
      report.mismatches.map((one) => `${one.field} ${one.actual}`);
    expect(fields(fold.compare([], engine.openHolds()))).toEqual(['row missing']);
    expect(fields(fold.compare([bucket, { ...bucket, id: 'z' }], engine.openHolds()))).toEqual([
      'row present',
    ]);
    expect(fields(fold.compare([bucket], engine.openHolds().slice(1)))).toEqual(['hold none']);
    const stray = new JournalFold();
    for (const entry of journal.slice(1)) stray.add(entry);
    expect(stray.compare([], engine.openHolds()).mismatches).toEqual([
      { bucket: bucket.id, field: 'held', expected: 'a bucket', actual: 'posting 1' },
      { bucket: bucket.id, field: 'held', expected: 'a bucket', actual: 'posting 1' },
    ]);
    const lost = new JournalFold();
    for (const entry of journal.filter((one) => one.holdId !== 'b')) lost.add(entry);
    const extended = engine.extend(
      { holdId: 'b', keep: [], next: boundOf({ requests: 2n }) },
      START_MS,
    );
    for (const entry of extended.journal) lost.add(entry);
    for (const kind of ['dispatch', 'unknown'] as const)
      lost.add({ ...extended.journal[0]!, kind, postings: [] });
    expect(
      lost.compare([bucket], engine.openHolds().slice(0, 1)).mismatches.map((one) => one.expected),
    ).toContain('1 in open holds');
    const posting = {
      bucketId: 'gone',
      dGranted: 1n,
      dHeld: 1n,
      dSpent: 1n,
      dOverrun: 1n,
      dExpired: 1n,
      dLeased: 1n,
    };
    const all = new JournalFold();
    all.add({ ...journal[0]!, newBuckets: [], postings: [posting] });
    expect(all.compare([], []).mismatches).toHaveLength(6);
  });

  it('reads damaged bodies as nothing rather than guessing, and refuses an operation that it does not know', () => {
    const { journal } = sample();
    const entry = journal[1]!;
    const body = {
      operation: 'text.generate',
      requests: '0',
      plan_version: 'x',
      tags: { a: 1 },
      legs: [['b', '2']],
      covered: [[1]],
      token: ['agt_1'],
      quote: ['qt_1'],
    };
    const fold = new JournalFold();
    fold.add({ ...entry, body, postings: [] });
    expect(fold.openHolds.get('a')).toMatchObject({
      requestId: '',
      planVersion: 0,
      tags: { a: '' },
      legs: [{ bucketId: 'b', amount: 2n }],
      covered: [{ model: '', amounts: {} }],
      token: { id: 'agt_1', maxSpendNanoUsd: null, expiresAtMs: 0 },
      quote: { quoteId: 'qt_1', operationId: '', uses: 0 },
    });
    expect(() => fold.add({ ...entry, body: {}, postings: [] })).toThrow('no known operation');
  });
});
