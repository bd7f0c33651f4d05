import { describe, expect, it } from 'vitest';
import type { LimitInput } from '../../contracts/metering.ts';
import type { TokenClaim } from '../ports.ts';
import { compileDeploymentLimits, compileOwnLimits } from './compiled-plan.ts';
import {
  accountOf,
  benchOf,
  boundOf,
  chargeOf,
  DAY_MS,
  planOf,
  reserveOf,
  START_MS,
  stateOf,
  text,
} from './fixtures/engine-fixture.ts';
import { JournalFold } from './rebuild.ts';
import type { JournalEntry } from './types.ts';

const TOKEN: TokenClaim = { id: 'agt_1', maxSpendNanoUsd: 500n, expiresAtMs: START_MS + DAY_MS };

const PLAN: LimitInput[] = [
  { meter: 'requests', window: 'period', amount: 3 },
  { id: 'per_token', meter: 'requests', window: 'day', amount: 2, scope: 'client_token' },
];

function keyPlan(limits: readonly LimitInput[]) {
  return compileOwnLimits({ id: 'key_1', type: 'key' }, limits, 1);
}

const TOKEN_PLAN = compileOwnLimits(
  { id: TOKEN.id, type: 'client_token' },
  [{ id: 'max_spend_usd', meter: 'cost_usd', window: 'lifetime', amount: '0.000000500' }],
  1,
);

const DEPLOYMENT = compileDeploymentLimits([
  { id: 'all', meter: 'requests', window: 'day', amount: 4, scope: 'deployment' },
  {
    id: 'gemini',
    meter: 'cost_usd',
    window: 'day',
    amount: '0.000000900',
    scope: 'provider:gemini',
  },
]);

/** Two customers of one plan, a key with limits of its own, a token, and limits of the deployment. */
function benchWith(keyLimits: readonly LimitInput[] = [], plan = PLAN) {
  const bench = benchOf(plan);
  const { engine } = bench;
  engine.loadAccount(accountOf(planOf(plan), { customerId: 'cus_2' }));
  engine.loadAccount(accountOf(keyPlan(keyLimits), { customerId: 'key_1', subscription: null }));
  engine.loadAccount(
    accountOf(TOKEN_PLAN, {
      customerId: TOKEN.id,
      subscription: null,
      lifetimeEndMs: TOKEN.expiresAtMs,
    }),
  );
  engine.loadAccount(accountOf(DEPLOYMENT, { customerId: 'deployment', subscription: null }));
  const call = (id: string, cost: bigint, more: Parameters<typeof reserveOf>[1] = {}) =>
    engine.reserve(
      reserveOf(id, { bound: boundOf({ requests: 1n, cost_usd: cost }), ...more }),
      START_MS,
    );
  return { ...bench, call };
}

const OTHER = { customerId: 'cus_2', keyId: 'key_2' } as const;

describe('limits of several scopes', () => {
  it('are taken in one step, each on a counter of its own', () => {
    const { call, engine } = benchWith([
      { meter: 'cost_usd', window: 'period', amount: '0.000001000' },
    ]);
    const { result, journal } = call('a', 300n, { token: TOKEN });
    expect(result.type).toBe('held');
    const hold = journal.at(-1);
    const legs = hold?.postings.map((posting) => [posting.bucketId.split('|')[0], posting.dHeld]);
    expect(legs).toEqual([
      ['cus_1', 1n],
      ['cus_1#agt_1', 1n],
      ['key_1', 300n],
      ['agt_1', 300n],
      ['deployment', 1n],
      ['deployment#provider:gemini', 300n],
    ]);
    engine.settle({ holdId: 'a', charges: [chargeOf({ requests: 1n, cost_usd: 200n })] }, START_MS);
    const rows = engine.limitRows({ customerId: 'cus_1', keyId: 'key_1', token: TOKEN }, START_MS);
    expect(rows.map(({ status }) => [status.id, status.scope, status.used, status.held])).toEqual([
      ['requests/period', 'customer', '1', '0'],
      ['per_token', 'client_token', '1', '0'],
      ['cost_usd/period', 'key', '0.000000200', '0.000000000'],
      ['max_spend_usd', 'client_token', '0.000000200', '0.000000000'],
      ['all', 'deployment', '1', '0'],
      ['gemini', 'provider:gemini', '0.000000200', '0.000000000'],
    ]);
  });

  it('a refusal names each of them and leaves everything as it was', () => {
    const { call, memory } = benchWith([
      { meter: 'cost_usd', window: 'day', amount: '0.000000600' },
      { id: 'rate', meter: 'requests', window: 'minute', amount: 1 },
    ]);
    call('a', 300n, { token: TOKEN });
    call('b', 400n, OTHER);
    const before = text(stateOf(memory));
    const { result, journal } = call('c', 400n, { token: TOKEN });
    expect(journal).toEqual([]);
    expect(text(stateOf(memory))).toBe(before);
    if (result.type !== 'refused') throw new Error('was held');
    const named = result.refusal.limits.map((limit) => `${limit.scope} ${limit.id}`);
    expect(named.toSorted()).toEqual([
      'client_token max_spend_usd',
      'key cost_usd/day',
      'key rate',
      'provider:gemini gemini',
    ]);
    expect(result.code).toBe('limit_held');
  });

  it('undo gives all of them back', () => {
    const { call, memory } = benchWith([{ meter: 'requests', window: 'concurrent', amount: 1 }]);
    const before = text(stateOf(memory));
    call('a', 300n, { token: TOKEN }).undo();
    expect(text(stateOf(memory))).toBe(before);
  });

  it('all customers share those of the deployment, and none sees what others use beyond its members', () => {
    const { call } = benchWith();
    for (const id of ['a', 'b', 'c']) expect(call(id, 1n).result.type).toBe('held');
    expect(call('d', 1n, OTHER).result.type).toBe('held');
    const { result } = call('e', 1n, OTHER);
    if (result.type !== 'refused') throw new Error('was held');
    expect(result.refusal.limits).toEqual([
      expect.objectContaining({ id: 'all', scope: 'deployment', limit: '4', remaining: '0' }),
    ]);
    expect(result.message).toBe(
      'This call counts as 1 request; not that much is left of the 4 requests per day for all customers together while calls are in flight; repeat when they have ended.',
    );
    expect(result.refusal.usage_info).toMatchObject({ current_calls: 0, limit: 0 });
    expect(result.rates.requests?.limit).toBe('3');
  });

  it('a service key has one counter for all customers it calls for', () => {
    const { call } = benchWith([{ meter: 'requests', window: 'day', amount: 2 }]);
    expect(call('a', 1n).result.type).toBe('held');
    expect(call('b', 1n, { customerId: 'cus_2' }).result.type).toBe('held');
    const { result } = call('c', 1n, { customerId: 'cus_2' });
    expect(result).toMatchObject({ code: 'limit_held', refusal: { limits: [{ scope: 'key' }] } });
    expect(call('d', 1n, OTHER).result.type).toBe('held');
  });

  it('no other plan is offered for what a plan does not set', () => {
    const { call, engine } = benchWith([{ meter: 'requests', window: 'day', amount: 1 }]);
    engine.setPlans([planOf(PLAN), planOf([], { id: 'enterprise' })]);
    call('a', 1n);
    const { result } = call('b', 1n);
    if (result.type !== 'refused') throw new Error('was held');
    expect(result.refusal.actions.map((action) => action.do)).not.toContain('upgrade');
  });

  it('a key that disables a meter is named as the reason', () => {
    const { call } = benchWith([{ meter: 'requests', window: 'day', amount: 'disabled' }]);
    expect(call('a', 1n).result).toMatchObject({
      code: 'not_in_plan',
      message: 'This key does not include text.generate on gemini/flash (disabled: requests).',
      refusal: { actions: [], limits: [{ scope: 'key', limit: 'disabled' }] },
    });
  });

  it('a provider limit binds calls of that provider only', () => {
    const { call } = benchWith();
    expect(call('a', 800n).result.type).toBe('held');
    const bound = boundOf({ requests: 1n, cost_usd: 800n }, { model: 'openai/gpt' });
    expect(call('b', 0n, { bound }).result.type).toBe('held');
    expect(call('c', 800n).result).toMatchObject({
      refusal: { limits: [{ id: 'gemini', scope: 'provider:gemini' }] },
    });
  });
});

describe('accounts beside the customer', () => {
  it('stay in memory while a hold of theirs is open', () => {
    const { call, engine } = benchWith([{ meter: 'requests', window: 'day', amount: 5 }]);
    call('a', 1n);
    engine.sweep(START_MS + DAY_MS, START_MS + DAY_MS);
    expect(engine.hasAccount('key_1', START_MS)).toBe(true);
    engine.settle({ holdId: 'a', charges: [chargeOf({ requests: 1n })] }, START_MS + DAY_MS);
    expect(engine.sweep(START_MS + 3 * DAY_MS, START_MS + 3 * DAY_MS)).toContain('key_1');
  });

  it('a hold whose key lost its limits while the process was down still counts on them', () => {
    const { call, engine } = benchWith([
      { meter: 'cost_usd', window: 'day', amount: '0.000000500' },
    ]);
    const fold = new JournalFold();
    for (const entry of call('a', 300n).journal) {
      fold.add({ ...entry, body: JSON.parse(JSON.stringify(entry.body)) as typeof entry.body });
    }
    const { engine: next } = benchWith();
    for (const bucket of engine.buckets()) next.loadBucket(bucket);
    for (const hold of fold.openHolds.values()) next.loadHold(hold);
    const charges = [chargeOf({ requests: 1n, cost_usd: 340n })];
    const { journal } = next.settle({ holdId: 'a', charges }, START_MS);
    for (const entry of journal) fold.add(entry);
    expect(fold.compare(next.buckets(), next.openHolds()).mismatches).toEqual([]);
    const bucket = next.buckets().find((one) => one.ownerId === 'key_1');
    expect(bucket).toMatchObject({ held: 0n, spent: 300n, overrun: 40n });
  });

  it('counts on limits that were taken away what their own meter saw, and nothing of a release', () => {
    const limits: LimitInput[] = [
      { id: 'calls', meter: 'requests', window: 'day', amount: 5 },
      { id: 'pictures', meter: 'images', window: 'day', amount: 9 },
    ];
    const { engine } = benchWith(limits);
    const bound = boundOf({ requests: 1n, images: 2n });
    const fold = new JournalFold();
    for (const id of ['used', 'idle', 'freed']) {
      for (const entry of engine.reserve(reserveOf(id, { bound }), START_MS).journal) {
        fold.add(entry);
      }
    }
    const { engine: next } = benchWith();
    for (const bucket of engine.buckets()) next.loadBucket(bucket);
    for (const hold of fold.openHolds.values()) next.loadHold(hold);
    const keep = ({ journal }: { readonly journal: readonly JournalEntry[] }): void => {
      for (const entry of journal) fold.add(entry);
      expect(fold.compare(next.buckets(), next.openHolds()).mismatches).toEqual([]);
    };
    const own = () =>
      next
        .buckets()
        .filter((one) => one.ownerId === 'key_1')
        .map(({ limitId, held, spent, overrun }) => [limitId, held, spent, overrun]);
    keep(
      next.settle({ holdId: 'used', charges: [chargeOf({ requests: 1n, images: 3n })] }, START_MS),
    );
    expect(own()).toEqual([
      ['calls', 2n, 1n, 0n],
      ['pictures', 4n, 2n, 1n],
    ]);
    keep(next.settle({ holdId: 'idle', charges: [chargeOf({ requests: 1n })] }, START_MS));
    expect(own()).toEqual([
      ['calls', 1n, 2n, 0n],
      ['pictures', 2n, 2n, 1n],
    ]);
    keep(next.void({ holdId: 'freed', reason: 'x' }, START_MS));
    expect(own()).toEqual([
      ['calls', 0n, 2n, 0n],
      ['pictures', 0n, 2n, 1n],
    ]);
  });

  it('a token without a cap of its own is in the journal like any other', () => {
    const { call, engine } = benchWith();
    const token = { ...TOKEN, maxSpendNanoUsd: null };
    const fold = new JournalFold();
    for (const entry of call('a', 1n, { token }).journal) fold.add(entry);
    expect(fold.openHolds.get('a')?.token).toEqual(token);
    expect(fold.openHolds.get('a')).toEqual(engine.hold('a'));
  });

  it('a raised hold is bound by what binds its call: rates are, limits of a token it has not are not', () => {
    const { engine } = benchWith([{ id: 'rate', meter: 'requests', window: 'minute', amount: 2 }]);
    engine.reserve(reserveOf('a', { bound: boundOf({ requests: 1n }) }), START_MS);
    const raise = (requests: bigint) =>
      engine.extend({ holdId: 'a', keep: [], next: boundOf({ requests }) }, START_MS).result;
    expect(raise(3n)).toMatchObject({ type: 'refused', refusal: { limits: [{ id: 'rate' }] } });
    expect(raise(2n).type).toBe('held');
    const rows = engine.limitRows({ customerId: 'cus_1', keyId: 'key_1', token: null }, START_MS);
    const held = rows.filter(({ status }) => status.held === '2').map(({ status }) => status.id);
    expect(held).toEqual(['requests/period', 'all']);
  });

  it('the spend of a token ends with the token', () => {
    const { call, engine } = benchWith();
    call('a', 500n, { token: TOKEN });
    const bucket = engine.buckets().find((one) => one.ownerId === TOKEN.id);
    expect(bucket?.expiresAtMs).toBe(TOKEN.expiresAtMs);
    const [hold] = engine.openHolds();
    expect(hold?.token).toEqual(TOKEN);
  });
});
