/**
 * A subscription as the directory shows it at a moment.
 *
 * @module
 */
import { CADENCE_MONTHS, periodAt } from '../../metering/core/period.ts';
import { type StoredState, standingAt } from '../../metering/core/standing.ts';
import type { SubscriptionRecord } from '../../metering/ports.ts';
import type { ScheduledChange } from '../../metering/subscription-port.ts';
import {
  type Phase,
  phaseInForce,
  periodOf,
  type PlanVersion,
  type Subscription,
} from './subscriptions.ts';

/** The state as the engine judges it: a trial that turns into a paid subscription has no end of its own. */
export function stateOf(subscription: Subscription, atMs: number): StoredState {
  const { status, trialEndMs, graceUntilMs, cancelAtMs, afterTrial } = subscription;
  if (status !== 'trial' || afterTrial === 'expire') {
    return { status, trialEndMs, graceUntilMs, cancelAtMs };
  }
  const converted = trialEndMs !== null && trialEndMs <= atMs;
  return {
    status: converted ? 'active' : 'trial',
    trialEndMs: null,
    graceUntilMs,
    cancelAtMs,
  };
}

/** The state that counts at `atMs`. */
export function statusAt(subscription: Subscription, atMs: number): SubscriptionRecord['status'] {
  return standingAt(stateOf(subscription, atMs), atMs).status;
}

/** True while a trial runs. */
export function onTrial(
  subscription: Subscription,
  atMs: number,
): subscription is Subscription & { readonly trialEndMs: number } {
  const { trialEndMs } = subscription;
  return statusAt(subscription, atMs) === 'trial' && trialEndMs !== null && trialEndMs > atMs;
}

/** End of what is paid for at `atMs`: the trial, the year of a yearly subscription, else the period. */
export function termEndMs(subscription: Subscription, atMs: number): number {
  if (onTrial(subscription, atMs)) return subscription.trialEndMs;
  const periodEndMs = periodOf(subscription, atMs).endMs;
  if (subscription.cadence === 'month') return periodEndMs;
  const { anchorLocal, timezone } = subscription;
  const year = periodAt({ anchorLocal, timezone, months: CADENCE_MONTHS.year }, atMs);
  return Math.max(periodEndMs, year.endMs);
}

function scheduledChanges(subscription: Subscription, atMs: number): readonly ScheduledChange[] {
  const { cancelAtMs, afterTrial } = subscription;
  const changes: ScheduledChange[] = subscription.phases
    .filter((phase) => phase.fromMs > atMs)
    .map(({ planId, planVersion, fromMs }) => ({
      change: 'plan',
      planId,
      planVersion,
      atMs: fromMs,
    }));
  if (onTrial(subscription, atMs)) {
    const change = afterTrial === 'activate' ? 'activate' : 'expire';
    changes.push({ change, atMs: subscription.trialEndMs });
  }
  const ended = ['cancelled', 'expired'].includes(statusAt(subscription, atMs));
  if (cancelAtMs !== null && cancelAtMs > atMs && !ended) {
    changes.push({ change: 'cancel', atMs: cancelAtMs });
  }
  return changes.toSorted((one, other) => one.atMs - other.atMs);
}

function phaseAt(subscription: Subscription, atMs: number): Phase | undefined {
  return subscription.phases.findLast((phase) => phase.fromMs <= atMs) ?? subscription.phases[0];
}

/** As the directory shows it. */
export function subscriptionRecord(
  subscription: Subscription,
  versions: ReadonlyMap<string, readonly PlanVersion[]>,
  atMs: number,
): SubscriptionRecord {
  const planId = phaseAt(subscription, atMs)?.planId ?? '';
  const inForce = phaseInForce(subscription, versions.get(planId) ?? [], atMs);
  const period = periodOf(subscription, atMs);
  return {
    id: subscription.id,
    customerId: subscription.customerId,
    status: statusAt(subscription, atMs),
    planId,
    planVersion: inForce?.version ?? 1,
    cadence: subscription.cadence,
    timezone: subscription.timezone,
    anchorLocal: subscription.anchorLocal,
    trialEndMs: subscription.trialEndMs,
    graceUntilMs: subscription.graceUntilMs,
    cancelAtMs: subscription.cancelAtMs,
    termEndMs: termEndMs(subscription, atMs),
    scheduled: scheduledChanges(subscription, atMs),
    period: { id: period.id, startMs: period.startMs, endMs: period.endMs },
    rev: subscription.rev,
  };
}
