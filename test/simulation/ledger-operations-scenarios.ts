/**
 * Scenarios of operations on the ledger whose every write is a crash point. The hashes are covered by all scenarios:
 * the state after a crash must verify.
 *
 * @module
 */
import { reserveOf, settleOf } from '../../src/metering/testing/store-samples.ts';
import type { Scenario, Step } from './crash-points.ts';

const DAY_MS = 86_400_000;

const reserve =
  (name: string): Step =>
  ({ store, customerId }) =>
    store.ledger.reserve(reserveOf(customerId, name));

const settle =
  (name: string): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.settle(settleOf(reserveOf(customerId, name), clock.nowMs));

const wait =
  (ms: number): Step =>
  ({ clock }) => {
    clock.nowMs += ms;
  };

const round: Step = ({ store }) => {
  store.round();
};

const archive: Step = ({ store, clock }) =>
  store.ledgerOperations.archive({ beforeMs: clock.nowMs, dryRun: false });

const markUnknown =
  (name: string): Step =>
  ({ store }) =>
    store.ledgerOperations.markUnknown([`hold_${name}`]);

const release =
  (name: string): Step =>
  ({ store }) =>
    store.ledgerOperations.endUnknown({
      holdId: `hold_${name}`,
      outcome: { type: 'release' },
      by: 'operator',
      reason: null,
    });

/** A round of its own, since a step of a scenario is one commit. */
const nextPeriod: readonly Step[] = [wait(40 * DAY_MS), round];

export const LEDGER_OPERATIONS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'closed periods are archived, twice',
    steps: [
      reserve('a'),
      settle('a'),
      reserve('b'),
      settle('b'),
      ...nextPeriod,
      reserve('c'),
      archive,
      round,
      settle('c'),
      ...nextPeriod,
      reserve('d'),
      settle('d'),
      archive,
      round,
      settle('c'),
    ],
  },
  {
    name: 'a call that nobody knows, released by the operator and settled after all',
    steps: [reserve('a'), markUnknown('a'), release('a'), settle('a'), settle('a')],
  },
];
