/**
 * Who lives in the simulation: plans, customers and keys that every run starts with.
 *
 * @module
 */
import { join } from 'node:path';
import type { LimitInput, PlanInput } from '../../src/contracts/metering.ts';
import { type InProcessStore, openInProcessStore } from './in-process-store.ts';
import { createChance } from './random.ts';

export const START_MS = Date.UTC(2026, 0, 31, 9, 30);

const SMALL: PlanInput = {
  id: 'small',
  name: 'Small',
  limits: [
    { meter: 'cost_usd', window: 'period', amount: '0.300000000' },
    {
      meter: 'cost_usd',
      window: 'day',
      amount: '0.150000000',
      on_breach: 'overage',
      overage_cap: '0.05',
    },
    { meter: 'requests', window: 'concurrent', amount: 4 },
    { meter: 'requests', window: 'minute', amount: 20 },
    { meter: 'output_tokens', window: 'rolling:5h', amount: 2_000, on_breach: 'soft' },
  ],
};

/** Calls are paid out of credits alone. */
const PREPAID: PlanInput = {
  id: 'prepaid',
  max_quote_ttl_s: 86_400,
  name: 'Prepaid',
  funding: 'wallet',
  limits: [{ meter: 'requests', window: 'concurrent', amount: 5 }],
};

/** What a period leaves goes over into the next; beyond it credits pay. */
const SAVER: PlanInput = {
  id: 'saver',
  max_quote_ttl_s: 86_400,
  name: 'Saver',
  funding: 'plan_then_wallet',
  limits: [
    { meter: 'cost_usd', window: 'period', amount: '0.060000000', rollover_max: '0.02' },
    { meter: 'requests', window: 'day', amount: 30, rollover_max: 5 },
    { id: 'team', meter: 'requests', window: 'day', amount: 25, scope: 'tag:team' },
  ],
};

export const DEPLOYMENT_LIMITS: readonly LimitInput[] = [
  { id: 'all', meter: 'requests', window: 'hour', amount: 60, scope: 'deployment' },
  { id: 'one', meter: 'cost_usd', window: 'day', amount: '0.6', scope: 'provider:openai' },
] as readonly LimitInput[];

/** Limits of a key, before and after the operator has changed them. */
export const KEY_LIMITS: readonly (readonly LimitInput[])[] = [
  [{ meter: 'requests', window: 'day', amount: 20 }],
  [
    { meter: 'requests', window: 'day', amount: 8 },
    { meter: 'cost_usd', window: 'lifetime', amount: '0.2' },
  ],
  [],
];

/** External ids; the first is the first start's own. */
export const PEOPLE = ['default', 'payer', 'saver'] as const;

export const KEYS = ['key_1', 'key_2'] as const;

async function settle(store: InProcessStore): Promise<void> {
  const { directory, limitBook } = store;
  for (const plan of [SMALL, PREPAID, SAVER]) await directory.createPlan(plan);
  for (const [externalId, timezone] of [
    ['payer', 'America/New_York'],
    ['saver', 'Australia/Lord_Howe'],
  ] as const) {
    await directory.createCustomer({
      externalId,
      name: null,
      planId: externalId === 'payer' ? 'prepaid' : 'saver',
      trialDays: null,
      cadence: 'month',
      timezone,
      anchorLocal: null,
    });
  }
  const own = await directory.customer('default');
  await directory.patchSubscription(own?.customer.id ?? '', {
    planId: 'small',
    at: 'now',
    mode: 'keep_used',
  });
  for (const [index, id] of KEYS.entries()) {
    await directory.createKey({
      id,
      type: 'service',
      name: id,
      hash: String(index).repeat(64),
      prefix: 'agk_1',
      last4: 'abcd',
      customerId: null,
      defaultCustomerId: null,
      scopes: null,
      limits: [],
      createdAtMs: START_MS,
      expiresAtMs: null,
      revokedAtMs: null,
    });
  }
  await limitBook.setKeyLimits('key_1', KEY_LIMITS[0] ?? []);
}

/** A data folder with all of them, from which every run starts. */
export async function makeTemplate(folder: string): Promise<string> {
  const template = join(folder, 'template');
  const random = createChance(1);
  const store = openInProcessStore({
    dataDir: template,
    clock: { nowMs: START_MS },
    deploymentLimits: DEPLOYMENT_LIMITS,
    randomFill: (target) => {
      random.fill(target);
    },
  });
  await settle(store);
  store.stop();
  return template;
}
