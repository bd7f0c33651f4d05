import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import type { CandidateBound } from '../ports.ts';
import type { QuoteCommand, QuotedOperation, QuotedReserve } from '../quote-port.ts';
import {
  accountOf,
  benchOf,
  type Bench,
  boundOf,
  chargeOf,
  HOUR_MS,
  PERIOD_MS,
  planOf,
  reserveOf,
  START_MS,
  stateOf,
  text,
} from './fixtures/engine-fixture.ts';
import { drawOf, operationOf, quoteOf } from './fixtures/quote-fixture.ts';
import { JournalFold } from './rebuild.ts';

const USD = 1_000_000_000n;

const MONEY: LimitInput[] = [
  { meter: 'cost_usd', window: 'period', amount: '1.00' },
  { meter: 'requests', window: 'day', amount: 10 },
];

function costing(nanoUsd: bigint, more: Partial<CandidateBound> = {}): CandidateBound {
  return boundOf({ requests: 1n, cost_usd: nanoUsd }, more);
}

function evaluate(bench: Bench, operations: QuotedOperation[], more: Partial<QuoteCommand> = {}) {
  return bench.engine.quote(quoteOf(operations, more), START_MS);
}

describe('evaluating a quote', () => {
  it('judges in order what each would take, and writes nothing', () => {
    const bench = benchOf(MONEY);
    const before = text(stateOf(bench.memory));
    const applied = evaluate(bench, [
      operationOf('draft', { candidates: [costing(USD / 2n)] }),
      operationOf('hero', { candidates: [costing((USD * 2n) / 3n)] }),
      operationOf('small', { candidates: [costing(USD / 4n)] }),
    ]);
    expect(applied.journal).toEqual([]);
    expect(text(stateOf(bench.memory))).toBe(before);
    const { verdicts, held } = applied.result;
    expect(held).toEqual([]);
    expect(verdicts.map(({ id, allowed }) => [id, allowed])).toEqual([
      ['draft', true],
      ['hero', false],
      ['small', true],
    ]);
    expect(verdicts[1]?.refusal).toMatchObject({
      code: 'limit_held',
      blockedBy: ['cost_usd/period'],
    });
  });

  it('lists every limit once, with what all operations ask and what would be left', () => {
    const bench = benchOf([
      ...MONEY,
      { meter: 'requests', window: 'minute', amount: 5 },
      { meter: 'images', window: 'period', amount: 'disabled' },
    ]);
    const { result } = evaluate(bench, [
      operationOf('one', { candidates: [costing(USD / 4n)], count: 3 }),
      operationOf('image', {
        operation: 'image.generate',
        candidates: [boundOf({ requests: 1n, images: 4n, cost_usd: USD / 2n })],
      }),
    ]);
    expect(result.verdicts[1]?.refusal).toMatchObject({
      code: 'not_in_plan',
      blockedBy: ['images/period'],
    });
    expect(result.limits).toEqual([
      expect.objectContaining({
        id: 'cost_usd/period',
        requested: '1.250000000',
        remaining: '1.000000000',
        after: '-0.250000000',
        on_breach: 'deny',
      }),
      expect.objectContaining({ id: 'requests/day', requested: '4', after: '6' }),
      expect.objectContaining({ id: 'requests/minute', requested: '1', after: '4' }),
      expect.objectContaining({
        id: 'images/period',
        limit: 'disabled',
        requested: '4',
        after: '-4',
      }),
    ]);
  });

  it('advises the largest value, the number of uses and the model that would fit', () => {
    const bench = benchOf(MONEY);
    const { result } = evaluate(bench, [
      operationOf('hero', {
        candidates: [costing(USD / 2n)],
        count: 3,
        alternatives: [
          costing(USD / 2n, { model: 'openai/dear' }),
          costing(USD / 3n, { model: 'openai/fair' }),
        ],
        reductions: [
          { param: 'image.n', value: 3, bound: costing(USD / 2n) },
          { param: 'image.n', value: 2, bound: costing(USD / 3n) },
          { param: 'image.n', value: 1, bound: costing(USD / 9n) },
        ],
      }),
    ]);
    expect(result.verdicts[0]?.refusal?.actions.slice(0, 2)).toEqual([
      { do: 'reduce', param: 'image.n', max: 2 },
      { do: 'reduce', param: 'count', max: 2 },
    ]);
    expect(result.verdicts[0]?.refusal?.alternative).toBe('openai/fair');
  });

  it('lowers an unnamed maximum to what every use can have, and names it where it was named', () => {
    const bench = benchOf([{ meter: 'output_tokens', window: 'period', amount: 1_000 }]);
    const elastic = { tokens: 900, minTokens: 10, nanoUsdPerMillion: 0n };
    const bound = boundOf({ requests: 1n }, { elastic });
    const { result } = evaluate(bench, [operationOf('a', { candidates: [bound], count: 3 })]);
    expect(result.verdicts[0]).toMatchObject({ allowed: true, outputTokens: [333] });
    const named = boundOf({ requests: 1n }, { elastic: { ...elastic, minTokens: 900 } });
    const refused = evaluate(bench, [operationOf('a', { candidates: [named], count: 3 })]).result;
    expect(refused.verdicts[0]?.refusal?.actions[0]).toEqual({
      do: 'reduce',
      param: 'output.max_tokens',
      max: 333,
    });
  });

  it('refuses what no empty rate limit would bear, but no more than that', () => {
    const bench = benchOf([
      { meter: 'total_tokens', window: 'minute', amount: 100 },
      { meter: 'requests', window: 'concurrent', amount: 1 },
    ]);
    bench.engine.reserve(reserveOf('busy'), START_MS);
    const { result } = evaluate(bench, [
      operationOf('many', { candidates: [boundOf({ requests: 1n, total_tokens: 60n })], count: 9 }),
      operationOf('huge', { candidates: [boundOf({ requests: 1n, total_tokens: 101n })] }),
    ]);
    expect(result.verdicts.map(({ allowed, refusal }) => [allowed, refusal?.code])).toEqual([
      [true, undefined],
      [false, 'limit_exceeded'],
    ]);
  });

  it('takes the dearest candidate, limit by limit', () => {
    const bench = benchOf([
      ...MONEY,
      { id: 'fallback', meter: 'requests', window: 'day', amount: 5, model: 'openai/*' },
    ]);
    const candidates = [costing(USD / 10n), costing(USD / 5n, { model: 'openai/b' })];
    const { result, journal } = evaluate(bench, [operationOf('a', { candidates, count: 2 })], {
      mode: 'all',
    });
    expect(result.held).toEqual(['a']);
    const held = journal.at(-1)?.postings.filter((posting) => posting.dHeld > 0n);
    expect(held?.map((posting) => [posting.bucketId.split('|')[1], posting.dHeld])).toEqual([
      ['cost_usd/period', (USD * 2n) / 5n],
      ['requests/day', 2n],
      ['fallback', 2n],
    ]);
  });

  it('advises no model that the plan forbids, and nothing at all without a subscription', () => {
    const alternatives = [
      costing(1n, { model: 'openai/forbidden' }),
      costing(1n, { model: 'gemini/small' }),
    ];
    const dear = operationOf('a', { candidates: [costing(USD * 2n)], alternatives });
    const bench = benchOf(planOf(MONEY, { models: ['gemini/*'] }));
    expect(evaluate(bench, [dear]).result.verdicts[0]?.refusal?.alternative).toBe('gemini/small');
    bench.engine.loadAccount(accountOf(planOf(MONEY), { subscription: null }));
    const { result } = evaluate(bench, [dear], { mode: 'all' });
    expect(result).toMatchObject({ plan: null, subscriptionStatus: null, held: [] });
    expect(result.verdicts[0]?.refusal).toMatchObject({
      code: 'subscription_inactive',
      alternative: null,
      actions: [{ do: 'subscribe' }],
    });
  });

  it('passes over a fallback that the plan forbids, as a call would', () => {
    const bench = benchOf(planOf(MONEY, { models: ['gemini/*'] }));
    const candidates = [costing(USD / 2n), costing(USD * 9n, { model: 'openai/forbidden' })];
    const { result } = evaluate(bench, [operationOf('a', { candidates })]);
    expect(result.verdicts).toMatchObject([{ allowed: true, outputTokens: [null] }]);
    expect(result.limits[0]).toMatchObject({ id: 'cost_usd/period', requested: '0.500000000' });
  });

  it('advises no number of uses where a single one does not fit', () => {
    const bench = benchOf([{ meter: 'cost_usd', window: 'call', amount: '0.10' }, ...MONEY]);
    const actions = (cost: bigint) =>
      evaluate(bench, [operationOf('a', { candidates: [costing(cost)], count: 11 })]).result
        .verdicts[0]?.refusal?.actions;
    expect(actions(USD / 5n)).not.toContainEqual(expect.objectContaining({ param: 'count' }));
    expect(actions(USD / 10n)).toContainEqual({ do: 'reduce', param: 'count', max: 10 });
  });

  it('a limit on which a use counts nothing bounds no number of uses', () => {
    const bench = benchOf(MONEY);
    const elastic = { tokens: 50, minTokens: 50, nanoUsdPerMillion: 0n };
    const free = boundOf({ requests: 1n }, { elastic });
    const { result } = evaluate(bench, [operationOf('a', { candidates: [free], count: 12 })]);
    expect(result.verdicts[0]?.refusal?.actions).toContainEqual({
      do: 'reduce',
      param: 'count',
      max: 10,
    });
  });

  it('an operation that names no candidate is a fault, and leaves memory as it was', () => {
    const bench = benchOf(MONEY);
    const before = text(stateOf(bench.memory));
    const operations = [
      operationOf('a', { candidates: [costing(USD / 2n)] }),
      operationOf('b', { candidates: [] }),
    ];
    expect(() => evaluate(bench, operations, { mode: 'all' })).toThrow('b has no candidate');
    expect(text(stateOf(bench.memory))).toBe(before);
  });

  it('lives as long as asked, at most what the plan allows', () => {
    const bench = benchOf(planOf([], { max_quote_ttl_s: 60 }));
    expect(evaluate(bench, []).result.expiresAtMs).toBe(START_MS + 60_000);
    expect(() => evaluate(bench, [], { ttlMs: 61_000 })).toThrow('at most 60 seconds');
    expect(() => evaluate(benchOf(MONEY), [], { ttlMs: 901_000 })).toThrow('hold.ttl_s');
  });
});

describe('holding a quote', () => {
  it('holds nothing where one is refused and all are wanted', () => {
    const bench = benchOf(MONEY);
    const operations = [
      operationOf('a', { candidates: [costing(USD / 2n)] }),
      operationOf('b', { candidates: [costing(USD)] }),
    ];
    const none = evaluate(bench, operations, { mode: 'all_or_nothing' });
    expect([none.journal, none.result.held]).toEqual([[], []]);
    const some = evaluate(bench, operations, { mode: 'all' });
    expect(some.result.held).toEqual(['a']);
    expect(bench.engine.openHolds()).toMatchObject([
      {
        holdId: 'hold_qt_1_a',
        state: 'held',
        quote: { quoteId: 'qt_1', operationId: 'a', uses: 1 },
      },
    ]);
  });

  it('lets each use be drawn once, moves it into the call, and frees the rest at its end', () => {
    const bench = benchOf(MONEY);
    evaluate(bench, [operationOf('a', { candidates: [costing(USD / 4n)], count: 2 })], {
      mode: 'all',
    });
    const spent = (): bigint[] => {
      const bucket = bench.engine.buckets().find(({ limitId }) => limitId === 'cost_usd/period');
      return [bucket?.held ?? 0n, bucket?.spent ?? 0n];
    };
    expect(bench.engine.draw(drawOf('a', 1), START_MS).result).toMatchObject({ type: 'held' });
    expect(spent()).toEqual([USD / 2n, 0n]);
    bench.engine.settle(
      { holdId: 'hold_1', charges: [chargeOf({ requests: 1n, cost_usd: 7n })] },
      START_MS,
    );
    expect(spent()).toEqual([USD / 4n, 7n]);
    expect(bench.engine.draw(drawOf('a', 2), START_MS).result.type).toBe('held');
    expect(bench.engine.draw(drawOf('a', 3), START_MS).result).toEqual({
      type: 'no_leg',
      reason: 'used',
    });
    expect(bench.engine.draw(drawOf('a', 2), START_MS).result.type, 'a replay').toBe('held');
    bench.engine.void({ holdId: 'hold_2', reason: 'test' }, START_MS);
    expect(spent()).toEqual([0n, 7n]);
  });

  it('reserves an excess as usual: all of it or none', () => {
    const bench = benchOf(MONEY);
    evaluate(bench, [operationOf('a', { candidates: [costing(USD / 2n)] })], { mode: 'all' });
    const dear = drawOf('a', 1, { bound: costing(USD + 1n) });
    expect(bench.engine.draw(dear, START_MS).result).toMatchObject({
      type: 'refused',
      code: 'limit_exceeded',
    });
    const fair = drawOf('a', 1, { bound: costing(USD) });
    expect(bench.engine.draw(fair, START_MS).result.type).toBe('held');
  });

  it('judges the subscription when the call is made, and keeps the use that it refuses', () => {
    const bench = benchOf(MONEY);
    evaluate(bench, [operationOf('a', { candidates: [costing(USD / 2n)] })], { mode: 'all' });
    const before = text(stateOf(bench.memory));
    const subscription = { graceUntilMs: null, cancelAtMs: null, trialEndMs: null } as const;
    const set = (status: 'paused' | 'active') =>
      bench.engine.loadAccount(
        accountOf(planOf(MONEY), { subscription: { ...subscription, status } }),
      );
    set('paused');
    const refused = bench.engine.draw(drawOf('a', 1), START_MS);
    expect(refused.result).toMatchObject({ type: 'refused', code: 'subscription_inactive' });
    expect(refused.journal).toEqual([]);
    expect(text(stateOf(bench.memory))).toBe(before);
    set('active');
    expect(bench.engine.draw(drawOf('a', 1), START_MS).result.type).toBe('held');
  });

  it('draws on nothing but the leg of a quote', () => {
    const bench = benchOf(MONEY);
    bench.engine.reserve(reserveOf('plain', { expiresAtMs: START_MS + 9 }), START_MS);
    const drawn = bench.engine.draw({ ...drawOf('a', 1), legHoldId: 'plain' }, START_MS);
    expect([drawn.result, drawn.journal]).toEqual([{ type: 'no_leg', reason: 'used' }, []]);
    evaluate(bench, [operationOf('a', { count: 2 })], { mode: 'all' });
    bench.engine.draw(drawOf('a', 1), START_MS);
    const again = bench.engine.draw({ ...drawOf('a', 2), legHoldId: 'hold_1' }, START_MS);
    expect(again.result).toEqual({ type: 'no_leg', reason: 'used' });
  });

  it('counts no request for what asked for none', () => {
    const bench = benchOf(MONEY);
    const bound = boundOf({ cost_usd: USD / 4n });
    evaluate(bench, [operationOf('a', { candidates: [bound], count: 2 })], { mode: 'all' });
    bench.engine.draw(drawOf('a', 1, { bound }), START_MS);
    const charges = [chargeOf({ requests: 1n, cost_usd: USD / 4n })];
    bench.engine.settle({ holdId: 'hold_1', charges }, START_MS);
    expect(bench.engine.openHolds()).toMatchObject([{ requests: 0n, quote: { uses: 1 } }]);
    expect(bench.engine.limitStatuses('cus_1', null, START_MS)).toMatchObject([
      { id: 'cost_usd/period', used: '0.250000000', held: '0.250000000' },
      { id: 'requests/day', used: '0', held: '0' },
    ]);
  });

  it('judges rates and slots when the call is made', () => {
    const bench = benchOf([{ meter: 'requests', window: 'concurrent', amount: 1 }]);
    evaluate(bench, [operationOf('a', { candidates: [costing(1n)] })], { mode: 'all' });
    bench.engine.reserve(reserveOf('busy'), START_MS);
    const tried = bench.engine.draw(drawOf('a', 1), START_MS);
    expect(tried.result).toMatchObject({ type: 'refused', code: 'concurrency_limited' });
    bench.engine.void({ holdId: 'busy', reason: 'test' }, START_MS);
    expect(bench.engine.draw(drawOf('a', 1), START_MS).result.type).toBe('held');
  });

  it('is over when its time is, and the sweep frees it', () => {
    const bench = benchOf(MONEY);
    evaluate(bench, [operationOf('a', { candidates: [costing(USD)] })], { mode: 'all' });
    const endMs = START_MS + 600_000;
    expect(bench.engine.draw(drawOf('a', 1), endMs).result).toEqual({
      type: 'no_leg',
      reason: 'expired',
    });
    expect(bench.engine.dueHolds(endMs)).toEqual(['hold_qt_1_a']);
    bench.engine.expire('hold_qt_1_a', endMs);
    expect(bench.engine.reserve(reserveOf('x', { bound: costing(USD) }), endMs).result.type).toBe(
      'held',
    );
  });

  it('counts a call after the period has ended where its quote was held', () => {
    const bench = benchOf(planOf(MONEY, { max_quote_ttl_s: 86_400 }));
    const beforeEndMs = START_MS + 20 * 24 * HOUR_MS - 1000;
    const command = quoteOf([operationOf('a', { candidates: [costing(USD)] })], { mode: 'all' });
    bench.engine.quote({ ...command, ttlMs: 3_600_000 }, beforeEndMs);
    const drawn = bench.engine.draw(drawOf('a', 1, { bound: costing(USD) }), beforeEndMs + 2000);
    expect(drawn.result.type).toBe('held');
    expect(
      drawn.journal.at(-1)?.postings.map((posting) => posting.bucketId.split('|')[2]),
    ).toContain(`per_${START_MS - 10 * 24 * HOUR_MS}`);
    expect(PERIOD_MS).toBe(30 * 24 * HOUR_MS);
  });
});

/** I12 with everything that can go wrong meanwhile. */
const meanwhile = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('reserve' as const), cost: fc.integer({ min: 0, max: 600 }) }),
    fc.record({ do: fc.constant('settle' as const), percent: fc.constantFrom(0, 100, 300) }),
    fc.record({ do: fc.constant('plan' as const), amount: fc.integer({ min: 1, max: 900 }) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30_000 }) }),
    fc.record({ do: fc.constant('restart' as const) }),
    fc.record({ do: fc.constant('draw' as const), pick: fc.nat() }),
  ),
  { minLength: 1, maxLength: 40 },
);

const wanted = fc.array(
  fc.record({
    cost: fc.integer({ min: 0, max: 120 }),
    tokens: fc.integer({ min: 1, max: 90 }),
    named: fc.boolean(),
    count: fc.integer({ min: 1, max: 4 }),
    fallback: fc.option(fc.integer({ min: 0, max: 150 }), { nil: null }),
  }),
  { minLength: 1, maxLength: 5 },
);

type Wanted = {
  cost: number;
  tokens: number;
  named: boolean;
  count: number;
  fallback: number | null;
};

function limitsOf(amount: number): LimitInput[] {
  return [
    { meter: 'cost_usd', window: 'period', amount: `0.${String(amount).padStart(9, '0')}` },
    {
      meter: 'output_tokens',
      window: 'day',
      amount: amount * 2,
      on_breach: 'overage',
      overage_cap: 7,
    },
    { meter: 'requests', window: 'rolling:5h', amount: amount },
    { meter: 'total_tokens', window: 'hour', amount: amount * 2, scope: 'key' },
    { id: 'soft', meter: 'requests', window: 'lifetime', amount: 3, on_breach: 'soft' },
    { id: 'other', meter: 'requests', window: 'day', amount: 20, model: 'openai/*' },
  ];
}

function operationsOf(list: readonly Wanted[]): QuotedOperation[] {
  return list.map((one, index) => {
    const elastic = {
      tokens: one.tokens,
      minTokens: one.named ? one.tokens : 1,
      nanoUsdPerMillion: 700_001n,
    };
    const fixed = { requests: 1n, cost_usd: BigInt(one.cost), total_tokens: 5n };
    const first = boundOf(fixed, { elastic });
    const other =
      one.fallback === null
        ? []
        : [boundOf({ ...fixed, cost_usd: BigInt(one.fallback) }, { elastic, model: 'openai/b' })];
    return operationOf(`op${index}`, { candidates: [first, ...other], count: one.count });
  });
}

describe('properties of quotes', () => {
  it('is what reserving one after another would say, and evaluating writes nothing', () => {
    fc.assert(
      fc.property(wanted, fc.integer({ min: 50, max: 900 }), (list, amount) => {
        const operations = operationsOf(list.map((one) => ({ ...one, count: 1, fallback: null })));
        const bench = benchOf(limitsOf(amount));
        const before = text(stateOf(bench.memory));
        const { result, journal } = evaluate(bench, operations);
        expect(journal).toEqual([]);
        expect(text(stateOf(bench.memory))).toBe(before);
        const answers = operations.map((operation) => {
          const [bound] = operation.candidates;
          const command = reserveOf(operation.id, { bound: bound ?? boundOf({}) });
          return bench.engine.reserve(command, START_MS).result;
        });
        expect(
          result.verdicts.map(({ allowed, outputTokens, refusal, softBreaches }) =>
            allowed ? [outputTokens[0], softBreaches] : [refusal?.code],
          ),
        ).toEqual(
          answers.map((answer) =>
            answer.type === 'held' ? [answer.outputTokens, answer.softBreaches] : [answer.code],
          ),
        );
      }),
      { numRuns: 150, seed: 12 },
    );
  });

  it('I12: what is held is not refused for money or quota before it expires, whatever happens meanwhile', () => {
    let drawn = 0;
    fc.assert(
      fc.property(wanted, meanwhile, fc.integer({ min: 200, max: 900 }), (list, steps, amount) => {
        drawn += playI12(list, steps, amount);
      }),
      { numRuns: 150, seed: 2026 },
    );
    expect(drawn).toBeGreaterThan(150);
  });
});

type Meanwhile = typeof meanwhile extends fc.Arbitrary<infer Steps> ? Steps : never;

/** Plays one story and returns how many uses were drawn in it. */
function playI12(list: readonly Wanted[], steps: Meanwhile, amount: number): number {
  const fold = new JournalFold();
  let plan = planOf(limitsOf(amount), {}, 1);
  const plans = new Map([[1, plan]]);
  let bench = benchOf(plan);
  let nowMs = START_MS;
  let version = 1;
  const keep = <Result>(applied: { result: Result; journal: readonly unknown[] }): Result => {
    for (const entry of applied.journal) {
      fold.add(JSON.parse(text(entry), bigints) as Parameters<typeof fold.add>[0]);
    }
    return applied.result;
  };
  const operations = operationsOf(list);
  const evaluation = keep(bench.engine.quote(quoteOf(operations, { mode: 'all' }), nowMs));
  const left = new Map(
    operations.flatMap((one) => (evaluation.held.includes(one.id) ? [[one.id, one.count]] : [])),
  );
  let n = 0;
  let drawnUses = 0;
  const drawOne = (pick: number): void => {
    const open = [...left.keys()];
    const id = open[pick % Math.max(1, open.length)];
    const operation = operations.find((one) => one.id === id);
    if (id === undefined || operation === undefined) return;
    n += 1;
    const verdict = evaluation.verdicts.find((one) => one.id === id);
    const [first, fallback] = operation.candidates;
    const tokens = verdict?.outputTokens[0] ?? null;
    if (first === undefined) return;
    // The call names what the quote allows; an unnamed maximum may take more where there is more.
    const elastic =
      first.elastic === null || tokens === null
        ? null
        : { ...first.elastic, tokens, minTokens: tokens };
    const command: QuotedReserve & { legHoldId: string } = drawOf(id, n, {
      bound: { ...first, elastic },
    });
    const answer = keep(bench.engine.draw(command, nowMs));
    expect(answer, `I12 ${id}`).toMatchObject({ type: 'held', outputTokens: tokens });
    if (fallback !== undefined) {
      const otherTokens = verdict?.outputTokens[1] ?? tokens ?? 0;
      const next = {
        ...fallback,
        elastic:
          fallback.elastic === null
            ? null
            : { ...fallback.elastic, tokens: otherTokens, minTokens: otherTokens },
      };
      const raised = keep(bench.engine.extend({ holdId: command.holdId, keep: [], next }, nowMs));
      expect(raised.type, `I12 fallback of ${id}`).toBe('held');
    }
    const uses = (left.get(id) ?? 0) - 1;
    if (uses === 0) left.delete(id);
    else left.set(id, uses);
    drawnUses += 1;
  };
  for (const step of steps) {
    switch (step.do) {
      case 'reserve':
        n += 1;
        keep(
          bench.engine.reserve(reserveOf(`r${n}`, { bound: costing(BigInt(step.cost)) }), nowMs),
        );
        break;
      case 'settle': {
        const hold = bench.engine
          .openHolds()
          .find(({ quote, state }) => state === 'dispatched' && quote === null);
        if (hold === undefined) break;
        const cost = ((hold.covered[0]?.amounts.cost_usd ?? 0n) * BigInt(step.percent)) / 100n;
        const charges = [chargeOf({ requests: 1n, cost_usd: cost })];
        keep(bench.engine.settle({ holdId: hold.holdId, charges }, nowMs));
        break;
      }
      case 'plan':
        version += 1;
        nowMs += 1;
        plan = planOf(limitsOf(step.amount), {}, version);
        plans.set(version, plan);
        keep(bench.engine.changePlan(accountOf(plan), nowMs));
        break;
      case 'wait':
        nowMs = Math.min(nowMs + step.ms, START_MS + 599_000);
        break;
      case 'restart': {
        bench = benchOf(plan);
        for (const bucket of fold.buckets.values()) bench.engine.loadBucket(bucket);
        for (const hold of fold.openHolds.values()) {
          bench.engine.loadHold(hold, plans.get(hold.planVersion));
        }
        keep(bench.engine.recoverOpenHolds(nowMs));
        break;
      }
      case 'draw':
        drawOne(step.pick);
        break;
      default:
        step satisfies never;
    }
    expect(fold.compare(bench.engine.buckets(), bench.engine.openHolds()).mismatches).toEqual([]);
  }
  while (left.size > 0) drawOne(0);
  expect(fold.compare(bench.engine.buckets(), bench.engine.openHolds()).mismatches).toEqual([]);
  return drawnUses;
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;
}
