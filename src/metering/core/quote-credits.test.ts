/**
 * Quotes of plans whose cost is borne by allowances first and by credits then.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import {
  benchOf,
  boundOf,
  chargeOf,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import { drawOf, operationOf, quoteOf } from './fixtures/quote-fixture.ts';

const USD = 1_000_000_000n;
const nano = (amount: number): string => `0.${String(amount).padStart(9, '0')}`;
const costing = (nanoUsd: bigint) => boundOf({ requests: 1n, cost_usd: nanoUsd });

function creditOf(nanoUsd: number) {
  return {
    customerId: 'cus_1',
    reference: 'r',
    kind: 'top_up',
    amountNanoUsd: BigInt(nanoUsd),
    reason: null,
    asked: '',
    priority: 0,
    effectiveAtMs: START_MS,
    expiresAtMs: null,
  } as const;
}

describe('quotes that credits stand behind', () => {
  it('lets each use take its part of the credits behind an allowance that is used up', () => {
    const plan = planOf([{ meter: 'cost_usd', window: 'period', amount: '1.00' }], {
      funding: 'plan_then_wallet',
    });
    const bench = benchOf(plan);
    bench.engine.grantCredit(creditOf(1_000_000_000), START_MS);
    const bound = costing(USD);
    bench.engine.reserve(reserveOf('hold_0', { bound }), START_MS);
    const half = operationOf('a', { candidates: [costing(USD / 2n)], count: 2 });
    bench.engine.quote(quoteOf([half], { mode: 'all' }), START_MS);
    const more = { bound: costing(USD / 2n) };
    expect(bench.engine.draw(drawOf('a', 1, more), START_MS).result.type).toBe('held');
    expect(bench.engine.hold('hold_1')?.legs).toEqual([
      { bucketId: 'cus_1|wallet||credit/r', amount: USD / 2n },
    ]);
    expect(bench.engine.draw(drawOf('a', 2, more), START_MS).result.type).toBe('held');
  });

  const amount = fc.integer({ min: 1, max: 120 });

  it('let each use draw its whole cost, from the plan and from credits, and free nothing in between', () => {
    let drawn = 0;
    fc.assert(
      fc.property(
        fc.record({
          period: amount,
          day: fc.option(amount, { nil: null }),
          credit: fc.integer({ min: 1, max: 300 }),
          cost: fc.integer({ min: 1, max: 40 }),
          count: fc.integer({ min: 1, max: 9 }),
        }),
        ({ period, day, credit, cost, count }) => {
          const limits: LimitInput[] = [
            { meter: 'requests', window: 'period', amount: 100 },
            { meter: 'cost_usd', window: 'period', amount: nano(period) },
          ];
          if (day !== null) limits.push({ meter: 'cost_usd', window: 'day', amount: nano(day) });
          const { engine } = benchOf(planOf(limits, { funding: 'plan_then_wallet' }));
          engine.grantCredit(creditOf(credit), START_MS);
          const bound = costing(BigInt(cost));
          const command = quoteOf([operationOf('a', { candidates: [bound], count })], {
            mode: 'all',
          });
          const allowance = Math.min(period, day ?? period);
          const fits = cost * count <= allowance + credit;
          expect(engine.quote(command, START_MS).result.held).toEqual(fits ? ['a'] : []);
          if (!fits) return;
          const held = () => engine.buckets().map((bucket) => [bucket.id, bucket.held]);
          const before = held();
          for (let use = 1; use <= count; use += 1) {
            const { result } = engine.draw(drawOf('a', use, { bound }), START_MS);
            expect(result.type).toBe('held');
            expect(held()).toEqual(before);
            drawn += 1;
          }
          const charges = [chargeOf({ requests: 1n, cost_usd: BigInt(cost) })];
          for (let use = 1; use <= count; use += 1) {
            engine.settle({ holdId: `hold_${use}`, charges }, START_MS);
          }
          const spent = (limitId: string) =>
            engine
              .buckets()
              .filter((bucket) => bucket.limitId === limitId)
              .reduce((sum, bucket) => sum + bucket.spent, 0n);
          const ofPlan = BigInt(Math.min(cost * count, allowance));
          expect(spent('cost_usd/period')).toBe(ofPlan);
          expect(spent('wallet')).toBe(BigInt(cost * count) - ofPlan);
        },
      ),
      { numRuns: 150 },
    );
    expect(drawn).toBeGreaterThan(100);
  });
});

describe('a verdict', () => {
  const limit = fc.record({
    window: fc.constantFrom('period' as const, 'day' as const, 'call' as const),
    amount: fc.integer({ min: 1, max: 150 }),
    model: fc.constantFrom(undefined, 'gemini/*', 'openai/*'),
    soft: fc.boolean(),
  });
  const asked = fc.record({
    model: fc.constantFrom('gemini/flash', 'openai/b'),
    cost: fc.integer({ min: 0, max: 60 }),
    count: fc.integer({ min: 1, max: 4 }),
  });

  it('allows what calls in the same order can do, and refuses what they cannot', () => {
    const seen = { allowed: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom('plan' as const, 'wallet' as const, 'plan_then_wallet' as const),
        fc.array(limit, { minLength: 1, maxLength: 4 }),
        fc.array(asked, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        (funding, limits, list, credit) => {
          const plan = planOf(
            limits.map(({ window, amount, model, soft }, at) => ({
              id: `limit-${at}`,
              meter: 'cost_usd',
              window,
              amount: nano(amount),
              ...(model === undefined ? {} : { model }),
              ...(soft ? { on_breach: 'soft' as const } : {}),
            })),
            { funding },
          );
          const { engine } = benchOf(plan);
          engine.grantCredit(creditOf(credit), START_MS);
          const operations = list.map(({ model, cost, count }, at) =>
            operationOf(`op${at}`, { candidates: [{ ...costing(BigInt(cost)), model }], count }),
          );
          const { verdicts } = engine.quote(quoteOf(operations), START_MS).result;
          list.forEach(({ model, cost, count }, at) => {
            const holdIds = Array.from({ length: count }, (_, use) => `hold_${at}_${use}`);
            const bound = { ...costing(BigInt(cost)), model };
            const answers = holdIds.map(
              (holdId) => engine.reserve(reserveOf(holdId, { bound }), START_MS).result.type,
            );
            const isAllowed = answers.every((type) => type === 'held');
            expect(verdicts[at]?.allowed, `operation ${at}`).toBe(isAllowed);
            seen[isAllowed ? 'allowed' : 'refused'] += 1;
            if (isAllowed) return;
            // What a quote refuses takes nothing from what comes after it.
            holdIds
              .filter((_, use) => answers[use] === 'held')
              .forEach((holdId) => engine.void({ holdId, reason: 'test' }, START_MS));
          });
        },
      ),
      { numRuns: 300 },
    );
    expect(Math.min(seen.allowed, seen.refused)).toBeGreaterThan(100);
  });
});

describe('quotes whose candidates stand under different allowances', () => {
  const room = fc.integer({ min: 0, max: 60 });
  const cost = fc.integer({ min: 1, max: 20 });

  it('let each use be served by either, or fall back to the other, out of what is held', () => {
    let drawn = 0;
    fc.assert(
      fc.property(
        fc.record({
          rooms: fc.tuple(room, room),
          both: fc.option(fc.integer({ min: 1, max: 120 }), { nil: null }),
          credit: fc.integer({ min: 1, max: 300 }),
          costs: fc.tuple(cost, cost),
          count: fc.integer({ min: 1, max: 6 }),
          served: fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 6, maxLength: 6 }),
        }),
        ({ rooms, both, credit, costs, count, served }) => {
          const models = ['gemini/flash', 'openai/b'] as const;
          const limits = models.map((model, at): LimitInput => ({
            id: `of-${at}`,
            meter: 'cost_usd',
            window: 'period',
            amount: nano((rooms[at] ?? 0) + 1),
            model,
          }));
          if (both !== null) limits.push({ meter: 'cost_usd', window: 'day', amount: nano(both) });
          const { engine } = benchOf(planOf(limits, { funding: 'plan_then_wallet' }));
          engine.grantCredit(creditOf(credit), START_MS);
          const bounds = models.map((model, at) => ({ ...costing(BigInt(costs[at] ?? 0)), model }));
          const operation = operationOf('a', { candidates: bounds, count });
          const { held } = engine.quote(quoteOf([operation], { mode: 'all' }), START_MS).result;
          if (held.length === 0) return;
          const heldNow = () => engine.buckets().map((bucket) => [bucket.id, bucket.held]);
          const before = heldNow();
          served.slice(0, count).forEach(([isSecond, fallsBack], use) => {
            const [bound, next] = isSecond ? bounds.toReversed() : bounds;
            if (bound === undefined || next === undefined) return;
            const { result } = engine.draw(drawOf('a', use, { bound }), START_MS);
            expect(result.type).toBe('held');
            if (fallsBack) {
              const raised = engine.extend({ holdId: `hold_${use}`, keep: [], next }, START_MS);
              expect(raised.result.type).toBe('held');
            }
            // What is free is not needed: a draw moves what is held.
            expect(heldNow()).toEqual(before);
            drawn += 1;
          });
        },
      ),
      { numRuns: 300 },
    );
    expect(drawn).toBeGreaterThan(200);
  });
});
