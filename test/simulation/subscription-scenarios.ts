/**
 * Scenarios of payment systems' events: new, the same again, older ones, failed ones.
 *
 * @module
 */
import type {
  SubscriptionEvent,
  SubscriptionEventType,
} from '../../src/metering/subscription-port.ts';
import type { Scenario, Step } from './crash-points.ts';
import { DAY_MS, reserve, restart, round, settle, wait } from './scenario-steps.ts';

const START_MS = Date.UTC(2026, 0, 31, 9, 30);
const HOUR_MS = 3_600_000;

/** Tells of what happened `hours` after the start; null names the first start's customer. */
const tell =
  (
    id: string,
    type: string,
    { hours = 0, customer = null, ...more }: Partial<SubscriptionEvent> & { hours?: number } = {},
  ): Step =>
  ({ store, customerId }) =>
    store.subscriptions.recordEvent({
      source: 'api',
      id,
      type: type as SubscriptionEventType,
      occurredAtMs: START_MS + hours * HOUR_MS,
      sequence: 0,
      customer: customer ?? customerId,
      payer: null,
      reference: null,
      onlyFrom: null,
      graceStands: false,
      unknownCustomer: 'refuse',
      name: null,
      at: 'now',
      mode: 'keep_used',
      trialConverts: false,
      fingerprint: `event ${id}`,
      body: '{}',
      ...more,
    });

const HOURS_OF_MARCH = 29 * 24;

export const SUBSCRIPTION_SCENARIOS: readonly Scenario[] = [
  {
    name: 'events change a subscription under a call; the same again, and an older one, do not',
    steps: [
      tell('e1', 'subscription.activated', { hours: 1, planId: 'basic' }),
      reserve('a'),
      tell('e2', 'subscription.plan_changed', { hours: 5, planId: 'pro', mode: 'restart' }),
      tell('e2', 'subscription.plan_changed', { hours: 5, planId: 'pro', mode: 'restart' }),
      tell('e2', 'subscription.plan_changed', { planId: 'basic', fingerprint: 'another event' }),
      tell('e3', 'subscription.past_due', { hours: 0 }),
      settle('a'),
      restart,
      tell('e3', 'subscription.past_due', { hours: 0 }),
      reserve('b'),
      settle('b'),
    ],
  },
  {
    name: 'an event makes a customer, one fails until there is one',
    steps: [
      tell('e1', 'subscription.renewed', { customer: 'new-1' }),
      tell('e2', 'subscription.created', {
        customer: 'new-1',
        payer: 'payer-1',
        planId: 'basic',
        unknownCustomer: 'create',
        trialEndMs: START_MS + DAY_MS,
        trialConverts: true,
      }),
      tell('e1', 'subscription.renewed', { customer: 'new-1', hours: 1 }),
      wait(2 * DAY_MS),
      tell('e3', 'customer.linked', { customer: 'new-1', payer: 'payer-2', hours: 30 }),
    ],
  },
  {
    name: 'a subscription lapses, is cancelled and comes back',
    steps: [
      tell('e1', 'subscription.past_due', { hours: 1, graceUntilMs: START_MS + DAY_MS }),
      reserve('a'),
      wait(2 * DAY_MS),
      round,
      reserve('refused'),
      settle('a'),
      tell('e2', 'subscription.cancelled', { hours: 49, at: 'period_end' }),
      tell('e3', 'subscription.renewed', { hours: 50 }),
      tell('e4', 'subscription.cancellation_revoked', { hours: 51 }),
      wait(29 * DAY_MS),
      round,
      tell('e5', 'subscription.activated', { hours: HOURS_OF_MARCH, planId: 'basic' }),
      reserve('b'),
      settle('b'),
    ],
  },
];
