/**
 * Scenarios of credits: granted, withdrawn, expired, owed and paid; and of what a period leaves to the next.
 *
 * @module
 */
import type { PlanInput } from '../../src/contracts/metering.ts';
import type { NewCredit } from '../../src/metering/wallet-port.ts';
import type { Scenario, Step } from './crash-points.ts';
import {
  createPlan,
  DAY_MS,
  free,
  onPlan,
  reserve,
  restart,
  round,
  settle,
  wait,
} from './scenario-steps.ts';

const CENT = 10_000_000n;

const PREPAID: PlanInput = { id: 'prepaid', name: 'Prepaid', funding: 'wallet', limits: [] };
const BOTH: PlanInput = {
  id: 'both',
  name: 'Plan, then credits',
  funding: 'plan_then_wallet',
  limits: [{ meter: 'cost_usd', window: 'period', amount: '0.02' }],
};
const ROLLING: PlanInput = {
  id: 'rolling',
  name: 'Rolling',
  limits: [
    { meter: 'requests', window: 'period', amount: 10, rollover_max: 4 },
    { meter: 'cost_usd', window: 'period', amount: '1.00', rollover_max: '0.25' },
  ],
};

export const grant =
  (reference: string, cents: bigint, more: Partial<NewCredit> = {}): Step =>
  ({ store, customerId }) =>
    store.wallets.grant({
      customerId,
      reference,
      kind: 'top_up',
      amountNanoUsd: cents * CENT,
      reason: null,
      priority: 0,
      effectiveAtMs: null,
      expiresAtMs: null,
      ...more,
    });

const withdraw =
  (reference: string): Step =>
  ({ store, customerId }) =>
    store.wallets.withdraw(customerId, reference);

/** Looks at the credits, which books what time has done to them. */
export const look: Step = ({ store, customerId }) => store.wallets.wallet(customerId);

/** A grant that ends in `days` after the first moment of every scenario. */
const until = (days: number): Partial<NewCredit> => ({
  kind: 'promo',
  expiresAtMs: Date.UTC(2026, 0, 31, 9, 30) + days * DAY_MS,
});

export const MONEY_SCENARIOS: readonly Scenario[] = [
  {
    name: 'credit is granted, drawn, granted again and withdrawn under a hold',
    steps: [
      createPlan(PREPAID),
      onPlan('prepaid', 'keep_used'),
      reserve('refused'),
      grant('a', 3n),
      grant('a', 3n),
      reserve('one', 2n * CENT),
      withdraw('a'),
      settle('one', CENT),
      withdraw('a'),
      restart,
      grant('a', 3n),
      grant('b', 1n),
      reserve('two', CENT),
      free('two'),
    ],
  },
  {
    name: 'credit expires by itself, under a hold too',
    steps: [
      createPlan(PREPAID),
      onPlan('prepaid', 'keep_used'),
      grant('promo', 5n, until(1)),
      grant('later', 2n, { effectiveAtMs: Date.UTC(2026, 1, 2) }),
      reserve('held', 2n * CENT),
      wait(DAY_MS),
      look,
      reserve('refused'),
      settle('held', CENT),
      wait(DAY_MS),
      look,
      reserve('later', CENT),
      settle('later', CENT),
    ],
  },
  {
    name: 'debt is booked, and paid by the next credits',
    steps: [
      createPlan(PREPAID),
      onPlan('prepaid', 'keep_used'),
      grant('first', 1n),
      reserve('a', CENT),
      settle('a', 5n * CENT),
      grant('second', 2n),
      reserve('refused'),
      restart,
      grant('third', 4n),
      reserve('b', CENT),
      settle('b', CENT),
    ],
  },
  {
    name: 'a plan that is used up goes on with credits',
    steps: [
      createPlan(BOTH),
      onPlan('both', 'keep_used'),
      grant('first', 3n),
      reserve('a', CENT),
      reserve('b', 2n * CENT),
      settle('a', CENT),
      settle('b', 2n * CENT),
      onPlan('pro', 'keep_used'),
      reserve('c', CENT),
      settle('c', CENT),
    ],
  },
  {
    name: 'what a period left goes over into the next, with a call still open',
    steps: [
      createPlan(ROLLING),
      onPlan('rolling', 'restart'),
      reserve('a', CENT),
      settle('a', CENT),
      reserve('open', 90n * CENT),
      wait(32 * DAY_MS),
      round,
      reserve('b', CENT),
      settle('open', 80n * CENT),
      settle('b', CENT),
      restart,
      wait(32 * DAY_MS),
      round,
      reserve('c', CENT),
      settle('c', CENT),
    ],
  },
];
