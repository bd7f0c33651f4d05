/**
 * What a provider counted for one call, as disjoint classes: the sum of the token classes is the provider's own total.
 *
 * @module
 */

/** The classes in which usage is counted; no unit is in two of them. */
export const USAGE_UNITS = [
  'input_text_tokens',
  'input_audio_tokens',
  'input_image_tokens',
  'input_video_tokens',
  'cache_read_tokens',
  'cache_read_audio_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'output_text_tokens',
  'reasoning_tokens',
  'output_audio_tokens',
  'output_image_tokens',
  'web_searches',
  'requests',
] as const;

/**
 * - `input_text_tokens`: uncached text (and document) input, tool-use prompts included
 * - `cache_read_tokens`: input of any modality but audio served from the provider's cache
 * - `output_text_tokens`: visible output, reasoning apart
 * - `reasoning_tokens`: hidden or shown thinking, billed as output
 * - `requests`: flat per-call units, where a provider bills them
 */
export type UsageUnit = (typeof USAGE_UNITS)[number];

/**
 * Units of media, none of them a token. They are priced by rates with dimensions, apart from the token classes, so that
 * a text call pays nothing for them.
 *
 * - `images`: pictures delivered, whatever the operation; `image_pixels` and `image_steps` of all of them together
 * - `video_clips`, `video_ms`: clips delivered and their length, together
 * - `characters`: characters spoken
 * - `audio_ms`: audio listened to
 * - `voice_clones`: voices made
 * - `inputs`: texts embedded
 */
export const MEDIA_UNITS = [
  'images',
  'image_pixels',
  'image_steps',
  'video_clips',
  'video_ms',
  'characters',
  'audio_ms',
  'voice_clones',
  'inputs',
] as const;
/** A name of {@link MEDIA_UNITS}. */
export type MediaUnit = (typeof MEDIA_UNITS)[number];

/** Every unit that a usage vector may hold, in the order in which it is shown. */
export const COUNTED_UNITS = [...USAGE_UNITS, ...MEDIA_UNITS] as const;
/** A name of {@link COUNTED_UNITS}. */
export type CountedUnit = (typeof COUNTED_UNITS)[number];

/** Whole counts by unit; an absent unit is zero. */
export type UsageVector = Readonly<Partial<Record<CountedUnit, number>>>;

/** What two replies of one call counted together. */
export function addUsage(left: UsageVector, right: UsageVector): UsageVector {
  const sum: Partial<Record<CountedUnit, number>> = { ...left };
  for (const [unit, count] of Object.entries(right) as [CountedUnit, number][]) {
    sum[unit] = (sum[unit] ?? 0) + count;
  }
  return sum;
}

/**
 * Tokens of every input class: the `input_tokens` meter.
 *
 * Written out member by member: this runs several times a call, and loads by a computed name cost ten times as much.
 */
export function inputTokensOf(usage: UsageVector): number {
  return (
    (usage.input_text_tokens ?? 0) +
    (usage.input_audio_tokens ?? 0) +
    (usage.input_image_tokens ?? 0) +
    (usage.input_video_tokens ?? 0) +
    (usage.cache_read_tokens ?? 0) +
    (usage.cache_read_audio_tokens ?? 0) +
    (usage.cache_write_tokens ?? 0) +
    (usage.cache_write_1h_tokens ?? 0)
  );
}

/** Tokens of every output class, reasoning included: the `output_tokens` meter. */
export function outputTokensOf(usage: UsageVector): number {
  return (
    (usage.output_text_tokens ?? 0) +
    (usage.reasoning_tokens ?? 0) +
    (usage.output_audio_tokens ?? 0) +
    (usage.output_image_tokens ?? 0)
  );
}

/**
 * Most that a provider is believed to have counted in one call: no call uses a billion tokens, and the price of more
 * might not fit the ledger.
 */
export const BELIEVED_COUNT_MAX = 1_000_000_000;
