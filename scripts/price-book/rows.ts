/**
 * Source tables to price rows.
 *
 * @module
 */
import { createPriceItem } from '../../src/catalog/price-item.ts';
import type { PriceRow } from '../../src/catalog/price-row.ts';
import { USAGE_UNITS, type UsageUnit } from '../../src/contracts/usage.ts';
import { exactRate } from './exact-rates.ts';
import type { SourceModel, SourcePrices } from './genai-prices.ts';
import { mediaParts, mediaRow, type MediaPrices } from './media-prices.ts';
import type { OwnPrices } from './own-prices.ts';
import { tierRows, type TierPrices } from './tier-prices.ts';

/** Day on which the state of the installed package was compared with provider pages. */
const SOURCE_CHECKED_AT = '2026-11-23';

type Rates = Partial<Record<UsageUnit, number>>;
type Tier = NonNullable<PriceRow['tiers']>[number];

export interface BuildNotes {
  /** Decimals without a whole nano-USD, mostly float artefacts. */
  readonly roundedUp: string[];
  /** Models that got no row, with the reason. */
  readonly leftOut: string[];
  /** Hand rows that the source prices by now. */
  readonly redundant: string[];
}

/** Source key → our class and the number of units the price is for. */
const UNITS: Readonly<Record<string, { readonly unit: UsageUnit; readonly per: number }>> = {
  input_mtok: { unit: 'input_text_tokens', per: 1e6 },
  output_mtok: { unit: 'output_text_tokens', per: 1e6 },
  cache_read_mtok: { unit: 'cache_read_tokens', per: 1e6 },
  cache_write_mtok: { unit: 'cache_write_tokens', per: 1e6 },
  cache_write_1h_mtok: { unit: 'cache_write_1h_tokens', per: 1e6 },
  input_audio_mtok: { unit: 'input_audio_tokens', per: 1e6 },
  cache_audio_read_mtok: { unit: 'cache_read_audio_tokens', per: 1e6 },
  input_image_mtok: { unit: 'input_image_tokens', per: 1e6 },
  // `cache_read_tokens` covers every modality but audio: of two prices the dearer counts.
  cache_image_read_mtok: { unit: 'cache_read_tokens', per: 1e6 },
  input_video_mtok: { unit: 'input_video_tokens', per: 1e6 },
  output_audio_mtok: { unit: 'output_audio_tokens', per: 1e6 },
  output_image_mtok: { unit: 'output_image_tokens', per: 1e6 },
  output_reasoning_mtok: { unit: 'reasoning_tokens', per: 1e6 },
  web_searches_kcount: { unit: 'web_searches', per: 1000 },
  requests_kcount: { unit: 'requests', per: 1000 },
};
/** Prices of tools that the gateway does not offer: their absence changes no bill. */
const IGNORED = new Set(['storage_searches_kcount']);

interface Reading {
  readonly rates: Rates;
  readonly tiers: Tier[];
}

function raise(rates: Rates, unit: UsageUnit, rate: number): void {
  rates[unit] = Math.max(rates[unit] ?? 0, rate);
}

function readPrices(prices: SourcePrices, name: string, notes: BuildNotes): Reading | string {
  const rates: Rates = {};
  const byStart = new Map<number, Rates>();
  for (const [key, value] of Object.entries(prices)) {
    if (value === undefined || IGNORED.has(key)) continue;
    const known = UNITS[key];
    if (known === undefined) return `${key} has no usage class`;
    const convert = (usd: number): number => {
      const exact = exactRate(usd, known.per);
      if (exact.roundedUp) notes.roundedUp.push(`${name} ${key} ${usd} -> ${exact.rate}`);
      return exact.rate;
    };
    if (typeof value === 'number') {
      raise(rates, known.unit, convert(value));
      continue;
    }
    raise(rates, known.unit, convert(value.base));
    for (const tier of value.tiers) {
      const tierRates = byStart.get(tier.start) ?? {};
      raise(tierRates, known.unit, convert(tier.price));
      byStart.set(tier.start, tierRates);
    }
  }
  if (Object.values(rates).every((rate) => rate === 0)) return 'no price, or all zero';
  const tiers = [...byStart]
    .sort(([left], [right]) => left - right)
    .map(([above_input_tokens, tierRates]) => ({ above_input_tokens, rates: ordered(tierRates) }));
  return { rates: ordered(rates), tiers };
}

function ordered(rates: Rates): Rates {
  const sorted: Rates = {};
  for (const unit of USAGE_UNITS) {
    const rate = rates[unit];
    if (rate !== undefined) sorted[unit] = rate;
  }
  return sorted;
}

function timeOfDay(text: string): string {
  const match = /^(\d{2}:\d{2}):00(?:\.0+)?Z$/.exec(text);
  if (match?.[1] === undefined) throw new Error(`${text} is not a whole UTC minute`);
  return match[1];
}

function startOf(source: SourceModel['prices'][number]): string | undefined {
  return source.constraint?.type === 'start_date' ? source.constraint.start_date : undefined;
}

/** Rows of one model: a later start date ends the row before it, hours hold from the start date before them. */
function modelRows(model: SourceModel, notes: BuildNotes): PriceRow[] {
  const name = model.partner === null ? model.model : `${model.model}:${model.partner}`;
  const label = `${model.provider}/${name}`;
  const rows: PriceRow[] = [];
  let from: string | undefined;
  for (const [place, entry] of model.prices.entries()) {
    const reading = readPrices(entry.prices, label, notes);
    if (typeof reading === 'string') {
      notes.leftOut.push(`${label}: ${reading}`);
      return [];
    }
    from = startOf(entry) ?? from;
    const hours = entry.constraint?.type === 'time_of_date' ? entry.constraint : null;
    const next =
      hours === null
        ? model.prices
            .slice(place + 1)
            .map(startOf)
            .find((start) => start !== undefined)
        : undefined;
    rows.push({
      provider: model.provider,
      model: name,
      ...(model.names.length === 0 ? {} : { aliases: [...model.names] }),
      rates: reading.rates,
      ...(reading.tiers.length === 0 ? {} : { tiers: reading.tiers }),
      ...(from === undefined ? {} : { effective_from: from }),
      ...(next === undefined ? {} : { effective_until: next }),
      ...(hours === null
        ? {}
        : { daily: { from: timeOfDay(hours.start_time), until: timeOfDay(hours.end_time) } }),
    });
  }
  return rows;
}

function ratesOfUsd(usd: OwnPrices['rows'][number]['usd_per_million']): Rates {
  const rates: Rates = {};
  for (const unit of USAGE_UNITS) {
    const text = usd[unit];
    if (text === undefined) continue;
    const exact = exactRate(text, 1e6);
    if (exact.roundedUp) throw new Error(`${text} has no whole nano-USD`);
    rates[unit] = exact.rate;
  }
  return rates;
}

function ownRow(row: OwnPrices['rows'][number]): PriceRow {
  return {
    provider: row.provider,
    model: row.model,
    ...(row.aliases === undefined ? {} : { aliases: row.aliases }),
    rates: ratesOfUsd(row.usd_per_million),
    ...(row.tiers === undefined
      ? {}
      : {
          tiers: row.tiers.map((tier) => ({
            above_input_tokens: tier.above_input_tokens,
            rates: ratesOfUsd(tier.usd_per_million),
          })),
        }),
    ...(row.effective_from === undefined ? {} : { effective_from: row.effective_from }),
    ...(row.effective_until === undefined ? {} : { effective_until: row.effective_until }),
    source: row.source,
    checked_at: row.checked_at,
  };
}

/**
 * The router picks the partner when the name does not (`:fastest` by default) and passes its price through, so
 * a bare name costs at most the dearest partner.
 */
function routerRows(rows: readonly PriceRow[]): PriceRow[] {
  const byModel = new Map<string, { name: string; rates: Rates; partners: number }>();
  for (const row of rows) {
    const split = row.model.lastIndexOf(':');
    if (row.provider !== 'huggingface' || split < 0) continue;
    const name = row.model.slice(0, split);
    const known = byModel.get(name.toLowerCase()) ?? { name, rates: {}, partners: 0 };
    for (const unit of USAGE_UNITS) {
      const rate = row.rates[unit];
      if (rate !== undefined) raise(known.rates, unit, rate);
    }
    known.partners += 1;
    byModel.set(name.toLowerCase(), known);
  }
  return [...byModel.values()].map(({ name, rates, partners }) => ({
    provider: 'huggingface',
    model: name,
    aliases: [`${name}:cheapest`, `${name}:fastest`, `${name}:preferred`],
    rates: ordered(rates),
    source: `dearest of ${partners} partners`,
  }));
}

function withSupplements(row: PriceRow, own: OwnPrices, aliases: readonly string[]): PriceRow {
  let rates: Rates = { ...row.rates };
  for (const supplement of own.supplements) {
    if (supplement.provider !== row.provider || !supplement.models.includes(row.model)) continue;
    rates = { ...ratesOfUsd(supplement.usd_per_million), ...rates };
  }
  const names = [...new Set([...(row.aliases ?? []), ...aliases])].sort();
  return { ...row, ...(names.length === 0 ? {} : { aliases: names }), rates: ordered(rates) };
}

function keyOf(row: { readonly provider: string; readonly model: string }): string {
  return `${row.provider}/${row.model}`;
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Every row of the model gets what the hand file of media says, under prices of its own. */
function withMedia(row: PriceRow, media: MediaPrices, roundedUp: string[]): PriceRow {
  const found = media.rows.find((entry) => keyOf(entry) === keyOf(row));
  if (found === undefined) return row;
  const { rates, ...parts } = mediaParts(found, roundedUp);
  return { ...row, ...parts, rates: ordered({ ...rates, ...row.rates }) };
}

/** All rows, by provider and model; rows of one model in precedence order. */
export function buildRows(
  models: readonly SourceModel[],
  {
    own,
    media,
    tiers,
  }: { readonly own: OwnPrices; readonly media: MediaPrices; readonly tiers: TierPrices },
): { readonly rows: readonly PriceRow[]; readonly notes: BuildNotes } {
  const notes: BuildNotes = { roundedUp: [], leftOut: [], redundant: [] };
  const sourced = models.flatMap((model) => modelRows(model, notes));
  const priced = new Set(sourced.map(keyOf));
  const additions = own.rows.filter((row) => {
    if (!priced.has(keyOf(row))) return true;
    notes.redundant.push(keyOf(row));
    return false;
  });
  const tokens = [...sourced, ...additions.map(ownRow)];
  const named = new Set(tokens.map(keyOf));
  const direct = [
    ...tokens.map((row) => withMedia(row, media, notes.roundedUp)),
    ...media.rows
      .filter((row) => !named.has(keyOf(row)))
      .map((row) => mediaRow(row, notes.roundedUp)),
  ];
  const standard = [...direct, ...routerRows(direct)].map((row) => {
    const aliases = own.aliases.filter((entry) => keyOf(entry) === keyOf(row));
    return withSupplements(
      row,
      own,
      aliases.flatMap((entry) => entry.aliases),
    );
  });
  const rows = [...standard, ...tierRows(standard, tiers, notes.leftOut)]
    .filter((row) => {
      try {
        createPriceItem(row, '');
        return true;
      } catch (error) {
        notes.leftOut.push(`${keyOf(row)}: ${error instanceof Error ? error.message : 'invalid'}`);
        return false;
      }
    })
    .map((row, place) => ({ row, place }))
    .sort(
      (left, right) =>
        compareText(left.row.provider, right.row.provider) ||
        compareText(left.row.model, right.row.model) ||
        left.place - right.place,
    )
    .map(({ row }) => row);
  return { rows, notes };
}

/** The generated file: a header, then one line per row. */
export function renderRows(rows: readonly PriceRow[], version: string): string {
  const header = {
    about:
      'Generated by scripts/build-price-book.ts; edit own-prices.json, tier-prices.json or media-prices.json instead. Rates are nano-USD per 1,000,000 units.',
    defaults: { source: `@pydantic/genai-prices@${version}`, checked_at: SOURCE_CHECKED_AT },
  };
  const start = JSON.stringify(header).slice(0, -1);
  return `${start},"rows":[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]}\n`;
}
