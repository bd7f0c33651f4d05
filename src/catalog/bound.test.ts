import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UsageVector } from '../contracts/usage.ts';
import { amountsOf, boundText, outputCapOf, type TextBound, type TextBoundInput } from './bound.ts';
import { UNKNOWN_MODEL, type ModelFacts } from './model-facts.ts';
import { createPriceBook } from './price-book.ts';
import type { PriceItem } from './price-item.ts';
import { billedUsage, costNanoUsd } from './price.ts';
import { seedPriceRows } from './seed.ts';

const BOOK = createPriceBook(seedPriceRows());
const NOW = Date.parse('2026-11-24T12:00:00Z');
const TEXT_ITEMS = BOOK.items.filter(
  (item) => item.listed.has('input_text_tokens') && item.listed.has('output_text_tokens'),
);

function itemOf(provider: string, model: string): PriceItem {
  return BOOK.find(provider, model, NOW)!;
}

function factsOf(maxOutputTokens: number | null, contextWindow: number | null = null): ModelFacts {
  return { ...UNKNOWN_MODEL, maxOutputTokens, contextWindow };
}

function bound(item: PriceItem, input: Partial<TextBoundInput>, facts = UNKNOWN_MODEL): TextBound {
  const result = boundText(item, facts, {
    inputBytes: 0,
    inputMediaTokens: 0,
    namedMaxOutputTokens: null,
    n: 1,
    maxSearches: 0,
    ...input,
  });
  if ('problem' in result) throw new Error(result.problem);
  return result;
}

/** What the ledger holds: the fixed part and the elastic output, each rounded up. */
function heldCost({ fixed, elastic }: TextBound): bigint {
  const output = BigInt(elastic.tokens) * elastic.nanoUsdPerMillion;
  return (fixed.cost_usd ?? 0n) + (output + 999_999n) / 1_000_000n;
}

describe('boundText', () => {
  it('counts bytes as tokens at the dearest input class', () => {
    const haiku = itemOf('anthropic', 'claude-haiku-4-5');
    const { fixed, elastic } = bound(haiku, { inputBytes: 1000, namedMaxOutputTokens: 100, n: 2 });
    expect(fixed).toEqual({
      requests: 1n,
      input_tokens: 1000n,
      total_tokens: 1000n,
      cost_usd: 2_000_000n,
    });
    expect(elastic).toEqual({ tokens: 200, minTokens: 200, nanoUsdPerMillion: 5_000_000_000n });
  });

  it('prices text input apart from audio input', () => {
    const flash = itemOf('gemini', 'gemini-2.5-flash');
    expect(bound(flash, { inputBytes: 1000 }).fixed.cost_usd).toBe(300_000n);
    expect(bound(flash, { inputMediaTokens: 1000 }).fixed.cost_usd).toBe(1_000_000n);
  });

  it('uses the dearest tier that the input can reach', () => {
    const pro = itemOf('gemini', 'gemini-2.5-pro');
    const small = bound(pro, { inputBytes: 200_000 });
    const large = bound(pro, { inputBytes: 200_001 });
    expect(small.elastic.nanoUsdPerMillion).toBe(10_000_000_000n);
    expect(large.elastic.nanoUsdPerMillion).toBe(15_000_000_000n);
    expect(large.fixed.cost_usd).toBe(500_002_500n);
  });

  it('falls back to the cap of the model, then to the default, within half of the context window', () => {
    expect(outputCapOf(factsOf(8192))).toBe(8192);
    expect(outputCapOf(factsOf(null))).toBe(32_768);
    expect(outputCapOf(factsOf(null, 8192))).toBe(4096);
    expect(outputCapOf(factsOf(128_000, 128_000))).toBe(64_000);
    const chat = itemOf('sim', 'chat');
    expect(bound(chat, { n: 3 }, factsOf(8192)).elastic).toMatchObject({
      tokens: 24_576,
      minTokens: 768,
    });
    expect(bound(chat, {}, factsOf(100)).elastic).toMatchObject({ tokens: 100, minTokens: 100 });
  });

  it('adds searches and fees per request', () => {
    const sonnet = itemOf('anthropic', 'claude-sonnet-5');
    const { fixed } = bound(sonnet, { maxSearches: 5 });
    expect(fixed.searches).toBe(5n);
    expect(fixed.cost_usd).toBe(50_000_000n);
    expect(bound(itemOf('perplexity', 'sonar'), {}).fixed.cost_usd).toBe(12_000_000n);
  });

  it('names what has no bound or no price', () => {
    const chat = itemOf('sim', 'chat');
    const input = {
      inputBytes: 1,
      inputMediaTokens: 0,
      namedMaxOutputTokens: 1,
      n: 1,
      maxSearches: 0,
    };
    const problemOf = (item: PriceItem, change: Partial<TextBoundInput>) =>
      boundText(item, UNKNOWN_MODEL, { ...input, ...change });
    expect(problemOf(chat, { maxSearches: Infinity })).toEqual({ problem: 'unbounded_cost' });
    expect(problemOf(chat, { inputMediaTokens: Infinity })).toEqual({ problem: 'unbounded_cost' });
    expect(problemOf(itemOf('sim', 'embed'), {})).toEqual({ problem: 'unpriced_model' });
    expect(problemOf(itemOf('sim', 'rerank'), {})).toEqual({ problem: 'unpriced_model' });
    const grok = itemOf('groq', 'llama-3.3-70b-versatile');
    expect(problemOf(grok, { maxSearches: 1 })).toEqual({ problem: 'unpriced_model' });
  });

  it('covers every usage within it, on every text item of the book', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...TEXT_ITEMS),
        fc.nat(400_000),
        fc.nat(300_000),
        fc.nat(60_000),
        fc.array(share, { minLength: 7, maxLength: 7 }),
        (item, inputBytes, inputMediaTokens, output, shares) => {
          const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0] = shares;
          const named = { inputBytes, inputMediaTokens, namedMaxOutputTokens: output };
          const text = Math.floor(inputBytes * s0);
          const media = Math.floor(inputMediaTokens * s1);
          const made = Math.floor(output * s2);
          const usage: UsageVector = billedUsage(item, {
            input_text_tokens: Math.floor(text * s3),
            cache_write_1h_tokens: text - Math.floor(text * s3),
            input_audio_tokens: Math.floor(media * s4),
            cache_read_audio_tokens: media - Math.floor(media * s4),
            reasoning_tokens: Math.floor(made * s5),
            output_image_tokens: Math.floor((made - Math.floor(made * s5)) * s6),
          });
          const held = bound(item, named);
          expect(heldCost(held)).toBeGreaterThanOrEqual(costNanoUsd(item, usage));
          const amounts = amountsOf(usage, 0n);
          expect(held.fixed.input_tokens! >= amounts.input_tokens!).toBe(true);
          expect(BigInt(held.elastic.tokens) >= amounts.output_tokens!).toBe(true);
          expect(held.observedFloor.cost_usd! <= held.fixed.cost_usd!).toBe(true);
          expect(held.observedFloor.input_tokens! <= held.fixed.input_tokens!).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('stays exact beyond safe integers', () => {
    const pro = itemOf('openai', 'gpt-5.5-pro');
    expect(bound(pro, { inputBytes: 33_554_432 }).fixed.cost_usd).toBe(33_554_432n * 60_000n);
  });
});

describe('amountsOf', () => {
  it('counts classes once and the request with one attempt only', () => {
    const usage: UsageVector = {
      input_text_tokens: 10,
      cache_read_tokens: 5,
      output_text_tokens: 7,
      reasoning_tokens: 3,
      web_searches: 2,
    };
    expect(amountsOf(usage, 99n)).toEqual({
      requests: 1n,
      input_tokens: 15n,
      output_tokens: 10n,
      total_tokens: 25n,
      cost_usd: 99n,
      searches: 2n,
    });
    expect(amountsOf({}, 0n, 0)).toEqual({
      requests: 0n,
      input_tokens: 0n,
      output_tokens: 0n,
      total_tokens: 0n,
      cost_usd: 0n,
    });
  });
});
