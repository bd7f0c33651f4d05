import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MEDIA_UNITS,
  USAGE_UNITS,
  type CountedUnit,
  type UsageVector,
} from '../contracts/usage.ts';
import { priceUsage, withDefaults } from './media-cost.ts';
import { createPriceBook } from './price-book.ts';
import type { PriceItem } from './price-item.ts';
import type { PriceRow } from './price-row.ts';
import { costNanoUsd } from './price.ts';
import { seedPriceRows } from './seed.ts';
import { oracleCost } from './testing/price-oracle.ts';

const BOOK = createPriceBook(seedPriceRows());

/** Every combination of values that the row names, and one that it does not, over the row's defaults. */
function dimensionSets(row: PriceRow): Readonly<Record<string, string>>[] {
  const values = new Map<string, Set<string>>();
  for (const entry of row.media ?? []) {
    for (const [name, allowed] of Object.entries(entry.when ?? {})) {
      const known = values.get(name) ?? new Set();
      for (const value of [allowed].flat()) known.add(value);
      values.set(name, known);
    }
  }
  let sets: Readonly<Record<string, string>>[] = [{ ...row.defaults }];
  for (const [name, known] of values) {
    sets = sets.flatMap((set) =>
      [...known, 'unheard-of'].map((value) => ({ ...set, [name]: value })),
    );
  }
  return sets;
}

const count = fc.oneof(
  fc.constantFrom(0, 1, 2, 999, 1000, 1001, 199_999, 200_000, 200_001, 272_001, 1_048_576),
  fc.nat(50_000_000),
);
const vector = (units: readonly CountedUnit[]): fc.Arbitrary<UsageVector> =>
  fc.record(Object.fromEntries(units.map((unit) => [unit, count])), { requiredKeys: [] });
const pieces = fc.record({
  images: fc.integer({ min: 1, max: 10 }),
  video_clips: fc.integer({ min: 1, max: 4 }),
});
const tokens = vector(USAGE_UNITS);
const media = fc.tuple(vector(MEDIA_UNITS), pieces).map(([usage, some]) => ({ ...usage, ...some }));

describe('the price engine against an exact rational oracle', () => {
  it('differs nowhere: every item of the book × sampled token usage', () => {
    const samples = fc.sample(tokens, { seed: 1, numRuns: 40 });
    let compared = 0;
    for (const item of BOOK.items) {
      for (const usage of samples) {
        const expected = oracleCost(item.row, usage);
        if (costNanoUsd(item, usage) !== expected)
          expect.fail(`${item.id} ${JSON.stringify(usage)}`);
        compared += 1;
      }
    }
    expect(compared).toBe(BOOK.items.length * samples.length);
  });

  it('differs nowhere: every item with media × its dimensions × sampled usage', () => {
    const samples = fc.sample(fc.tuple(media, tokens), { seed: 2, numRuns: 25 });
    const items = BOOK.items.filter((item) => item.media !== null);
    expect(items.length).toBeGreaterThan(100);
    for (const item of items) {
      for (const dimensions of dimensionSets(item.row)) {
        for (const [some, more] of samples) {
          const usage = { ...more, ...some };
          const expected = oracleCost(item.row, usage, dimensions);
          const { nanoUsd } = priceUsage(item, usage, { dimensions });
          if (nanoUsd !== expected) {
            expect.fail(
              `${item.id} ${JSON.stringify({ usage, dimensions })}: ${nanoUsd}, not ${expected}`,
            );
          }
        }
      }
    }
  });
});

const mediaItem = fc.constantFrom(...BOOK.items.filter((item) => item.media !== null));
const settled = (item: PriceItem, usage: UsageVector): bigint =>
  priceUsage(item, usage, { dimensions: withDefaults(item.media, {}) }).nanoUsd;

describe('I13 for media', () => {
  it('never gets cheaper with more of a unit', () => {
    const more = fc.tuple(
      fc.constantFrom(...MEDIA_UNITS.filter((unit) => unit !== 'images' && unit !== 'video_clips')),
      count,
    );
    fc.assert(
      fc.property(mediaItem, media, more, (item, usage, [unit, extra]) => {
        const raised = { ...usage, [unit]: (usage[unit] ?? 0) + extra };
        expect(settled(item, raised)).toBeGreaterThanOrEqual(settled(item, usage));
      }),
      { numRuns: 1000 },
    );
  });

  it('adds up: n equal pieces cost n times one, but for the one rounding', () => {
    const piece = fc.record({ image_pixels: count, image_steps: count, video_ms: count });
    fc.assert(
      fc.property(mediaItem, piece, fc.integer({ min: 1, max: 8 }), (item, one, n) => {
        const single = settled(item, { ...one, images: 1, video_clips: 1 });
        const all = settled(item, {
          image_pixels: one.image_pixels * n,
          image_steps: one.image_steps * n,
          video_ms: one.video_ms * n,
          images: n,
          video_clips: n,
        });
        const times = BigInt(n);
        expect(all).toBeLessThanOrEqual(single * times);
        expect(single * times - all).toBeLessThan(times);
      }),
      { numRuns: 1000 },
    );
  });
});
