/**
 * Scenarios of alerts and their way out: thresholds, recovery, deliveries that fail and succeed.
 *
 * @module
 */
import type { AttemptResult, WebhookRecord } from '../../src/metering/alerts-port.ts';
import type { Scenario, ScenarioWorld, Step } from './crash-points.ts';
import { createPlan, DAY_MS, onPlan, plan, reserve, restart, settle } from './scenario-steps.ts';

const CENT = 10_000_000n;

const webhook = (nowMs: number): WebhookRecord => ({
  id: 'wh_1',
  url: 'https://example.test/hook',
  description: null,
  kinds: null,
  customerIds: null,
  secrets: [{ sealed: 'sealed', createdAtMs: nowMs, expiresAtMs: null }],
  createdAtMs: nowMs,
  disabledAtMs: null,
  disabledReason: null,
});

export const createWebhook: Step = ({ store, clock }) =>
  store.alerting.webhooks.create(webhook(clock.nowMs));

const claimOf = ({ store, clock }: ScenarioWorld) =>
  store.alerting.outbox.claim({ nowMs: clock.nowMs, perDestination: 10, fixed: [] });

/** Makes the deliveries. */
export const route: Step = (world) => claimOf(world);

/** Ends the first delivery that is due; its only commit, where the deliveries are made already. */
export const attempt =
  (next: AttemptResult['next'], disable: string | null = null): Step =>
  async (world) => {
    const { due } = await claimOf(world);
    const [first] = due;
    if (first === undefined) return;
    await world.store.alerting.outbox.record({
      eventId: first.event.id,
      destination: first.destination,
      startedAtMs: world.clock.nowMs,
      durationMs: 5,
      status: next === 'delivered' ? 200 : 500,
      error: null,
      reply: null,
      next,
      disable,
    });
  };

const acknowledgeFirst: Step = async ({ store, clock }) => {
  const nowMs = clock.nowMs;
  const query = { customerId: null, kind: null, state: null, nowMs, limit: 1, cursor: null };
  const [first] = (await store.alerting.alerts.list(query)).data;
  if (first !== undefined) await store.alerting.alerts.acknowledge(first.id, nowMs);
};

const raise: Step = ({ store, clock }) =>
  store.alerting.alerts.raise({
    kind: 'operator',
    severity: 'warning',
    customerId: null,
    key: 'operator:one',
    atMs: clock.nowMs,
    endsAtMs: null,
    data: { problem: 'key_rejected', provider: 'openai', detail: 'the key was refused' },
  });

const recover: Step = ({ store, clock }) =>
  store.alerting.alerts.recover({
    customerId: null,
    keys: ['operator:one'],
    standing: null,
    thresholds: [],
    atMs: clock.nowMs,
  });

export const ALERT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'thresholds are passed, told, and recover with more',
    steps: [
      createPlan(plan('small', '0.02')),
      onPlan('small', 'keep_used'),
      createWebhook,
      reserve('a', CENT),
      reserve('b', CENT),
      settle('a', CENT),
      route,
      attempt({ retryAtMs: 0 }),
      attempt('delivered'),
      settle('b', CENT),
      route,
      restart,
      attempt('delivered'),
      onPlan('pro', 'keep_used'),
      route,
      acknowledgeFirst,
      attempt('dead'),
      ({ store, clock }) =>
        store.alerting.outbox.redeliver({
          destination: 'wh_1',
          eventId: null,
          nowMs: clock.nowMs,
        }),
    ],
  },
  {
    name: 'an alert of the operator stands once, recovers, and old rows are dropped',
    steps: [
      createWebhook,
      raise,
      raise,
      route,
      attempt('delivered', 'the receiver has gone'),
      recover,
      raise,
      ({ store, clock }) => store.alerting.webhooks.remove('wh_1', clock.nowMs),
      ({ store, clock }) => {
        clock.nowMs += 100 * DAY_MS;
        return store.alerting.alerts.prune({
          deliveriesMs: clock.nowMs - DAY_MS,
          alertsMs: clock.nowMs - DAY_MS,
        });
      },
    ],
  },
];
