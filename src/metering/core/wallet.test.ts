import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitInput, PlanInput } from '../../contracts/metering.ts';
import {
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
} from './fixtures/engine-fixture.ts';
import { creditBucketId, creditReference, creditSource, isWalletBucket } from './credits.ts';
import { JournalFold } from './rebuild.ts';
import type { Applied } from './types.ts';
import type { CreditGrant } from './wallet.ts';

const WALLET: Partial<PlanInput> = { funding: 'wallet' };
const BOTH: Partial<PlanInput> = { funding: 'plan_then_wallet' };
const nano = (amount: number): string => `0.${String(amount).padStart(9, '0')}`;
const cost = (amount: number, window = 'period', more: Partial<LimitInput> = {}): LimitInput => ({
  meter: 'cost_usd',
  window,
  amount: nano(amount),
  ...more,
});

function walletOf(limits: readonly LimitInput[], plan: Partial<PlanInput>) {
  const bench = benchOf(planOf(limits, plan));
  const { engine } = bench;
  const fold = new JournalFold();
  /** Every step must fold to what memory holds. */
  const keep = <Result>(applied: Applied<Result>): Result => {
    for (const entry of applied.journal) fold.add(entry);
    expect(fold.compare(engine.buckets(), engine.openHolds()).mismatches).toEqual([]);
    return applied.result;
  };
  const grant = (
    reference: string,
    amount: number,
    more: Partial<CreditGrant> = {},
    at = START_MS,
  ) =>
    keep(
      engine.grantCredit(
        {
          customerId: 'cus_1',
          reference,
          kind: 'top_up',
          amountNanoUsd: BigInt(amount),
          reason: null,
          asked: '',
          priority: 0,
          effectiveAtMs: at,
          expiresAtMs: null,
          ...more,
        },
        at,
      ),
    );
  const hold = (holdId: string, amount: number, at = START_MS) =>
    keep(
      engine.reserve(
        reserveOf(holdId, { bound: boundOf({ requests: 1n, cost_usd: BigInt(amount) }) }),
        at,
      ),
    );
  const settle = (holdId: string, amount: number, at = START_MS) =>
    keep(engine.settle({ holdId, charges: [chargeOf({ cost_usd: BigInt(amount) })] }, at));
  const bucket = (sourceKey: string, limitId = 'wallet') =>
    engine.buckets().find((one) => one.sourceKey === sourceKey && one.limitId === limitId);
  const spent = (sourceKey: string, limitId = 'wallet') => bucket(sourceKey, limitId)?.spent;
  const credits = (at = START_MS) =>
    engine.limitStatuses('cus_1', null, at).find((limit) => limit.id === 'wallet');
  return { ...bench, keep, grant, hold, settle, bucket, spent, credits };
}

describe('credits that pay for everything', () => {
  it('are held before the call and charged exactly; an empty wallet says how much is missing', () => {
    const { grant, hold, settle, credits } = walletOf([], WALLET);
    expect(hold('a', 1)).toMatchObject({ type: 'refused', code: 'insufficient_funds' });
    grant('first', 100);
    expect(hold('b', 60).type).toBe('held');
    const refused = hold('c', 41);
    expect(refused).toMatchObject({
      type: 'refused',
      code: 'insufficient_funds',
      retryAfterMs: null,
      message:
        'This request may cost up to $0.000000041 of credit; $0.00000004 is left in the wallet (calls in flight hold $0.00000006). Top up the wallet.',
      refusal: {
        limits: [
          {
            id: 'wallet',
            meter: 'cost_usd',
            window: 'lifetime',
            scope: 'customer',
            limit: nano(100),
            used: nano(0),
            held: nano(60),
            requested: nano(41),
            remaining: nano(40),
            resets_at: null,
          },
        ],
        actions: [{ do: 'top_up', amount: nano(1) }],
      },
    });
    settle('b', 25);
    expect(credits()).toMatchObject({ used: nano(25), held: nano(0), remaining: nano(75) });
  });

  it('still obey the plan’s limits, money or not', () => {
    const { grant, hold } = walletOf(
      [cost(50, 'day'), { meter: 'requests', window: 'period', amount: 2 }],
      WALLET,
    );
    grant('first', 1000);
    expect(hold('a', 51)).toMatchObject({ code: 'limit_exceeded' });
    expect(hold('b', 10).type).toBe('held');
    expect(hold('c', 10).type).toBe('held');
    expect(hold('d', 10)).toMatchObject({
      code: 'limit_held',
      refusal: { limits: [{ id: 'requests/period' }] },
    });
  });

  it('name the empty wallet before any limit', () => {
    const { hold } = walletOf([{ meter: 'requests', window: 'minute', amount: 1 }], WALLET);
    expect(hold('a', 0).type).toBe('held');
    expect(hold('b', 5)).toMatchObject({
      code: 'insufficient_funds',
      refusal: { limits: [{ id: 'wallet' }, { id: 'requests/minute' }] },
    });
  });

  it('are drawn by priority, then earliest expiry, then oldest', () => {
    const { grant, hold, settle, spent } = walletOf([], WALLET);
    grant('oldest', 10, { effectiveAtMs: START_MS - 5 });
    grant('young', 10);
    grant('ends-late', 10, { expiresAtMs: START_MS + 2 * DAY_MS });
    grant('ends-soon', 10, { expiresAtMs: START_MS + DAY_MS });
    grant('first-of-all', 10, { priority: -1 });
    grant('last-of-all', 10, { priority: 1, expiresAtMs: START_MS + HOUR_MS });
    hold('a', 45);
    settle('a', 45);
    const order = ['first-of-all', 'ends-soon', 'ends-late', 'oldest', 'young', 'last-of-all'];
    expect(order.map((reference) => spent(`credit/${reference}`))).toEqual([
      10n,
      10n,
      10n,
      10n,
      5n,
      0n,
    ]);
  });

  it('serve from their effective date on and until they expire, holds beyond it', () => {
    const { engine, keep, grant, hold, settle, bucket, credits } = walletOf([], WALLET);
    grant('promo', 100, { kind: 'promo', expiresAtMs: START_MS + DAY_MS });
    grant('later', 7, { effectiveAtMs: START_MS + 2 * DAY_MS });
    expect(hold('a', 60).type).toBe('held');
    expect(hold('b', 30).type).toBe('held');
    const after = START_MS + DAY_MS;
    expect(credits(after)).toMatchObject({ limit: nano(0), remaining: nano(0) });
    expect(hold('c', 1, after)).toMatchObject({ code: 'insufficient_funds' });
    expect(bucket('credit/promo')).toMatchObject({ expired: 0n });
    settle('a', 50, after);
    expect(bucket('credit/promo')).toMatchObject({ spent: 50n, held: 30n, expired: 20n });
    keep(engine.void({ holdId: 'b', reason: 'x' }, after));
    expect(bucket('credit/promo')).toMatchObject({ spent: 50n, held: 0n, expired: 50n });
    expect(hold('d', 7, START_MS + 2 * DAY_MS).type).toBe('held');
  });

  it('book an expiry once when somebody looks', () => {
    const { engine, keep, grant, bucket } = walletOf([], WALLET);
    grant('promo', 100, { expiresAtMs: START_MS + 1 });
    const tidied = engine.tidyCredits('cus_1', START_MS + 1);
    expect(tidied.journal).toMatchObject([
      { kind: 'adjust', eventId: 'expired:cus_1|wallet||credit/promo:0' },
    ]);
    keep(tidied);
    expect(bucket('credit/promo')).toMatchObject({ expired: 100n });
    expect(engine.tidyCredits('cus_1', START_MS + 2).journal).toEqual([]);
    engine.sweep(START_MS, START_MS + 2);
    expect(engine.buckets()).toEqual([]);
  });

  it('go into debt by an overrun, which the next top-up pays first', () => {
    const { engine, keep, grant, hold, settle, bucket, credits } = walletOf([], WALLET);
    grant('first', 100);
    hold('a', 100);
    expect(settle('a', 130)).toMatchObject({ overrunNanoUsd: 30n });
    expect(bucket('debt')).toMatchObject({ granted: 0n, overrun: 30n });
    expect(credits()).toMatchObject({ used: nano(30), limit: nano(0), remaining: nano(0) });
    grant('small', 10);
    expect(bucket('debt')).toMatchObject({ overrun: 20n });
    expect(hold('b', 1)).toMatchObject({ code: 'insufficient_funds' });
    const topUp = engine.grantCredit(
      {
        customerId: 'cus_1',
        reference: 'large',
        kind: 'top_up',
        amountNanoUsd: 50n,
        reason: 'invoice 7',
        asked: '',
        priority: 0,
        effectiveAtMs: START_MS,
        expiresAtMs: null,
      },
      START_MS,
    );
    keep(topUp);
    expect(topUp.journal).toMatchObject([
      { kind: 'grant', body: { amount: '50', credit: 'top_up', reference: 'large' } },
      { kind: 'cover', eventId: 'cover:cus_1|wallet||credit/large', body: { amount: '20' } },
    ]);
    expect(bucket('debt')).toMatchObject({ overrun: 0n, spent: 0n });
    expect(bucket('credit/large')).toMatchObject({ spent: 20n });
    expect(hold('c', 30).type).toBe('held');
  });

  it('pay a debt with what another call gives back', () => {
    const { engine, keep, grant, hold, settle, bucket } = walletOf([], WALLET);
    grant('first', 100);
    hold('a', 50);
    hold('b', 50);
    settle('a', 80);
    expect(bucket('debt')).toMatchObject({ overrun: 30n });
    keep(engine.void({ holdId: 'b', reason: 'x' }, START_MS));
    expect(bucket('debt')).toMatchObject({ overrun: 0n });
    expect(bucket('credit/first')).toMatchObject({ spent: 80n, held: 0n });
  });

  it('take a correction back from whoever paid the debt since', () => {
    const { engine, keep, grant, hold, settle, bucket, credits } = walletOf([], WALLET);
    grant('first', 100);
    hold('a', 100);
    keep(engine.recoverOpenHolds(START_MS));
    const observed = [chargeOf({ cost_usd: 150n })];
    keep(engine.reconcileUnknown({ holdId: 'a', policy: 'charge_observed', observed }, START_MS));
    grant('second', 60);
    expect(credits()).toMatchObject({ remaining: nano(10) });
    settle('a', 20);
    expect(bucket('debt')).toMatchObject({ overrun: 0n });
    expect(credits()?.remaining).toBe(nano(140));
    expect(bucket('credit/first')).toBeDefined();
  });

  it('are withdrawn as far as they are free', () => {
    const { engine, keep, grant, hold, bucket } = walletOf([], WALLET);
    grant('promo', 100, { kind: 'promo' });
    hold('a', 40);
    const named = { customerId: 'cus_1', reference: 'promo' };
    expect(keep(engine.withdrawCredit(named, START_MS))).toBe(60n);
    expect(keep(engine.withdrawCredit(named, START_MS))).toBe(0n);
    keep(engine.void({ holdId: 'a', reason: 'x' }, START_MS));
    expect(keep(engine.withdrawCredit(named, START_MS))).toBe(40n);
    expect(bucket('credit/promo')).toMatchObject({ granted: 100n, expired: 100n });
    expect(() =>
      engine.withdrawCredit({ customerId: 'cus_1', reference: 'none' }, START_MS),
    ).toThrow('no grant');
  });
});

describe('grants of credit by name', () => {
  it('have the id that their reference makes, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), (reference) => {
        const source = creditSource(reference);
        expect(source).not.toMatch(/[|#:]/);
        expect(creditReference(source)).toBe(reference);
        expect(isWalletBucket(creditBucketId('cus_1', reference))).toBe(true);
      }),
    );
    expect(creditReference('debt')).toBe(null);
    expect(creditReference('plan')).toBe(null);
  });

  it('are told apart from the buckets of limits', () => {
    const { engine, grant, hold, settle } = walletOf([cost(500)], WALLET);
    grant('first', 10);
    hold('a', 10);
    settle('a', 15);
    const of = (isWallet: boolean) =>
      engine
        .buckets()
        .filter((bucket) => isWalletBucket(bucket.id) === isWallet)
        .map((bucket) => bucket.sourceKey);
    expect(of(true).toSorted()).toEqual(['credit/first', 'debt']);
    expect(of(false)).toEqual(['plan']);
  });

  it('cannot be granted twice, nor tidied where there never were any', () => {
    const { engine, grant, bucket } = walletOf([], WALLET);
    expect(engine.tidyCredits('cus_1', START_MS).journal).toEqual([]);
    expect(engine.tidyCredits('cus_nobody', START_MS).journal).toEqual([]);
    grant('first', 10);
    expect(() => grant('first', 10)).toThrow('granted already');
    expect(bucket('credit/first')?.granted).toBe(10n);
  });
});

describe('a correction of what credits paid', () => {
  /** A call is estimated at 150 of 100 credits, and later grants pay what is owed. */
  function corrected(later: Readonly<Record<string, number>>) {
    const wallet = walletOf([], WALLET);
    const { engine, keep, grant, hold } = wallet;
    grant('first', 100);
    hold('a', 100);
    keep(engine.recoverOpenHolds(START_MS));
    const observed = [chargeOf({ cost_usd: 150n })];
    keep(engine.reconcileUnknown({ holdId: 'a', policy: 'charge_observed', observed }, START_MS));
    for (const [reference, amount] of Object.entries(later)) grant(reference, amount);
    return wallet;
  }

  it('goes to what the call itself was booked on, then to who paid for it, the newest first', () => {
    const { settle, spent } = corrected({ second: 20, third: 60 });
    const all = () => ['first', 'second', 'third'].map((one) => spent(`credit/${one}`));
    expect(all()).toEqual([100n, 20n, 30n]);
    settle('a', 10);
    expect(all()).toEqual([0n, 10n, 0n]);
  });

  it('is a credit of its own where the grant that paid is known no more', () => {
    const { engine, memory, bucket, credits } = corrected({ second: 50 });
    const paid = bucket('credit/second');
    if (paid === undefined) throw new Error('no grant');
    expect(paid).toMatchObject({ granted: 50n, spent: 50n });
    // As after a sweep and a look-up of the hold alone.
    const counter = memory.accounts.get('cus_1')?.counters.get('cus_1')?.get('wallet');
    const at = counter?.buckets.findIndex((one) => one.id === paid.id) ?? -1;
    counter?.buckets.splice(at, 1);
    memory.buckets.delete(paid.id);
    const late = engine.settle({ holdId: 'a', charges: [chargeOf({ cost_usd: 20n })] }, START_MS);
    expect(late.journal.map((entry) => [entry.kind, entry.eventId])).toEqual([
      ['grant', 'grant:cus_1|wallet||credit/refund%2Fa'],
      ['adjust', 'late:a:1'],
    ]);
    expect(late.journal[0]?.body).toMatchObject({ credit: 'adjustment', hold: 'a' });
    expect(bucket('credit/refund%2Fa')).toMatchObject({ granted: 30n, spent: 0n });
    // All 100 and 50 that were granted, less the 20 that were billed.
    expect(credits()).toMatchObject({ remaining: nano(130) });
    expect(engine.settle({ holdId: 'a', charges: [] }, START_MS).journal).toEqual([]);
  });
});

describe('credits behind the plan’s allowance', () => {
  const plan = 'plan';

  it('are drawn on once, for the most that an allowance leaves over', () => {
    const { grant, hold, settle, spent, bucket } = walletOf([cost(100), cost(30, 'day')], BOTH);
    grant('first', 1000);
    expect(hold('a', 50).type).toBe('held');
    expect(bucket(plan, 'cost_usd/period')?.held).toBe(30n);
    expect(bucket(plan, 'cost_usd/day')?.held).toBe(30n);
    expect(bucket('credit/first')?.held).toBe(20n);
    settle('a', 50);
    expect([spent(plan, 'cost_usd/period'), spent(plan, 'cost_usd/day')]).toEqual([30n, 30n]);
    expect(spent('credit/first')).toBe(20n);
    // The next day the period's 70 go on.
    hold('b', 25, START_MS + DAY_MS);
    settle('b', 25, START_MS + DAY_MS);
    expect(spent(plan, 'cost_usd/period')).toBe(55n);
    expect(spent('credit/first')).toBe(20n);
  });

  it('pay after the plan when less is used than was held, and only then', () => {
    const { grant, hold, settle, spent } = walletOf([cost(30)], BOTH);
    grant('first', 100);
    hold('a', 50);
    settle('a', 35);
    expect([spent(plan, 'cost_usd/period'), spent('credit/first')]).toEqual([30n, 5n]);
  });

  it('bear an excess after the plan’s free room, into debt', () => {
    const { grant, hold, settle, spent, bucket } = walletOf([cost(100)], BOTH);
    grant('first', 10);
    hold('a', 20);
    settle('a', 60);
    expect([spent(plan, 'cost_usd/period'), spent('credit/first')]).toEqual([60n, 0n]);
    hold('b', 45);
    expect(settle('b', 57)).toMatchObject({ overrunNanoUsd: 7n });
    expect([spent(plan, 'cost_usd/period'), spent('credit/first')]).toEqual([100n, 10n]);
    expect(bucket(plan, 'cost_usd/period')?.overrun).toBe(0n);
    expect(bucket('debt')?.overrun).toBe(7n);
  });

  it('refuse with both in sight when even together they do not do', () => {
    const { grant, hold } = walletOf([cost(30), { ...cost(500, 'call') }], BOTH);
    grant('first', 10);
    expect(hold('a', 41)).toMatchObject({
      type: 'refused',
      code: 'insufficient_funds',
      refusal: {
        limits: [
          { id: 'wallet', requested: nano(11), remaining: nano(10) },
          { id: 'cost_usd/period', requested: nano(41), remaining: nano(30) },
        ],
        actions: [{ do: 'top_up', amount: nano(1) }],
      },
    });
    hold('b', 30);
    expect(hold('c', 20)).toMatchObject({
      refusal: {
        actions: [
          { do: 'top_up', amount: nano(10) },
          { do: 'wait', until: new Date(EPOCH_MS + PERIOD_MS).toISOString().replace('.000', '') },
        ],
      },
    });
  });

  it('leave caps of keys and calls alone', () => {
    const { grant, hold } = walletOf(
      [cost(10), cost(40, 'day', { id: 'key', scope: 'key' }), cost(35, 'call')],
      BOTH,
    );
    grant('first', 1000);
    expect(hold('a', 36)).toMatchObject({ code: 'limit_exceeded' });
    expect(hold('b', 30).type).toBe('held');
    expect(hold('c', 11)).toMatchObject({ refusal: { limits: [{ id: 'key' }] } });
  });

  it('lower an elastic output to what both bear, to the token', () => {
    const { engine, keep, grant, bucket } = walletOf([cost(30)], BOTH);
    grant('first', 12);
    const elastic = { tokens: 100, minTokens: 1, nanoUsdPerMillion: 1_000_000n };
    const bound = boundOf({ cost_usd: 2n }, { elastic });
    expect(keep(engine.reserve(reserveOf('a', { bound }), START_MS))).toMatchObject({
      type: 'held',
      outputTokens: 40,
    });
    expect(bucket('credit/first')?.held).toBe(12n);
  });

  it('raise with a dearer candidate', () => {
    const { engine, keep, grant, hold, bucket } = walletOf([cost(30)], BOTH);
    grant('first', 100);
    hold('a', 20);
    const next = boundOf({ cost_usd: 55n });
    keep(engine.extend({ holdId: 'a', keep: [], next }, START_MS));
    expect([bucket(plan, 'cost_usd/period')?.held, bucket('credit/first')?.held]).toEqual([
      30n,
      25n,
    ]);
  });

  it('correct an estimate from the wallet first', () => {
    const { engine, keep, grant, hold, settle, spent } = walletOf([cost(30)], BOTH);
    grant('first', 100);
    hold('a', 50);
    keep(engine.recoverOpenHolds(START_MS));
    keep(engine.reconcileUnknown({ holdId: 'a', policy: 'charge_hold', observed: [] }, START_MS));
    expect([spent(plan, 'cost_usd/period'), spent('credit/first')]).toEqual([30n, 20n]);
    settle('a', 35);
    expect([spent(plan, 'cost_usd/period'), spent('credit/first')]).toEqual([30n, 5n]);
  });

  it('are not asked where the plan limits no cost', () => {
    const { hold } = walletOf([{ meter: 'requests', window: 'period', amount: 3 }], BOTH);
    expect(hold('a', 1_000_000).type).toBe('held');
  });
});
