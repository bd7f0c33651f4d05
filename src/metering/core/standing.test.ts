import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SUBSCRIPTION_STATUSES } from '../../contracts/metering.ts';
import { START_MS } from './fixtures/engine-fixture.ts';
import { inactiveText, standingAt, type StoredState, wayBack } from './standing.ts';

function stateOf(status: StoredState['status'], more: Partial<StoredState> = {}): StoredState {
  return { status, graceUntilMs: null, cancelAtMs: null, trialEndMs: null, ...more };
}

const moment = fc.option(fc.integer({ min: START_MS - 5, max: START_MS + 5 }), { nil: null });
const states = fc.record({
  status: fc.constantFrom(...SUBSCRIPTION_STATUSES),
  graceUntilMs: moment,
  cancelAtMs: moment,
  trialEndMs: moment,
});

describe('the standing of a subscription', () => {
  it('follows from the clock: once over, by trial, grace or cancellation, it stays over', () => {
    fc.assert(
      fc.property(states, (state) => {
        let over = false;
        for (let atMs = START_MS - 6; atMs <= START_MS + 6; atMs += 1) {
          const { mayCall } = standingAt(state, atMs);
          expect(mayCall && over).toBe(false);
          over = !mayCall;
        }
      }),
    );
  });

  it('lets active call whatever trial and grace say, and stops at the cancellation', () => {
    const state = stateOf('active', {
      graceUntilMs: START_MS - 1,
      trialEndMs: START_MS - 1,
      cancelAtMs: START_MS + 1,
    });
    expect(standingAt(state, START_MS)).toEqual({ status: 'active', mayCall: true });
    expect(standingAt(state, START_MS + 1)).toEqual({ status: 'cancelled', mayCall: false });
  });

  it('counts a cancellation before an overdue payment or a trial that ran out', () => {
    for (const status of ['past_due', 'trial', 'paused', 'expired'] as const) {
      const state = stateOf(status, { cancelAtMs: START_MS, trialEndMs: START_MS });
      expect(standingAt(state, START_MS).status).toBe('cancelled');
      expect(wayBack(state, START_MS)).toBe('reactivate');
    }
  });

  it('an overdue payment without grace lets no call pass', () => {
    expect(standingAt(stateOf('past_due'), START_MS).mayCall).toBe(false);
  });
});

describe('what is said of a subscription', () => {
  it('offers what leads back, and a new subscription only where there was none that was paid', () => {
    const ways = SUBSCRIPTION_STATUSES.map((status) => [
      status,
      wayBack(stateOf(status), START_MS),
    ]);
    expect(Object.fromEntries(ways)).toMatchObject({
      past_due: 'pay',
      paused: 'resume',
      cancelled: 'reactivate',
      expired: 'reactivate',
    });
    expect(wayBack(stateOf('trial', { trialEndMs: START_MS }), START_MS)).toBe('subscribe');
    expect(wayBack(null, START_MS)).toBe('subscribe');
  });

  it('says that calls may be made exactly where they may', () => {
    fc.assert(
      fc.property(states, (state) => {
        const { mayCall, status } = standingAt(state, START_MS);
        // Of an overdue payment something is to be said even while its grace lasts.
        fc.pre(status !== 'past_due');
        const says = inactiveText(state, START_MS) === 'The subscription may make calls.';
        expect(says).toBe(mayCall);
      }),
    );
  });
});
