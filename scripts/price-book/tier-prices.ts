/**
 * The hand-kept file `src/catalog/data/tier-prices.json`: what tokens cost in service tiers other than the standard.
 *
 * @module
 */
import { z } from 'zod';
import type { PriceRow } from '../../src/catalog/price-row.ts';
import { USAGE_UNITS, type UsageUnit } from '../../src/contracts/usage.ts';
import { exactRate } from './exact-rates.ts';
import { usdSchema } from './own-prices.ts';

const tierPricesSchema = z.strictObject({
  about: z.string(),
  rows: z.array(
    z.strictObject({
      provider: z.string(),
      model: z.string(),
      service_tier: z.string(),
      usd_per_million: usdSchema,
      tiers: z
        .array(z.strictObject({ above_input_tokens: z.number().int(), usd_per_million: usdSchema }))
        .optional(),
      source: z.string().min(1),
      checked_at: z.iso.date(),
    }),
  ),
});

export type TierPrices = z.infer<typeof tierPricesSchema>;
type Rates = Partial<Record<UsageUnit, number | undefined>>;

/** Parses and checks the hand file. */
export function parseTierPrices(text: string): TierPrices {
  return tierPricesSchema.parse(JSON.parse(text));
}

function ratesOf(usd: z.infer<typeof usdSchema>): Rates {
  const rates: Rates = {};
  for (const [unit, text] of Object.entries(usd)) {
    const exact = exactRate(text, 1e6);
    if (exact.roundedUp) throw new Error(`${text} has no whole nano-USD`);
    rates[unit as UsageUnit] = exact.rate;
  }
  return rates;
}

function ordered(rates: Rates): PriceRow['rates'] {
  return Object.fromEntries(
    USAGE_UNITS.flatMap((unit) => (rates[unit] === undefined ? [] : [[unit, rates[unit]]])),
  );
}

/** Rates by class where a threshold is crossed: those below, replaced by what is listed above it. */
function ratesAbove(row: Pick<PriceRow, 'rates' | 'tiers'>, tokens: number): Rates {
  let rates: Rates = row.rates;
  for (const tier of row.tiers ?? []) {
    if (tier.above_input_tokens <= tokens) rates = { ...rates, ...tier.rates };
  }
  return rates;
}

/**
 * The row of a service tier, beside a standard row of its model. Classes that it leaves out cost what they do as
 * standard; beyond each threshold of either price nothing is cheaper than below it, and where the tier lists nothing
 * there, not cheaper than as standard.
 */
function tierRow(standard: PriceRow, entry: TierPrices['rows'][number]): PriceRow {
  const own = {
    rates: ratesOf(entry.usd_per_million),
    tiers: entry.tiers?.map((tier) => ({
      above_input_tokens: tier.above_input_tokens,
      rates: ratesOf(tier.usd_per_million),
    })),
  };
  const rates: Rates = { ...standard.rates, ...own.rates };
  const thresholds = new Set(
    [...(standard.tiers ?? []), ...(own.tiers ?? [])].map((tier) => tier.above_input_tokens),
  );
  let below = rates;
  const tiers = [...thresholds]
    .sort((left, right) => left - right)
    .map((above_input_tokens) => {
      const listed = own.tiers?.find((tier) => tier.above_input_tokens === above_input_tokens);
      const asStandard = ratesAbove(standard, above_input_tokens);
      const raised: Rates = { ...below };
      for (const unit of USAGE_UNITS) {
        const rate = listed?.rates[unit] ?? asStandard[unit];
        if (rate !== undefined) raised[unit] = Math.max(rate, below[unit] ?? 0);
      }
      below = raised;
      return { above_input_tokens, rates: ordered(raised) };
    });
  const { media: _media, counts: _counts, defaults: _defaults, ...row } = standard;
  return {
    ...row,
    service_tier: entry.service_tier,
    rates: ordered(rates),
    ...(tiers.length === 0 ? {} : { tiers }),
    source: entry.source,
    checked_at: entry.checked_at,
  };
}

/** Rows of the service tiers; what the book does not list as standard is left out, with a note. */
export function tierRows(
  standard: readonly PriceRow[],
  { rows }: TierPrices,
  leftOut: string[],
): PriceRow[] {
  return rows.flatMap((entry) => {
    // Sources state today's price: it stands beside the newest of the standard ones.
    const beside = standard.findLast(
      (row) => row.provider === entry.provider && row.model === entry.model,
    );
    if (beside !== undefined) return [tierRow(beside, entry)];
    leftOut.push(`${entry.provider}/${entry.model} ${entry.service_tier}: no standard price`);
    return [];
  });
}
