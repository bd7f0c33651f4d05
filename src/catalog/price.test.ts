import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputTokensOf, USAGE_UNITS, type UsageVector } from '../contracts/usage.ts';
import { ceilMillionths } from './ceil-millionths.ts';
import { createPriceBook } from './price-book.ts';
import type { PriceItem } from './price-item.ts';
import type { PriceRow } from './price-row.ts';
import { billedUsage, costNanoUsd, costOf } from './price.ts';
import { seedPriceRows } from './seed.ts';

const BOOK = createPriceBook(seedPriceRows());

/** Millionths of a nano-USD, exact: the oracle computes in bigint and knows tiers only by their definition. */
function exactMillionths(item: PriceItem, usage: UsageVector): bigint {
  const input = inputTokensOf(usage);
  const reachable = item.tiers.filter(
    (tier) => tier.aboveInputTokens === 0 || input > tier.aboveInputTokens,
  );
  const rates = reachable[reachable.length - 1]!.rates;
  return USAGE_UNITS.reduce(
    (sum, unit) => sum + BigInt(usage[unit] ?? 0) * BigInt(rates[unit]),
    0n,
  );
}

function ceil(millionths: bigint): bigint {
  return millionths / 1_000_000n + (millionths % 1_000_000n === 0n ? 0n : 1n);
}

const itemArbitrary = fc.constantFrom(...BOOK.items);
const countArbitrary = fc.oneof(
  fc.nat(3),
  fc.nat(500_000),
  fc.constantFrom(199_999, 200_000, 200_001, 271_999, 272_000),
  fc.nat(2_000_000_000),
);
const usageArbitrary: fc.Arbitrary<UsageVector> = fc.record(
  Object.fromEntries(USAGE_UNITS.map((unit) => [unit, countArbitrary])),
  { requiredKeys: [] },
);

describe('costNanoUsd', () => {
  it('I13: is the exact rational cost rounded up, for every item of the book', () => {
    fc.assert(
      fc.property(itemArbitrary, usageArbitrary, (item, usage) => {
        expect(costNanoUsd(item, usage)).toBe(ceil(exactMillionths(item, usage)));
      }),
      { numRuns: 5000 },
    );
  });

  it('I13: is monotone in every class', () => {
    const unitArbitrary = fc.constantFrom(...USAGE_UNITS);
    fc.assert(
      fc.property(
        itemArbitrary,
        usageArbitrary,
        unitArbitrary,
        countArbitrary,
        (item, usage, unit, more) => {
          const raised = { ...usage, [unit]: (usage[unit] ?? 0) + more };
          expect(costNanoUsd(item, raised)).toBeGreaterThanOrEqual(costNanoUsd(item, usage));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('I13: over attempts is within one nano-USD of the exact sum for each', () => {
    fc.assert(
      fc.property(
        itemArbitrary,
        fc.array(usageArbitrary, { minLength: 1, maxLength: 4 }),
        (item, attempts) => {
          const booked = attempts.reduce((sum, usage) => sum + costNanoUsd(item, usage), 0n);
          const exact = attempts.reduce((sum, usage) => sum + exactMillionths(item, usage), 0n);
          const excess = booked * 1_000_000n - exact;
          expect(excess).toBeGreaterThanOrEqual(0n);
          expect(excess).toBeLessThan(BigInt(attempts.length) * 1_000_000n);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('I13: covers every single item at every tier edge', () => {
    for (const item of BOOK.items) {
      for (const tier of item.tiers) {
        for (const offset of [-1, 0, 1]) {
          const usage = {
            input_text_tokens: Math.max(0, tier.aboveInputTokens + offset),
            output_text_tokens: 777,
            reasoning_tokens: 3,
          };
          expect(costNanoUsd(item, usage)).toBe(ceil(exactMillionths(item, usage)));
        }
      }
    }
  });

  it('costs nothing for nothing and at least one nano-USD for anything priced', () => {
    const item = BOOK.find('sim', 'chat', 0)!;
    expect(costNanoUsd(item, {})).toBe(0n);
    expect(costNanoUsd(item, { input_text_tokens: 1 })).toBe(100n);
    const [tiny] = createPriceBook([
      { provider: 'p', model: 'm', rates: { input_text_tokens: 1 } },
    ]).items;
    expect(costNanoUsd(tiny!, { input_text_tokens: 1 })).toBe(1n);
  });

  it('rounds exactly up to the largest safe integer', () => {
    const whole = fc.integer({ min: 0, max: Math.floor(Number.MAX_SAFE_INTEGER / 1_000_000) - 1 });
    fc.assert(
      fc.property(whole, fc.constantFrom(0, 1, 999_999), (quotient, rest) => {
        expect(ceilMillionths(quotient * 1_000_000 + rest)).toBe(quotient + (rest > 0 ? 1 : 0));
      }),
      { numRuns: 5000 },
    );
    expect(ceilMillionths(Number.MAX_SAFE_INTEGER)).toBe(9_007_199_255);
  });
});

describe('fallback rates', () => {
  const itemOf = (rates: PriceRow['rates']): PriceItem =>
    createPriceBook([{ provider: 'p', model: 'm', rates }]).items[0]!;
  const million = (item: PriceItem, unit: (typeof USAGE_UNITS)[number]) =>
    Number(costNanoUsd(item, { [unit]: 1_000_000 }));

  it('price every unlisted token class as the table says', () => {
    const item = itemOf({ input_text_tokens: 10, output_text_tokens: 40 });
    expect(USAGE_UNITS.map((unit) => [unit, million(item, unit)])).toEqual([
      ['input_text_tokens', 10],
      ['input_audio_tokens', 10],
      ['input_image_tokens', 10],
      ['input_video_tokens', 10],
      ['cache_read_tokens', 10],
      ['cache_read_audio_tokens', 10],
      ['cache_write_tokens', 10],
      ['cache_write_1h_tokens', 10],
      ['output_text_tokens', 40],
      ['reasoning_tokens', 40],
      ['output_audio_tokens', 40],
      ['output_image_tokens', 40],
      ['web_searches', 0],
      ['requests', 0],
    ]);
  });

  it('follow the nearest listed class', () => {
    const cached = itemOf({ input_text_tokens: 10, cache_read_tokens: 1, cache_write_tokens: 12 });
    expect(million(cached, 'cache_read_audio_tokens')).toBe(1);
    expect(million(cached, 'cache_write_1h_tokens')).toBe(12);
    const audio = itemOf({ input_text_tokens: 10, cache_read_tokens: 1, input_audio_tokens: 30 });
    expect(million(audio, 'cache_read_audio_tokens')).toBe(30);
  });

  it('are marked in the account', () => {
    const item = itemOf({ input_text_tokens: 10, output_text_tokens: 40 });
    const cost = costOf(item, { input_text_tokens: 5, reasoning_tokens: 7, cache_read_tokens: 0 });
    expect(cost).toEqual({
      nanoUsd: 1n,
      priceItemId: item.id,
      lines: [
        { unit: 'input_text_tokens', units: 5, nanoUsdPerMillion: 10n, fallback: false },
        { unit: 'reasoning_tokens', units: 7, nanoUsdPerMillion: 40n, fallback: true },
      ],
    });
  });
});

describe('costOf', () => {
  it('has lines that add up to the cost before rounding', () => {
    fc.assert(
      fc.property(itemArbitrary, usageArbitrary, (item, usage) => {
        const cost = costOf(item, usage);
        const sum = cost.lines.reduce(
          (total, line) => total + BigInt(line.units) * line.nanoUsdPerMillion,
          0n,
        );
        expect(cost.nanoUsd).toBe(ceil(sum));
        expect(cost.nanoUsd).toBe(costNanoUsd(item, usage));
      }),
    );
  });
});

describe('billedUsage', () => {
  it('adds the fee of a request once where the item has one', () => {
    const sonar = BOOK.find('perplexity', 'sonar', 0)!;
    expect(billedUsage(sonar, { input_text_tokens: 4 })).toEqual({
      input_text_tokens: 4,
      requests: 1,
    });
    expect(billedUsage(sonar, { requests: 2 })).toEqual({ requests: 2 });
    const usage = { input_text_tokens: 4 };
    expect(billedUsage(BOOK.find('openai', 'gpt-4o', 0)!, usage)).toBe(usage);
  });
});
