/**
 * A price as the arithmetic uses it: every usage class of every context tier has a rate, unlisted classes by
 * the fallbacks below.
 *
 * | class without a listed price | priced as | why |
 * | --- | --- | --- |
 * | `input_audio_tokens`, `input_image_tokens`, `input_video_tokens` | `input_text_tokens` | vendors that bill one modality apart say so; else all input costs the same |
 * | `cache_read_tokens` | `input_text_tokens` | no discount without a stated one |
 * | `cache_read_audio_tokens` | `input_audio_tokens` where listed, else `cache_read_tokens` | as above; without an audio price audio is ordinary input |
 * | `cache_write_tokens` | `input_text_tokens` | only vendors that state a surcharge have one, and those rows list it |
 * | `cache_write_1h_tokens` | `cache_write_tokens` | as above |
 * | `reasoning_tokens` | `output_text_tokens` | thinking is billed as output (OpenAI, Gemini and Anthropic pricing pages) |
 * | `output_audio_tokens`, `output_image_tokens` | `output_text_tokens` | as for input |
 * | `output_text_tokens` | 0 | embedding models have no output; text operations refuse such an item (`unpriced_model`) |
 * | `input_text_tokens`, `web_searches`, `requests` | 0 | not billed by this provider; bounds refuse them where they would be used |
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { USAGE_UNITS, type UsageUnit } from '../contracts/usage.ts';
import type { MediaPricing } from './media-rate.ts';
import type { PriceRow } from './price-row.ts';
import { STANDARD_TIER } from './service-tier.ts';

/** Nano-USD per 1,000,000 units by class: safe integers, complete. */
export type RateTable = Readonly<Record<UsageUnit, number>>;

/** Prices of the whole request once its input has more than `aboveInputTokens` tokens. */
export interface PriceTier {
  readonly aboveInputTokens: number;
  readonly rates: RateTable;
  /** Dearest class that a text input token can end up in (plain, cache read, cache write). */
  readonly dearestTextInput: number;
  /** Dearest class of any input token. */
  readonly dearestInput: number;
  /** Dearest class of any output token. */
  readonly dearestOutput: number;
  readonly dearestOutputNanoUsdPerMillion: bigint;
}

/** One immutable price of one model. */
export interface PriceItem {
  /** `provider/model#hash`; the hash covers everything that decides the price. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  /** `standard`, or the service tier that it is the price of. */
  readonly serviceTier: string;
  /** Inclusive; null: always. */
  readonly effectiveFromMs: number | null;
  /** Exclusive; null: until further notice. */
  readonly effectiveUntilMs: number | null;
  /** Milliseconds of the UTC day in which the price holds, end exclusive; null: all day. */
  readonly daily: { readonly fromMs: number; readonly untilMs: number } | null;
  /** Ascending; the first holds from the first token on. */
  readonly tiers: readonly [PriceTier, ...PriceTier[]];
  /** Classes that the row itself prices. */
  readonly listed: ReadonlySet<UsageUnit>;
  /** Prices of media; null for a model sold by tokens alone. */
  readonly media: MediaPricing | null;
  readonly source: string;
  readonly checkedAt: string | null;
  /** The row that it was made of. */
  readonly row: PriceRow;
  /** What the provider charges, where this is what a customer is charged by a rule; else null. */
  readonly providerPrice: PriceItem | null;
}

const DAY_MS = 86_400_000;

type Rates = Readonly<Partial<Record<UsageUnit, number | undefined>>>;
type Conditions = NonNullable<PriceRow['media']>[number]['when'];

function completeRates(listed: Rates): RateTable {
  const input = listed.input_text_tokens ?? 0;
  const output = listed.output_text_tokens ?? 0;
  const audio = listed.input_audio_tokens;
  const cacheRead = listed.cache_read_tokens ?? input;
  const cacheWrite = listed.cache_write_tokens ?? input;
  return {
    input_text_tokens: input,
    input_audio_tokens: audio ?? input,
    input_image_tokens: listed.input_image_tokens ?? input,
    input_video_tokens: listed.input_video_tokens ?? input,
    cache_read_tokens: cacheRead,
    cache_read_audio_tokens: listed.cache_read_audio_tokens ?? audio ?? cacheRead,
    cache_write_tokens: cacheWrite,
    cache_write_1h_tokens: listed.cache_write_1h_tokens ?? cacheWrite,
    output_text_tokens: output,
    reasoning_tokens: listed.reasoning_tokens ?? output,
    output_audio_tokens: listed.output_audio_tokens ?? output,
    output_image_tokens: listed.output_image_tokens ?? output,
    web_searches: listed.web_searches ?? 0,
    requests: listed.requests ?? 0,
  };
}

function tierOfRates(aboveInputTokens: number, rates: RateTable): PriceTier {
  const dearestTextInput = Math.max(
    rates.input_text_tokens,
    rates.cache_read_tokens,
    rates.cache_write_tokens,
    rates.cache_write_1h_tokens,
  );
  const dearestOutput = Math.max(
    rates.output_text_tokens,
    rates.reasoning_tokens,
    rates.output_audio_tokens,
    rates.output_image_tokens,
  );
  return {
    aboveInputTokens,
    rates,
    dearestTextInput,
    dearestInput: Math.max(
      dearestTextInput,
      rates.input_audio_tokens,
      rates.input_image_tokens,
      rates.input_video_tokens,
      rates.cache_read_audio_tokens,
    ),
    dearestOutput,
    dearestOutputNanoUsdPerMillion: BigInt(dearestOutput),
  };
}

function invalidRow(row: PriceRow, what: string): GatewayError {
  return new GatewayError('invalid_request', {
    message: `The price of ${row.provider}/${row.model} ${what}.`,
    param: 'prices',
  });
}

function buildTiers(row: PriceRow): readonly [PriceTier, ...PriceTier[]] {
  let listed: Rates = row.rates;
  const tiers: [PriceTier, ...PriceTier[]] = [tierOfRates(0, completeRates(listed))];
  for (const tier of row.tiers ?? []) {
    const below = tiers[tiers.length - 1] ?? tiers[0];
    if (tier.above_input_tokens <= below.aboveInputTokens) {
      throw invalidRow(row, 'has tiers that do not ascend');
    }
    listed = { ...listed, ...tier.rates };
    const rates = completeRates(listed);
    // A cheaper upper tier would let a longer input cost less, and bounds would no longer hold.
    const cheaper = USAGE_UNITS.find((unit) => rates[unit] < below.rates[unit]);
    if (cheaper !== undefined) throw invalidRow(row, `falls in ${cheaper} with a longer input`);
    tiers.push(tierOfRates(tier.above_input_tokens, rates));
  }
  return tiers;
}

function timeOfDayMs(text: string): number {
  const [hours = '0', minutes = '0'] = text.split(':');
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function conditionsOf(when: Conditions | undefined): [string, string[]][] {
  return Object.entries(when ?? {}).map(([dimension, values]) => [
    dimension,
    typeof values === 'string' ? [values] : values,
  ]);
}

function mediaOf(row: PriceRow): MediaPricing | null {
  if (row.media === undefined && row.counts === undefined) return null;
  return {
    rates: (row.media ?? []).map((entry) => ({
      unit: entry.unit,
      when: conditionsOf(entry.when),
      nanoUsdPerMillion: entry.rate,
      minUnits: entry.min_units ?? 0,
      blockUnits: entry.block_units ?? 1,
      maxUnits: entry.max_units ?? null,
    })),
    counts: (row.counts ?? []).map((entry) => ({
      unit: entry.unit,
      of: entry.of,
      per: entry.per ?? 1,
      when: conditionsOf(entry.when),
      expected: entry.expected,
      max: entry.max,
    })),
    defaults: row.defaults ?? {},
  };
}

/** Everything in a row that decides its price, as text that is equal exactly when the price is. */
export function canonicalPrice(row: PriceRow): string {
  const ratesOf = (rates: Rates): readonly (number | null)[] =>
    USAGE_UNITS.map((unit) => rates[unit] ?? null);
  return JSON.stringify([
    row.provider,
    row.model,
    [...(row.aliases ?? [])].sort(),
    ratesOf(row.rates),
    (row.tiers ?? []).map((tier) => [tier.above_input_tokens, ratesOf(tier.rates)]),
    row.effective_from ?? null,
    row.effective_until ?? null,
    row.daily === undefined ? null : [row.daily.from, row.daily.until],
    // Appended only where it stands, so that prices of text keep the ids that ledgers already hold.
    ...(row.media === undefined && row.counts === undefined ? [] : [mediaOf(row)]),
    ...(row.service_tier === undefined ? [] : [{ serviceTier: row.service_tier }]),
  ]);
}

/**
 * Turns a row into the item that the arithmetic uses.
 *
 * @throws GatewayError `invalid_request` when tiers do not ascend or get cheaper, or the dates are reversed
 */
export function createPriceItem(row: PriceRow, hash: string): PriceItem {
  const fromMs = row.effective_from === undefined ? null : Date.parse(row.effective_from);
  const untilMs = row.effective_until === undefined ? null : Date.parse(row.effective_until);
  if (fromMs !== null && untilMs !== null && untilMs <= fromMs) {
    throw invalidRow(row, 'ends before it begins');
  }
  return {
    id: `${row.provider}/${row.model}#${hash}`,
    provider: row.provider,
    model: row.model,
    serviceTier: row.service_tier ?? STANDARD_TIER,
    effectiveFromMs: fromMs,
    effectiveUntilMs: untilMs,
    daily:
      row.daily === undefined
        ? null
        : { fromMs: timeOfDayMs(row.daily.from), untilMs: timeOfDayMs(row.daily.until) },
    tiers: buildTiers(row),
    listed: new Set(USAGE_UNITS.filter((unit) => row.rates[unit] !== undefined)),
    media: mediaOf(row),
    source: row.source ?? '',
    checkedAt: row.checked_at ?? null,
    row,
    providerPrice: null,
  };
}

/** True when the item holds at that instant. */
export function holdsAt(item: PriceItem, atMs: number): boolean {
  if (item.effectiveFromMs !== null && atMs < item.effectiveFromMs) return false;
  if (item.effectiveUntilMs !== null && atMs >= item.effectiveUntilMs) return false;
  if (item.daily === null) return true;
  const { fromMs, untilMs } = item.daily;
  const timeMs = atMs % DAY_MS;
  return fromMs <= untilMs
    ? timeMs >= fromMs && timeMs < untilMs
    : timeMs >= fromMs || timeMs < untilMs;
}

/** The tier that a request with that many input tokens falls into. */
export function tierFor(item: PriceItem, inputTokens: number): PriceTier {
  const { tiers } = item;
  let found = tiers[0];
  for (let place = 1; place < tiers.length; place += 1) {
    const tier = tiers[place];
    if (tier === undefined || inputTokens <= tier.aboveInputTokens) break;
    found = tier;
  }
  return found;
}
