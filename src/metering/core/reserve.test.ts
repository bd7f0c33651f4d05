import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput } from '../../contracts/metering.ts';
import type { Held, Refused } from '../ports.ts';
import {
  accountOf,
  benchOf,
  boundOf,
  DAY_MS,
  HOUR_MS,
  planOf,
  reserveOf,
  START_MS,
  stateOf,
  text,
} from './fixtures/engine-fixture.ts';

function held(result: Held | Refused): Held {
  if (result.type === 'refused') throw new Error(`${result.code}: ${result.message}`);
  return result;
}

function refused(result: Held | Refused): Refused {
  if (result.type === 'held') throw new Error('was held');
  return result;
}

const PERIOD_50: LimitInput = { meter: 'requests', window: 'period', amount: 50 };

describe('reserve', () => {
  it('holds on every matching limit of every scope in one step', () => {
    const { engine } = benchOf([
      PERIOD_50,
      { meter: 'requests', window: 'day', amount: 20, scope: 'key' },
      { meter: 'requests', window: 'lifetime', amount: 900, scope: 'tag:team' },
      { meter: 'requests', window: 'rolling:5h', amount: 9, operation: 'text.*' },
      { id: 'other', meter: 'requests', window: 'hour', amount: 1, model: 'openai/*' },
      { id: 'token', meter: 'requests', window: 'hour', amount: 1, scope: 'client_token' },
      { id: 'untagged', meter: 'requests', window: 'week', amount: 1, scope: 'tag:project' },
    ]);
    const applied = engine.reserve(reserveOf('h1', { tags: { team: 'blue' } }), START_MS);
    expect(held(applied.result).plan).toEqual({ id: 'pro', version: 1 });
    expect(
      engine.buckets().map((bucket) => [bucket.ownerId, bucket.windowId, bucket.held]),
    ).toEqual([
      ['cus_1', `per_${START_MS - 10 * DAY_MS}`, 1n],
      ['cus_1#key_1', String(START_MS), 1n],
      ['cus_1#tag:team=blue', '', 1n],
      ['cus_1', String(START_MS), 1n],
    ]);
    expect(applied.journal.map((entry) => entry.eventId.split(':', 1)[0])).toEqual([
      'grant',
      'grant',
      'grant',
      'grant',
      'hold',
    ]);
  });

  it('admits exactly 100 of 200 holds of a hundredth of the limit', () => {
    const { engine } = benchOf([
      { meter: 'cost_usd', window: 'period', amount: '1.00' },
      { meter: 'requests', window: 'day', amount: 150 },
    ]);
    const bound = boundOf({ requests: 1n, cost_usd: 10_000_000n });
    const codes = Array.from({ length: 200 }, (_, index) => {
      const { result } = engine.reserve(reserveOf(`h${index}`, { bound }), START_MS);
      return result.type === 'held' ? 'held' : result.code;
    });
    expect(codes.filter((code) => code === 'held')).toHaveLength(100);
    expect(codes.slice(100).every((code) => code === 'limit_held')).toBe(true);
  });

  it('I7 writes nothing when it refuses', () => {
    const { engine, memory } = benchOf([
      PERIOD_50,
      { meter: 'requests', window: 'day', amount: 1 },
    ]);
    const before = stateOf(memory);
    const bound = boundOf({ requests: 2n });
    const applied = engine.reserve(reserveOf('h1', { bound }), START_MS);
    expect(refused(applied.result).code).toBe('limit_exceeded');
    expect(applied.journal).toEqual([]);
    applied.undo();
    expect(stateOf(memory)).toEqual(before);
  });

  it('I11 answers a repeated hold as before and refuses the id to another request', () => {
    const { engine, memory } = benchOf([PERIOD_50]);
    const first = engine.reserve(reserveOf('h1'), START_MS);
    const before = stateOf(memory);
    const again = engine.reserve(reserveOf('h1'), START_MS + 5);
    expect(again.result).toBe(first.result);
    expect(again.journal).toEqual([]);
    let code = '';
    try {
      engine.reserve(reserveOf('h1', { fingerprint: 'other' }), START_MS);
    } catch (error) {
      if (isGatewayError(error)) code = error.code;
    }
    expect(code).toBe('idempotency_mismatch');
    expect(stateOf(memory)).toEqual(before);
    engine.settle({ holdId: 'h1', charges: [] }, START_MS);
    expect(engine.reserve(reserveOf('h1'), START_MS).result).toBe(first.result);
  });

  it('opens a rolling box with the first use and the next one when it has ended', () => {
    const { engine } = benchOf([{ meter: 'requests', window: 'rolling:5h', amount: 1 }]);
    held(engine.reserve(reserveOf('h1'), START_MS + 7).result);
    const { refusal, retryAfterMs } = refused(engine.reserve(reserveOf('h2'), START_MS + 8).result);
    expect(retryAfterMs).toBe(1_000);
    expect(Date.parse(refusal.limits[0]?.resets_at ?? '')).toBe(START_MS + 7 + 5 * HOUR_MS);
    held(engine.reserve(reserveOf('h3'), START_MS + 7 + 5 * HOUR_MS).result);
  });

  it('draws extra grants in their order and overage last', () => {
    const { engine } = benchOf([{ ...PERIOD_50, amount: 3, on_breach: 'overage', overage_cap: 2 }]);
    const grant = {
      ownerId: 'cus_1',
      limitId: 'requests/period',
      meter: 'requests',
      effectiveAtMs: 0,
      granted: 1n,
      held: 0n,
      spent: 0n,
      overrun: 0n,
      expired: 0n,
      leased: 0n,
    } as const;
    engine.loadBucket({
      ...grant,
      id: 'b',
      windowId: 'b',
      sourceKey: 'promo',
      priority: -1,
      expiresAtMs: START_MS + 9,
    });
    engine.loadBucket({
      ...grant,
      id: 'a',
      windowId: 'a',
      sourceKey: 'promo',
      priority: -1,
      expiresAtMs: null,
    });
    engine.loadBucket({
      ...grant,
      id: 'a2',
      windowId: 'a2',
      sourceKey: 'promo',
      priority: -1,
      expiresAtMs: null,
      effectiveAtMs: 5,
    });
    engine.loadBucket({
      ...grant,
      id: 'a',
      windowId: 'a',
      sourceKey: 'promo',
      priority: -1,
      expiresAtMs: null,
    });
    engine.loadBucket({
      ...grant,
      id: 'old',
      windowId: 'old',
      sourceKey: 'promo',
      priority: -2,
      expiresAtMs: START_MS,
    });
    const drawn = Array.from({ length: 9 }, (_, index) => {
      const { result } = engine.reserve(reserveOf(`h${index}`), START_MS);
      if (result.type === 'refused') return result.code;
      return engine
        .hold(`h${index}`)
        ?.legs.map((leg) => engine.bucket(leg.bucketId)?.id.split('|').at(-1))
        .join();
    });
    expect(drawn).toEqual([
      'b',
      'a',
      'a2',
      'plan',
      'plan',
      'plan',
      'overage',
      'overage',
      'limit_held',
    ]);
    const { result } = engine.reserve(
      reserveOf('h9', { bound: boundOf({ requests: 9n }) }),
      START_MS,
    );
    expect(refused(result).refusal.limits[0]?.limit).toBe('8');
  });

  it('lets soft limits be exceeded and says so', () => {
    const soft = { on_breach: 'soft', amount: 1 } as const;
    const { engine } = benchOf([
      { meter: 'requests', window: 'period', ...soft },
      { meter: 'requests', window: 'minute', ...soft },
      { meter: 'requests', window: 'concurrent', ...soft },
      { meter: 'output_tokens', window: 'call', ...soft },
    ]);
    const bound = boundOf(
      { requests: 1n },
      {
        elastic: { tokens: 10, minTokens: 5, nanoUsdPerMillion: 0n },
      },
    );
    expect(held(engine.reserve(reserveOf('h1', { bound }), START_MS).result)).toMatchObject({
      softBreaches: ['output_tokens/call'],
      outputTokens: 10,
    });
    const second = held(engine.reserve(reserveOf('h2', { bound }), START_MS).result);
    expect(second.softBreaches).toHaveLength(4);
    const [bucket] = engine.buckets();
    expect([bucket?.held, bucket?.granted]).toEqual([1n, 1n]);
    engine.settle({ holdId: 'h2', charges: [{ model: 'gemini/flash', amounts: {} }] }, START_MS);
    engine.settle({ holdId: 'h1', charges: [{ model: 'gemini/flash', amounts: {} }] }, START_MS);
    expect(engine.buckets()[0]).toMatchObject({ held: 0n, spent: 1n, overrun: 1n });
  });

  it('needs the account to be loaded', () => {
    const { engine } = benchOf([]);
    expect(() => engine.reserve(reserveOf('h1', { customerId: 'cus_2' }), START_MS)).toThrow(
      'cus_2 is not loaded',
    );
  });
});

describe('elastic output', () => {
  const rates = fc.bigInt({ min: 0n, max: 90_000_000n });

  it('is clamped to the most that fits every limit, as a search finds it', () => {
    fc.assert(
      fc.property(
        fc.record({
          cost: fc.integer({ min: 1, max: 3_000 }),
          output: fc.integer({ min: 1, max: 400 }),
          total: fc.integer({ min: 1, max: 600 }),
          perMinute: fc.integer({ min: 1, max: 500 }),
          fixedCost: fc.integer({ min: 0, max: 1_500 }),
          input: fc.integer({ min: 0, max: 400 }),
          tokens: fc.integer({ min: 1, max: 500 }),
          minShare: fc.double({ min: 0, max: 1, noNaN: true }),
          nanoUsdPerMillion: rates,
          before: fc.integer({ min: 0, max: 200 }),
        }),
        (one) => {
          const { engine } = benchOf([
            {
              meter: 'cost_usd',
              window: 'period',
              amount: `0.${String(one.cost).padStart(9, '0')}`,
            },
            { meter: 'output_tokens', window: 'day', amount: one.output },
            { meter: 'total_tokens', window: 'call', amount: one.total },
            { meter: 'total_tokens', window: 'minute', amount: one.perMinute },
          ]);
          const warmUp = boundOf({ total_tokens: BigInt(one.before) });
          const warm = engine.reserve(reserveOf('h0', { bound: warmUp }), START_MS).result;
          const taken = warm.type === 'held' ? one.before : 0;
          const minTokens = 1 + Math.floor(one.minShare * (one.tokens - 1));
          const fits = (tokens: number): boolean => {
            const cost = (BigInt(tokens) * one.nanoUsdPerMillion + 999_999n) / 1_000_000n;
            return (
              BigInt(one.fixedCost) + cost <= BigInt(one.cost) &&
              tokens <= one.output &&
              one.input + tokens <= one.total &&
              one.input + tokens <= one.perMinute - taken
            );
          };
          let best = -1;
          for (let tokens = 0; tokens <= one.tokens; tokens += 1) if (fits(tokens)) best = tokens;
          const { result } = engine.reserve(
            reserveOf('h1', {
              bound: boundOf(
                { cost_usd: BigInt(one.fixedCost), total_tokens: BigInt(one.input) },
                {
                  elastic: {
                    tokens: one.tokens,
                    minTokens,
                    nanoUsdPerMillion: one.nanoUsdPerMillion,
                  },
                },
              ),
            }),
            START_MS,
          );
          if (best >= minTokens) {
            expect(held(result).outputTokens).toBe(best);
            const leg = engine.buckets().find((bucket) => bucket.meter === 'output_tokens');
            expect(leg?.held).toBe(BigInt(best));
            return;
          }
          const reduce = refused(result).refusal.actions.find((action) => action.do === 'reduce');
          expect(reduce).toEqual(
            best >= 1 ? { do: 'reduce', param: 'max_tokens', max: best } : undefined,
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('is not lowered where the caller named the maximum', () => {
    const { engine } = benchOf([{ meter: 'output_tokens', window: 'period', amount: 100 }]);
    const elastic = { tokens: 200, minTokens: 200, nanoUsdPerMillion: 0n };
    const { result } = engine.reserve(
      reserveOf('h1', { bound: boundOf({}, { elastic }) }),
      START_MS,
    );
    expect(refused(result).refusal.actions).toContainEqual({
      do: 'reduce',
      param: 'max_tokens',
      max: 100,
    });
  });
});

describe('rates and slots', () => {
  it('admit exactly N of M calls of one moment and state the exact wait', () => {
    const { engine } = benchOf([{ meter: 'requests', window: 'minute', amount: 20 }]);
    const results = Array.from(
      { length: 30 },
      (_, index) => engine.reserve(reserveOf(`h${index}`), START_MS).result,
    );
    expect(results.filter((result) => result.type === 'held')).toHaveLength(20);
    const wait = refused(results[20]!).retryAfterMs ?? 0;
    expect(wait).toBe(3_000);
    refused(engine.reserve(reserveOf('x'), START_MS + wait - 1).result);
    held(engine.reserve(reserveOf('x'), START_MS + wait).result);
  });

  it('give a void’s rate back and correct a token rate by the difference', () => {
    const { engine } = benchOf([
      { meter: 'requests', window: 'minute', amount: 1 },
      { meter: 'output_tokens', window: 'minute', amount: 100 },
      { id: 'o', meter: 'total_tokens', window: 'minute', amount: 100, model: 'openai/*' },
    ]);
    const elastic = { tokens: 60, minTokens: 60, nanoUsdPerMillion: 0n };
    const bound = boundOf({ requests: 1n }, { elastic });
    const left = (): string =>
      engine
        .limitStatuses('cus_1', null, START_MS)
        .map((status) => status.remaining)
        .join(' ');
    engine.reserve(reserveOf('h1', { bound }), START_MS);
    expect(left()).toBe('0 40 100');
    engine.void({ holdId: 'h1', reason: 'refused' }, START_MS);
    expect(left()).toBe('1 100 100');
    engine.reserve(reserveOf('h2', { bound }), START_MS);
    engine.settle(
      { holdId: 'h2', charges: [{ model: 'gemini/flash', amounts: { output_tokens: 10n } }] },
      START_MS,
    );
    expect(left()).toBe('0 90 100');
    engine.reserve(reserveOf('h3', { bound: boundOf({}, { elastic }) }), START_MS);
    engine.settle(
      {
        holdId: 'h3',
        charges: [{ model: 'openai/x', amounts: { output_tokens: 95n, total_tokens: 130n } }],
      },
      START_MS,
    );
    expect(left()).toBe('0 0 0');
  });

  it('are carried over in time when the plan changes the rate', () => {
    const { engine } = benchOf([{ meter: 'requests', window: 'minute', amount: 10 }]);
    for (let index = 0; index < 10; index += 1) engine.reserve(reserveOf(`h${index}`), START_MS);
    engine.loadAccount(
      accountOf(planOf([{ meter: 'requests', window: 'minute', amount: 60 }], {}, 2)),
    );
    expect(refused(engine.reserve(reserveOf('x'), START_MS).result).retryAfterMs).toBe(1_000);
    held(engine.reserve(reserveOf('x'), START_MS + 1_000).result);
  });

  it('free a slot with the end of its hold, and only that', () => {
    const { engine } = benchOf([{ meter: 'requests', window: 'concurrent', amount: 2 }]);
    held(engine.reserve(reserveOf('h1'), START_MS).result);
    held(engine.reserve(reserveOf('h2'), START_MS).result);
    const full = refused(engine.reserve(reserveOf('h3'), START_MS).result);
    expect([full.code, full.retryAfterMs, full.message]).toEqual([
      'concurrency_limited',
      1_000,
      '2 requests may run at once; repeat when a running call has ended.',
    ]);
    engine.settle({ holdId: 'h1', charges: [] }, START_MS);
    held(engine.reserve(reserveOf('h3'), START_MS).result);
    refused(engine.reserve(reserveOf('h4'), START_MS).result);
    engine.settle({ holdId: 'h1', charges: [] }, START_MS);
    refused(engine.reserve(reserveOf('h4'), START_MS).result);
  });

  it('show in the views the tightest minute limit, else the tightest other one', () => {
    const { engine } = benchOf([
      { meter: 'requests', window: 'minute', amount: 60 },
      { id: 'm2', meter: 'requests', window: 'minute', amount: 6 },
      { meter: 'requests', window: 'period', amount: 3 },
      { meter: 'total_tokens', window: 'period', amount: 900 },
      { meter: 'output_tokens', window: 'lifetime', amount: 500 },
      { meter: 'input_tokens', window: 'call', amount: 50 },
      { meter: 'images', window: 'minute', amount: 1 },
    ]);
    const bound = boundOf({
      requests: 1n,
      total_tokens: 20n,
      output_tokens: 10n,
      input_tokens: 1n,
      images: 1n,
    });
    const { rates } = held(engine.reserve(reserveOf('h1', { bound }), START_MS).result);
    expect(rates).toEqual({
      requests: { limit: '6', remaining: '5', resetMs: 10_000 },
      tokens: { limit: '500', remaining: '490', resetMs: null },
    });
    const next = refused(
      engine.reserve(reserveOf('h2', { bound: boundOf({ requests: 9n }) }), START_MS).result,
    );
    expect(next.rates).toEqual({
      requests: { limit: '6', remaining: '5', resetMs: 10_000 },
      tokens: null,
    });
  });
});

describe('undo', () => {
  it('puts memory back exactly, newest first', () => {
    const { engine, memory } = benchOf([
      PERIOD_50,
      { meter: 'requests', window: 'minute', amount: 20 },
      { meter: 'requests', window: 'concurrent', amount: 5 },
    ]);
    const states = [text(stateOf(memory))];
    const steps = [
      engine.reserve(reserveOf('h1'), START_MS),
      engine.reserve(reserveOf('h2', { expiresAtMs: START_MS + 9 }), START_MS),
    ];
    const note = (): number => states.push(text(stateOf(memory)));
    note();
    const more = [
      () => engine.extend({ holdId: 'h1', keep: [], next: boundOf({ requests: 3n }) }, START_MS),
      () => engine.dispatch('h2', START_MS),
      () => engine.settle({ holdId: 'h1', charges: [{ model: 'm', amounts: {} }] }, START_MS),
      () => engine.void({ holdId: 'h2', reason: 'x' }, START_MS),
      () => engine.settle({ holdId: 'h2', charges: [{ model: 'm', amounts: {} }] }, START_MS),
      () =>
        engine.changePlan(
          accountOf(planOf([{ ...PERIOD_50, amount: 4 }], { id: 'mini' })),
          START_MS,
        ),
    ].map((run) => {
      const applied = run();
      note();
      return applied;
    });
    for (const applied of more.toReversed()) {
      expect(text(stateOf(memory))).toBe(states.pop());
      applied.undo();
    }
    expect(text(stateOf(memory))).toBe(states.pop());
    for (const applied of steps.toReversed()) applied.undo();
    expect(text(stateOf(memory))).toBe(states.pop());
  });

  it('happens by itself when a bucket would break its bound, which only damaged rows can cause', () => {
    const { engine, memory } = benchOf([PERIOD_50]);
    engine.reserve(reserveOf('h1'), START_MS);
    const bucket = memory.buckets.values().next().value!;
    bucket.held = 0n;
    const before = text(stateOf(memory));
    expect(() => engine.settle({ holdId: 'h1', charges: [] }, START_MS)).toThrow('would break');
    expect(text(stateOf(memory))).toBe(before);
  });
});
