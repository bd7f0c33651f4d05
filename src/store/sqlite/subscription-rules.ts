/**
 * Which changes of a subscription contradict its state, and the state that the others lead to.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { SubscriptionStatus } from '../../contracts/metering.ts';
import type { SubscriptionPatch } from '../../metering/ports.ts';
import { onTrial, statusAt } from './subscription-view.ts';
import type { Subscription } from './subscriptions.ts';

function refuse(message: string, param: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** What a change of state writes; the moments that mean nothing in the new state are null. */
interface StateRow {
  readonly status: SubscriptionStatus;
  readonly trialEndMs: number | null;
  readonly graceUntilMs: number | null;
  readonly cancelAtMs: number | null;
}

/** True where a trial that still had time left is over by a payment: the paid periods begin now, not at its end. */
export function endsTrial(before: Subscription, nowMs: number): boolean {
  const { status, trialEndMs } = before;
  return (status === 'trial' || status === 'paused') && trialEndMs !== null && trialEndMs > nowMs;
}

/** The state that a change leads to. */
export function stateAfter(
  before: Subscription,
  patch: SubscriptionPatch & { readonly status: SubscriptionStatus },
  nowMs: number,
): StateRow {
  const { status } = patch;
  // A cancellation that has taken effect is over with any new state; one that is to come is called off by "active".
  const pending = before.cancelAtMs !== null && before.cancelAtMs > nowMs;
  const cancelAtMs = pending && status !== 'active' ? before.cancelAtMs : null;
  const keepsTrial = status !== 'active' && status !== 'past_due';
  const row = {
    status,
    trialEndMs: keepsTrial ? before.trialEndMs : null,
    graceUntilMs: null,
    cancelAtMs,
  };
  switch (status) {
    case 'trial':
      return { ...row, trialEndMs: patch.trialEndMs ?? before.trialEndMs };
    case 'past_due':
      return {
        ...row,
        graceUntilMs: before.status === 'past_due' ? before.graceUntilMs : null,
      };
    case 'cancelled':
      return { ...row, cancelAtMs: nowMs };
    case 'expired':
      return { ...row, cancelAtMs: null };
    case 'active':
    case 'paused':
      return row;
    default:
      return status satisfies never;
  }
}

function checkStatus(before: Subscription, patch: SubscriptionPatch, nowMs: number): void {
  const { status, at } = patch;
  if (status === undefined) return;
  if (at === 'period_end' && status !== 'cancelled') {
    if (status === 'active' && onTrial(before, nowMs)) return;
    throw refuse(
      'Only "cancelled", and "active" during a trial, can be set for the end of the period.',
      'at',
    );
  }
  if (status !== 'trial') return;
  const endMs = patch.trialEndMs ?? before.trialEndMs;
  if (endMs === null || endMs <= nowMs) {
    throw refuse('A trial needs an end that is to come: name "trial_end".', 'trial_end');
  }
}

/**
 * @throws GatewayError `invalid_request` naming the member that contradicts the state or another, `conflict` where a
 *   cancellation has taken effect
 */
export function checkPatch(before: Subscription, patch: SubscriptionPatch, nowMs: number): void {
  checkStatus(before, patch, nowMs);
  const { cancelAtMs, graceUntilMs, trialEndMs, status } = patch;
  const standing = statusAt(before, nowMs);
  const after = patch.at === 'now' ? (status ?? standing) : standing;
  if (trialEndMs !== undefined && after !== 'trial') {
    throw refuse(
      `Only a trial has an end of the trial; the subscription is ${after}. Set "status" to "trial" to begin one.`,
      'trial_end',
    );
  }
  if (trialEndMs !== undefined && trialEndMs <= nowMs) {
    throw refuse(
      'The end of the trial must be to come; set "status" to "active" or "expired" to end it now.',
      'trial_end',
    );
  }
  if (graceUntilMs !== undefined && after !== 'past_due') {
    throw refuse(
      `Grace is given to a subscription that is past_due; this one is ${after}.`,
      'grace_until',
    );
  }
  if (cancelAtMs === undefined) return;
  if (cancelAtMs !== null && cancelAtMs <= nowMs) {
    throw refuse(
      'The time of a cancellation must be to come; set "status" to "cancelled" to end it now.',
      'cancel_at',
    );
  }
  if (status === undefined && standing === 'cancelled') {
    throw new GatewayError('conflict', {
      message: 'The cancellation has taken effect; set "status" to "active" to reactivate.',
      param: 'cancel_at',
    });
  }
}
