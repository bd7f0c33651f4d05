/**
 * Scenarios in which several things hang on one commit: a quote, credits, an idempotency key, an alert, a month's end.
 *
 * @module
 */
import type { PlanInput } from '../../src/contracts/metering.ts';
import { attempt, createWebhook, route } from './alert-scenarios.ts';
import type { Scenario } from './crash-points.ts';
import { claim, settleKeyed, voidKeyed } from './key-scenarios.ts';
import { grant, look } from './money-scenarios.ts';
import { draw, quote, release } from './quote-scenarios.ts';
import {
  createPlan,
  DAY_MS,
  onPlan,
  reserve,
  restart,
  round,
  settle,
  wait,
} from './scenario-steps.ts';

const CENT = 10_000_000n;

const BACKED: PlanInput = {
  id: 'backed',
  name: 'Three cents, then credits',
  funding: 'plan_then_wallet',
  limits: [{ meter: 'cost_usd', window: 'period', amount: '0.03' }],
};

const ROLLING: PlanInput = {
  id: 'rolling',
  name: 'Rolling',
  limits: [{ meter: 'cost_usd', window: 'period', amount: '0.20', rollover_max: '0.05' }],
};

export const MIXED_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a quote on plan and credits is drawn under keys, passes thresholds and is told',
    steps: [
      createPlan(BACKED),
      onPlan('backed', 'keep_used'),
      createWebhook,
      grant('first', 6n),
      quote('qt_1'),
      claim('k1', 'a'),
      draw('qt_1', 'a'),
      settleKeyed('k1', 'a'),
      claim('k2', 'b'),
      draw('qt_1', 'b'),
      restart,
      claim('k2', 'b2'),
      claim('k3', 'c'),
      draw('qt_1', 'c', 'final'),
      voidKeyed('k3', 'c'),
      release('qt_1'),
      reserve('last', 5n * CENT),
      settle('last', 6n * CENT),
      look,
      route,
      attempt('delivered'),
    ],
  },
  {
    name: 'a month ends under a use of a quote, and its rest goes over afterwards',
    steps: [
      createPlan(ROLLING),
      onPlan('rolling', 'keep_used'),
      quote('qt_1'),
      draw('qt_1', 'a'),
      wait(32 * DAY_MS),
      round,
      reserve('b', CENT),
      settle('a', CENT),
      restart,
      reserve('c', CENT),
      settle('b', CENT),
      settle('c', CENT),
    ],
  },
];
