/**
 * Prices and explanations as the control plane shows them.
 *
 * @module
 */
import { z } from 'zod';
import { formatExactUsd, type ExplainedLine, type Explanation } from '../../catalog/explain.ts';
import type { MediaRate } from '../../catalog/media-rate.ts';
import type { PriceItem } from '../../catalog/price-item.ts';
import { formatUsd } from '../../contracts/money.ts';
import { COUNTED_UNITS, MEDIA_UNITS, USAGE_UNITS } from '../../contracts/usage.ts';
import { formatTimeOrNull, timeSchema, usdSchema } from './shapes.ts';

const whenSchema = z
  .record(z.string(), z.array(z.string()))
  .describe('Dimensions under which it holds; empty: always.');

/** One price of the book. */
export const priceSchema = z
  .strictObject({
    id: z.string(),
    provider: z.string(),
    model: z.string(),
    service_tier: z
      .string()
      .describe('`standard`, or the service tier that it is the price of, such as `flex`.'),
    effective_from: timeSchema.nullable(),
    effective_to: timeSchema.nullable(),
    daily: z
      .strictObject({ from_ms: z.int(), to_ms: z.int() })
      .nullable()
      .describe('Milliseconds of the UTC day in which the price holds.'),
    tiers: z.array(
      z.strictObject({
        above_input_tokens: z.int(),
        usd_per_million: z
          .partialRecord(z.enum(USAGE_UNITS), usdSchema)
          .describe('Classes that the vendor prices.'),
      }),
    ),
    media: z
      .array(
        z.strictObject({
          unit: z.enum(MEDIA_UNITS),
          usd_per_million: usdSchema,
          when: whenSchema,
          min_units: z.int(),
          block_units: z.int(),
          max_units: z.int().nullable(),
        }),
      )
      .describe('Of those of a unit, the first whose conditions are met is the price.'),
    defaults: z.record(z.string(), z.string()),
    source: z.string(),
    checked_at: z.string().nullable(),
  })
  .meta({ id: 'Price' });

function showMediaRate(rate: MediaRate): z.input<typeof priceSchema>['media'][number] {
  return {
    unit: rate.unit,
    usd_per_million: formatUsd(BigInt(rate.nanoUsdPerMillion)),
    when: Object.fromEntries(rate.when.map(([dimension, values]) => [dimension, [...values]])),
    min_units: rate.minUnits,
    block_units: rate.blockUnits,
    max_units: rate.maxUnits,
  };
}

/** A price as lists and explanations show it. */
export function showPrice(price: PriceItem): z.input<typeof priceSchema> {
  return {
    id: price.id,
    provider: price.provider,
    model: price.model,
    service_tier: price.serviceTier,
    effective_from: formatTimeOrNull(price.effectiveFromMs),
    effective_to: formatTimeOrNull(price.effectiveUntilMs),
    daily:
      price.daily === null ? null : { from_ms: price.daily.fromMs, to_ms: price.daily.untilMs },
    tiers: price.tiers.map((tier) => ({
      above_input_tokens: tier.aboveInputTokens,
      usd_per_million: Object.fromEntries(
        USAGE_UNITS.filter((unit) => price.listed.has(unit)).map((unit) => [
          unit,
          formatUsd(BigInt(tier.rates[unit])),
        ]),
      ),
    })),
    media: (price.media?.rates ?? []).map(showMediaRate),
    defaults: { ...price.media?.defaults },
    source: price.source,
    checked_at: price.checkedAt,
  };
}

const exactUsdSchema = z
  .string()
  .regex(/^\d+\.\d{15}$/)
  .describe('US dollars with all fifteen places, not rounded.');

/** The arithmetic of one cost. */
export const explanationSchema = z
  .strictObject({
    price: priceSchema,
    tier: z
      .strictObject({ input_tokens: z.int(), above_input_tokens: z.int() })
      .describe('Tokens that went in, and those beyond which the tier used holds.'),
    dimensions: z.record(z.string(), z.string()),
    lines: z.array(
      z.strictObject({
        unit: z.enum(COUNTED_UNITS),
        counted: z.int(),
        billed: z.int().describe('After minimum, block and cap of the price.'),
        usd_per_million: usdSchema,
        usd: exactUsdSchema,
        priced_as: z
          .enum(USAGE_UNITS)
          .nullable()
          .describe('The class whose rate is used, where this one has none of its own.'),
        when: z.record(z.string(), z.string()),
      }),
    ),
    exact: exactUsdSchema,
    cost: usdSchema.describe('The exact sum, rounded up once to a whole nano-dollar.'),
  })
  .meta({ id: 'CostExplanation' });

function showLine(line: ExplainedLine): z.input<typeof explanationSchema>['lines'][number] {
  return {
    unit: line.unit,
    counted: line.counted,
    billed: line.billed,
    usd_per_million: formatUsd(line.nanoUsdPerMillion),
    usd: formatExactUsd(line.millionths),
    priced_as: line.pricedAs,
    when: { ...line.when },
  };
}

/** An explanation as replies show it. */
export function showExplanation(explained: Explanation): z.input<typeof explanationSchema> {
  return {
    price: showPrice(explained.item),
    tier: { input_tokens: explained.inputTokens, above_input_tokens: explained.tierAbove },
    dimensions: { ...explained.dimensions },
    lines: explained.lines.map(showLine),
    exact: formatExactUsd(explained.millionths),
    cost: formatUsd(explained.nanoUsd),
  };
}
