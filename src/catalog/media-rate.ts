/**
 * Prices of media: rates that hold for certain dimensions (size, quality, resolution, sound …), with minimums and
 * billing blocks as data.
 *
 * Of the rates of a unit the first whose conditions are met is the price. A dimension that is not known leaves every
 * rate open that it could lead to, so that a price becomes a range and never a guess.
 *
 * @module
 */
import {
  MEDIA_UNITS,
  type MediaUnit,
  type UsageUnit,
  type UsageVector,
} from '../contracts/usage.ts';

/** What a call is like, by dimension: `size`, `quality`, `resolution`, `audio`, `seconds`, `operation`, `mode` … Lower case. */
export type Dimensions = Readonly<Record<string, string>>;

type Conditions = readonly (readonly [dimension: string, values: readonly string[]])[];

/** The price of one unit under some conditions. */
export interface MediaRate {
  readonly unit: MediaUnit;
  readonly when: Conditions;
  readonly nanoUsdPerMillion: number;
  /** Units billed at least, for each piece. */
  readonly minUnits: number;
  /** Units are billed in whole blocks of this many, for each piece. */
  readonly blockUnits: number;
  /** Units billed at most, for each piece; null: no cap. */
  readonly maxUnits: number | null;
}

/** What may be counted on before a call, besides the units of media themselves. */
export const COUNT_SOURCES = [...MEDIA_UNITS, 'input_images', 'drafts', 'requests'] as const;
export type CountSource = (typeof COUNT_SOURCES)[number];

/**
 * Tokens that a provider counts for media, known before the call: `expected` and at most `max` for every `per` of `of`.
 * For bounds alone: what is settled is what the provider reported.
 */
export interface MediaCount {
  readonly unit: UsageUnit;
  readonly of: CountSource;
  readonly per: number;
  readonly when: Conditions;
  readonly expected: number;
  readonly max: number;
}

/** Everything that a price item says of media. */
export interface MediaPricing {
  readonly rates: readonly MediaRate[];
  readonly counts: readonly MediaCount[];
  /** Dimensions of a call that does not name them. */
  readonly defaults: Dimensions;
}

type Match = 'yes' | 'no' | 'open';

function matchOf(when: Conditions, dimensions: Dimensions): Match {
  let match: Match = 'yes';
  for (const [dimension, values] of when) {
    const value = dimensions[dimension];
    if (value === undefined) match = 'open';
    else if (!values.includes(value)) return 'no';
  }
  return match;
}

/**
 * Entries for one unit that a call of these dimensions may come to: the first that certainly holds and those before
 * it that may. Empty when none can.
 */
export function openEntries<Entry extends { readonly unit: string; readonly when: Conditions }>(
  entries: readonly Entry[],
  unit: Entry['unit'],
  dimensions: Dimensions,
): readonly Entry[] {
  const found: Entry[] = [];
  for (const entry of entries) {
    if (entry.unit !== unit) continue;
    const match = matchOf(entry.when, dimensions);
    if (match === 'no') continue;
    found.push(entry);
    if (match === 'yes') break;
  }
  return found;
}

/** The dimension in which no rate of the unit agrees with the call, where there is one such; else null. */
export function unmetDimension(
  entries: readonly MediaRate[],
  unit: MediaUnit,
  dimensions: Dimensions,
): string | null {
  const rates = entries.filter((entry) => entry.unit === unit);
  const names = new Set(rates.flatMap((rate) => rate.when.map(([dimension]) => dimension)));
  for (const name of names) {
    const value = dimensions[name];
    const isMet = rates.some(({ when }) =>
      when.every(
        ([dimension, values]) =>
          dimension !== name || value === undefined || values.includes(value),
      ),
    );
    if (!isMet) return name;
  }
  return null;
}

/** Pieces that the minimum and the block of a unit apply to one by one. */
export function piecesOf(unit: MediaUnit, usage: UsageVector): number {
  switch (unit) {
    case 'image_pixels':
    case 'image_steps':
      return Math.max(1, usage.images ?? 1);
    case 'video_ms':
      return Math.max(1, usage.video_clips ?? 1);
    case 'images':
    case 'video_clips':
    case 'characters':
    case 'audio_ms':
    case 'voice_clones':
    case 'inputs':
      return 1;
  }
}

/**
 * Units as they are billed: at least the minimum, in whole blocks, at most the cap, each piece by itself. Exact for
 * pieces of one length, as providers make them; pieces of different lengths count as the longest share of their sum.
 */
export function billedUnits(rate: MediaRate, counted: number, pieces: number): number {
  const { minUnits, blockUnits, maxUnits } = rate;
  if (counted === 0 || (minUnits === 0 && blockUnits === 1 && maxUnits === null)) return counted;
  const each = Math.max(Math.ceil(counted / pieces), minUnits);
  const whole = Math.ceil(each / blockUnits) * blockUnits;
  return (maxUnits === null ? whole : Math.min(whole, maxUnits)) * pieces;
}
