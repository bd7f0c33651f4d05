/**
 * What every metering store must do with limits beside plans: of keys, of client tokens, of the deployment, and what
 * customers have otherwise. Run by `describeLimitScopes({ name, create })`.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LimitInput, PlanInput } from '../contracts/metering.ts';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type { CustomerRecord, KeyRecord, MeteringStore, TokenClaim } from './ports.ts';
import { reserveOf, settleOf, voidOf } from './testing/store-samples.ts';

/** A store under test. */
export interface ScopesStore {
  readonly store: MeteringStore;
  /** Opens the same store again after it was closed. */
  reopen(): Promise<void>;
  dispose(): Promise<void>;
}

export interface ScopesSuite {
  readonly name: string;
  create(
    clock: () => number,
    settings: { readonly deploymentLimits: readonly LimitInput[] },
  ): Promise<ScopesStore>;
}

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const DAY_MS = 86_400_000;
const PARALLEL = 200;

const PLAN: PlanInput = {
  id: 'scoped',
  name: 'Scoped',
  limits: [
    { meter: 'requests', window: 'period', amount: 1000 },
    { meter: 'cost_usd', window: 'period', amount: 'unlimited' },
  ],
};

const DEPLOYMENT: readonly LimitInput[] = [
  { id: 'all', meter: 'requests', window: 'day', amount: 50, scope: 'deployment' },
];

function keyOf(customerId: string | null, id: string, limits: readonly LimitInput[]): KeyRecord {
  return {
    id,
    type: customerId === null ? 'service' : 'customer',
    name: id,
    hash: id.padStart(64, '0'),
    prefix: 'agk_ab',
    last4: 'wxyz',
    customerId,
    defaultCustomerId: null,
    scopes: null,
    limits,
    createdAtMs: START_MS,
    expiresAtMs: null,
    revokedAtMs: null,
  };
}

/** Runs the suite. */
export function describeLimitScopes(suite: ScopesSuite): void {
  describe(`${suite.name} keeps the contract of limits beside plans`, () => {
    let nowMs = START_MS;
    let test: ScopesStore;
    let customer: CustomerRecord;
    let made = 0;
    const store = (): MeteringStore => test.store;

    async function open(deploymentLimits: readonly LimitInput[] = []): Promise<void> {
      nowMs = START_MS;
      test = await suite.create(() => nowMs, { deploymentLimits });
      await store().directory.createPlan(PLAN);
      customer = await newCustomer('user-1');
    }

    async function newCustomer(externalId: string): Promise<CustomerRecord> {
      const { customer: record } = await store().directory.createCustomer({
        externalId,
        name: null,
        planId: PLAN.id,
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      return record;
    }

    type Call = { keyId: string; customerId?: string; token?: TokenClaim; cost?: bigint };

    function commandOf(call: Call) {
      made += 1;
      const { customerId = customer.id, cost, ...more } = call;
      return { ...reserveOf(customerId, `${suite.name}_${made}`, cost), ...more };
    }

    async function wave(count: number, call: Call) {
      const commands = Array.from({ length: count }, () => commandOf(call));
      const answers = await Promise.all(commands.map((command) => store().ledger.reserve(command)));
      const admitted = commands.filter((_, index) => answers[index]?.type === 'held');
      return { admitted, refused: answers.filter((answer) => answer.type === 'refused') };
    }

    async function settleAll(commands: readonly ReturnType<typeof commandOf>[], cost?: bigint) {
      await Promise.all(
        commands.map((command) => store().ledger.settle(settleOf(command, nowMs, cost))),
      );
    }

    async function statusOf(id: string, keyId: string | null = null, token?: TokenClaim) {
      const limits = await store().ledger.limits(customer.id, keyId, token);
      return limits.find((limit) => limit.id === id);
    }

    async function expectVerified(): Promise<void> {
      expect((await store().ledger.verify()).mismatches).toEqual([]);
    }

    beforeEach(() => open());

    afterEach(async () => {
      await test.dispose();
    });

    it(`admits exactly what a key has, out of ${PARALLEL} calls at once, and again what was given back`, async () => {
      const limits = [{ id: 'own', meter: 'requests', window: 'day', amount: 30 }] as const;
      await store().directory.createKey(keyOf(customer.id, 'key_a', limits));
      const first = await wave(PARALLEL, { keyId: 'key_a' });
      expect(first.admitted).toHaveLength(30);
      expect(first.refused[0]).toMatchObject({
        code: 'limit_held',
        refusal: { limits: [{ id: 'own', scope: 'key', limit: '30', held: '30' }] },
      });
      await Promise.all(
        first.admitted.slice(0, 10).map((command) => store().ledger.void(voidOf(command, nowMs))),
      );
      await settleAll(first.admitted.slice(10));
      expect((await wave(PARALLEL, { keyId: 'key_a' })).admitted).toHaveLength(10);
      expect(await statusOf('own', 'key_a')).toMatchObject({ used: '20', held: '10' });
      expect((await wave(5, { keyId: 'key_b' })).admitted).toHaveLength(5);
      await expectVerified();
    });

    it('keeps the limits of a key with it, and its use over a restart', async () => {
      const limits = [{ id: 'own', meter: 'requests', window: 'period', amount: 3 }] as const;
      await store().directory.createKey(keyOf(null, 'key_s', limits));
      const other = await newCustomer('user-2');
      const { admitted } = await wave(2, { keyId: 'key_s' });
      await settleAll(admitted);
      await test.reopen();
      const { keys } = await store().directory.snapshot();
      expect(keys.find((key) => key.id === 'key_s')?.limits).toEqual(limits);
      const rest = await wave(5, { keyId: 'key_s', customerId: other.id });
      expect(rest.admitted, 'one counter over all customers').toHaveLength(1);
      await expectVerified();
    });

    it('raises, lowers and takes away the limits of a key at once', async () => {
      const limits = [{ id: 'own', meter: 'requests', window: 'day', amount: 2 }] as const;
      await store().directory.createKey(keyOf(customer.id, 'key_a', limits));
      await settleAll((await wave(5, { keyId: 'key_a' })).admitted);
      const set = (amount: number) =>
        store().limitBook.setKeyLimits('key_a', [{ ...limits[0], amount }]);
      expect((await set(5)).limits).toEqual([{ ...limits[0], amount: 5 }]);
      expect((await wave(9, { keyId: 'key_a' })).admitted).toHaveLength(3);
      await set(1);
      expect(await statusOf('own', 'key_a')).toMatchObject({ limit: '1', remaining: '0' });
      expect((await wave(9, { keyId: 'key_a' })).admitted).toHaveLength(0);
      expect((await store().limitBook.setKeyLimits('key_a', [])).limits).toBeUndefined();
      expect((await wave(9, { keyId: 'key_a' })).admitted).toHaveLength(9);
      await expect(store().limitBook.setKeyLimits('key_none', [])).rejects.toMatchObject({
        code: 'not_found',
      });
      await expectVerified();
    });

    it(`never lets a client token spend more than its bound, out of ${PARALLEL} calls at once`, async () => {
      const token = { id: 'agt_1', maxSpendNanoUsd: 95_000_000n, expiresAtMs: nowMs + DAY_MS };
      const call = { keyId: 'key_s', token, cost: 10_000_000n };
      const { admitted, refused } = await wave(PARALLEL, call);
      expect(admitted).toHaveLength(9);
      expect(refused[0]).toMatchObject({ refusal: { limits: [{ scope: 'client_token' }] } });
      await settleAll(admitted, 10_000_000n);
      await test.reopen();
      expect(await statusOf('max_spend_usd', 'key_s', token)).toMatchObject({
        limit: '0.095000000',
        used: '0.090000000',
        resets_at: null,
      });
      expect((await wave(1, call)).admitted).toHaveLength(0);
      expect((await wave(1, { ...call, token: { ...token, id: 'agt_2' } })).admitted).toHaveLength(
        1,
      );
      await expectVerified();
    });

    it(`admits exactly what the whole deployment may do, out of ${PARALLEL} calls of two customers`, async () => {
      await test.dispose();
      await open(DEPLOYMENT);
      const other = await newCustomer('user-2');
      const waves = await Promise.all([
        wave(PARALLEL / 2, { keyId: 'key_a' }),
        wave(PARALLEL / 2, { keyId: 'key_b', customerId: other.id }),
      ]);
      const admitted = waves.flatMap((one) => one.admitted);
      expect(admitted).toHaveLength(50);
      await settleAll(admitted);
      await test.reopen();
      const { refused } = await wave(1, { keyId: 'key_a' });
      expect(refused).toMatchObject([
        { refusal: { limits: [{ id: 'all', scope: 'deployment' }] } },
      ]);
      await expectVerified();
    });

    it('recovers a call that a stop cut off with its legs of every scope', async () => {
      await test.dispose();
      await open(DEPLOYMENT);
      const limits = [{ id: 'own', meter: 'requests', window: 'day', amount: 9 }] as const;
      await store().directory.createKey(keyOf(customer.id, 'key_a', limits));
      const token = { id: 'agt_1', maxSpendNanoUsd: 95_000_000n, expiresAtMs: nowMs + DAY_MS };
      const { admitted } = await wave(1, { keyId: 'key_a', token });
      await test.reopen();
      expect(await statusOf('own', 'key_a')).toMatchObject({ held: '1', used: '0' });
      expect(await statusOf('all')).toMatchObject({ held: '1', used: '0' });
      await settleAll(admitted);
      expect(await statusOf('own', 'key_a')).toMatchObject({ held: '0', used: '1' });
      expect(await statusOf('max_spend_usd', 'key_a', token)).toMatchObject({
        held: '0.000000000',
        used: '0.004000000',
      });
      await expectVerified();
    });

    it('lets one customer have a limit otherwise than the plan says, until a date or until it is taken away', async () => {
      const id = 'requests/period';
      const book = () => store().limitBook;
      const override = (amount: LimitInput['amount'], untilMs: number | null = null) =>
        book().patchOverrides(customer.id, { [id]: { amount, untilMs } });
      await settleAll((await wave(4, { keyId: 'key_a' })).admitted);
      expect(await override(6)).toMatchObject({ rev: 1, overrides: { [id]: { amount: 6 } } });
      expect((await wave(9, { keyId: 'key_a' })).admitted).toHaveLength(2);
      const { refused } = await wave(1, { keyId: 'key_a' });
      expect(refused[0]).toMatchObject({ refusal: { limits: [{ id, limit: '6' }] } });
      await override(8, nowMs + DAY_MS);
      expect(await statusOf(id)).toMatchObject({ limit: '8', remaining: '2' });
      nowMs += DAY_MS;
      expect(await statusOf(id)).toMatchObject({ limit: '1000' });
      await override('disabled');
      expect((await wave(1, { keyId: 'key_a' })).refused).toMatchObject([{ code: 'not_in_plan' }]);
      await override('unlimited');
      expect((await wave(1, { keyId: 'key_a' })).admitted).toHaveLength(1);
      await test.reopen();
      expect(await book().overrides(customer.id)).toMatchObject({ rev: 4 });
      expect(await statusOf(id)).toMatchObject({ limit: 'unlimited', used: '4' });
      expect(await book().patchOverrides(customer.id, { [id]: null })).toEqual({
        rev: 5,
        overrides: {},
      });
      expect(await statusOf(id)).toMatchObject({ limit: '1000' });
      const plans = await store().directory.plans();
      expect(plans.find((plan) => plan.id === PLAN.id)).toMatchObject({ version: 1, plan: PLAN });
      await expectVerified();
    });

    it('adds a limit for one customer, and says which override cannot be', async () => {
      const { limitBook } = store();
      const patch = { 'requests/day': { amount: 1, untilMs: null } };
      await limitBook.patchOverrides(customer.id, patch);
      expect((await wave(3, { keyId: 'key_a' })).admitted).toHaveLength(1);
      const other = await newCustomer('user-2');
      expect((await wave(3, { keyId: 'key_a', customerId: other.id })).admitted).toHaveLength(3);
      const failed = limitBook.patchOverrides(customer.id, { own: { amount: 1, untilMs: null } });
      const error = await failed.catch((thrown: unknown) => thrown);
      expect(isGatewayError(error) && [error.code, error.param]).toEqual([
        'invalid_request',
        'overrides.own',
      ]);
      expect((await limitBook.overrides(customer.id)).rev).toBe(1);
      const events = await store().reader.events({ limit: 50, cursor: null });
      const noted = events.data.filter((event) => event.eventId.startsWith('overrides:'));
      expect(noted).toHaveLength(1);
      await expectVerified();
    });

    it('shows the use of an unlimited limit', async () => {
      const { admitted } = await wave(3, { keyId: 'key_a', cost: 7_000_000n });
      await settleAll(admitted.slice(1), 5_000_000n);
      expect(await statusOf('cost_usd/period')).toEqual({
        id: 'cost_usd/period',
        meter: 'cost_usd',
        window: 'period',
        scope: 'customer',
        limit: 'unlimited',
        used: '0.010000000',
        held: '0.007000000',
        remaining: 'unlimited',
        resets_at: '2026-04-10T09:30:00Z',
      });
    });
  });
}
