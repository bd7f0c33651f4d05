/**
 * What usage with media in it costs: the token classes at their rates and the media units at theirs, added exactly
 * and rounded up once. Quotes, holds and settlements all come here.
 *
 * @module
 */
import type { NanoUsd } from '../contracts/money.ts';
import {
  MEDIA_UNITS,
  type CountedUnit,
  type MediaUnit,
  type UsageVector,
} from '../contracts/usage.ts';
import {
  billedUnits,
  openEntries,
  piecesOf,
  type Dimensions,
  type MediaPricing,
  type MediaRate,
} from './media-rate.ts';
import type { PriceItem } from './price-item.ts';
import { costOf } from './price.ts';

/** One unit of a cost, exact: `billed × nanoUsdPerMillion` is its share in millionths of a nano-USD. */
export interface PricedLine {
  readonly unit: CountedUnit;
  /** As it was counted. */
  readonly counted: number;
  /** As it is billed, after minimum, block and cap. */
  readonly billed: number;
  readonly nanoUsdPerMillion: bigint;
  /** True when the row lists no price for this token class and a fallback was used. */
  readonly fallback: boolean;
  /** The dimensions by which the rate was chosen; empty where it has no conditions. */
  readonly when: Dimensions;
}

/** A cost with its account. */
export interface PricedUsage {
  readonly nanoUsd: NanoUsd;
  readonly lines: readonly PricedLine[];
  /** Units that were counted and for which no rate holds: the cost is not known in full. */
  readonly unpriced: readonly MediaUnit[];
}

/** Which of several open rates is taken, where a dimension is not known. */
export type OpenRate = 'cheapest' | 'middle' | 'dearest';

/** How a usage vector is priced where token classes alone do not say. */
export interface PriceChoice {
  /** The call's own, with the item's defaults ({@link withDefaults}). */
  readonly dimensions?: Dimensions;
  /** Default: `dearest`, so that nothing is billed below what the provider may ask. */
  readonly open?: OpenRate;
}

const NO_DIMENSIONS: Dimensions = {};

/** The dimensions of a call with the item's defaults for those that it does not name. */
export function withDefaults(media: MediaPricing | null, dimensions: Dimensions): Dimensions {
  return media === null ? dimensions : { ...media.defaults, ...dimensions };
}

function lineOf(rate: MediaRate, counted: number, usage: UsageVector): PricedLine {
  return {
    unit: rate.unit,
    counted,
    billed: billedUnits(rate, counted, piecesOf(rate.unit, usage)),
    nanoUsdPerMillion: BigInt(rate.nanoUsdPerMillion),
    fallback: false,
    when: Object.fromEntries(rate.when.map(([dimension, values]) => [dimension, values.join('|')])),
  };
}

function millionthsOf(line: PricedLine): bigint {
  return BigInt(line.billed) * line.nanoUsdPerMillion;
}

function chosen(lines: readonly PricedLine[], open: OpenRate): PricedLine | undefined {
  const sorted = [...lines].sort((left, right) =>
    millionthsOf(left) < millionthsOf(right)
      ? -1
      : Number(millionthsOf(left) > millionthsOf(right)),
  );
  switch (open) {
    case 'cheapest':
      return sorted[0];
    case 'middle':
      return sorted[Math.floor(sorted.length / 2)];
    case 'dearest':
      return sorted.at(-1);
  }
}

/** True when a unit has a price under these dimensions, or one of several. */
export function isPriced(item: PriceItem, unit: MediaUnit, dimensions: Dimensions): boolean {
  const { media } = item;
  return media !== null && openEntries(media.rates, unit, dimensions).length > 0;
}

/**
 * Prices a usage vector. Where a dimension that decides a rate is missing, `open` says which of the rates counts.
 *
 * Media units that the item does not price are free where it prices another unit of the call (a model sold by the
 * second does not bill clips); `unpriced` names those that it prices, but not under these dimensions.
 */
export function priceUsage(
  item: PriceItem,
  usage: UsageVector,
  { dimensions = NO_DIMENSIONS, open = 'dearest' }: PriceChoice = {},
): PricedUsage {
  const lines: PricedLine[] = costOf(item, usage).lines.map((line) => ({
    unit: line.unit,
    counted: line.units,
    billed: line.units,
    nanoUsdPerMillion: line.nanoUsdPerMillion,
    fallback: line.fallback,
    when: NO_DIMENSIONS,
  }));
  const unpriced: MediaUnit[] = [];
  const rates = item.media?.rates ?? [];
  for (const unit of MEDIA_UNITS) {
    const counted = usage[unit] ?? 0;
    if (counted === 0 || !rates.some((rate) => rate.unit === unit)) continue;
    const possible = openEntries(rates, unit, dimensions).map((rate) =>
      lineOf(rate, counted, usage),
    );
    const line = chosen(possible, open);
    if (line === undefined) unpriced.push(unit);
    else lines.push(line);
  }
  const sum = lines.reduce((total, line) => total + millionthsOf(line), 0n);
  return { nanoUsd: (sum + 999_999n) / 1_000_000n, lines, unpriced };
}
