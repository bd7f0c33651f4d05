import { describe, expect, it } from 'vitest';
import { baseNameOf, createPriceBook } from './price-book.ts';
import { overrideRows, priceRowSchema, type PriceRow } from './price-row.ts';
import { seedPriceRows } from './seed.ts';

const BOOK = createPriceBook(seedPriceRows());
const NOW = Date.parse('2026-11-24T12:00:00Z');

function usdOf(provider: string, model: string, at: number | string = NOW) {
  const atMs = typeof at === 'string' ? Date.parse(at) : at;
  const item = BOOK.find(provider, model, atMs);
  if (item === null) return null;
  const { rates } = item.tiers[0];
  return [rates.input_text_tokens / 1e9, rates.output_text_tokens / 1e9];
}

describe('service tiers of own rows', () => {
  const row = (more: object = {}): PriceRow => ({
    provider: 'p',
    model: 'm',
    rates: { input_text_tokens: 1, output_text_tokens: 1 },
    ...more,
  });
  const base = [row(), row({ service_tier: 'flex' }), row({ service_tier: 'priority' })];
  const tiersOf = (rows: readonly PriceRow[]): readonly string[] =>
    createPriceBook(rows)
      .findTiers('p', 'm', 0)
      .map((item) => item.serviceTier);

  it('a row of one tier replaces that tier alone, a standard row all of them', () => {
    expect(tiersOf(base)).toEqual(['standard', 'flex', 'priority']);
    const dearer = row({ service_tier: 'flex', rates: { input_text_tokens: 9 } });
    const replaced = overrideRows(base, [dearer]);
    expect(replaced).toHaveLength(3);
    expect(tiersOf(replaced)).toEqual(['standard', 'priority', 'flex']);
    expect(tiersOf(overrideRows(base, [row()]))).toEqual(['standard']);
  });

  it('is never found as the standard price', () => {
    expect(createPriceBook([row({ service_tier: 'flex' })]).find('p', 'm', 0)).toBeNull();
  });
});

/** What providers say is free of charge. */
const FREE: ReadonlySet<string> = new Set(['omni-moderation-latest', 'instant-voice-clone']);

describe('the seeded price book', () => {
  it.each([
    ['openai', 'gpt-4o', [2.5, 10]],
    ['openai', 'gpt-4o-mini', [0.15, 0.6]],
    ['anthropic', 'claude-haiku-4-5', [1, 5]],
    ['anthropic', 'claude-sonnet-5', [2, 10]],
    ['anthropic', 'claude-opus-5-5', [4, 20]],
    ['gemini', 'gemini-2.5-flash', [0.3, 2.5]],
    ['gemini', 'gemini-2.0-flash-lite', [0.075, 0.3]],
    ['gemini', 'gemini-1.5-flash-8b', [0.0375, 0.15]],
    ['groq', 'llama-3.3-70b-versatile', [0.59, 0.79]],
    ['huggingface', 'openai/gpt-oss-120b:groq', [0.15, 0.75]],
    ['huggingface', 'openai/gpt-oss-120b:cerebras', [0.35, 0.75]],
    ['wavespeed', 'openai/gpt-oss-120b', [0.6, 0.6]],
    ['sim', 'chat', [0.1, 0.4]],
  ])('prices %s/%s', (provider, model, usd) => {
    expect(usdOf(provider, model)).toEqual(usd);
  });

  it('flips dated prices at midnight UTC of the stated day', () => {
    const argon = ['gemini', 'gemini-4-argon'] as const;
    expect(usdOf(...argon, '2026-11-30T23:59:59.999Z')).toEqual([2, 10]);
    expect(usdOf(...argon, '2026-12-01T00:00:00Z')).toEqual([4, 20]);
    const flash = ['gemini', 'gemini-3.8-flash'] as const;
    expect(usdOf(...flash, '2026-12-31T23:59:59.999Z')).toEqual([0.75, 3.75]);
    expect(usdOf(...flash, '2027-01-01T00:00:00Z')).toEqual([1.5, 7.5]);
  });

  it('follows prices by the hour, without reaching back before their start date', () => {
    const flash = ['deepseek', 'deepseek-v4-flash'] as const;
    expect(usdOf(...flash, '2026-11-24T00:59:59Z')).toEqual([0.22, 0.66]);
    expect(usdOf(...flash, '2026-11-24T01:00:00Z')).toEqual([0.44, 1.32]);
    expect(usdOf(...flash, '2026-11-24T04:00:00Z')).toEqual([0.22, 0.66]);
    expect(usdOf(...flash, '2026-08-16T02:00:00Z')).toEqual([0.14, 0.28]);
  });

  it.each([
    ['openai', 'gpt-4o-2024-08-06', 'gpt-4o'],
    ['openai', 'gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
    ['openai', 'gpt-4.1-2025-04-14', 'gpt-4.1'],
    ['anthropic', 'claude-haiku-4-5-20251001', 'claude-haiku-4-5'],
    ['anthropic', 'claude-sonnet-4-20250514', 'claude-sonnet-4-0'],
    ['anthropic', 'claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['gemini', 'gemini-2.0-flash-001', 'gemini-2.0-flash'],
    ['gemini', 'models/gemini-2.5-flash', 'gemini-2.5-flash'],
    [
      'huggingface',
      'meta-llama/llama-3.3-70b-instruct:groq',
      'meta-llama/Llama-3.3-70B-Instruct:groq',
    ],
    ['huggingface', 'openai/gpt-oss-120b:fastest', 'openai/gpt-oss-120b'],
  ])('finds %s %s under %s', (provider, asked, listed) => {
    expect(BOOK.canonicalModel(provider, asked)).toBe(listed);
    expect(BOOK.find(provider, asked, NOW)?.model).toBe(listed);
  });

  it.each([
    ['gemini', 'gemini-3.8-flash-nonesuch'],
    ['gemini', 'gemini-3.8-flash-8b'],
    ['anthropic', 'claude-sonnet-5-5'],
    ['anthropic', 'claude-haiku-5-5'],
    ['openai', 'gpt-4o-nonesuch'],
    ['openai', 'gpt-4o-2024-13-45'],
    ['openai', 'ft:gpt-4o-2024-08-06:acme::id'],
    ['huggingface', 'openai/gpt-oss-120b:nobody'],
    ['nobody', 'gpt-4o'],
    ['openai', '__proto__'],
    ['openai', ''],
  ])('leaves %s %s unpriced', (provider, model) => {
    expect(BOOK.find(provider, model, NOW)).toBeNull();
    expect(BOOK.find(provider, model, NOW)).toBeNull();
  });

  it('prices a bare router name at the dearest partner', () => {
    const bare = BOOK.find('huggingface', 'openai/gpt-oss-120b', NOW);
    const partners = BOOK.models('huggingface').filter((name) =>
      name.toLowerCase().startsWith('openai/gpt-oss-120b:'),
    );
    expect(partners.length).toBeGreaterThan(3);
    for (const name of partners) {
      const partner = BOOK.find('huggingface', name, NOW);
      const cheaper = bare!.tiers[0].rates.output_text_tokens;
      expect(partner!.tiers[0].rates.output_text_tokens).toBeLessThanOrEqual(cheaper);
    }
  });

  it.each([
    'chat',
    'embed',
    'rerank',
    'moderate',
    'image',
    'image-edit',
    'face-swap',
    'upscale',
    'remove-background',
    'speech',
    'transcribe',
    'voice-clone',
    'video',
  ])('prices the simulator sim/%s small but not zero', (model) => {
    const item = BOOK.find('sim', model, NOW);
    const tokens = Object.values(item?.tiers[0].rates ?? {});
    const media = item?.media?.rates.map((rate) => rate.nanoUsdPerMillion) ?? [];
    expect(Math.max(...tokens, ...media)).toBeGreaterThan(0);
  });

  it('keeps context tiers', () => {
    const tiers = BOOK.find('gemini', 'gemini-2.5-pro', NOW)?.tiers.map((tier) => [
      tier.aboveInputTokens,
      tier.rates.input_text_tokens,
      tier.rates.output_text_tokens,
    ]);
    expect(tiers).toEqual([
      [0, 1_250_000_000, 10_000_000_000],
      [200_000, 2_500_000_000, 15_000_000_000],
    ]);
  });

  it('has valid rows with a source, a day, and no model at zero', () => {
    const rows = seedPriceRows();
    expect(rows.length).toBeGreaterThan(1000);
    for (const row of rows) {
      expect(() => priceRowSchema.parse(row)).not.toThrow();
      expect(row.source).toBeTruthy();
      expect(row.checked_at).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      const rates = [...Object.values(row.rates), ...(row.media ?? []).map((entry) => entry.rate)];
      if (!FREE.has(row.model)) expect(rates.some((rate) => rate > 0)).toBe(true);
    }
    expect(new Set(BOOK.items.map((item) => item.id)).size).toBe(BOOK.items.length);
  });
});

describe('createPriceBook', () => {
  const row = (model: string, input: number, more: Partial<PriceRow> = {}): PriceRow => ({
    provider: 'p',
    model,
    rates: { input_text_tokens: input, output_text_tokens: input },
    ...more,
  });

  it('has an id that follows the content alone', () => {
    const one = createPriceBook([row('a', 1)]);
    expect(one.id).toMatch(/^pb_[0-9a-f]{26}$/);
    expect(createPriceBook([row('a', 1, { source: 'elsewhere' })]).id).toBe(one.id);
    expect(createPriceBook([row('a', 2)]).id).not.toBe(one.id);
    expect(createPriceBook([row('a', 1, { effective_from: '2027-01-01' })]).id).not.toBe(one.id);
  });

  it('lets an own row stand before an alias, and the last of the rows in force win', () => {
    const book = createPriceBook([
      row('a', 1, { aliases: ['b', 'a-latest'] }),
      row('b', 2),
      row('b', 3, { effective_from: '2027-01-01' }),
    ]);
    expect(book.find('p', 'b', 0)?.tiers[0].rates.input_text_tokens).toBe(2);
    expect(book.find('p', 'b', Date.parse('2027-01-01'))?.tiers[0].rates.input_text_tokens).toBe(3);
    expect(book.find('p', 'a-latest', 0)?.model).toBe('a');
  });

  it('is unpriced outside the dates of its rows', () => {
    const book = createPriceBook([
      row('a', 1, { effective_from: '2027-01-01', effective_until: '2027-02-01' }),
    ]);
    expect(book.find('p', 'a', Date.parse('2026-12-31'))).toBeNull();
    expect(book.find('p', 'a', Date.parse('2027-01-01'))).not.toBeNull();
    expect(book.find('p', 'a', Date.parse('2027-02-01'))).toBeNull();
  });

  it('holds hours that cross midnight', () => {
    const book = createPriceBook([
      row('a', 1),
      row('a', 2, { daily: { from: '22:00', until: '02:00' } }),
    ]);
    const rateAt = (time: string) =>
      book.find('p', 'a', Date.parse(`2026-11-24T${time}Z`))?.tiers[0].rates.input_text_tokens;
    expect([rateAt('21:59'), rateAt('22:00'), rateAt('01:59'), rateAt('02:00')]).toEqual([
      1, 2, 2, 1,
    ]);
  });

  it('replaces a model whole when an operator prices it', () => {
    const base = [row('a', 1), row('a', 2, { effective_from: '2027-01-01' }), row('b', 3)];
    const book = createPriceBook(overrideRows(base, [row('a', 9)]));
    expect(book.find('p', 'a', Date.parse('2027-06-01'))?.tiers[0].rates.input_text_tokens).toBe(9);
    expect(book.find('p', 'b', 0)?.tiers[0].rates.input_text_tokens).toBe(3);
  });

  it('refuses tiers that get cheaper, do not ascend, and dates that are reversed', () => {
    const cheaper = { above_input_tokens: 10, rates: { input_text_tokens: 1 } };
    expect(() => createPriceBook([row('a', 2, { tiers: [cheaper] })])).toThrow(/input_text_tokens/);
    const same = { above_input_tokens: 10, rates: {} };
    expect(() => createPriceBook([row('a', 2, { tiers: [same, same] })])).toThrow(/ascend/);
    const dates = { effective_from: '2027-01-01', effective_until: '2026-01-01' };
    expect(() => createPriceBook([row('a', 2, dates)])).toThrow(/ends before/);
  });

  it('stays bounded and right under many unknown names', () => {
    const book = createPriceBook([row('a', 1)]);
    for (let count = 0; count < 10_000; count += 1) {
      expect(book.find('p', `unknown-${count}`, 0)).toBeNull();
    }
    expect(book.find('p', 'a-2026-01-01', 0)?.model).toBe('a');
  });
});

describe('baseNameOf', () => {
  it.each([
    ['gpt-4o-2024-08-06', 'gpt-4o'],
    ['claude-x-20250514', 'claude-x'],
    ['claude-x@20250514', 'claude-x'],
    ['gemini-2.0-flash-001', 'gemini-2.0-flash'],
    ['gpt-3.5-turbo-0613', null],
    ['grok-4-0709', null],
    ['mistral-large-2411', null],
    ['claude-sonnet-5-5', null],
    ['o3', null],
  ])('%s -> %s', (name, base) => {
    expect(baseNameOf(name)).toBe(base);
  });
});
