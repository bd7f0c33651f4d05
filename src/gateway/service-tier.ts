/**
 * What a request costs that names a service tier: held by the dearest tier that it can end up in, settled by the one
 * that the reply names.
 *
 * @module
 */
import { costNanoUsd } from '../catalog/price.ts';
import type { PriceItem } from '../catalog/price-item.ts';
import { askedTierOf, STANDARD_TIER } from '../catalog/service-tier.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type { CandidateBound, ReserveCommand } from '../metering/ports.ts';

/**
 * Prices that a request can end up at; null where it is served as one that names no tier. `auto` is served as the
 * account is set, so any tier is possible. A named tier may be served as standard: providers do so where they are
 * short of capacity, or do not know the tier. Empty: the tier has no price.
 */
export function tierPricesAsked(
  serviceTier: string,
  prices: () => readonly PriceItem[],
): readonly PriceItem[] | null {
  const asked = askedTierOf(serviceTier);
  switch (asked.type) {
    case 'standard':
      return null;
    case 'any':
      return prices();
    case 'named': {
      const all = prices();
      if (!all.some((price) => price.serviceTier === asked.tier)) return [];
      return all.filter(
        (price) => price.serviceTier === asked.tier || price.serviceTier === STANDARD_TIER,
      );
    }
  }
}

/**
 * The price of the tier that answered. Where the reply names none, or one without a price, the dearest of those that
 * were asked for; null where none was asked for.
 */
export function servedTierPrice(
  prices: readonly PriceItem[],
  seen: {
    readonly tier: string | null;
    readonly asked: readonly PriceItem[] | null;
    readonly usage: UsageVector;
  },
): PriceItem | null {
  const named = prices.find((price) => price.serviceTier === seen.tier);
  if (named !== undefined || seen.asked === null) return named ?? null;
  const open = prices.filter((price) =>
    seen.asked?.some((asked) => asked.serviceTier === price.serviceTier),
  );
  let dearest: PriceItem | null = null;
  for (const price of open.length > 0 ? open : seen.asked) {
    const isDearer =
      dearest === null || costNanoUsd(price, seen.usage) > costNanoUsd(dearest, seen.usage);
    if (isDearer) dearest = price;
  }
  return dearest;
}

/** What is held for one candidate. */
export interface PricedBound {
  readonly bound: CandidateBound;
  readonly pricing: ReserveCommand['pricing'];
  readonly observedFloor: CandidateBound['fixed'];
}

/** A bound that covers the call in every tier it can end up in, and the least floor of them; null of none. */
export function coverAll(bounds: readonly PricedBound[]): PricedBound | null {
  const [first, ...others] = bounds;
  if (first === undefined) return null;
  let covered = first;
  for (const other of others) {
    if (covered.pricing !== 'priced') return covered;
    covered = other.pricing === 'priced' ? coverBoth(covered, other) : other;
  }
  return covered;
}

function costOf(amounts: CandidateBound['fixed']): bigint {
  return amounts.cost_usd ?? 0n;
}

function coverBoth(one: PricedBound, other: PricedBound): PricedBound {
  const isFixedDearer = costOf(other.bound.fixed) > costOf(one.bound.fixed);
  const [left, right] = [one.bound.elastic, other.bound.elastic];
  const isOutputDearer =
    right !== null && (left === null || right.nanoUsdPerMillion > left.nanoUsdPerMillion);
  const isFloorLower = costOf(other.observedFloor) < costOf(one.observedFloor);
  return {
    bound: {
      model: one.bound.model,
      fixed: isFixedDearer ? other.bound.fixed : one.bound.fixed,
      elastic: isOutputDearer ? right : left,
    },
    pricing: 'priced',
    observedFloor: isFloorLower ? other.observedFloor : one.observedFloor,
  };
}
