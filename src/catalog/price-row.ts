/**
 * Price rows as they stand in files and configuration: JSON, integers, dates as text.
 *
 * @module
 */
import { z } from 'zod';
import { COUNT_SOURCES } from './media-rate.ts';
import { isStandardTier } from './service-tier.ts';
import { MEDIA_UNITS, USAGE_UNITS } from '../contracts/usage.ts';

/** Nano-USD per 1,000,000 units; a safe integer, so it is exact as a JSON number. */
const rateSchema = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const ratesSchema = z.partialRecord(z.enum(USAGE_UNITS), rateSchema);
const instantSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:00)?Z)?$/, {
    message: 'must be a date or a UTC minute such as 2027-01-01 or 2027-01-01T08:00Z',
  })
  .refine((text) => !Number.isNaN(Date.parse(text)), { message: 'is not a date' });
const timeOfDaySchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, {
  message: 'must be a UTC time of day such as 16:30',
});

const conditionsSchema = z
  .record(z.string().min(1), z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]))
  .optional()
  .describe('Dimensions under which it holds, lower case; absent: always');
const piecesSchema = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

const mediaRateSchema = z.strictObject({
  unit: z.enum(MEDIA_UNITS).describe('Unit of media that is sold'),
  rate: rateSchema.describe('Nano-USD per 1,000,000 units: $0.04 an image is 40000000000000'),
  when: conditionsSchema,
  min_units: piecesSchema.optional().describe('Units billed at least, each piece by itself'),
  block_units: piecesSchema.optional().describe('Units are billed in whole blocks of this many'),
  max_units: piecesSchema.optional().describe('Units billed at most, each piece by itself'),
});

const mediaCountSchema = z.strictObject({
  unit: z.enum(USAGE_UNITS).describe('Token class that is counted'),
  of: z.enum(COUNT_SOURCES).describe('What it is counted for'),
  per: piecesSchema.optional().describe('Units of `of` that the counts are for; absent: one'),
  when: conditionsSchema,
  expected: z.number().int().nonnegative().describe('Tokens as a rule'),
  max: z.number().int().nonnegative().describe('Tokens at most'),
});

/** One price of one model. Several rows of a model hold at different times; of rows that hold at once the last wins. */
export const priceRowSchema = z.strictObject({
  provider: z.string().min(1).describe('Key of the price book, usually the provider id'),
  model: z.string().min(1).describe('Model id as the provider knows it'),
  aliases: z.array(z.string().min(1)).optional().describe('Further exact names at the same price'),
  service_tier: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/, { message: 'must be a lower-case word such as priority' })
    .refine((tier) => !isStandardTier(tier), { message: 'is the standard: leave it out' })
    .optional()
    .describe(
      'Service tier, such as flex, priority or batch, that it is the price of; absent: standard',
    ),
  rates: ratesSchema.describe(
    'Nano-USD per 1,000,000 units by usage class: $0.15 per million tokens is 150000000',
  ),
  tiers: z
    .array(
      z.strictObject({
        above_input_tokens: z
          .number()
          .int()
          .positive()
          .describe('Input tokens beyond which these prices hold'),
        rates: ratesSchema.describe('Classes named here replace those of the tier below'),
      }),
    )
    .optional()
    .describe('Prices of the whole request once its input has more tokens than stated'),
  media: z
    .array(mediaRateSchema)
    .optional()
    .describe('Prices of media units; of those of a unit the first whose conditions are met holds'),
  counts: z
    .array(mediaCountSchema)
    .optional()
    .describe('Tokens that the provider counts for media, known before the call'),
  defaults: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe('Dimensions of a call that does not name them'),
  effective_from: instantSchema.optional().describe('Inclusive; absent: always'),
  effective_until: instantSchema.optional().describe('Exclusive; absent: until further notice'),
  daily: z
    .strictObject({
      from: timeOfDaySchema.describe('Inclusive, such as 16:30 UTC'),
      until: timeOfDaySchema.describe('Exclusive'),
    })
    .optional()
    .describe('UTC hours in which this row holds; may cross midnight'),
  source: z.string().min(1).optional().describe('Page or package that states the price'),
  checked_at: z.string().optional().describe('Day on which the source was read'),
});

/** A parsed price row. */
export type PriceRow = z.infer<typeof priceRowSchema>;

/**
 * Rows of `base` with every model that `own` prices taken from `own` alone: how an operator's price list
 * overrides the seeded one. A row of one service tier replaces that tier alone.
 */
export function overrideRows(base: readonly PriceRow[], own: readonly PriceRow[]): PriceRow[] {
  const keyOf = ({ provider, model }: PriceRow, tier: string | undefined): string =>
    JSON.stringify([provider, model, tier ?? null]);
  const replaced = new Set(own.map((row) => keyOf(row, row.service_tier)));
  const isReplaced = (row: PriceRow): boolean =>
    replaced.has(keyOf(row, undefined)) || replaced.has(keyOf(row, row.service_tier));
  return [...base.filter((row) => !isReplaced(row)), ...own];
}
