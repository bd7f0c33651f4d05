/**
 * The arithmetic of a cost, spelled out: item, tier, every unit with its rate, the exact sum, and the one rounding.
 *
 * @module
 */
import type { NanoUsd } from '../contracts/money.ts';
import { inputTokensOf, type UsageUnit, type UsageVector } from '../contracts/usage.ts';
import { priceUsage, withDefaults, type PricedLine } from './media-cost.ts';
import type { Dimensions } from './media-rate.ts';
import { createPriceItem, tierFor, type PriceItem } from './price-item.ts';
import { priceRowSchema } from './price-row.ts';

/** One line of an explanation. */
export interface ExplainedLine extends PricedLine {
  /** The listed class whose rate a class without one has; null where the rate is its own, or nothing is charged. */
  readonly pricedAs: UsageUnit | null;
  /** `billed × rate` in millionths of a nano-USD. */
  readonly millionths: bigint;
}

/** How a cost comes about. */
export interface Explanation {
  readonly item: PriceItem;
  readonly inputTokens: number;
  /** Input tokens beyond which the tier that was used holds. */
  readonly tierAbove: number;
  readonly dimensions: Dimensions;
  readonly lines: readonly ExplainedLine[];
  /** Sum of the lines in millionths of a nano-USD, before it is rounded up. */
  readonly millionths: bigint;
  readonly nanoUsd: NanoUsd;
}

/** Where a class without a rate of its own gets it: the table of `price-item.ts`, step by step. */
const NEXT: Readonly<Partial<Record<UsageUnit, readonly UsageUnit[]>>> = {
  input_audio_tokens: ['input_text_tokens'],
  input_image_tokens: ['input_text_tokens'],
  input_video_tokens: ['input_text_tokens'],
  cache_read_tokens: ['input_text_tokens'],
  cache_read_audio_tokens: ['input_audio_tokens', 'cache_read_tokens', 'input_text_tokens'],
  cache_write_tokens: ['input_text_tokens'],
  cache_write_1h_tokens: ['cache_write_tokens', 'input_text_tokens'],
  reasoning_tokens: ['output_text_tokens'],
  output_audio_tokens: ['output_text_tokens'],
  output_image_tokens: ['output_text_tokens'],
};

function pricedAs(listed: ReadonlySet<UsageUnit>, line: PricedLine): UsageUnit | null {
  if (!line.fallback) return null;
  return NEXT[line.unit as UsageUnit]?.find((unit) => listed.has(unit)) ?? null;
}

function listedIn(item: PriceItem, inputTokens: number): ReadonlySet<UsageUnit> {
  const listed = new Set(item.listed);
  for (const tier of item.row.tiers ?? []) {
    if (inputTokens <= tier.above_input_tokens) continue;
    for (const unit of Object.keys(tier.rates)) listed.add(unit as UsageUnit);
  }
  return listed;
}

/** Explains the cost of a usage vector; the total is what settlement books for it. */
export function explainUsage(
  item: PriceItem,
  usage: UsageVector,
  named: Dimensions = {},
): Explanation {
  const dimensions = withDefaults(item.media, named);
  const { lines, nanoUsd } = priceUsage(item, usage, { dimensions });
  const inputTokens = inputTokensOf(usage);
  const listed = listedIn(item, inputTokens);
  const explained = lines.map((line) => ({
    ...line,
    fallback: line.fallback && !listed.has(line.unit as UsageUnit),
    pricedAs: pricedAs(listed, line),
    millionths: BigInt(line.billed) * line.nanoUsdPerMillion,
  }));
  return {
    item,
    inputTokens,
    tierAbove: tierFor(item, inputTokens).aboveInputTokens,
    dimensions,
    lines: explained,
    millionths: explained.reduce((sum, line) => sum + line.millionths, 0n),
    nanoUsd,
  };
}

/** Millionths of a nano-USD as US dollars with all fifteen places, such as `0.000001500000000`. */
export function formatExactUsd(millionths: bigint): string {
  const digits = millionths.toString().padStart(16, '0');
  return `${digits.slice(0, -15)}.${digits.slice(-15)}`;
}

/**
 * The item that an archived row stands for, under the id it was archived with.
 *
 * @throws ZodError when the text is no price row
 */
export function archivedItem(archived: { readonly id: string; readonly row: string }): PriceItem {
  const row = priceRowSchema.parse(JSON.parse(archived.row));
  return createPriceItem(row, archived.id.slice(archived.id.lastIndexOf('#') + 1));
}
