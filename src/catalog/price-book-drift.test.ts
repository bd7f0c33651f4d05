import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildPriceBook, sourceVersion } from '../../scripts/build-price-book.ts';
import { exactRate } from '../../scripts/price-book/exact-rates.ts';

const FACTS_TABLE = new URL(
  '../../../shared/fixtures/prices/litellm-model-prices.json',
  import.meta.url,
).pathname;

function committed(name: string): string {
  return readFileSync(new URL(`./data/${name}`, import.meta.url), 'utf8');
}

const installed = sourceVersion() !== null;

describe('the generated files', () => {
  it('equal what the script builds from its sources', async (context) => {
    if (!installed) context.skip('@pydantic/genai-prices is not installed');
    const built = await buildPriceBook(FACTS_TABLE);
    expect(built.priceBook).toBe(committed('price-book.json'));
    if (existsSync(FACTS_TABLE)) expect(built.modelFacts).toBe(committed('model-facts.json'));
    expect(built.notes.roundedUp.length).toBeLessThan(15);
    expect(built.notes.redundant).toEqual([]);
  });
});

describe('exactRate', () => {
  it.each([
    ['0.075', 1e6, 75_000_000, false],
    [0.003625, 1e6, 3_625_000, false],
    [1e-7, 1e6, 100, false],
    [30, 1e6, 30_000_000_000, false],
    [10, 1000, 10_000_000_000_000, false],
    [0.18000000000000002, 1e6, 180_000_001, true],
    [0.08333333333333334, 1e6, 83_333_334, true],
    [0, 1e6, 0, false],
  ])('%s per %s', (usd, per, rate, roundedUp) => {
    expect(exactRate(usd, per)).toEqual({ rate, roundedUp });
  });

  it('refuses what is not a price', () => {
    for (const text of ['-1', 'NaN', '', '1,5', 'Infinity']) {
      expect(() => exactRate(text, 1e6)).toThrow(/not a price/);
    }
  });
});
