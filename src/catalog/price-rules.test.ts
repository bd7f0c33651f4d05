import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceUsage } from './media-cost.ts';
import { createPriceBook, itemOfRow } from './price-book.ts';
import { costNanoUsd } from './price.ts';
import { markedUp, priceRuleSchema, ruledItem } from './price-rules.ts';
import { seedPriceRows } from './seed.ts';

const BOOK = createPriceBook(seedPriceRows());
const CHAT = itemOfRow({
  provider: 'sim',
  model: 'chat',
  rates: { input_text_tokens: 3, output_text_tokens: 10 },
  tiers: [{ above_input_tokens: 100, rates: { input_text_tokens: 7 } }],
  media: [{ unit: 'images', rate: 5 }],
});

describe('markedUp', () => {
  it('raises every rate, each rounded up', () => {
    expect(markedUp(CHAT.row, { percent: '20' })).toMatchObject({
      rates: { input_text_tokens: 4, output_text_tokens: 12 },
      tiers: [{ rates: { input_text_tokens: 9 } }],
      media: [{ unit: 'images', rate: 6 }],
    });
    expect(markedUp(CHAT.row, { percent: '12.5' }).rates).toEqual({
      input_text_tokens: 4,
      output_text_tokens: 12,
    });
  });

  it('leaves other units alone, and lowers as well', () => {
    const row = markedUp(CHAT.row, { percent: '-50', units: ['output_text_tokens'] });
    expect(row.rates).toEqual({ input_text_tokens: 3, output_text_tokens: 5 });
    expect(row.media).toEqual(CHAT.row.media);
  });

  it('makes a valid price of every price of the book, never below it', () => {
    const usage = {
      input_text_tokens: 250_000,
      output_text_tokens: 999,
      images: 3,
      video_ms: 7001,
    };
    const percent = fc
      .integer({ min: 0, max: 999_0000 })
      .map((value) => (value / 10_000).toFixed(4));
    fc.assert(
      fc.property(fc.constantFrom(...BOOK.items), percent, (item, markup_percent) => {
        const ruled = ruledItem(item, { id: 'rule_1', rule: { markup_percent } });
        expect(ruled.providerPrice).toBe(item);
        expect(costNanoUsd(ruled, usage)).toBeGreaterThanOrEqual(costNanoUsd(item, usage));
        expect(priceUsage(ruled, usage).nanoUsd).toBeGreaterThanOrEqual(
          priceUsage(item, usage).nanoUsd,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses what would no longer be exact', () => {
    const row = { ...CHAT.row, rates: { input_text_tokens: Number.MAX_SAFE_INTEGER } };
    expect(() => markedUp(row, { percent: '20' })).toThrow(/too large/);
  });
});

describe('a price rule', () => {
  it('is a markup or a price, not both and not neither', () => {
    const price = { provider: 'sim', model: 'chat', rates: { input_text_tokens: 1 } };
    expect(priceRuleSchema.safeParse({ markup_percent: '20' }).success).toBe(true);
    expect(priceRuleSchema.safeParse({ price }).success).toBe(true);
    for (const wrong of [
      {},
      { price, markup_percent: '20' },
      { price, match: 'sim/*' },
      { markup_percent: '-101' },
      { markup_percent: '20%' },
    ]) {
      expect(priceRuleSchema.safeParse(wrong).success).toBe(false);
    }
  });

  it('names the price that it was made from', () => {
    const ruled = ruledItem(CHAT, { id: 'rule_1', rule: { markup_percent: '20' } });
    expect(ruled.id).toBe(`${CHAT.id}%rule_1`);
  });
});
