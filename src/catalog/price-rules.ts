/**
 * What a customer pays where that is not the provider's price: markups and prices of the operator's own, for everyone,
 * for the customers of a plan, or for one customer.
 *
 * A rule turns a price item into another item. Holds, settlements, quotes and explanations work on that one alone, so
 * that the number a customer is charged is one number everywhere; the provider's price stays reachable from it.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GatewayError } from '../contracts/gateway-error.ts';
import { COUNTED_UNITS } from '../contracts/usage.ts';
import { createPriceItem, type PriceItem } from './price-item.ts';
import { priceRowSchema, type PriceRow } from './price-row.ts';

/** Ten-thousandths of a percent in one. */
const PERCENT_SCALE = 10_000n;
const WHOLE = 100n * PERCENT_SCALE;

/** A rule as it is written: a markup on what matches, or one price. */
export const priceRuleSchema = z
  .strictObject({
    customer: z.string().min(1).max(200).optional().describe('Of this customer; absent: everyone'),
    plan: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Of the customers of this plan; a rule is for one of customer, plan, everyone'),
    match: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'Glob on `provider/model` of the price book, such as `gemini/*`; absent: every model',
      ),
    markup_percent: z
      .string()
      .regex(/^-?\d{1,3}(\.\d{1,4})?$/, { message: 'must be a percentage such as "20" or "12.5"' })
      .refine((text) => Number(text) >= -100, { message: 'must be at least -100' })
      .optional()
      .describe('Added to every rate, each rounded up to a whole nano-dollar for a million units'),
    units: z
      .array(z.enum(COUNTED_UNITS))
      .min(1)
      .optional()
      .describe('Units that the markup is on; absent: all'),
    price: priceRowSchema.optional().describe('The price itself, of one model'),
  })
  .refine((rule) => rule.customer === undefined || rule.plan === undefined, {
    message: 'is for a customer or for a plan, not for both',
    path: ['plan'],
  })
  .refine((rule) => (rule.markup_percent === undefined) !== (rule.price === undefined), {
    message: 'must have either markup_percent or price',
  })
  .refine(
    (rule) => rule.price === undefined || (rule.match === undefined && rule.units === undefined),
    {
      message: 'a price names its model itself: leave match and units out',
    },
  );
export type PriceRuleInput = z.infer<typeof priceRuleSchema>;

/** A rule in force. `customer` of the input is resolved: an id, or null for everyone. */
export interface PriceRule {
  readonly id: string;
  readonly customerId: string | null;
  readonly rule: PriceRuleInput;
}

function percentOf(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole) * PERCENT_SCALE + BigInt(fraction.padEnd(4, '0'));
  return negative ? -value : value;
}

function raised(rate: number, percent: bigint, name: string): number {
  const exact = BigInt(rate) * (WHOLE + percent);
  const result = Number((exact + WHOLE - 1n) / WHOLE);
  if (Number.isSafeInteger(result)) return result;
  throw new GatewayError('invalid_request', {
    message: `This markup makes the price of ${name} too large to be exact.`,
    param: 'markup_percent',
  });
}

/**
 * A row with a markup on it. Every rate is rounded up by itself, so that tiers still ascend and the result is a price
 * like any other.
 *
 * @throws GatewayError `invalid_request` when a rate leaves the exact range
 */
export function markedUp(
  row: PriceRow,
  markup: { readonly percent: string; readonly units?: readonly string[] | undefined },
): PriceRow {
  const percent = percentOf(markup.percent);
  const name = `${row.provider}/${row.model}`;
  const isOn = (unit: string): boolean => markup.units === undefined || markup.units.includes(unit);
  const onRates = (rates: PriceRow['rates']): PriceRow['rates'] =>
    Object.fromEntries(
      Object.entries(rates).map(([unit, rate]) => [
        unit,
        isOn(unit) ? raised(rate, percent, name) : rate,
      ]),
    );
  return {
    ...row,
    rates: onRates(row.rates),
    ...(row.tiers === undefined
      ? {}
      : { tiers: row.tiers.map((tier) => ({ ...tier, rates: onRates(tier.rates) })) }),
    ...(row.media === undefined
      ? {}
      : {
          media: row.media.map((entry) =>
            isOn(entry.unit) ? { ...entry, rate: raised(entry.rate, percent, name) } : entry,
          ),
        }),
  };
}

/** The item that a customer is charged by: `<id of the provider's price>%<id of the rule>`. */
export function ruledItem(
  base: PriceItem,
  { id, rule }: Pick<PriceRule, 'id' | 'rule'>,
): PriceItem {
  const hash = `${base.id.slice(base.id.lastIndexOf('#') + 1)}%${id}`;
  const row =
    rule.price ?? markedUp(base.row, { percent: rule.markup_percent ?? '0', units: rule.units });
  return {
    ...createPriceItem(row, hash),
    id: `${base.provider}/${base.model}#${hash}`,
    providerPrice: base,
  };
}

/**
 * The id of a price as customers are shown it. One that a rule made gets the form of every other, so that it tells
 * neither the rule nor the provider's price.
 */
export function publicPriceId(id: string): string {
  if (!id.includes('%')) return id;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return `${id.slice(0, id.lastIndexOf('#'))}#${hash}`;
}
