/**
 * What an attempt costs: ⌈Σ(units × rate) / 1,000,000⌉ nano-USD, rounded up once per attempt.
 *
 * @module
 */
import type { NanoUsd } from '../contracts/money.ts';
import {
  inputTokensOf,
  USAGE_UNITS,
  type UsageUnit,
  type UsageVector,
} from '../contracts/usage.ts';
import { ceilMillionths } from './ceil-millionths.ts';
import { tierFor, type PriceItem, type RateTable } from './price-item.ts';

/** One class of a cost, exact: `units × nanoUsdPerMillion` is its share in millionths of a nano-USD. */
export interface CostLine {
  readonly unit: UsageUnit;
  readonly units: number;
  readonly nanoUsdPerMillion: bigint;
  /** True when the row lists no price for this class and a fallback was used. */
  readonly fallback: boolean;
}

export interface Cost {
  readonly nanoUsd: NanoUsd;
  /** Classes that were counted, in the order of the usage contract. */
  readonly lines: readonly CostLine[];
  readonly priceItemId: string;
}

function exactCost(rates: RateTable, usage: UsageVector): bigint {
  let sum = 0n;
  for (const unit of USAGE_UNITS) {
    const units = usage[unit];
    if (units !== undefined && units !== 0) sum += BigInt(units) * BigInt(rates[unit]);
  }
  return (sum + 999_999n) / 1_000_000n;
}

function ratesFor(item: PriceItem, usage: UsageVector): RateTable {
  return item.tiers.length === 1 ? item.tiers[0].rates : tierFor(item, inputTokensOf(usage)).rates;
}

/**
 * The cost of a usage vector in nano-USD. Counts are whole and not negative.
 *
 * Adds in doubles while the exact sum is a safe integer, since then every step is exact, and in bigint above.
 */
export function costNanoUsd(item: PriceItem, usage: UsageVector): NanoUsd {
  const rates = ratesFor(item, usage);
  const sum =
    (usage.input_text_tokens ?? 0) * rates.input_text_tokens +
    (usage.input_audio_tokens ?? 0) * rates.input_audio_tokens +
    (usage.input_image_tokens ?? 0) * rates.input_image_tokens +
    (usage.input_video_tokens ?? 0) * rates.input_video_tokens +
    (usage.cache_read_tokens ?? 0) * rates.cache_read_tokens +
    (usage.cache_read_audio_tokens ?? 0) * rates.cache_read_audio_tokens +
    (usage.cache_write_tokens ?? 0) * rates.cache_write_tokens +
    (usage.cache_write_1h_tokens ?? 0) * rates.cache_write_1h_tokens +
    (usage.output_text_tokens ?? 0) * rates.output_text_tokens +
    (usage.reasoning_tokens ?? 0) * rates.reasoning_tokens +
    (usage.output_audio_tokens ?? 0) * rates.output_audio_tokens +
    (usage.output_image_tokens ?? 0) * rates.output_image_tokens +
    (usage.web_searches ?? 0) * rates.web_searches +
    (usage.requests ?? 0) * rates.requests;
  return sum <= Number.MAX_SAFE_INTEGER ? BigInt(ceilMillionths(sum)) : exactCost(rates, usage);
}

/** The cost with the class by class account that quotes and the request page show. */
export function costOf(item: PriceItem, usage: UsageVector): Cost {
  const rates = ratesFor(item, usage);
  const lines: CostLine[] = [];
  for (const unit of USAGE_UNITS) {
    const units = usage[unit] ?? 0;
    if (units === 0) continue;
    lines.push({
      unit,
      units,
      nanoUsdPerMillion: BigInt(rates[unit]),
      fallback: !item.listed.has(unit),
    });
  }
  return { nanoUsd: costNanoUsd(item, usage), lines, priceItemId: item.id };
}

/**
 * The usage as it is billed: a provider with a fee per request charges it once for an attempt that it billed,
 * though its usage block does not count requests.
 */
export function billedUsage(item: PriceItem, usage: UsageVector): UsageVector {
  return item.tiers[0].rates.requests === 0 || (usage.requests ?? 0) > 0
    ? usage
    : { ...usage, requests: 1 };
}
