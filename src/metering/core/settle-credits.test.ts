/**
 * What the end of a call does beside its own booking: credits that expire, come back or pay what is owed; limits that
 * are not its own; and what it tells.
 */
import { describe, expect, it } from 'vitest';
import { type LimitInput, METERS, type PlanInput } from '../../contracts/metering.ts';
import type { MeterAmounts } from '../ports.ts';
import { creditBucketId } from './credits.ts';
import {
  benchOf,
  boundOf,
  chargeOf,
  DAY_MS,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import { namedBody } from './hold-bodies.ts';

const COST: LimitInput = { meter: 'cost_usd', window: 'period', amount: '0.000000100' };

function benchWith(limits: readonly LimitInput[], plan: Partial<PlanInput> = {}) {
  const bench = benchOf(planOf(limits, plan));
  const { engine } = bench;
  const hold = (holdId: string, amounts: MeterAmounts) =>
    engine.reserve(reserveOf(holdId, { bound: boundOf(amounts) }), START_MS);
  const settle = (holdId: string, amounts: MeterAmounts, atMs = START_MS) =>
    engine.settle({ holdId, charges: [chargeOf(amounts)] }, atMs);
  const grant = (amountNanoUsd: bigint, expiresAtMs: number | null = null) =>
    engine.grantCredit(
      {
        customerId: 'cus_1',
        reference: 'a',
        kind: 'top_up',
        amountNanoUsd,
        reason: null,
        asked: '',
        priority: 0,
        effectiveAtMs: START_MS,
        expiresAtMs,
      },
      START_MS,
    );
  const credit = () => engine.bucket(creditBucketId('cus_1', 'a'));
  return { ...bench, hold, settle, grant, credit };
}

describe('credits at the end of a call', () => {
  it('come back from an estimate that was too high, and pay what another call owes', () => {
    const { engine, hold, settle, grant, credit } = benchWith([], { funding: 'wallet' });
    grant(100n);
    hold('high', { cost_usd: 60n });
    hold('low', { cost_usd: 40n });
    engine.recoverOpenHolds(START_MS);
    engine.reconcileUnknown({ holdId: 'high', policy: 'charge_hold', observed: [] }, START_MS);
    expect(settle('low', { cost_usd: 70n }).result.overrunNanoUsd).toBe(30n);
    const { journal } = settle('high', { cost_usd: 20n });
    expect(journal.map(({ eventId, kind }) => [eventId, kind])).toEqual([
      ['late:high:1', 'adjust'],
      ['cover:late:high', 'cover'],
    ]);
    expect(journal[0]?.body).toMatchObject({ late: true, overrun: 0 });
    expect(journal[1]).toMatchObject({ customerId: 'cus_1', body: { amount: '30' } });
    expect(credit()).toMatchObject({ held: 0n, spent: 90n, expired: 0n });
  });

  it('that are over by a late answer are booked as expired with it', () => {
    const { engine, hold, settle, grant, credit } = benchWith([], { funding: 'wallet' });
    grant(100n, START_MS + DAY_MS);
    hold('a', { cost_usd: 60n });
    engine.void({ holdId: 'a', reason: 'timeout' }, START_MS);
    expect(credit()).toMatchObject({ held: 0n, spent: 0n, expired: 0n });
    settle('a', { cost_usd: 60n }, START_MS + 2 * DAY_MS);
    expect(credit()).toMatchObject({ granted: 100n, expired: 100n - (credit()?.spent ?? 0n) });
  });

  it('are left alone by calls of a plan that pays all itself', () => {
    const { engine, hold, settle, grant, credit } = benchWith([COST]);
    grant(100n, START_MS + DAY_MS);
    const untouched = credit();
    hold('a', { cost_usd: 40n });
    settle('a', { cost_usd: 40n }, START_MS + 2 * DAY_MS);
    hold('b', { cost_usd: 40n });
    engine.void({ holdId: 'b', reason: 'timeout' }, START_MS + 2 * DAY_MS);
    settle('b', { cost_usd: 40n }, START_MS + 2 * DAY_MS);
    expect(credit()).toEqual(untouched);
  });
});

describe('the overrun that is told', () => {
  const DAILY: LimitInput = { meter: 'cost_usd', window: 'day', amount: '0.000000050' };
  const IMAGES: LimitInput = { meter: 'images', window: 'period', amount: 1 };

  it.each([
    ['the wider limit first', [COST, DAILY, IMAGES]],
    ['the narrower first', [IMAGES, DAILY, COST]],
  ] as const)('is of several limits on cost the largest, once: %s', (_, limits) => {
    const { hold, settle } = benchWith(limits);
    hold('a', { cost_usd: 50n, images: 1n });
    expect(settle('a', { cost_usd: 130n, images: 900n }).result.overrunNanoUsd).toBe(80n);
  });

  it('is of money alone', () => {
    const { hold, settle } = benchWith([COST, IMAGES]);
    hold('a', { cost_usd: 50n, images: 1n });
    expect(settle('a', { cost_usd: 40n, images: 900n }).result.overrunNanoUsd).toBe(0n);
  });
});

describe('limits at the end of a call', () => {
  it('of an owner that the call has not, or of no amount, get no bucket', () => {
    const { engine, hold, settle } = benchWith([
      COST,
      { id: 'team', meter: 'images', window: 'period', amount: 5, scope: 'tag:team' },
      { id: 'all', meter: 'images', window: 'period', amount: 'unlimited' },
      { id: 'none', meter: 'images', window: 'day', amount: 'disabled', model: 'other/*' },
    ]);
    hold('a', { cost_usd: 50n });
    engine.settle(
      { holdId: 'a', charges: [chargeOf({ images: 3n }, 'other/x'), chargeOf({ images: 3n })] },
      START_MS,
    );
    expect(engine.buckets().map(({ limitId }) => limitId)).toEqual(['cost_usd/period']);
    hold('b', { cost_usd: 1n });
    expect(settle('b', { cost_usd: 1n }).journal).toHaveLength(1);
  });

  it('give what is free in them to a call that outlived its process, before anything is overrun', () => {
    const { engine, hold } = benchWith([COST]);
    hold('a', { cost_usd: 40n });
    const image = engine.hold('a');
    const next = benchWith([COST]);
    for (const bucket of engine.buckets()) next.engine.loadBucket(bucket);
    if (image !== null) next.engine.loadHold(image);
    expect(next.settle('a', { cost_usd: 60n }).result.overrunNanoUsd).toBe(0n);
    expect(next.engine.buckets()).toMatchObject([{ held: 0n, spent: 60n, overrun: 0n }]);
  });
});

describe('what the end of a call says', () => {
  it('of a release is why, and of a settlement what was charged', () => {
    const { engine, hold, settle } = benchWith([COST]);
    hold('a', { cost_usd: 40n });
    const [released] = engine.void({ holdId: 'a', reason: 'provider refused' }, START_MS).journal;
    expect(released?.body).toEqual({ reason: 'provider refused' });
    hold('b', { cost_usd: 40n });
    const [settled] = settle('b', { cost_usd: 30n }).journal;
    expect(settled?.body).toEqual({
      charges: [['gemini/flash', [METERS.indexOf('cost_usd'), 30]]],
      overrun: 0,
    });
    expect(settled === undefined ? null : namedBody(settled)).toEqual({
      charges: [['gemini/flash', { cost_usd: '30' }]],
      overrun: '0',
    });
  });

  it('names the hold that cannot end so', () => {
    const { engine, hold, settle } = benchWith([COST]);
    expect(() => settle('ghost', {})).toThrow('Hold ghost is not known.');
    hold('a', { cost_usd: 40n });
    expect(() => engine.expire('a', START_MS)).toThrow('Hold a has not expired.');
    const unknown = { holdId: 'a', policy: 'release', observed: [] } as const;
    expect(() => engine.reconcileUnknown(unknown, START_MS)).toThrow('Hold a is not unknown.');
  });
});
