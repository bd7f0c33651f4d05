/**
 * The price engine's oracle: fractions of bigints over the rows as they are written. It shares no code with the engine:
 * rates, fallbacks, tiers, conditions, minimums and blocks are read again from the row.
 *
 * @module
 */
import {
  MEDIA_UNITS,
  USAGE_UNITS,
  type CountedUnit,
  type UsageVector,
} from '../../contracts/usage.ts';
import type { PriceRow } from '../price-row.ts';

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

const ZERO: Fraction = { over: 0n, under: 1n };

function plus(left: Fraction, right: Fraction): Fraction {
  return {
    over: left.over * right.under + right.over * left.under,
    under: left.under * right.under,
  };
}

function product(units: bigint, ratePerMillion: bigint): Fraction {
  return { over: units * ratePerMillion, under: 1_000_000n };
}

function roundUp({ over, under }: Fraction): bigint {
  const whole = over / under;
  return whole * under === over ? whole : whole + 1n;
}

type RowRates = Readonly<Record<string, number | undefined>>;

/** The documented fallbacks, each as the classes to look at in turn; nothing found is nothing billed. */
const LOOK_UP: Readonly<Record<string, readonly string[]>> = {
  input_text_tokens: [],
  input_audio_tokens: ['input_text_tokens'],
  input_image_tokens: ['input_text_tokens'],
  input_video_tokens: ['input_text_tokens'],
  cache_read_tokens: ['input_text_tokens'],
  cache_read_audio_tokens: ['input_audio_tokens', 'cache_read_tokens', 'input_text_tokens'],
  cache_write_tokens: ['input_text_tokens'],
  cache_write_1h_tokens: ['cache_write_tokens', 'input_text_tokens'],
  output_text_tokens: [],
  reasoning_tokens: ['output_text_tokens'],
  output_audio_tokens: ['output_text_tokens'],
  output_image_tokens: ['output_text_tokens'],
  web_searches: [],
  requests: [],
};
const INPUT = USAGE_UNITS.filter((unit) => unit.startsWith('input') || unit.startsWith('cache'));

function oracleRates(row: PriceRow, inputTokens: number): RowRates {
  let rates: RowRates = row.rates;
  for (const tier of row.tiers ?? []) {
    if (inputTokens > tier.above_input_tokens) rates = { ...rates, ...tier.rates };
  }
  return rates;
}

function oracleTokens(row: PriceRow, usage: UsageVector): Fraction {
  const input = INPUT.reduce((sum, unit) => sum + (usage[unit] ?? 0), 0);
  const rates = oracleRates(row, input);
  let cost = ZERO;
  for (const [unit, others] of Object.entries(LOOK_UP)) {
    const found = [unit, ...others].find((name) => rates[name] !== undefined);
    const rate = found === undefined ? 0 : (rates[found] ?? 0);
    cost = plus(cost, product(BigInt(usage[unit as CountedUnit] ?? 0), BigInt(rate)));
  }
  return cost;
}

function oracleUnits(
  rate: NonNullable<PriceRow['media']>[number],
  counted: bigint,
  pieces: bigint,
): bigint {
  if (counted === 0n) return 0n;
  const hasRule =
    rate.min_units !== undefined || rate.block_units !== undefined || rate.max_units !== undefined;
  if (!hasRule) return counted;
  let each = roundUp({ over: counted, under: pieces });
  if (each < BigInt(rate.min_units ?? 0)) each = BigInt(rate.min_units ?? 0);
  const block = BigInt(rate.block_units ?? 1);
  each = roundUp({ over: each, under: block }) * block;
  if (rate.max_units !== undefined && each > BigInt(rate.max_units)) each = BigInt(rate.max_units);
  return each * pieces;
}

function oracleMedia(
  row: PriceRow,
  usage: UsageVector,
  dimensions: Readonly<Record<string, string>>,
): Fraction {
  let cost = ZERO;
  for (const unit of MEDIA_UNITS) {
    const counted = BigInt(usage[unit] ?? 0);
    const rate = (row.media ?? []).find(
      (entry) =>
        entry.unit === unit &&
        Object.entries(entry.when ?? {}).every(([name, values]) =>
          [values].flat().includes(dimensions[name] ?? ''),
        ),
    );
    if (rate === undefined) continue;
    const piecesBy = unit.startsWith('image_') ? usage.images : usage.video_clips;
    const isByPiece = unit.startsWith('image_') || unit === 'video_ms';
    const pieces = isByPiece ? BigInt(Math.max(1, piecesBy ?? 1)) : 1n;
    cost = plus(cost, product(oracleUnits(rate, counted, pieces), BigInt(rate.rate)));
  }
  return cost;
}

/** The cost in nano-USD, rounded up once. `dimensions` have the row's defaults in them. */
export function oracleCost(
  row: PriceRow,
  usage: UsageVector,
  dimensions: Readonly<Record<string, string>> = {},
): bigint {
  return roundUp(plus(oracleTokens(row, usage), oracleMedia(row, usage, dimensions)));
}
