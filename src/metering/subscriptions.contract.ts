/**
 * What every store must do over the life of a subscription: who may call when, and which period a call belongs to.
 *
 * @module
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type { PlanInput } from '../contracts/metering.ts';
import type { MeteringStore, NewCustomer, SubscriptionPatch, SubscriptionRecord } from './ports.ts';
import type { StoreSuite, StoreUnderTest } from './store.contract.ts';
import { reserveOf, settleOf } from './testing/store-samples.ts';

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const DAY_MS = 86_400_000;
const MONTH_END_MS = Date.parse('2026-04-10T09:30:00Z');

const at = (text: string): number => Date.parse(text);
const time = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

function planOf(id: string, usd: string, requests: number): PlanInput {
  return {
    id,
    name: id,
    price_usd: { month: usd, year: usd },
    limits: [
      { meter: 'cost_usd', window: 'period', amount: usd },
      { meter: 'requests', window: 'period', amount: requests },
    ],
  };
}

/** Prices and limits grow together: what is dearer allows more. */
const PLANS = [planOf('small', '1.00', 100), planOf('large', '3.00', 300)];

/** Runs the suite. */
export function describeSubscriptions(suite: StoreSuite): void {
  describe(`${suite.name} keeps the contract of subscriptions`, () => {
    let nowMs = START_MS;
    let test: StoreUnderTest;
    let store: MeteringStore;
    let id: string;
    let calls = 0;

    async function create(input: Partial<NewCustomer> = {}): Promise<SubscriptionRecord> {
      const made = await store.directory.createCustomer({
        externalId: `user-${(calls += 1)}`,
        name: null,
        planId: 'small',
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
        ...input,
      });
      ({ id } = made.customer);
      return made.subscription;
    }

    const patch = (change: Partial<SubscriptionPatch>): Promise<SubscriptionRecord> =>
      store.directory.patchSubscription(id, { at: 'now', mode: 'keep_used', ...change });

    async function read(): Promise<SubscriptionRecord> {
      const found = await store.directory.customer(id);
      if (found === null) throw new Error('the customer is gone');
      return found.subscription;
    }

    /** `held`, or why not. */
    async function call(): Promise<string> {
      const answer = await store.ledger.reserve(reserveOf(id, (calls += 1)));
      return answer.type === 'held' ? 'held' : answer.code;
    }

    async function spend(costNanoUsd: bigint): Promise<void> {
      const command = reserveOf(id, (calls += 1), costNanoUsd);
      const answer = await store.ledger.reserve(command);
      expect(answer.type).toBe('held');
      await store.ledger.settle(settleOf(command, nowMs, costNanoUsd));
    }

    async function cost(): Promise<{ limit: string; used: string; held: string }> {
      const limits = await store.ledger.limits(id, null);
      const found = limits.find((limit) => limit.id === 'cost_usd/period');
      const short = (text: string | undefined): string => (text ?? '').slice(0, -7);
      return { limit: short(found?.limit), used: short(found?.used), held: short(found?.held) };
    }

    const shown = (record: SubscriptionRecord): string =>
      `${time(record.period.startMs)}/${time(record.period.endMs)}`;

    async function refusal(promise: Promise<unknown>): Promise<string> {
      try {
        await promise;
      } catch (error) {
        return isGatewayError(error) ? `${error.code} ${error.param ?? ''}`.trim() : String(error);
      }
      return 'no refusal';
    }

    // One store serves all: every test makes a customer of its own.
    beforeAll(async () => {
      test = await suite.create(() => nowMs);
      ({ store } = test);
      for (const plan of PLANS) await store.directory.createPlan(plan);
    });

    beforeEach(() => {
      nowMs = START_MS;
    });

    afterEach(async () => {
      expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
    });

    afterAll(async () => {
      await test.dispose();
    });

    describe('states', () => {
      it('lets a past due subscription call until its grace ends', async () => {
        await create();
        expect(await patch({ status: 'past_due' })).toMatchObject({ graceUntilMs: null });
        expect(await call()).toBe('subscription_inactive');
        await patch({ graceUntilMs: nowMs + DAY_MS });
        expect(await call()).toBe('held');
        expect((await patch({ status: 'past_due' })).graceUntilMs).toBe(nowMs + DAY_MS);
        nowMs += DAY_MS;
        expect(await call()).toBe('subscription_inactive');
        expect(await patch({ status: 'active' })).toMatchObject({ graceUntilMs: null });
        expect(await call()).toBe('held');
      });

      it('ends a subscription at the time set, and calls that off before it came', async () => {
        await create();
        const endMs = nowMs + 5 * DAY_MS;
        expect((await patch({ cancelAtMs: endMs })).scheduled).toEqual([
          { change: 'cancel', atMs: endMs },
        ]);
        expect((await patch({ cancelAtMs: null })).scheduled).toEqual([]);
        await patch({ cancelAtMs: endMs });
        expect((await patch({ status: 'active' })).cancelAtMs).toBeNull();
        await patch({ cancelAtMs: endMs });
        nowMs = endMs - 1;
        expect(await call()).toBe('held');
        nowMs = endMs;
        expect(await call()).toBe('subscription_inactive');
        expect(await read()).toMatchObject({ status: 'cancelled', cancelAtMs: endMs });
        expect(await refusal(patch({ cancelAtMs: null }))).toBe('conflict cancel_at');
        expect(await patch({ status: 'active' })).toMatchObject({ status: 'active' });
        expect(await call()).toBe('held');
      });

      it('keeps what was used where a subscription is reactivated in its period', async () => {
        await create();
        await spend(400_000_000n);
        expect(await patch({ status: 'cancelled' })).toMatchObject({ cancelAtMs: nowMs });
        await patch({ status: 'active' });
        expect(await cost()).toMatchObject({ used: '0.40' });
        await patch({ status: 'cancelled' });
        nowMs += DAY_MS;
        await patch({ status: 'active', mode: 'restart' });
        expect(await cost()).toMatchObject({ used: '0.00' });
        expect(shown(await read())).toBe('2026-03-11T09:30:00Z/2026-04-11T09:30:00Z');
      });

      it('refuses what contradicts the state', async () => {
        await create();
        const past = nowMs - 1;
        const cases: readonly (readonly [Partial<SubscriptionPatch>, string])[] = [
          [{ graceUntilMs: nowMs + 1 }, 'grace_until'],
          [{ trialEndMs: nowMs + DAY_MS }, 'trial_end'],
          [{ status: 'trial' }, 'trial_end'],
          [{ status: 'trial', trialEndMs: nowMs }, 'trial_end'],
          [{ cancelAtMs: past }, 'cancel_at'],
          [{ status: 'paused', at: 'period_end' }, 'at'],
          [{ status: 'active', at: 'period_end' }, 'at'],
          [{ timezone: 'Mars/Olympus' }, 'timezone'],
        ];
        for (const [change, param] of cases) {
          expect(await refusal(patch(change))).toBe(`invalid_request ${param}`);
        }
        expect(await read()).toMatchObject({ rev: 1, status: 'active' });
      });
    });

    describe('trials', () => {
      const TRIAL = { trialDays: 14 };
      const TRIAL_END_MS = START_MS + 14 * DAY_MS;

      it('expire at their end unless they are known to go on as paid subscriptions', async () => {
        await create(TRIAL);
        expect((await read()).scheduled).toEqual([{ change: 'expire', atMs: TRIAL_END_MS }]);
        const going = await patch({ status: 'active', at: 'period_end' });
        expect(going).toMatchObject({
          status: 'trial',
          scheduled: [{ change: 'activate', atMs: TRIAL_END_MS }],
        });
        await spend(500_000_000n);
        nowMs = TRIAL_END_MS;
        expect(await read()).toMatchObject({ status: 'active', scheduled: [] });
        expect(await call()).toBe('held');
        expect(shown(await read())).toBe('2026-03-24T09:30:00Z/2026-04-24T09:30:00Z');
        expect(await cost()).toEqual({ limit: '1.00', used: '0.00', held: '0.01' });
      });

      it('expire where the conversion was called off', async () => {
        await create(TRIAL);
        await patch({ status: 'active', at: 'period_end' });
        await store.subscriptions.revokeScheduled(id, 'activate');
        nowMs = TRIAL_END_MS;
        expect(await call()).toBe('subscription_inactive');
        expect(await read()).toMatchObject({ status: 'expired' });
        expect(await patch({ status: 'active' })).toMatchObject({ status: 'active' });
        expect(await call()).toBe('held');
      });

      it('end early with a payment, and the paid periods begin there', async () => {
        await create(TRIAL);
        await spend(900_000_000n);
        nowMs += 3 * DAY_MS;
        const paid = await patch({ status: 'active' });
        expect(paid).toMatchObject({ status: 'active', trialEndMs: null });
        expect(shown(paid)).toBe('2026-03-13T09:30:00Z/2026-04-13T09:30:00Z');
        expect(await cost()).toMatchObject({ used: '0.00' });
      });

      it('are a period of their own to the millisecond, also with an anchor of the operator', async () => {
        nowMs += 123;
        const made = await create({ ...TRIAL, anchorLocal: '2026-04-01T00:00:00' });
        expect(made.period).toMatchObject({
          startMs: START_MS + 123,
          endMs: TRIAL_END_MS + 123,
        });
        await patch({ status: 'active', at: 'period_end' });
        nowMs = TRIAL_END_MS + 122;
        expect(await call()).toBe('held');
        nowMs += 1;
        // A stub of eight days grants no month: the first paid period lasts until the boundary after.
        expect((await read()).period).toMatchObject({ startMs: nowMs, endMs: at('2026-05-01') });
        expect(await cost()).toMatchObject({ held: '0.00' });
        nowMs = at('2026-05-01');
        expect(shown(await read())).toBe('2026-05-01T00:00:00Z/2026-06-01T00:00:00Z');
      });

      it('can be made shorter and longer without moving what was granted', async () => {
        await create(TRIAL);
        await spend(300_000_000n);
        const shorter = await patch({ trialEndMs: START_MS + 7 * DAY_MS });
        expect(shown(shorter)).toBe('2026-03-10T09:30:00Z/2026-03-17T09:30:00Z');
        expect(shorter.termEndMs).toBe(START_MS + 7 * DAY_MS);
        expect(await cost()).toMatchObject({ used: '0.30' });
        const longer = await patch({ trialEndMs: START_MS + 20 * DAY_MS });
        expect(shown(longer)).toBe('2026-03-10T09:30:00Z/2026-03-17T09:30:00Z');
        nowMs = START_MS + 7 * DAY_MS;
        expect(shown(await read())).toBe('2026-03-17T09:30:00Z/2026-03-30T09:30:00Z');
        expect(await call()).toBe('held');
        nowMs = START_MS + 20 * DAY_MS;
        expect(await call()).toBe('subscription_inactive');
        await patch({ status: 'active' });
        expect(shown(await read())).toBe('2026-03-30T09:30:00Z/2026-04-30T09:30:00Z');
      });

      it('can begin on a running subscription, and be interrupted', async () => {
        await create();
        await spend(300_000_000n);
        nowMs += DAY_MS;
        const trial = await patch({ status: 'trial', trialEndMs: nowMs + 10 * DAY_MS });
        expect(shown(trial)).toBe('2026-03-11T09:30:00Z/2026-03-21T09:30:00Z');
        expect(await cost()).toMatchObject({ used: '0.00' });
        await spend(200_000_000n);
        nowMs += DAY_MS;
        await patch({ status: 'paused' });
        expect(await call()).toBe('subscription_inactive');
        expect(await patch({ status: 'trial' })).toMatchObject({ status: 'trial' });
        expect(await cost()).toMatchObject({ used: '0.20' });
        expect(shown(await read())).toBe('2026-03-11T09:30:00Z/2026-03-21T09:30:00Z');
      });

      it('keep their end through a change of plan and a restart', async () => {
        await create(TRIAL);
        await spend(800_000_000n);
        nowMs += 7 * DAY_MS;
        await patch({ planId: 'large', mode: 'prorate' });
        expect(await cost()).toMatchObject({ limit: '2.00', used: '0.80' });
        const again = await patch({ planId: 'small', mode: 'restart' });
        expect(shown(again)).toBe('2026-03-17T09:30:00Z/2026-03-24T09:30:00Z');
        expect(await cost()).toMatchObject({ limit: '1.00', used: '0.00' });
        nowMs = TRIAL_END_MS;
        expect(await call()).toBe('subscription_inactive');
      });
    });

    describe('plans', () => {
      it('keeps what is used, prorates exactly or restarts', async () => {
        await create();
        await spend(500_000_000n);
        nowMs = START_MS + (MONTH_END_MS - START_MS) / 2;
        await patch({ planId: 'large', mode: 'prorate' });
        expect(await cost()).toMatchObject({ limit: '2.00', used: '0.50' });
        nowMs = START_MS + ((MONTH_END_MS - START_MS) * 3) / 4;
        await patch({ planId: 'small', mode: 'prorate' });
        // 1/2 × 1.00 + 1/4 × 3.00 + 1/4 × 1.00
        expect(await cost()).toMatchObject({ limit: '1.50', used: '0.50' });
        await patch({ planId: 'large', mode: 'keep_used' });
        expect(await cost()).toMatchObject({ limit: '3.00', used: '0.50' });
        await patch({ planId: 'large', mode: 'restart' });
        expect(await cost()).toMatchObject({ limit: '3.00', used: '0.00' });
      });

      it('takes several changes in one moment', async () => {
        await create();
        await spend(100_000_000n);
        const plans = ['large', 'small', 'large', 'small', 'large'];
        await Promise.all(plans.map((planId) => patch({ planId })));
        expect(await cost()).toMatchObject({ limit: '3.00', used: '0.10' });
        await Promise.all([patch({ mode: 'restart' }), patch({ mode: 'restart' })]);
        expect((await read()).period.startMs - nowMs).toBeLessThanOrEqual(2);
      });

      it('downgrades at the end of the period, also when the plan gets a version meanwhile', async () => {
        await store.directory.createPlan(planOf('grown', '3.00', 300));
        await create({ planId: 'grown' });
        await spend(2_000_000_000n);
        const later = await patch({ planId: 'small', at: 'period_end' });
        expect(later.scheduled).toEqual([
          { change: 'plan', planId: 'small', planVersion: 1, atMs: MONTH_END_MS },
        ]);
        nowMs += DAY_MS;
        await store.directory.addPlanVersion(planOf('grown', '4.00', 400), 'now');
        expect(await cost()).toMatchObject({ limit: '4.00', used: '2.00' });
        nowMs = MONTH_END_MS;
        expect(await cost()).toMatchObject({ limit: '1.00', used: '0.00' });
        expect(await read()).toMatchObject({ planId: 'small', scheduled: [] });
      });

      it('calls a scheduled change off', async () => {
        await create({ planId: 'large' });
        await patch({ planId: 'small', at: 'period_end' });
        await patch({ status: 'cancelled', at: 'period_end' });
        expect((await store.subscriptions.revokeScheduled(id, 'plan')).scheduled).toEqual([
          { change: 'cancel', atMs: MONTH_END_MS },
        ]);
        await store.subscriptions.revokeScheduled(id, 'cancel');
        expect(await refusal(store.subscriptions.revokeScheduled(id, 'cancel'))).toBe(
          'not_found change',
        );
        nowMs = MONTH_END_MS;
        expect(await read()).toMatchObject({ status: 'active', planId: 'large' });
      });

      it('denies further calls after an immediate downgrade below what is used', async () => {
        await create({ planId: 'large' });
        await spend(2_000_000_000n);
        await patch({ planId: 'small', at: 'now' });
        expect(await cost()).toMatchObject({ limit: '1.00', used: '2.00' });
        expect(await call()).toBe('limit_exceeded');
      });

      it('settles a hold in the period of its reserve, as large as that one was', async () => {
        await create();
        const command = reserveOf(id, (calls += 1), 600_000_000n);
        await store.ledger.reserve(command);
        nowMs += DAY_MS;
        await patch({ planId: 'large', mode: 'restart' });
        expect(await cost()).toEqual({ limit: '3.00', used: '0.00', held: '0.00' });
        nowMs += DAY_MS;
        const settled = await store.ledger.settle(settleOf(command, nowMs, 1_250_000_000n));
        expect(settled.overrunNanoUsd).toBe(250_000_000n);
        expect(await cost()).toEqual({ limit: '3.00', used: '0.00', held: '0.00' });
      });
    });

    describe('periods', () => {
      it('meters a yearly subscription by the month and lets changes wait for its year', async () => {
        const made = await create({ planId: 'large', cadence: 'year' });
        const yearEndMs = at('2027-03-10T09:30:00Z');
        expect(made).toMatchObject({ termEndMs: yearEndMs });
        expect(shown(made)).toBe('2026-03-10T09:30:00Z/2026-04-10T09:30:00Z');
        await spend(1_000_000_000n);
        nowMs = MONTH_END_MS;
        expect(await cost()).toMatchObject({ used: '0.00' });
        await patch({ planId: 'small', at: 'period_end' });
        const ending = await patch({ status: 'cancelled', at: 'period_end' });
        expect(ending.scheduled.map((change) => change.atMs)).toEqual([yearEndMs, yearEndMs]);
        const monthly = await patch({ cadence: 'month' });
        expect(monthly.scheduled[0]).toMatchObject({
          change: 'plan',
          atMs: at('2026-05-10T09:30:00Z'),
        });
      });

      it('keeps the running period when anchor or zone change, and makes no short stub', async () => {
        await create();
        await spend(300_000_000n);
        nowMs += 10 * DAY_MS;
        const moved = await patch({ anchorLocal: '2026-01-15T00:00:00' });
        expect(shown(moved)).toBe('2026-03-10T09:30:00Z/2026-04-10T09:30:00Z');
        expect(await cost()).toMatchObject({ used: '0.30' });
        nowMs = MONTH_END_MS;
        expect(shown(await read())).toBe('2026-04-10T09:30:00Z/2026-05-15T00:00:00Z');
        await patch({ timezone: 'America/New_York', anchorLocal: '2026-01-31T00:00:00' });
        nowMs = at('2026-05-15');
        expect(shown(await read())).toBe('2026-05-15T00:00:00Z/2026-05-31T04:00:00Z');
        nowMs = at('2026-05-31T04:00:00Z');
        expect(shown(await read())).toBe('2026-05-31T04:00:00Z/2026-06-30T04:00:00Z');
        nowMs = at('2026-06-30T04:00:00Z');
        expect(shown(await read())).toBe('2026-06-30T04:00:00Z/2026-07-31T04:00:00Z');
      });

      it('tile, whatever changes come', async () => {
        const arbitrary = fc.record({
          change: fc.constantFrom<(now: number) => Partial<SubscriptionPatch>>(
            () => ({ planId: 'large', mode: 'prorate' }),
            () => ({ planId: 'small', mode: 'restart' }),
            () => ({ mode: 'restart' }),
            () => ({ status: 'active' }),
            () => ({ status: 'paused' }),
            (now) => ({ status: 'trial', trialEndMs: now + 40 * DAY_MS }),
            (now) => ({ trialEndMs: now + 3 * DAY_MS }),
            (now) => ({ trialEndMs: now + 60 * DAY_MS }),
            () => ({ anchorLocal: '2026-01-31T02:15:00' }),
            () => ({ timezone: 'Africa/Casablanca' }),
            () => ({ timezone: 'Pacific/Apia', anchorLocal: '2025-12-30T12:00:00' }),
            () => ({ timezone: 'Australia/Lord_Howe', cadence: 'year' }),
          ),
          // A quarter of all changes come at the very moment of another.
          days: fc.oneof(
            { weight: 1, arbitrary: fc.constant(0) },
            fc.double({ min: 0, max: 45, noNaN: true }),
          ),
        });
        const story = fc.array(arbitrary, { minLength: 4, maxLength: 9 });
        await fc.assert(
          fc.asyncProperty(story, async (steps) => {
            nowMs = START_MS;
            let last = (await create({ trialDays: 20, timezone: 'Australia/Lord_Howe' })).period;
            const look = async (): Promise<void> => {
              const { period } = await read();
              expect(period.startMs).toBeLessThanOrEqual(nowMs);
              expect(period.endMs).toBeGreaterThan(nowMs);
              if (period.id !== last.id) expect(time(period.startMs)).toBe(time(last.endMs));
              else expect(period.startMs).toBe(last.startMs);
              last = period;
            };
            for (const { change, days } of steps) {
              try {
                const { period } = await patch(change(nowMs));
                // What runs may be cut short now, never made longer or begun anew.
                if (period.id === last.id) expect(period.endMs).toBeLessThanOrEqual(last.endMs);
                else expect(period.startMs).toBeLessThanOrEqual(nowMs);
                last = period.id === last.id ? period : { ...last, endMs: period.startMs };
              } catch (error) {
                if (!isGatewayError(error)) throw error;
              }
              await look();
              const untilMs = nowMs + Math.round(days * DAY_MS);
              for (let walked = 0; walked < 9 && last.endMs < untilMs; walked += 1) {
                nowMs = last.endMs;
                await look();
              }
              nowMs = untilMs;
              await look();
            }
          }),
          { numRuns: 25, seed: 7 },
        );
      });
    });
  });
}
