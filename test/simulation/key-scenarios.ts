/**
 * Scenarios of idempotency keys, alone and tied to holds.
 *
 * @module
 */
import type { ClaimEnd, NewClaim } from '../../src/metering/idempotency-port.ts';
import { reserveOf, settleOf, voidOf } from '../../src/metering/testing/store-samples.ts';
import type { Scenario, Step } from './crash-points.ts';
import { DAY_MS, reserve, restart, round, wait } from './scenario-steps.ts';

/** The claim of the call `name`. */
function claimOf(customerId: string, key: string, name: string, hasHold = true): NewClaim {
  return {
    scope: customerId,
    key,
    fingerprint: `body of ${key}`,
    requestId: `req_${name}`,
    holdId: hasHold ? `hold_${name}` : null,
  };
}

const KEPT: ClaimEnd = { type: 'kept', sealed: new TextEncoder().encode('the reply') };

export const claim =
  (key: string, name: string, more: Partial<NewClaim> = {}): Step =>
  ({ store, customerId }) =>
    store.idempotency.claim({ ...claimOf(customerId, key, name), ...more });

const endClaim =
  (key: string, name: string, end: ClaimEnd): Step =>
  ({ store, customerId }) =>
    store.idempotency.end(claimOf(customerId, key, name), end);

export const settleKeyed =
  (key: string, name: string, end: ClaimEnd = KEPT): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.settle({
      ...settleOf(reserveOf(customerId, name), clock.nowMs),
      claim: { claim: claimOf(customerId, key, name), end },
    });

export const voidKeyed =
  (key: string, name: string): Step =>
  ({ store, clock, customerId }) =>
    store.ledger.void({
      ...voidOf(reserveOf(customerId, name), clock.nowMs),
      claim: { claim: claimOf(customerId, key, name), end: { type: 'forgotten' } },
    });

/** The call is over in this process. Writes nothing. */
const leave =
  (key: string, name: string): Step =>
  ({ store, customerId }) => {
    store.idempotency.leave(claimOf(customerId, key, name));
  };

export const KEY_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a key is claimed, its call held and settled with the reply',
    steps: [
      claim('k', 'a'),
      claim('k', 'again'),
      claim('k', 'other', { fingerprint: 'another body' }),
      reserve('a'),
      settleKeyed('k', 'a'),
      leave('k', 'a'),
      claim('k', 'again'),
      restart,
      claim('k', 'again'),
      claim('k', 'other', { fingerprint: 'another body' }),
    ],
  },
  {
    name: 'a call that came to nothing forgets its key',
    steps: [
      claim('k', 'a'),
      reserve('a'),
      voidKeyed('k', 'a'),
      leave('k', 'a'),
      claim('k', 'b', { fingerprint: 'another body' }),
      endClaim('k', 'b', { type: 'forgotten' }),
      leave('k', 'b'),
      claim('k', 'c'),
      reserve('c'),
      settleKeyed('k', 'c', { type: 'not_kept', reason: 'too_large' }),
      leave('k', 'c'),
      claim('k', 'd'),
    ],
  },
  {
    name: 'a restart finds keys in every stage',
    steps: [
      claim('claimed', 'a'),
      claim('held', 'b'),
      reserve('b'),
      claim('without', 'c', { holdId: null }),
      restart,
      claim('claimed', 'a2'),
      claim('held', 'b2'),
      claim('without', 'c2', { holdId: null }),
      wait(16 * 60_000),
      round,
      claim('held', 'b3'),
    ],
  },
  {
    name: 'keys are dropped a day after their calls',
    steps: [
      claim('k', 'a'),
      reserve('a'),
      settleKeyed('k', 'a'),
      leave('k', 'a'),
      wait(DAY_MS + 1),
      round,
      claim('k', 'b', { fingerprint: 'another body' }),
      endClaim('k', 'b', KEPT),
    ],
  },
];
