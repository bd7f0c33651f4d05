/**
 * What the state of a subscription means at a moment: the state that counts, and whether calls may be made.
 *
 * No job switches a state. A trial that ran out has expired, and a cancellation has taken effect, because the
 * clock says so when somebody looks.
 *
 * @module
 */
import type { SubscriptionStatus } from '../../contracts/metering.ts';
import { dateText } from './refusal-text.ts';

/** A subscription's state as it is stored, with the moments that change what it means. */
export interface StoredState {
  readonly status: SubscriptionStatus;
  /** Until when `past_due` may still call; null: not at all. */
  readonly graceUntilMs: number | null;
  /** From when on the subscription counts as cancelled, whatever its state. */
  readonly cancelAtMs: number | null;
  /** When a `trial` expires; null: it does not expire by itself. */
  readonly trialEndMs: number | null;
}

export interface Standing {
  /** The state that counts now. */
  readonly status: SubscriptionStatus;
  readonly mayCall: boolean;
}

/** The one rule of who may call when: `trial` and `active`, and `past_due` until its grace ends. */
export function standingAt(state: StoredState, atMs: number): Standing {
  const { status, cancelAtMs, trialEndMs, graceUntilMs } = state;
  if (cancelAtMs !== null && cancelAtMs <= atMs) return { status: 'cancelled', mayCall: false };
  switch (status) {
    case 'active':
      return { status, mayCall: true };
    case 'trial':
      return trialEndMs !== null && trialEndMs <= atMs
        ? { status: 'expired', mayCall: false }
        : { status, mayCall: true };
    case 'past_due':
      return { status, mayCall: graceUntilMs !== null && atMs < graceUntilMs };
    case 'paused':
    case 'cancelled':
    case 'expired':
      return { status, mayCall: false };
    default:
      return status satisfies never;
  }
}

/** Why a subscription may not call now and what helps, in one sentence for the caller. */
export function inactiveText(state: StoredState, atMs: number): string {
  const { status } = standingAt(state, atMs);
  switch (status) {
    case 'past_due':
      return state.graceUntilMs === null
        ? 'A payment for the subscription is overdue; calls are possible again once it is paid.'
        : `A payment for the subscription is overdue and its grace ended on ${dateText(state.graceUntilMs)}; calls are possible again once it is paid.`;
    case 'paused':
      return 'The subscription is paused; resume it to make calls.';
    case 'cancelled':
      return state.cancelAtMs === null
        ? 'The subscription was cancelled; reactivate it to make calls.'
        : `The subscription was cancelled and ended on ${dateText(state.cancelAtMs)}; reactivate it to make calls.`;
    case 'expired':
      return state.status === 'trial' && state.trialEndMs !== null
        ? `The trial ended on ${dateText(state.trialEndMs)}; subscribe to go on making calls.`
        : 'The subscription has expired; renew it to make calls.';
    case 'trial':
    case 'active':
      return 'The subscription may make calls.';
    default:
      return status satisfies never;
  }
}

/** What makes calls possible again, as `actions[]` of a refusal names it. */
export function wayBack(
  state: StoredState | null,
  atMs: number,
): 'subscribe' | 'pay' | 'resume' | 'reactivate' {
  if (state === null) return 'subscribe';
  const { status } = standingAt(state, atMs);
  if (status === 'past_due') return 'pay';
  if (status === 'paused') return 'resume';
  return status === 'expired' && state.status === 'trial' ? 'subscribe' : 'reactivate';
}
