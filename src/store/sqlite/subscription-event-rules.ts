/**
 * What an event of a payment system changes, given when each thing was last set.
 *
 * An event sets up to three things: the state, the plan, the cancellation. Each counts by its own clock, so that a
 * change of plan that arrives after a newer renewal is still made, and a renewal that arrives after a newer
 * cancellation undoes nothing. Whatever order events arrive in, the newest word on each thing stands.
 *
 * @module
 */
import type { SubscriptionStatus } from '../../contracts/metering.ts';
import type { SubscriptionPatch } from '../../metering/ports.ts';
import type { SubscriptionEvent } from '../../metering/subscription-port.ts';
import { onTrial, statusAt } from './subscription-view.ts';
import { periodOf, type Subscription } from './subscriptions.ts';

/** What an event can set. */
export type Aspect = 'state' | 'plan' | 'cancellation';

/** When a thing was last set. */
export interface AspectClock {
  readonly occurredAtMs: number;
  readonly sequence: number;
  /** The payment system's subscription that set it; null: none was named. */
  readonly reference: string | null;
}

export type AspectClocks = Readonly<Partial<Record<Aspect, AspectClock>>>;

const DAY_MS = 86_400_000;

/** A payment may arrive this long after a trial's end and still count from there. */
const TRIAL_SETTLING_MS = DAY_MS;

/** The state that an event tells of; null where it tells of none. */
function toldState(event: SubscriptionEvent, before: Subscription): SubscriptionStatus | null {
  switch (event.type) {
    case 'subscription.created':
      return event.trialEndMs === undefined ? 'active' : 'trial';
    case 'subscription.trial_started':
      return 'trial';
    case 'subscription.activated':
    case 'subscription.renewed':
      return 'active';
    case 'subscription.resumed':
      // What was interrupted goes on; the rules say whether the trial still has time left.
      return before.status === 'paused' && before.trialEndMs !== null ? 'trial' : 'active';
    case 'subscription.past_due':
      return 'past_due';
    case 'subscription.paused':
      return 'paused';
    case 'subscription.expired':
      return 'expired';
    case 'subscription.cancelled':
      return event.at === 'period_end' || typeof event.cancelAtMs === 'number' ? null : 'cancelled';
    case 'subscription.plan_changed':
    case 'subscription.cancellation_revoked':
    case 'customer.linked':
      return null;
    default:
      return event.type satisfies never;
  }
}

function setsCancellation(event: SubscriptionEvent): boolean {
  return (
    event.cancelAtMs !== undefined ||
    event.type === 'subscription.cancelled' ||
    event.type === 'subscription.cancellation_revoked'
  );
}

/** Where an event stands in time. Of two of one moment the one that ends the subscription is the later. */
export function clockOf(event: SubscriptionEvent): AspectClock {
  const ends = event.type === 'subscription.cancelled' || event.type === 'subscription.expired';
  return {
    occurredAtMs: event.occurredAtMs,
    sequence: event.sequence * 2 + (ends ? 1 : 0),
    reference: event.reference,
  };
}

function isOlder(one: AspectClock, other: AspectClock | undefined): boolean {
  if (other === undefined) return false;
  if (one.occurredAtMs !== other.occurredAtMs) return one.occurredAtMs < other.occurredAtMs;
  return one.sequence < other.sequence;
}

/** Events by which another subscription of the payer takes the place of the one before. */
const TAKES_OVER: ReadonlySet<SubscriptionEvent['type']> = new Set([
  'subscription.created',
  'subscription.trial_started',
  'subscription.activated',
]);

/** True for an event of a subscription that another one of the payer has taken the place of. */
export function isReplaced(event: SubscriptionEvent, clocks: AspectClocks): boolean {
  const current = clocks.state?.reference ?? null;
  const { reference, type } = event;
  if (current === null || reference === null || TAKES_OVER.has(type)) return false;
  return current !== reference;
}

/** What an event sets, apart from what a newer one has set already. */
export function aspectsOf(
  event: SubscriptionEvent,
  before: Subscription,
  clocks: AspectClocks,
): { readonly fresh: readonly Aspect[]; readonly stale: readonly Aspect[] } {
  const told: Aspect[] = [];
  if (toldState(event, before) !== null) told.push('state');
  if (event.planId !== undefined) told.push('plan');
  if (setsCancellation(event)) told.push('cancellation');
  const clock = clockOf(event);
  return {
    fresh: told.filter((aspect) => !isOlder(clock, clocks[aspect])),
    stale: told.filter((aspect) => isOlder(clock, clocks[aspect])),
  };
}

/** An event and what it meets. */
export interface Occasion {
  readonly event: SubscriptionEvent;
  readonly before: Subscription;
  readonly currentPlanId: string;
  readonly nowMs: number;
}

/** What a step asks for; empty where all is as told already. */
type Change = Partial<SubscriptionPatch>;

function toActive({ event, before, nowMs }: Occasion): Change {
  const standing = statusAt(before, nowMs);
  if (standing === 'active') return {};
  const lapsedTrial = before.status === 'trial' && standing === 'expired';
  const settling = lapsedTrial && nowMs - (before.trialEndMs ?? 0) <= TRIAL_SETTLING_MS;
  const ended = (standing === 'cancelled' || standing === 'expired') && !settling;
  // What had ended begins anew; an interruption that is over goes on in its period.
  const begins = ended || (event.type === 'subscription.created' && standing !== 'trial');
  return { status: 'active', ...(begins ? { mode: 'restart' } : {}) };
}

function toTrial({ event, before, nowMs }: Occasion): Change {
  const endMs = event.trialEndMs ?? before.trialEndMs;
  // An event may tell of a trial that is over by now.
  if (endMs === null || endMs <= nowMs) {
    return { status: event.type === 'subscription.resumed' ? 'active' : 'expired' };
  }
  if (onTrial(before, nowMs)) return endMs === before.trialEndMs ? {} : { trialEndMs: endMs };
  return { status: 'trial', trialEndMs: endMs };
}

/** A cancellation that is to come has a clock of its own: no other state touches it. */
function stateStep(occasion: Occasion, fresh: readonly Aspect[]): Change {
  const { event, before, nowMs } = occasion;
  const { onlyFrom } = event;
  if (onlyFrom !== null && !onlyFrom.includes(statusAt(before, nowMs))) return {};
  const change = toldChange(occasion);
  const pending = before.cancelAtMs !== null && before.cancelAtMs > nowMs;
  const stands = change.status !== 'cancelled' || !fresh.includes('cancellation');
  if (!pending || change.status === undefined || !stands) return change;
  return { ...change, cancelAtMs: before.cancelAtMs };
}

function toldChange(occasion: Occasion): Change {
  const { event, before, nowMs } = occasion;
  const state = toldState(event, before);
  switch (state) {
    case null:
      return {};
    case 'active':
      return toActive(occasion);
    case 'trial':
      return toTrial(occasion);
    case 'past_due': {
      const { graceUntilMs } = event;
      const runs = event.graceStands && statusAt(before, nowMs) === 'past_due';
      if (runs && before.graceUntilMs !== null && graceUntilMs !== null) return {};
      return { status: state, ...(graceUntilMs === undefined ? {} : { graceUntilMs }) };
    }
    case 'cancelled':
    case 'expired':
    case 'paused':
      return statusAt(before, nowMs) === state ? {} : { status: state };
    default:
      return state satisfies never;
  }
}

function conversionStep({ event, before, nowMs }: Occasion): Change {
  const { type } = event;
  const begins = type === 'subscription.created' || type === 'subscription.trial_started';
  if (!event.trialConverts || !begins || !onTrial(before, nowMs)) return {};
  return before.afterTrial === 'activate' ? {} : { status: 'active', at: 'period_end' };
}

function planStep({ event, before, currentPlanId, nowMs }: Occasion): Change {
  const { planId, at, mode } = event;
  if (planId === undefined) return {};
  const scheduled = before.phases.some((phase) => phase.fromMs > nowMs);
  const isNews = event.type === 'subscription.plan_changed' && scheduled;
  if (planId === currentPlanId && !isNews) return {};
  if (at === 'period_end') return { planId, at };
  if (event.type !== 'subscription.created' || onTrial(before, nowMs)) return { planId, mode };
  const begunNow = periodOf(before, nowMs).startMs >= nowMs;
  return { planId, mode: begunNow ? 'keep_used' : 'restart' };
}

function shapeStep({ event, before }: Occasion): Change {
  const { cadence, timezone, anchorLocal } = event;
  return {
    ...(cadence === undefined || cadence === before.cadence ? {} : { cadence }),
    ...(timezone === undefined || timezone === before.timezone ? {} : { timezone }),
    ...(anchorLocal === undefined || anchorLocal === before.anchorLocal ? {} : { anchorLocal }),
  };
}

/** The state that lies beneath a cancellation that has taken effect. */
function stateBeneath(before: Subscription, nowMs: number): SubscriptionStatus {
  const lapsed = before.status === 'trial' && (before.trialEndMs ?? 0) <= nowMs;
  return lapsed ? 'expired' : before.status;
}

function cancellationStep({ event, before, nowMs }: Occasion): Change {
  const { cancelAtMs, at, type } = event;
  const standing = statusAt(before, nowMs);
  const pending = before.cancelAtMs !== null && before.cancelAtMs > nowMs;
  if (typeof cancelAtMs === 'number') {
    if (cancelAtMs <= nowMs) return standing === 'cancelled' ? {} : { status: 'cancelled' };
    // Put off before it came, though told of afterwards: until then the state beneath it counts.
    return standing === 'cancelled'
      ? { status: stateBeneath(before, nowMs), cancelAtMs }
      : { cancelAtMs };
  }
  if (type === 'subscription.cancelled') {
    if (standing === 'cancelled') return pending ? { status: 'cancelled' } : {};
    // An end at once that a newer state has overtaken still leaves nothing to come.
    return at === 'period_end' ? { status: 'cancelled', at } : { cancelAtMs: null };
  }
  if (standing !== 'cancelled') return before.cancelAtMs === null ? {} : { cancelAtMs: null };
  return before.status === 'cancelled' && !pending ? {} : { status: stateBeneath(before, nowMs) };
}

type Step = (occasion: Occasion, fresh: readonly Aspect[]) => Change;

const STEPS: readonly (readonly [Aspect, Step])[] = [
  ['state', stateStep],
  ['plan', planStep],
  ['state', shapeStep],
  ['state', conversionStep],
  ['cancellation', cancellationStep],
];

/**
 * What the fresh parts of an event ask for, step by step, each of which the control plane could have been asked for.
 *
 * @param meet what the next step meets: the subscription as the steps before left it
 */
export function* changesOf(
  fresh: readonly Aspect[],
  meet: () => Occasion,
): Generator<SubscriptionPatch> {
  for (const [aspect, step] of STEPS) {
    if (!fresh.includes(aspect)) continue;
    const change = step(meet(), fresh);
    if (Object.keys(change).length > 0) yield { at: 'now', mode: 'keep_used', ...change };
  }
}
