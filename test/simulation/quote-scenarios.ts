/**
 * Scenarios of quotes that hold: drawn, deleted, expired, over a restart.
 *
 * @module
 */
import type { PlanInput } from '../../src/contracts/metering.ts';
import {
  quoteCommand,
  quotedOperation,
  quotedReserve,
} from '../../src/metering/testing/quote-samples.ts';
import type { Scenario, Step } from './crash-points.ts';
import {
  createPlan,
  free,
  onPlan,
  reserve,
  restart,
  round,
  settle,
  wait,
} from './scenario-steps.ts';

const CENT = 10_000_000n;
const TTL_MS = 60_000;

const QUOTED: PlanInput = {
  id: 'quoted',
  name: 'Quoted',
  limits: [
    { meter: 'cost_usd', window: 'period', amount: '0.10' },
    { meter: 'requests', window: 'day', amount: 8 },
  ],
};

/** Three operations of which the last does not fit. */
export const quote =
  (quoteId: string): Step =>
  ({ store, customerId }) =>
    store.quotes.create(
      quoteCommand(customerId, quoteId, [
        quotedOperation(quoteId, 'draft', { costNanoUsd: 2n * CENT, count: 2 }),
        quotedOperation(quoteId, 'final', { costNanoUsd: 3n * CENT }),
        quotedOperation(quoteId, 'extra', { costNanoUsd: 50n * CENT }),
      ]),
    );

export const draw =
  (quoteId: string, name: string, operationId: string | null = null): Step =>
  ({ store, customerId }) =>
    store.quotes.reserve({ ...quotedReserve(customerId, quoteId, name), operationId });

export const release =
  (quoteId: string): Step =>
  ({ store, customerId }) =>
    store.quotes.release(customerId, quoteId);

/** On a plan of ten cents. */
const start: readonly Step[] = [createPlan(QUOTED), onPlan('quoted', 'keep_used')];

export const QUOTE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a quote holds, and its uses are drawn and booked',
    steps: [
      ...start,
      quote('qt_1'),
      quote('qt_1'),
      draw('qt_1', 'a'),
      draw('qt_1', 'b'),
      draw('qt_1', 'b'),
      draw('qt_1', 'none', 'draft'),
      settle('a', CENT),
      draw('qt_1', 'c', 'final'),
      free('b'),
      settle('c', 4n * CENT),
    ],
  },
  {
    name: 'a quote outlives a restart and is deleted with a use drawn',
    steps: [
      ...start,
      quote('qt_1'),
      restart,
      draw('qt_1', 'a'),
      release('qt_1'),
      release('qt_1'),
      draw('qt_1', 'b'),
      settle('a', CENT),
      reserve('plain', CENT),
      settle('plain', CENT),
    ],
  },
  {
    name: 'a quote expires with a use drawn',
    steps: [
      ...start,
      quote('qt_1'),
      draw('qt_1', 'a'),
      wait(TTL_MS),
      round,
      draw('qt_1', 'b'),
      settle('a', 3n * CENT),
      quote('qt_2'),
      draw('qt_2', 'c'),
      settle('c', CENT),
    ],
  },
];
