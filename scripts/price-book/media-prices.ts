/**
 * The hand-kept file `src/catalog/data/media-prices.json`.
 *
 * @module
 */
import { z } from 'zod';
import { COUNT_SOURCES } from '../../src/catalog/media-rate.ts';
import type { PriceRow } from '../../src/catalog/price-row.ts';
import { MEDIA_UNITS, USAGE_UNITS } from '../../src/contracts/usage.ts';
import { exactRate } from './exact-rates.ts';

const usdSchema = z.string().regex(/^\d+(\.\d+)?$/);
const piecesSchema = z.number().int().positive();
const whenSchema = z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)]));

const mediaPricesSchema = z.strictObject({
  about: z.string(),
  rows: z.array(
    z.strictObject({
      provider: z.string(),
      model: z.string(),
      aliases: z.array(z.string()).optional(),
      usd_per_million: z.partialRecord(z.enum(USAGE_UNITS), usdSchema).optional(),
      media: z
        .array(
          z.strictObject({
            unit: z.enum(MEDIA_UNITS),
            usd: usdSchema,
            per: piecesSchema.optional(),
            when: whenSchema.optional(),
            min: piecesSchema.optional(),
            block: piecesSchema.optional(),
            max: piecesSchema.optional(),
          }),
        )
        .optional(),
      counts: z
        .array(
          z.strictObject({
            unit: z.enum(USAGE_UNITS),
            of: z.enum(COUNT_SOURCES),
            per: piecesSchema.optional(),
            when: whenSchema.optional(),
            expected: z.number().int().nonnegative(),
            max: z.number().int().nonnegative(),
          }),
        )
        .optional(),
      defaults: z.record(z.string(), z.string()).optional(),
      source: z.string().min(1),
      checked_at: z.iso.date(),
    }),
  ),
});

export type MediaPrices = z.infer<typeof mediaPricesSchema>;
type MediaPriceRow = MediaPrices['rows'][number];

/** Parses and checks the hand file. */
export function parseMediaPrices(text: string): MediaPrices {
  return mediaPricesSchema.parse(JSON.parse(text));
}

type MediaRates = NonNullable<PriceRow['media']>;

function mediaRates(row: MediaPriceRow, roundedUp: string[]): MediaRates {
  return (row.media ?? []).map(({ usd, per = 1, unit, when, min, block, max }) => {
    const exact = exactRate(usd, per);
    if (exact.roundedUp) {
      roundedUp.push(`${row.provider}/${row.model} ${unit} ${usd}/${per} -> ${exact.rate}`);
    }
    return {
      unit,
      rate: exact.rate,
      ...(when === undefined ? {} : { when }),
      ...(min === undefined ? {} : { min_units: min }),
      ...(block === undefined ? {} : { block_units: block }),
      ...(max === undefined ? {} : { max_units: max }),
    };
  });
}

function tokenRates(row: MediaPriceRow): PriceRow['rates'] {
  const rates: PriceRow['rates'] = {};
  for (const unit of USAGE_UNITS) {
    const usd = row.usd_per_million?.[unit];
    if (usd !== undefined) rates[unit] = exactRate(usd, 1e6).rate;
  }
  return rates;
}

/** What a row of the hand file adds to a price: everything but the names. */
export function mediaParts(
  row: MediaPriceRow,
  roundedUp: string[],
): Pick<PriceRow, 'rates' | 'media' | 'counts' | 'defaults'> {
  return {
    rates: tokenRates(row),
    ...(row.media === undefined ? {} : { media: mediaRates(row, roundedUp) }),
    ...(row.counts === undefined ? {} : { counts: row.counts }),
    ...(row.defaults === undefined ? {} : { defaults: row.defaults }),
  };
}

/** A row of the hand file as a price of its own. */
export function mediaRow(row: MediaPriceRow, roundedUp: string[]): PriceRow {
  return {
    provider: row.provider,
    model: row.model,
    ...(row.aliases === undefined ? {} : { aliases: row.aliases }),
    ...mediaParts(row, roundedUp),
    source: row.source,
    checked_at: row.checked_at,
  };
}
