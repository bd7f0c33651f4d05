/**
 * The hand-kept file `src/catalog/data/own-prices.json`.
 *
 * @module
 */
import { z } from 'zod';
import { USAGE_UNITS } from '../../src/contracts/usage.ts';

/** US dollars per 1,000,000 units by usage class, as decimal strings. */
export const usdSchema = z.partialRecord(z.enum(USAGE_UNITS), z.string().regex(/^\d+(\.\d+)?$/));

const ownPricesSchema = z.strictObject({
  about: z.string(),
  rows: z.array(
    z.strictObject({
      provider: z.string(),
      model: z.string(),
      aliases: z.array(z.string()).optional(),
      usd_per_million: usdSchema,
      tiers: z
        .array(z.strictObject({ above_input_tokens: z.number().int(), usd_per_million: usdSchema }))
        .optional(),
      effective_from: z.string().optional(),
      effective_until: z.string().optional(),
      source: z.string().min(1),
      checked_at: z.iso.date(),
    }),
  ),
  supplements: z.array(
    z.strictObject({
      provider: z.string(),
      models: z.array(z.string()),
      usd_per_million: usdSchema,
      source: z.string().min(1),
      checked_at: z.iso.date(),
    }),
  ),
  aliases: z.array(
    z.strictObject({
      provider: z.string(),
      model: z.string(),
      aliases: z.array(z.string()),
      source: z.string().min(1),
    }),
  ),
  facts: z.array(
    z.strictObject({
      provider: z.string(),
      model: z.string(),
      context_window: z.number().int().positive().nullable(),
      max_output_tokens: z.number().int().positive().nullable(),
      input: z.array(z.string()),
      output: z.array(z.string()),
      capabilities: z.array(z.string()),
    }),
  ),
});

export type OwnPrices = z.infer<typeof ownPricesSchema>;

/** Parses and checks the hand file. */
export function parseOwnPrices(text: string): OwnPrices {
  return ownPricesSchema.parse(JSON.parse(text));
}
