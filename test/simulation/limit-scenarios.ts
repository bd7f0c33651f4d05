/**
 * Scenarios of limits beside plans: of keys, client tokens, tags, the deployment and its providers, and what single
 * customers have otherwise.
 *
 * @module
 */
import type { LimitInput } from '../../src/contracts/metering.ts';
import type { LimitOverride } from '../../src/metering/limit-port.ts';
import type { ReserveCommand } from '../../src/metering/ports.ts';
import { reserveOf } from '../../src/metering/testing/store-samples.ts';
import type { Scenario, Step } from './crash-points.ts';
import {
  createKey,
  createPlan,
  DAY_MS,
  onPlan,
  restart,
  round,
  settle,
  wait,
} from './scenario-steps.ts';

const CENT = 10_000_000n;

const call =
  (name: string, more: Partial<ReserveCommand> = {}, costNanoUsd = CENT): Step =>
  ({ store, customerId }) =>
    store.ledger.reserve({ ...reserveOf(customerId, name, costNanoUsd), ...more });

const setKeyLimits =
  (limits: readonly LimitInput[]): Step =>
  ({ store }) =>
    store.limitBook.setKeyLimits('key_1', limits);

const override =
  (patch: Readonly<Record<string, LimitOverride | null>>): Step =>
  ({ store, customerId }) =>
    store.limitBook.patchOverrides(customerId, patch);

const limits: Step = ({ store, customerId }) => store.ledger.limits(customerId, 'key_1');

const TOKEN = { id: 'agt_1', maxSpendNanoUsd: 2n * CENT, expiresAtMs: Date.UTC(2026, 1, 10) };

export const LIMIT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'limits of a key come, are raised, lowered and go',
    steps: [
      createKey('key_1', [{ meter: 'requests', window: 'day', amount: 2 }]),
      call('a'),
      call('b'),
      call('refused'),
      setKeyLimits([
        { meter: 'requests', window: 'day', amount: 3 },
        { meter: 'cost_usd', window: 'lifetime', amount: '0.05' },
      ]),
      call('c'),
      settle('a', CENT),
      setKeyLimits([{ meter: 'requests', window: 'day', amount: 1 }]),
      call('refused'),
      restart,
      settle('b', CENT),
      setKeyLimits([]),
      call('d'),
      settle('c', CENT),
      settle('d', CENT),
    ],
  },
  {
    name: 'a client token and a tag spend up to their own limits',
    steps: [
      createPlan({
        id: 'tagged',
        name: 'Tagged',
        limits: [{ meter: 'requests', window: 'period', amount: 2, scope: 'tag:team' }],
      }),
      onPlan('tagged', 'keep_used'),
      createKey('key_1', []),
      call('a', { token: TOKEN, tags: { team: 'blue' } }),
      call('b', { token: TOKEN, tags: { team: 'red' } }),
      call('refused', { token: TOKEN }),
      settle('a', 3n * CENT),
      restart,
      call('c', { tags: { team: 'blue' } }),
      call('refused', { tags: { team: 'blue' } }),
      settle('b', CENT),
      settle('c', CENT),
    ],
  },
  {
    name: 'the deployment and a provider have limits',
    deploymentLimits: [
      { id: 'all', meter: 'requests', window: 'day', amount: 3, scope: 'deployment' },
      { id: 'one', meter: 'cost_usd', window: 'period', amount: '0.03', scope: 'provider:openai' },
    ] as readonly LimitInput[],
    steps: [
      call('a'),
      call('b', {}, 2n * CENT),
      call('refused'),
      settle('a', CENT / 2n),
      restart,
      call('c', {}, CENT / 2n),
      settle('b', 2n * CENT),
      settle('c', CENT),
      wait(DAY_MS),
      round,
      call('d', {}, 1n),
    ],
  },
  {
    name: 'a customer has limits otherwise than the plan, for a while',
    steps: [
      onPlan('basic', 'keep_used'),
      call('a'),
      override({
        'requests/day': {
          meter: 'requests',
          window: 'day',
          amount: 2,
          untilMs: Date.UTC(2026, 1, 2),
        },
        'cost_usd/hour': { amount: '0.02', untilMs: null },
      }),
      call('b'),
      call('refused'),
      override({ 'requests/day': { amount: 5, untilMs: Date.UTC(2026, 1, 2) } }),
      settle('a', CENT),
      restart,
      wait(3 * DAY_MS),
      round,
      limits,
      call('c'),
      override({ 'requests/day': null, 'cost_usd/hour': null }),
      settle('b', CENT),
      settle('c', CENT),
    ],
  },
];
