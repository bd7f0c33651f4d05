/**
 * Plans, prices and subscriptions in ALwrity's shapes.
 *
 * @module
 */
import { z } from 'zod';
import { holdsAt, type PriceItem } from '../../catalog/price-item.ts';
import type { SubscriptionStatus } from '../../contracts/metering.ts';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { PlanRecord } from '../../metering/ports.ts';
import { invalidRequest } from '../validation.ts';
import { accountOf, type UserAccount } from './account.ts';
import { showPlanLimits } from './limit-fields.ts';
import { readQuery } from './query.ts';
import type { plansSchema, pricingSchema, statusSchema, subscriptionSchema } from './shapes.ts';

function priceOf(plan: PlanRecord, cycle: 'month' | 'year'): number | null {
  const text = plan.plan.price_usd?.[cycle];
  return text === undefined ? null : Number(text);
}

function showPlan(record: PlanRecord) {
  return {
    id: record.id,
    name: record.plan.name,
    tier: record.id,
    price_monthly: priceOf(record, 'month'),
    price_yearly: priceOf(record, 'year'),
    description: null,
  };
}

/** `GET plans`: cheapest first, those without a price last. */
export async function answerPlans(
  gateway: Gateway,
  exchange: Exchange,
): Promise<z.input<typeof plansSchema>> {
  await accountOf(gateway, exchange, null);
  const records = await gateway.store.directory.plans();
  const price = (plan: PlanRecord): number => priceOf(plan, 'month') ?? Number.MAX_VALUE;
  const plans = records
    .toSorted((one, other) => price(one) - price(other))
    .map((record) => ({
      ...showPlan(record),
      features: [...(record.plan.features ?? [])],
      limits: showPlanLimits(record.plan),
    }));
  return { plans, total: plans.length };
}

/** Rates are nano-USD per million units. */
function perUnit(nanoUsdPerMillion: number): number {
  return nanoUsdPerMillion / 1e15;
}

function showPrice(item: PriceItem): z.input<typeof pricingSchema>['pricing'][number] {
  const [{ rates }] = item.tiers;
  const image = item.media?.rates.find(({ unit }) => unit === 'images');
  return {
    provider: item.provider,
    model_name: item.model,
    cost_per_input_token: perUnit(rates.input_text_tokens),
    cost_per_output_token: perUnit(rates.output_text_tokens),
    cost_per_request: perUnit(rates.requests),
    cost_per_search: perUnit(rates.web_searches),
    cost_per_image: image === undefined ? 0 : perUnit(image.nanoUsdPerMillion),
    cost_per_page: 0,
    description: item.source,
    effective_date:
      item.effectiveFromMs === null ? null : new Date(item.effectiveFromMs).toISOString(),
  };
}

const pricingQuery = z.object({ provider: z.string().max(100).optional() });
/** Names of the original for providers that have others here. */
export const PROVIDER_ALIASES: Readonly<Record<string, string>> = {
  mistral: 'huggingface',
  google: 'gemini',
};

/** `GET pricing`: prices in force now, of the providers that are set up, or of the one that is named. */
export async function answerPricing(
  gateway: Gateway,
  exchange: Exchange,
): Promise<z.input<typeof pricingSchema>> {
  const { caller } = await accountOf(gateway, exchange, null);
  const { priceBook } = gateway.catalog;
  const asked = readQuery(exchange, pricingQuery).provider?.toLowerCase();
  const name = asked === undefined ? undefined : (PROVIDER_ALIASES[asked] ?? asked);
  if (name !== undefined && !priceBook.providers.includes(name) && !gateway.providers.has(name)) {
    throw invalidRequest('provider', `"${name.slice(0, 100)}" has no prices here.`);
  }
  const nowMs = gateway.clock.nowMs();
  const pricing = priceBook.items
    .filter(
      (item) =>
        holdsAt(item, nowMs) &&
        (name === undefined ? gateway.providers.has(item.provider) : item.provider === name),
    )
    .map((item) =>
      showPrice(
        gateway.priceRules.isEmpty ? item : gateway.priceRules.priceFor(caller, item, nowMs),
      ),
    );
  return { pricing, total: pricing.length };
}

/** The original's words for states. */
const STATUS_WORDS: Readonly<Record<SubscriptionStatus, string>> = {
  trial: 'active',
  active: 'active',
  past_due: 'past_due',
  paused: 'suspended',
  cancelled: 'cancelled',
  expired: 'cancelled',
};

/** `GET user/{user}/subscription`. */
export async function answerSubscription(
  gateway: Gateway,
  exchange: Exchange,
  user: string,
): Promise<z.input<typeof subscriptionSchema>> {
  const { subscription, plan, customer } = await accountOf(gateway, exchange, user);
  return {
    subscription: {
      id: subscription.id,
      billing_cycle: subscription.cadence === 'year' ? 'yearly' : 'monthly',
      current_period_start: new Date(subscription.period.startMs).toISOString(),
      current_period_end: new Date(subscription.period.endMs).toISOString(),
      status: STATUS_WORDS[subscription.status],
      auto_renew: subscription.cancelAtMs === null,
      created_at: new Date(customer.createdAtMs).toISOString(),
    },
    plan: { ...showPlan(plan), is_free: (priceOf(plan, 'month') ?? 0) === 0 },
    limits: showPlanLimits(plan.plan),
  };
}

/** Why nobody may call; null where somebody may. */
function reasonOf({ subscription }: UserAccount, nowMs: number): string | null {
  switch (subscription.status) {
    case 'trial':
    case 'active':
      return null;
    case 'past_due':
      return subscription.graceUntilMs !== null && nowMs < subscription.graceUntilMs
        ? null
        : 'Subscription unpaid';
    case 'paused':
      return 'Subscription paused';
    case 'cancelled':
      return 'Subscription cancelled';
    case 'expired':
      return 'Subscription expired';
    default:
      return subscription.status satisfies never;
  }
}

/** `GET status/{user}`. */
export async function answerStatus(
  gateway: Gateway,
  exchange: Exchange,
  user: string,
): Promise<z.input<typeof statusSchema>> {
  const account = await accountOf(gateway, exchange, user);
  const reason = reasonOf(account, gateway.clock.nowMs());
  const common = { plan: account.plan.id, tier: account.plan.id };
  return reason === null
    ? { active: true, ...common, can_use_api: true, limits: showPlanLimits(account.plan.plan) }
    : { active: false, ...common, can_use_api: false, reason };
}
