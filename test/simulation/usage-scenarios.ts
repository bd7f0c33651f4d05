/**
 * Scenarios of usage counted by hour, day and tag, with days that are summed up while calls are open.
 *
 * @module
 */
import { reserveOf, settleOf } from '../../src/metering/testing/store-samples.ts';
import type { Scenario, Step } from './crash-points.ts';
import { DAY_MS, reserve, restart, round, settle, wait } from './scenario-steps.ts';

const tagged = (name: string, tags: Readonly<Record<string, string>>): readonly [Step, Step] => [
  ({ store, customerId }) => store.ledger.reserve({ ...reserveOf(customerId, name), tags }),
  ({ store, clock, customerId }) => {
    const command = settleOf(reserveOf(customerId, name), clock.nowMs);
    return store.ledger.settle({ ...command, request: { ...command.request, tags } });
  },
];

const [holdBlue, endBlue] = tagged('blue', { team: 'blue' });
const [holdRed, endRed] = tagged('red', { team: 'red', page: 'home' });

export const USAGE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'days are summed up, and a call of a day that is over is added',
    steps: [
      holdBlue,
      reserve('a'),
      reserve('open'),
      endBlue,
      settle('a'),
      wait(DAY_MS),
      round,
      holdRed,
      endRed,
      settle('open'),
      restart,
      wait(DAY_MS),
      round,
      round,
      round,
    ],
  },
];
