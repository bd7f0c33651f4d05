/**
 * Scenarios of the ledger's own commands.
 *
 * @module
 */
import { reserveOf } from '../../src/metering/testing/store-samples.ts';
import type { Scenario } from './crash-points.ts';
import {
  boundOf,
  clearDisk,
  createCustomer,
  createKey,
  createPlan,
  DAY_MS,
  failCommits,
  fillDisk,
  free,
  observed,
  onPlan,
  plan,
  reserve,
  round,
  settle,
  wait,
} from './scenario-steps.ts';

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
      createPlan(plan('small', '0.02')),
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
      createPlan(plan('small', '0.02')),
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
      createKey('key_1', []),
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
