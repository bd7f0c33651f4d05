/**
 * What a customer is charged by: the provider's price, or what a rule of the operator makes of it.
 *
 * @module
 */
import { holdsAt, type PriceItem } from '../catalog/price-item.ts';
import { STANDARD_TIER } from '../catalog/service-tier.ts';
import { ruledItem, type PriceRule } from '../catalog/price-rules.ts';
import { compileGlob } from '../metering/core/glob.ts';
import type { Caller } from './caller.ts';
import type { Gateway } from './gateway.ts';

interface Compiled {
  readonly rule: PriceRule;
  readonly matches: (item: PriceItem) => boolean;
}

function nameOf({ provider, model }: Pick<PriceItem, 'provider' | 'model'>): string {
  return `${provider}/${model}`;
}

function compiled(rule: PriceRule): Compiled {
  const { price, match } = rule.rule;
  if (price === undefined) {
    const glob = compileGlob(match ?? '*');
    return { rule, matches: (item) => glob(nameOf(item)) };
  }
  const serviceTier = price.service_tier ?? STANDARD_TIER;
  const name = nameOf(price);
  return {
    rule,
    // A price of one's own is of the service tier that it names, as in the price book.
    matches: (item) => item.serviceTier === serviceTier && nameOf(item) === name,
  };
}

/** Who pays: what rules are for. */
export type Payer = Pick<Caller, 'customer' | 'planId'>;

const EVERYONE = '';

/** Whom a rule is for. Ids of customers have no colon. */
function groupOf({ customerId, rule }: PriceRule): string {
  if (customerId !== null) return customerId;
  return rule.plan === undefined ? EVERYONE : `plan:${rule.plan}`;
}

/** Rules by whom they are for, as the gateway works with them. Replaced whole when one is made or retired. */
export class PriceRules {
  #byGroup: ReadonlyMap<string, readonly Compiled[]> = new Map();
  #items = new Map<string, PriceItem>();

  /** True while nothing has to be looked up: the usual case costs a call one comparison. */
  isEmpty = true;

  /** True while some rule is for a plan: the plan of a caller must be known then. */
  isByPlan = false;

  /** Rules in force, oldest first: of two that fit, the later wins. */
  replace(rules: readonly PriceRule[]): void {
    this.#byGroup = Map.groupBy(rules.map(compiled), ({ rule }) => groupOf(rule));
    this.#items = new Map();
    this.isEmpty = rules.length === 0;
    this.isByPlan = rules.some(({ rule }) => rule.plan !== undefined);
  }

  /** What is charged where the provider's price is `base`, or null: unpriced. */
  charged(payer: Payer, base: PriceItem | null, atMs: number): PriceItem | null {
    return base === null || this.isEmpty ? base : this.priceFor(payer, base, atMs);
  }

  /** What is charged: by the customer's own rule, else one of its plan, else one for everyone, else the provider's price. */
  priceFor({ customer, planId }: Payer, base: PriceItem, atMs: number): PriceItem {
    const groups =
      planId === null ? [customer.id, EVERYONE] : [customer.id, `plan:${planId}`, EVERYONE];
    for (const group of groups) {
      const found = this.#byGroup.get(group)?.findLast(({ matches }) => matches(base));
      if (found === undefined) continue;
      const key = `${base.id}%${found.rule.id}`;
      const item = this.#items.get(key) ?? ruledItem(base, found.rule);
      this.#items.set(key, item);
      // A price of one's own may have dates of its own.
      if (holdsAt(item, atMs)) return item;
    }
    return base;
  }
}

/** The caller with its plan, where a rule is for one; as it is otherwise. */
export async function withPlan(
  gateway: Pick<Gateway, 'priceRules' | 'store'>,
  caller: Caller,
): Promise<Caller> {
  if (!gateway.priceRules.isByPlan) return caller;
  const account = await gateway.store.directory.customer(caller.customer.id);
  return { ...caller, planId: account?.plan.id ?? null };
}

/** The price that a customer is charged by, or null: unpriced. */
export function chargedPrice(
  gateway: Pick<Gateway, 'catalog' | 'priceRules'>,
  payer: Payer,
  of: { readonly provider: string; readonly model: string; readonly atMs: number },
): PriceItem | null {
  return gateway.priceRules.charged(
    payer,
    gateway.catalog.priceOf(of.provider, of.model, of.atMs),
    of.atMs,
  );
}

/** The prices that a customer is charged by in each service tier, the standard first; empty: unpriced. */
export function chargedTierPrices(
  gateway: Pick<Gateway, 'catalog' | 'priceRules'>,
  payer: Payer,
  of: { readonly provider: string; readonly model: string; readonly atMs: number },
): readonly PriceItem[] {
  const bases = gateway.catalog.tierPricesOf(of.provider, of.model, of.atMs);
  if (gateway.priceRules.isEmpty) return bases;
  return bases.map((base) => gateway.priceRules.priceFor(payer, base, of.atMs));
}
