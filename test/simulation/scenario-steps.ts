/**
 * Steps that scenarios are made of.
 *
 * @module
 */
import type { LimitInput, PlanInput } from '../../src/contracts/metering.ts';
import type { CandidateBound, Charge } from '../../src/metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../src/metering/testing/store-samples.ts';
import type { Step } from './crash-points.ts';
export { round } from './crash-points.ts';

export const DAY_MS = 86_400_000;
export const MODEL = 'openai/gpt-4o-mini';

export const reserve =
  (name: string, costNanoUsd?: bigint): Step =>
  ({ store, customerId }) =>
    store.ledger.reserve(reserveOf(customerId, name, costNanoUsd));

export const settle =
  (name: string, costNanoUsd?: bigint): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.settle(settleOf(reserveOf(customerId, name), clock.nowMs, costNanoUsd));

export const free =
  (name: string): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.void(voidOf(reserveOf(customerId, name), clock.nowMs));

/** Moves the clock; writes nothing. */
export const wait =
  (ms: number): Step =>
  ({ clock }) => {
    clock.nowMs += ms;
  };

export const restart: Step = (world) => {
  world.restart();
};

export const fillDisk: Step = ({ store }) => {
  store.gate.isFull = true;
};

/** There is room again, and the writer notices. */
export const clearDisk: Step = ({ store }) => {
  store.gate.isFull = false;
  store.round();
};

/** The next commits fail without having happened; the writer tries again in its rounds. */
export const failCommits =
  (count: number): Step =>
  ({ store }) => {
    let left = count;
    store.gate.failCommit = () => {
      left -= 1;
      return left >= 0;
    };
  };

export function boundOf(costNanoUsd: bigint): CandidateBound {
  return {
    model: 'openai/gpt-4o',
    fixed: { requests: 1n, input_tokens: 100n, total_tokens: 100n, cost_usd: costNanoUsd },
    elastic: null,
  };
}

export function observed(costNanoUsd: bigint): readonly Charge[] {
  return [
    { model: MODEL, amounts: { input_tokens: 90n, output_tokens: 12n, cost_usd: costNanoUsd } },
  ];
}

export const plan = (id: string, usd: string): PlanInput => ({
  id,
  name: id,
  limits: [
    { meter: 'cost_usd', window: 'period', amount: usd },
    { meter: 'requests', window: 'day', amount: 5 },
    { meter: 'requests', window: 'concurrent', amount: 3 },
  ],
});

export const onPlan =
  (
    planId: string,
    mode: 'keep_used' | 'prorate' | 'restart',
    at: 'now' | 'period_end' = 'now',
  ): Step =>
  ({ store, customerId }) =>
    store.directory.patchSubscription(customerId, { planId, at, mode });

/** A customer in the zone of Berlin. */
export const createCustomer =
  (externalId: string, planId = 'free', trialDays: number | null = 7): Step =>
  ({ store }) =>
    store.directory.createCustomer({
      externalId,
      name: null,
      planId,
      trialDays,
      cadence: 'month',
      timezone: 'Europe/Berlin',
      anchorLocal: null,
    });

/** Makes a plan. */
export const createPlan =
  (input: PlanInput): Step =>
  ({ store }) =>
    store.directory.createPlan(input);

/** A key of the first start's customer. */
export const createKey =
  (id: string, limits: readonly LimitInput[]): Step =>
  ({ store, clock, customerId }) =>
    store.directory.createKey({
      id,
      type: 'customer',
      name: 'laptop',
      hash: 'a'.repeat(64),
      prefix: 'agk_1',
      last4: 'abcd',
      customerId,
      defaultCustomerId: null,
      scopes: null,
      limits,
      createdAtMs: clock.nowMs,
      expiresAtMs: null,
      revokedAtMs: null,
    });
