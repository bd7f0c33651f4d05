/**
 * What every metering store must do. A store's test is eight lines: `describeStore({ name, create })`.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanInput } from '../contracts/metering.ts';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type { CustomerRecord, Held, KeyRecord, MeteringStore, Refused } from './ports.ts';
import { reserveOf, settleOf, voidOf } from './testing/store-samples.ts';

/** A store under test with what the suite needs beside the port. */
export interface StoreUnderTest {
  readonly store: MeteringStore;
  /** Everything that is stored, as text that is equal when the contents are. */
  dump(): Promise<string>;
  dispose(): Promise<void>;
}

export interface StoreSuite {
  readonly name: string;
  /** Makes an empty store that reads the time from `clock`. */
  create(clock: () => number): Promise<StoreUnderTest>;
}

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const DAY_MS = 86_400_000;

const PLAN: PlanInput = {
  id: 'contract',
  name: 'Contract',
  limits: [
    { meter: 'requests', window: 'period', amount: 100 },
    { meter: 'cost_usd', window: 'period', amount: '1.00' },
    { meter: 'images', window: 'period', amount: 'disabled' },
  ],
};

function held(answer: Held | Refused): Held {
  if (answer.type !== 'held') throw new Error(`refused: ${answer.message}`);
  return answer;
}

function refused(answer: Held | Refused): Refused {
  if (answer.type !== 'refused') throw new Error('was held');
  return answer;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error);
  }
  return 'no error';
}

function keyOf(customerId: string, n: number): KeyRecord {
  return {
    id: `key_${n}`,
    type: 'customer',
    name: `key ${n}`,
    hash: String(n).padStart(64, '0'),
    prefix: 'agk_ab',
    last4: 'wxyz',
    customerId,
    defaultCustomerId: null,
    scopes: { models: ['openai/*'] },
    createdAtMs: START_MS,
    expiresAtMs: null,
    revokedAtMs: null,
  };
}

/** Runs the suite. */
export function describeStore(suite: StoreSuite): void {
  describe(`${suite.name} keeps the store contract`, () => {
    let nowMs = START_MS;
    let test: StoreUnderTest;
    let store: MeteringStore;
    let customer: CustomerRecord;

    async function newCustomer(externalId: string, planId = PLAN.id): Promise<CustomerRecord> {
      const made = await store.directory.createCustomer({
        externalId,
        name: null,
        planId,
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      return made.customer;
    }

    async function limitOf(limitId: string, customerId = customer.id) {
      const limits = await store.ledger.limits(customerId, null);
      return limits.find((limit) => limit.id === limitId);
    }

    async function usageOf(customerId: string | null = customer.id) {
      return await store.reader.usage({
        customerId,
        fromMs: START_MS - DAY_MS,
        toMs: nowMs + DAY_MS,
        groupBy: [],
        bucket: null,
      });
    }

    beforeEach(async () => {
      nowMs = START_MS;
      test = await suite.create(() => nowMs);
      ({ store } = test);
      await store.directory.createPlan(PLAN);
      customer = await newCustomer('user-1');
    });

    afterEach(async () => {
      await test.dispose();
    });

    describe('reserve and settle', () => {
      it('holds, then books what was used and gives the rest back', async () => {
        const command = reserveOf(customer.id, 1);
        const answer = held(await store.ledger.reserve(command));
        expect(answer).toMatchObject({ holdId: 'hold_1', plan: { id: 'contract', version: 1 } });
        expect(await limitOf('cost_usd/period')).toMatchObject({
          limit: '1.000000000',
          used: '0.000000000',
          held: '0.010000000',
          remaining: '0.990000000',
          resets_at: '2026-04-10T09:30:00Z',
        });
        const settled = await store.ledger.settle(settleOf(command, nowMs));
        expect(settled).toEqual({ type: 'settled', replayed: false, overrunNanoUsd: 0n });
        expect(await limitOf('cost_usd/period')).toMatchObject({
          used: '0.004000000',
          held: '0.000000000',
        });
        expect(await limitOf('requests/period')).toMatchObject({ used: '1', held: '0' });
      });

      it('answers a repeated reserve and a repeated settle from the first, booking nothing again', async () => {
        const command = reserveOf(customer.id, 1);
        const first = held(await store.ledger.reserve(command));
        expect(held(await store.ledger.reserve(command)).holdId).toBe(first.holdId);
        const settle = settleOf(command, nowMs);
        await store.ledger.settle(settle);
        const before = await test.dump();
        expect(await store.ledger.settle(settle)).toMatchObject({
          type: 'settled',
          replayed: true,
        });
        expect(await test.dump()).toBe(before);
        expect(await limitOf('requests/period')).toMatchObject({ used: '1' });
      });

      it('refuses a hold id that comes again with another fingerprint', async () => {
        const command = reserveOf(customer.id, 1);
        await store.ledger.reserve(command);
        const other = { ...command, fingerprint: 'another' };
        expect(await codeOf(store.ledger.reserve(other))).toBe('idempotency_mismatch');
      });

      it('gives everything back on void, and a settlement that comes late is still booked', async () => {
        const command = reserveOf(customer.id, 1);
        await store.ledger.reserve(command);
        const answer = await store.ledger.void(voidOf(command, nowMs));
        expect(answer).toMatchObject({ type: 'voided', replayed: false });
        expect(await limitOf('cost_usd/period')).toMatchObject({ remaining: '1.000000000' });
        await store.ledger.settle(settleOf(command, nowMs));
        expect(await limitOf('cost_usd/period')).toMatchObject({ used: '0.004000000' });
        expect((await usageOf()).totals).toMatchObject({ requests: 1n, cost_usd: 4_000_000n });
      });

      it('books an excess beyond hold and limit as overrun', async () => {
        const command = reserveOf(customer.id, 1, 900_000_000n);
        await store.ledger.reserve(command);
        const settled = await store.ledger.settle(settleOf(command, nowMs, 1_250_000_000n));
        expect(settled.overrunNanoUsd).toBe(250_000_000n);
        expect((await store.ledger.verify()).ok).toBe(true);
      });

      it('raises a hold for a dearer candidate', async () => {
        const command = reserveOf(customer.id, 1);
        await store.ledger.reserve(command);
        const next = {
          model: 'anthropic/claude',
          fixed: { requests: 1n, cost_usd: 30_000_000n },
          elastic: null,
        };
        held(await store.ledger.extend({ holdId: 'hold_1', keep: [], next }));
        expect(await limitOf('cost_usd/period')).toMatchObject({ held: '0.030000000' });
        const dear = { ...next, fixed: { requests: 1n, cost_usd: 2_000_000_000n } };
        const answer = await store.ledger.extend({ holdId: 'hold_1', keep: [], next: dear });
        expect(refused(answer).code).toBe('limit_exceeded');
        expect(await limitOf('cost_usd/period')).toMatchObject({ held: '0.030000000' });
      });

      it('names what it does not know', async () => {
        const ghost = reserveOf(customer.id, 'ghost');
        expect(await codeOf(store.ledger.settle(settleOf(ghost, nowMs)))).toBe('not_found');
        expect(await codeOf(store.ledger.void(voidOf(ghost, nowMs)))).toBe('not_found');
        expect(await codeOf(store.ledger.reserve(reserveOf('cus_none', 1)))).toBe('not_found');
      });
    });

    describe('limits', () => {
      it('refuses what does not fit, says why, and writes nothing', async () => {
        held(await store.ledger.reserve(reserveOf(customer.id, 1, 950_000_000n)));
        await store.ledger.settle(settleOf(reserveOf(customer.id, 1), nowMs, 950_000_000n));
        const before = await test.dump();
        const answer = refused(await store.ledger.reserve(reserveOf(customer.id, 2, 60_000_000n)));
        expect(answer.code).toBe('limit_exceeded');
        expect(answer.refusal.limits).toEqual([
          expect.objectContaining({
            id: 'cost_usd/period',
            used: '0.950000000',
            requested: '0.060000000',
            remaining: '0.050000000',
          }),
        ]);
        expect(await test.dump()).toBe(before);
      });

      it('tells held from used up', async () => {
        held(await store.ledger.reserve(reserveOf(customer.id, 1, 950_000_000n)));
        const answer = refused(await store.ledger.reserve(reserveOf(customer.id, 2, 60_000_000n)));
        expect(answer.code).toBe('limit_held');
      });

      it('refuses a disabled meter as not in the plan', async () => {
        const command = reserveOf(customer.id, 1);
        const bound = { ...command.bound, fixed: { requests: 1n, images: 1n, cost_usd: 1n } };
        const answer = refused(
          await store.ledger.reserve({ ...command, operation: 'image.generate', bound }),
        );
        expect(answer.code).toBe('not_in_plan');
      });

      it('admits exactly 100 of 200 at once where each takes a hundredth', async () => {
        const answers = await Promise.all(
          Array.from({ length: 200 }, (_, n) =>
            store.ledger.reserve(reserveOf(customer.id, n, 10_000_000n)),
          ),
        );
        expect(answers.filter((answer) => answer.type === 'held')).toHaveLength(100);
        expect(await limitOf('cost_usd/period')).toMatchObject({
          held: '1.000000000',
          remaining: '0.000000000',
        });
        const report = await store.ledger.verify();
        expect(report).toMatchObject({ ok: true, open_holds: 100, mismatches: [] });
      });

      it('begins a new period by itself and settles into the old one', async () => {
        const command = reserveOf(customer.id, 1, 900_000_000n);
        held(await store.ledger.reserve(command));
        nowMs = Date.parse('2026-04-10T09:30:00Z');
        held(await store.ledger.reserve(reserveOf(customer.id, 2, 900_000_000n)));
        await store.ledger.settle(settleOf(command, nowMs, 900_000_000n));
        expect(await limitOf('cost_usd/period')).toMatchObject({
          used: '0.000000000',
          held: '0.900000000',
          resets_at: '2026-05-10T09:30:00Z',
        });
        expect((await store.ledger.verify()).ok).toBe(true);
      });
    });

    describe('reports', () => {
      async function call(n: number, costNanoUsd = 4_000_000n): Promise<void> {
        const command = reserveOf(customer.id, n);
        held(await store.ledger.reserve(command));
        await store.ledger.settle(settleOf(command, nowMs, costNanoUsd));
      }

      it('counts usage to the millisecond, in the same numbers as the counters', async () => {
        await call(1);
        nowMs += 90 * 60_000;
        await call(2);
        nowMs += 2 * DAY_MS;
        await call(3, 5_000_000n);
        const open = reserveOf(customer.id, 4);
        await store.ledger.reserve(open);
        const report = await usageOf();
        expect(report.totals).toEqual({
          requests: 3n,
          input_tokens: 240n,
          output_tokens: 60n,
          total_tokens: 300n,
          cost_usd: 13_000_000n,
        });
        expect(report.held).toMatchObject({ requests: 1n, cost_usd: 10_000_000n });
        expect(await limitOf('requests/period')).toMatchObject({ used: '3', held: '1' });
        const range = { customerId: customer.id, groupBy: [], bucket: null };
        const exact = await store.reader.usage({
          ...range,
          fromMs: START_MS + 1,
          toMs: START_MS + 90 * 60_000 + 1,
        });
        expect(exact.totals.requests).toBe(1n);
        const empty = await store.reader.usage({
          ...range,
          fromMs: START_MS + 1,
          toMs: START_MS + 90 * 60_000,
        });
        expect(empty.totals).toEqual({});
      });

      it('groups usage by dimension and time', async () => {
        await call(1);
        nowMs += DAY_MS;
        await call(2);
        const report = await store.reader.usage({
          customerId: null,
          fromMs: START_MS - DAY_MS,
          toMs: nowMs + DAY_MS,
          groupBy: ['provider', 'customer'],
          bucket: 'day',
        });
        expect(report.groups.map((group) => [group.key, group.totals.requests])).toEqual([
          [{ bucket: '2026-03-10T00:00:00Z', provider: 'openai', customer: customer.id }, 1n],
          [{ bucket: '2026-03-11T00:00:00Z', provider: 'openai', customer: customer.id }, 1n],
        ]);
      });

      it('keeps the request with its hold and attempts', async () => {
        const command = reserveOf(customer.id, 1);
        await store.ledger.reserve(command);
        const settle = settleOf(command, nowMs);
        await store.ledger.settle(settle);
        expect(await store.reader.request('req_1')).toEqual({
          ...settle.request,
          hold: {
            id: 'hold_1',
            state: 'settled',
            priceBookId: command.priceBookId,
            legs: expect.arrayContaining([
              { limit: 'cost_usd/period', amount: '10000000' },
              { limit: 'requests/period', amount: '1' },
            ]),
          },
          attemptRows: settle.attempts,
        });
        expect(await store.reader.request('req_none')).toBeNull();
      });

      it('lists requests newest first, page by page, within a range and a customer', async () => {
        const other = await newCustomer('user-2');
        for (let n = 1; n <= 5; n += 1) {
          nowMs += 1000;
          await call(n);
        }
        const foreign = reserveOf(other.id, 'other');
        await store.ledger.reserve(foreign);
        await store.ledger.void(voidOf(foreign, nowMs));
        const query = { customerId: customer.id, fromMs: null, toMs: null, limit: 2 };
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const page = await store.reader.requests({ ...query, cursor });
          seen.push(...page.data.map((request) => request.requestId));
          cursor = page.nextCursor;
        } while (cursor !== null && seen.length < 20);
        expect(seen).toEqual(['req_5', 'req_4', 'req_3', 'req_2', 'req_1']);
        const ranged = await store.reader.requests({
          ...query,
          cursor: null,
          fromMs: START_MS + 2000,
          toMs: START_MS + 4000,
          limit: 10,
        });
        expect(ranged.data.map((request) => request.requestId)).toEqual(['req_3', 'req_2']);
        const all = await store.reader.requests({
          ...query,
          customerId: null,
          limit: 10,
          cursor: null,
        });
        expect(all.data).toHaveLength(6);
      });

      it('shows the journal in order, page by page', async () => {
        await call(1);
        const first = await store.reader.events({ limit: 2, cursor: null });
        expect(first.data).toHaveLength(2);
        const rest = await store.reader.events({ limit: 100, cursor: first.nextCursor });
        const kinds = [...first.data, ...rest.data].map((event) => event.kind);
        expect(kinds.filter((kind) => kind !== 'grant')).toEqual(['hold', 'settle']);
        expect(rest.nextCursor).toBeNull();
        const seqs = [...first.data, ...rest.data].map((event) => event.seq);
        expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
      });
    });

    describe('directory', () => {
      it('starts with the seed plans and the default customer on enterprise', async () => {
        const plans = await store.directory.plans();
        expect(plans.map((plan) => plan.id)).toEqual([
          'free',
          'basic',
          'pro',
          'enterprise',
          'contract',
        ]);
        const found = await store.directory.customer('default');
        expect(found).toMatchObject({
          customer: { externalId: 'default' },
          subscription: { status: 'active', planId: 'enterprise', planVersion: 1 },
          plan: { id: 'enterprise', version: 1 },
        });
        expect(await store.directory.customer(found?.customer.id ?? '')).toEqual(found);
        expect(await store.directory.customer('nobody')).toBeNull();
      });

      it('refuses what exists and what refers to nothing', async () => {
        expect(await codeOf(store.directory.createPlan(PLAN))).toBe('conflict');
        expect(await codeOf(newCustomer('user-1'))).toBe('conflict');
        expect(await codeOf(newCustomer('user-9', 'no-plan'))).toBe('not_found');
        const missing = { ...PLAN, id: 'missing' };
        expect(await codeOf(store.directory.addPlanVersion(missing, 'now'))).toBe('not_found');
        expect(await codeOf(store.directory.revokeKey('key_none', nowMs))).toBe('not_found');
        const keep = { at: 'now', mode: 'keep_used' } as const;
        expect(
          await codeOf(store.directory.patchSubscription('cus_none', { ...keep, planId: 'free' })),
        ).toBe('not_found');
        expect(await store.directory.customer('user-9')).toBeNull();
      });

      it('keeps keys, shows them in the snapshot and revokes them once', async () => {
        await store.directory.createKey(keyOf(customer.id, 1));
        await store.directory.createKey(keyOf(customer.id, 2));
        expect(await codeOf(store.directory.createKey(keyOf(customer.id, 1)))).toBe('conflict');
        expect(await codeOf(store.directory.createKey(keyOf('cus_none', 3)))).toBe('not_found');
        const revoked = await store.directory.revokeKey('key_1', nowMs + 5);
        expect(revoked.revokedAtMs).toBe(nowMs + 5);
        await store.directory.revokeKey('key_1', nowMs + 99);
        const snapshot = await store.directory.snapshot();
        expect(snapshot.keys).toEqual([
          { ...keyOf(customer.id, 1), revokedAtMs: nowMs + 5 },
          keyOf(customer.id, 2),
        ]);
        expect(snapshot.customers.map((one) => one.externalId).toSorted()).toEqual([
          'default',
          'user-1',
        ]);
        const page = await store.directory.keys({
          customerId: customer.id,
          limit: 1,
          cursor: null,
        });
        expect(page.data.map((key) => key.id)).toEqual(['key_1']);
        const next = await store.directory.keys({
          customerId: customer.id,
          limit: 1,
          cursor: page.nextCursor,
        });
        expect(next).toMatchObject({ data: [{ id: 'key_2' }], nextCursor: null });
      });

      it('pages customers', async () => {
        await newCustomer('user-2');
        const first = await store.directory.customers({ limit: 2, cursor: null });
        const second = await store.directory.customers({ limit: 2, cursor: first.nextCursor });
        expect([...first.data, ...second.data].map((one) => one.externalId)).toEqual([
          'default',
          'user-1',
          'user-2',
        ]);
        expect(second.nextCursor).toBeNull();
      });

      it('applies a plan version at once or from the next period', async () => {
        held(await store.ledger.reserve(reserveOf(customer.id, 1)));
        const raised: PlanInput = {
          ...PLAN,
          limits: [{ meter: 'cost_usd', window: 'period', amount: '2.00' }],
        };
        await store.directory.addPlanVersion(raised, 'period_end');
        expect(await limitOf('cost_usd/period')).toMatchObject({ limit: '1.000000000' });
        nowMs = Date.parse('2026-04-10T09:30:00Z');
        expect(await limitOf('cost_usd/period')).toMatchObject({ limit: '2.000000000' });
        const again: PlanInput = {
          ...PLAN,
          limits: [{ meter: 'cost_usd', window: 'period', amount: '3.00' }],
        };
        expect(await store.directory.addPlanVersion(again, 'now')).toMatchObject({ version: 3 });
        expect(await limitOf('cost_usd/period')).toMatchObject({ limit: '3.000000000' });
        const found = await store.directory.customer(customer.id);
        expect(found?.subscription.planVersion).toBe(3);
        expect((await store.ledger.verify()).ok).toBe(true);
      });

      it('changes the plan of a subscription now, keeping what is used, or at the end of the period', async () => {
        held(await store.ledger.reserve(reserveOf(customer.id, 1)));
        await store.ledger.settle(settleOf(reserveOf(customer.id, 1), nowMs));
        const changed = await store.directory.patchSubscription(customer.id, {
          planId: 'basic',
          at: 'now',
          mode: 'keep_used',
        });
        expect(changed).toMatchObject({ planId: 'basic', planVersion: 1, rev: 2 });
        expect(await limitOf('cost_usd/period')).toMatchObject({
          limit: '25.000000000',
          used: '0.004000000',
        });
        const later = await store.directory.patchSubscription(customer.id, {
          planId: 'pro',
          at: 'period_end',
          mode: 'keep_used',
        });
        expect(later.planId).toBe('basic');
        nowMs = later.period.endMs;
        expect(await limitOf('cost_usd/period')).toMatchObject({ limit: '100.000000000' });
        expect((await store.directory.customer(customer.id))?.subscription.planId).toBe('pro');
        expect((await store.ledger.verify()).ok).toBe(true);
      });

      it('restarts the period on request', async () => {
        held(await store.ledger.reserve(reserveOf(customer.id, 1)));
        await store.ledger.settle(settleOf(reserveOf(customer.id, 1), nowMs));
        nowMs += 5 * DAY_MS;
        const changed = await store.directory.patchSubscription(customer.id, {
          planId: 'basic',
          at: 'now',
          mode: 'restart',
        });
        expect(changed.period).toMatchObject({
          startMs: nowMs,
          endMs: Date.parse('2026-04-15T09:30:00Z'),
        });
        expect(await limitOf('cost_usd/period')).toMatchObject({
          limit: '25.000000000',
          used: '0.000000000',
        });
        expect((await store.ledger.verify()).ok).toBe(true);
      });

      it('lets nobody call whose subscription does not run', async () => {
        const patch = { at: 'now', mode: 'keep_used' } as const;
        await store.directory.patchSubscription(customer.id, { ...patch, status: 'paused' });
        const paused = refused(await store.ledger.reserve(reserveOf(customer.id, 1)));
        expect(paused.code).toBe('subscription_inactive');
        await store.directory.patchSubscription(customer.id, { ...patch, status: 'active' });
        held(await store.ledger.reserve(reserveOf(customer.id, 2)));
        await store.directory.patchSubscription(customer.id, {
          status: 'cancelled',
          at: 'period_end',
          mode: 'keep_used',
        });
        held(await store.ledger.reserve(reserveOf(customer.id, 3)));
        nowMs = Date.parse('2026-04-10T09:30:00Z');
        const ended = refused(await store.ledger.reserve(reserveOf(customer.id, 4)));
        expect(ended.code).toBe('subscription_inactive');
        const found = await store.directory.customer(customer.id);
        expect(found?.subscription.status).toBe('cancelled');
      });

      it('makes the trial one period and anchors the paid ones at its end', async () => {
        const made = await store.directory.createCustomer({
          externalId: 'trial',
          name: 'Trial',
          planId: PLAN.id,
          trialDays: 14,
          cadence: 'month',
          timezone: 'Europe/Berlin',
          anchorLocal: null,
        });
        expect(made.subscription).toMatchObject({
          status: 'trial',
          anchorLocal: '2026-03-24T10:30:00',
          trialEndMs: START_MS + 14 * DAY_MS,
          period: { startMs: START_MS, endMs: START_MS + 14 * DAY_MS },
        });
        held(await store.ledger.reserve(reserveOf(made.customer.id, 1)));
        nowMs = START_MS + 14 * DAY_MS;
        const answer = refused(await store.ledger.reserve(reserveOf(made.customer.id, 2)));
        expect(answer.code).toBe('subscription_inactive');
      });
    });

    it('finishes what was asked before close and takes nothing after it', async () => {
      const command = reserveOf(customer.id, 1);
      const pending = store.ledger.reserve(command);
      const closing = store.close();
      expect(held(await pending).holdId).toBe('hold_1');
      await closing;
      await store.close();
      expect(await codeOf(store.ledger.reserve(reserveOf(customer.id, 2)))).toBe(
        'metering_unavailable',
      );
      expect(await codeOf(store.directory.plans())).toBe('metering_unavailable');
    });
  });
}
