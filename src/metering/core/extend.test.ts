import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput } from '../../contracts/metering.ts';
import type { CandidateBound, Held, Refused } from '../ports.ts';
import {
  benchOf,
  boundOf,
  chargeOf,
  EPOCH_MS,
  PERIOD_MS,
  planOf,
  reserveOf,
  START_MS,
  stateOf,
} from './fixtures/engine-fixture.ts';

const LIMITS: readonly LimitInput[] = [
  { meter: 'cost_usd', window: 'period', amount: '0.000000100' },
  { meter: 'requests', window: 'period', amount: 1 },
  { id: 'g', meter: 'requests', window: 'period', amount: 1, model: 'gemini/*' },
  { id: 'o', meter: 'requests', window: 'period', amount: 1, model: 'openai/*' },
  { meter: 'total_tokens', window: 'minute', amount: 1_000 },
  { meter: 'requests', window: 'minute', amount: 1 },
  { meter: 'requests', window: 'concurrent', amount: 1 },
];

function candidate(model: string, cost: bigint, tokens = 10): CandidateBound {
  return boundOf(
    { requests: 1n, cost_usd: cost },
    { model, elastic: { tokens, minTokens: 1, nanoUsdPerMillion: 1_000_000n } },
  );
}

const FIRST = candidate('gemini/flash', 30n);

function raised() {
  const bench = benchOf(LIMITS);
  bench.engine.reserve(reserveOf('h1', { bound: FIRST }), START_MS);
  const extend = (
    next: CandidateBound,
    keep: readonly CandidateBound[] = [FIRST],
  ): Held | Refused => bench.engine.extend({ holdId: 'h1', keep, next }, START_MS).result;
  const held = (): Record<string, string> =>
    Object.fromEntries(
      bench.engine.buckets().map((bucket) => [bucket.limitId, String(bucket.held)]),
    );
  return { ...bench, extend, held };
}

describe('extend', () => {
  it('covers what may be billed and the next candidate, as one request', () => {
    const { engine, extend, held } = raised();
    expect(extend(candidate('openai/x', 20n))).toMatchObject({ type: 'held', outputTokens: 10 });
    expect(held()).toEqual({ 'cost_usd/period': '70', 'requests/period': '1', g: '1', o: '1' });
    const status = engine.limitStatuses('cus_1', null, START_MS);
    expect(status.map((limit) => limit.remaining)).toEqual([
      '0.000000030',
      '0',
      '0',
      '0',
      '980',
      '0',
      '0',
    ]);
    expect(
      engine.hold('h1')?.covered.map((charge) => [charge.model, charge.amounts.cost_usd]),
    ).toEqual([
      ['gemini/flash', 40n],
      ['openai/x', 30n],
    ]);
    engine.settle({ holdId: 'h1', charges: [chargeOf({ cost_usd: 35n }, 'openai/x')] }, START_MS);
    expect(held()).toEqual({ 'cost_usd/period': '0', 'requests/period': '0', g: '0', o: '0' });
    expect(engine.buckets().find((bucket) => bucket.limitId === 'g')?.spent).toBe(0n);
  });

  it('never lowers a hold and writes its number into the event id', () => {
    const { engine, held } = raised();
    const cheap = candidate('gemini/lite', 1n, 1);
    const ids = [1, 2].map(() =>
      engine
        .extend({ holdId: 'h1', keep: [], next: cheap }, START_MS)
        .journal.map((entry) => entry.eventId),
    );
    expect(ids).toEqual([['extend:h1:1'], ['extend:h1:2']]);
    expect(held()['cost_usd/period']).toBe('40');
  });

  it('clamps the next candidate to the rest, and keeps an earlier one at what was reserved for it', () => {
    const { extend, held } = raised();
    const second = candidate('openai/x', 20n, 500);
    expect(extend(second)).toMatchObject({ outputTokens: 40 });
    expect(held()['cost_usd/period']).toBe('100');
    expect(extend(candidate('openai/y', 0n), [second])).toMatchObject({ outputTokens: 10 });
    expect(extend(candidate('openai/y', 31n), [second])).toMatchObject({ outputTokens: 9 });
  });

  it('keeps a candidate without elastic output, or of a model not reserved before, as it is stated', () => {
    const { engine, extend } = raised();
    expect(
      extend(candidate('openai/x', 5n), [boundOf({ cost_usd: 50n }), candidate('openai/z', 9n)]),
    ).toMatchObject({
      outputTokens: 10,
    });
    expect(engine.hold('h1')?.covered.map((charge) => charge.amounts.cost_usd)).toEqual([
      50n,
      19n,
      15n,
    ]);
  });

  it('I7 leaves the hold untouched when refused', () => {
    const { memory, extend } = raised();
    const before = stateOf(memory);
    expect(extend(candidate('openai/x', 60n))).toMatchObject({
      type: 'refused',
      code: 'limit_exceeded',
    });
    expect(stateOf(memory)).toEqual(before);
  });

  it('refuses what the hold’s own plan excludes', () => {
    const { engine } = benchOf(
      planOf(
        [{ id: 'no', meter: 'requests', window: 'period', amount: 'disabled', model: 'openai/*' }],
        {
          models: ['gemini/*', 'openai/*'],
        },
      ),
    );
    engine.reserve(reserveOf('h1'), START_MS);
    const code = (model: string): string => {
      const next = boundOf({ requests: 1n }, { model });
      const { result } = engine.extend({ holdId: 'h1', keep: [], next }, START_MS);
      return result.type === 'refused' ? result.code : result.type;
    };
    expect(['openai/x', 'other/x', 'gemini/x'].map(code)).toEqual([
      'not_in_plan',
      'model_not_allowed',
      'held',
    ]);
  });

  it('adds soft breaches and the request of a hold that had none', () => {
    const { engine } = benchOf([
      { meter: 'cost_usd', window: 'period', amount: '0.000000010', on_breach: 'soft' },
      { meter: 'cost_usd', window: 'minute', amount: '0.000000010', on_breach: 'soft' },
      { meter: 'requests', window: 'day', amount: 5, scope: 'tag:team' },
      { meter: 'requests', window: 'concurrent', amount: 5, scope: 'client_token' },
    ]);
    engine.reserve(reserveOf('h1', { bound: boundOf({ cost_usd: 8n }) }), START_MS);
    const next = boundOf({ requests: 1n, cost_usd: 30n });
    const { result } = engine.extend({ holdId: 'h1', keep: [], next }, START_MS);
    expect(result).toMatchObject({
      softBreaches: ['cost_usd/period', 'cost_usd/minute'],
      outputTokens: null,
    });
    expect(engine.hold('h1')).toMatchObject({ requests: 1n, legs: [{ amount: 10n }] });
    engine.settle({ holdId: 'h1', charges: [chargeOf({ cost_usd: 30n })] }, START_MS);
    expect(engine.buckets()).toMatchObject([{ spent: 10n, overrun: 20n }]);
  });

  it('I10 counts in the period of the reserve', () => {
    const { engine } = benchOf(LIMITS.slice(0, 4));
    const end = EPOCH_MS + PERIOD_MS;
    engine.reserve(reserveOf('h1', { bound: FIRST }), end - 1);
    const { result } = engine.extend(
      { holdId: 'h1', keep: [FIRST], next: candidate('openai/x', 60n) },
      end + 1,
    );
    expect(result).toMatchObject({ type: 'refused', code: 'limit_exceeded' });
    engine.extend({ holdId: 'h1', keep: [FIRST], next: candidate('openai/x', 50n) }, end + 1);
    expect(engine.buckets().every((bucket) => bucket.windowId === `per_${EPOCH_MS}`)).toBe(true);
  });

  it('needs an open hold', () => {
    const { engine } = benchOf([]);
    let code = '';
    try {
      engine.extend({ holdId: 'x', keep: [], next: FIRST }, START_MS);
    } catch (error) {
      if (isGatewayError(error)) code = error.code;
    }
    expect(code).toBe('not_found');
  });
});
