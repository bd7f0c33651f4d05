/**
 * Scenarios whose every write is a crash point.
 *
 * @module
 */
import type { PlanInput } from '../../src/contracts/metering.ts';
import type { CandidateBound, Charge } from '../../src/metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../src/metering/testing/store-samples.ts';
import type { Scenario, Step } from './crash-points.ts';

const DAY_MS = 86_400_000;
const MODEL = 'openai/gpt-4o-mini';

const reserve =
  (name: string, costNanoUsd?: bigint): Step =>
  ({ store, customerId }) =>
    store.ledger.reserve(reserveOf(customerId, name, costNanoUsd));

const settle =
  (name: string, costNanoUsd?: bigint): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.settle(settleOf(reserveOf(customerId, name), clock.nowMs, costNanoUsd));

const free =
  (name: string): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.void(voidOf(reserveOf(customerId, name), clock.nowMs));

/** Moves the clock; writes nothing. */
const wait =
  (ms: number): Step =>
  ({ clock }) => {
    clock.nowMs += ms;
  };

const round: Step = ({ store }) => {
  store.round();
};

const fillDisk: Step = ({ store }) => {
  store.gate.isFull = true;
};

/** There is room again, and the writer notices. */
const clearDisk: Step = ({ store }) => {
  store.gate.isFull = false;
  store.round();
};

/** The next commits fail without having happened; the writer tries again in its rounds. */
const failCommits =
  (count: number): Step =>
  ({ store }) => {
    let left = count;
    store.gate.failCommit = () => {
      left -= 1;
      return left >= 0;
    };
  };

function boundOf(costNanoUsd: bigint): CandidateBound {
  return {
    model: 'openai/gpt-4o',
    fixed: { requests: 1n, input_tokens: 100n, total_tokens: 100n, cost_usd: costNanoUsd },
    elastic: null,
  };
}

function observed(costNanoUsd: bigint): readonly Charge[] {
  return [
    { model: MODEL, amounts: { input_tokens: 90n, output_tokens: 12n, cost_usd: costNanoUsd } },
  ];
}

const plan = (id: string, usd: string): PlanInput => ({
  id,
  name: id,
  limits: [
    { meter: 'cost_usd', window: 'period', amount: usd },
    { meter: 'requests', window: 'day', amount: 5 },
    { meter: 'requests', window: 'concurrent', amount: 3 },
  ],
});

const onPlan =
  (
    planId: string,
    mode: 'keep_used' | 'prorate' | 'restart',
    at: 'now' | 'period_end' = 'now',
  ): Step =>
  ({ store, customerId }) =>
    store.directory.patchSubscription(customerId, { planId, at, mode });

const createCustomer =
  (externalId: string): Step =>
  ({ store }) =>
    store.directory.createCustomer({
      externalId,
      name: null,
      planId: 'free',
      trialDays: 7,
      cadence: 'month',
      timezone: 'Europe/Berlin',
      anchorLocal: null,
    });

/** The scenarios of the ledger's own commands. */
export const LEDGER_SCENARIOS: readonly Scenario[] = [
  {
    name: 'two calls, one settled below its hold, one voided',
    steps: [reserve('a'), reserve('b'), settle('a'), free('b')],
  },
  {
    name: 'a settlement beyond its hold',
    steps: [reserve('a', 1_000n), settle('a', 900_000_000n), reserve('b'), settle('b')],
  },
  {
    name: 'a fallback that raises the hold',
    steps: [
      reserve('a', 1_000n),
      ({ store }) =>
        store.ledger.extend({ holdId: 'hold_a', keep: [], next: boundOf(50_000_000n) }),
      settle('a', 40_000_000n),
    ],
  },
  {
    name: 'a settlement after a void',
    steps: [reserve('a'), free('a'), settle('a'), settle('a')],
  },
  {
    name: 'commands that are sent twice',
    steps: [reserve('a'), reserve('a'), settle('a'), settle('a'), free('a')],
  },
  {
    name: 'a stream with progress marks, cut off and reconciled',
    steps: [
      reserve('a'),
      ({ store }) => {
        store.ledger.progress('hold_a', observed(2_000_000n));
      },
      wait(2_000),
      round,
      reserve('b'),
      settle('b'),
    ],
  },
  {
    name: 'limits refuse',
    steps: [
      ({ store }) => store.directory.createPlan(plan('small', '0.02')),
      onPlan('small', 'keep_used'),
      reserve('a'),
      reserve('b'),
      reserve('c'),
      settle('a'),
      reserve('c'),
      settle('b'),
      settle('c'),
    ],
  },
  {
    name: 'plans change under open holds',
    steps: [
      reserve('a'),
      ({ store }) => store.directory.createPlan(plan('small', '0.02')),
      onPlan('small', 'prorate'),
      reserve('b'),
      ({ store }) => store.directory.addPlanVersion(plan('small', '5.00'), 'now'),
      reserve('c'),
      settle('a'),
      onPlan('pro', 'restart'),
      reserve('d'),
      settle('b'),
      settle('c'),
      settle('d'),
    ],
  },
  {
    name: 'a month ends under open holds',
    steps: [
      reserve('a'),
      onPlan('basic', 'keep_used', 'period_end'),
      wait(29 * DAY_MS),
      reserve('b'),
      settle('a'),
      settle('b'),
      wait(31 * DAY_MS),
      round,
      reserve('c'),
      settle('c'),
    ],
  },
  {
    name: 'the disk is full for a while',
    steps: [
      reserve('a'),
      reserve('b'),
      fillDisk,
      settle('a'),
      reserve('c'),
      settle('b', 30_000_000n),
      clearDisk,
      reserve('d'),
      settle('d'),
    ],
  },
  {
    name: 'a hold and the marks after it cannot be committed at first',
    steps: [
      createCustomer('user-1'),
      async ({ store }) => {
        const other = await store.directory.customer('user-1');
        await store.ledger.reserve(reserveOf(other?.customer.id ?? '', 'x'));
      },
      reserve('a'),
      failCommits(3),
      async (world) => {
        await world.store.ledger.reserve(reserveOf(world.customerId, 'b')).catch(() => undefined);
        for (let turn = 0; turn < 3; turn += 1) world.store.round();
      },
      reserve('c'),
      settle('a'),
      settle('c'),
    ],
  },
  {
    name: 'customers and keys come and go',
    steps: [
      createCustomer('user-1'),
      ({ store, clock, customerId }) =>
        store.directory.createKey({
          id: 'key_1',
          type: 'customer',
          name: 'laptop',
          hash: 'a'.repeat(64),
          prefix: 'agk_1',
          last4: 'abcd',
          customerId,
          defaultCustomerId: null,
          scopes: null,
          createdAtMs: clock.nowMs,
          expiresAtMs: null,
          revokedAtMs: null,
        }),
      reserve('a'),
      ({ store, clock }) => store.directory.revokeKey('key_1', clock.nowMs),
      settle('a'),
      ({ store, customerId }) =>
        store.directory.patchSubscription(customerId, {
          status: 'cancelled',
          at: 'period_end',
          mode: 'keep_used',
        }),
    ],
  },
];
