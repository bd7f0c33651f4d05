import { describe, expect, it } from 'vitest';
import { outputCapOf } from './bound.ts';
import { createModelCatalog } from './model-catalog.ts';
import { overrideFacts } from './model-facts.ts';
import { seedModelFacts } from './seed.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const providers = (...ids: string[]) => ids.map((id) => ({ id }));

describe('resolve', () => {
  const catalog = createModelCatalog({
    configuredProviders: providers('openai', 'gemini', 'huggingface', 'cerebras', 'groq'),
    aliases: [
      { alias: 'fast', candidates: ['gemini/gemini-2.5-flash', 'openai/gpt-4o-mini'] },
      { alias: 'half', candidates: ['anthropic/claude-haiku-4-5', 'openai/gpt-4o-mini'] },
      { alias: 'gone', candidates: ['anthropic/claude-haiku-4-5'] },
      { alias: 'gpt-4o', candidates: ['openai/gpt-4.1'] },
    ],
  });

  it.each([
    ['openai/gpt-4o', [['openai', 'gpt-4o']]],
    ['openai/anything-new', [['openai', 'anything-new']]],
    ['huggingface/openai/gpt-oss-120b:groq', [['huggingface', 'openai/gpt-oss-120b:groq']]],
    [
      'fast',
      [
        ['gemini', 'gemini-2.5-flash'],
        ['openai', 'gpt-4o-mini'],
      ],
    ],
    ['half', [['openai', 'gpt-4o-mini']]],
    ['gpt-4o', [['openai', 'gpt-4.1']]],
    ['gemini-2.5-flash', [['gemini', 'gemini-2.5-flash']]],
    ['gpt-4o-mini-2024-07-18', [['openai', 'gpt-4o-mini-2024-07-18']]],
    ['meta-llama/Llama-3.3-70B-Instruct', [['huggingface', 'meta-llama/Llama-3.3-70B-Instruct']]],
  ])('%s', (name, candidates) => {
    const expected = candidates.map(([provider = '', model = '']) => ({
      provider,
      model,
      name: `${provider}/${model}`,
      facts: catalog.factsOf(provider, model),
      listed: catalog.priceBook.listed(provider, model),
    }));
    expect(catalog.resolve(name)).toEqual(expected);
    expect(catalog.resolve(name)).toEqual(expected);
  });

  it.each(['gone', 'nonesuch', '', '/', 'openai/', '/gpt-4o', 'anthropic/claude-haiku-4-5'])(
    'knows nothing of %j',
    (name) => {
      expect(catalog.resolve(name)).toBeNull();
      expect(catalog.resolve(name)).toBeNull();
    },
  );

  it('refuses a bare name that two providers list', () => {
    expect(catalog.resolve('gpt-oss-120b')).toBeNull();
  });

  it('never takes a vendor prefix of an absent provider for another provider’s model', () => {
    const only = createModelCatalog({ configuredProviders: providers('huggingface'), aliases: [] });
    expect(only.resolve('openai/gpt-oss-120b')).toBeNull();
  });
});

describe('facts and prices', () => {
  const catalog = createModelCatalog({
    configuredProviders: [...providers('openai', 'sim'), { id: 'mine', priceBookId: 'groq' }],
    aliases: [],
  });

  it('finds facts by any name of the model', () => {
    const facts = catalog.factsOf('openai', 'gpt-4o');
    expect(facts).toMatchObject({ contextWindow: 128_000, maxOutputTokens: 16_384 });
    expect(facts.input).toContain('image');
    expect(facts.capabilities).toContain('tools');
    expect(catalog.factsOf('openai', 'gpt-4o-2024-08-06')).toBe(facts);
    expect(catalog.factsOf('openai', 'nonesuch').contextWindow).toBeNull();
    expect(catalog.factsOf('nobody', 'gpt-4o').contextWindow).toBeNull();
  });

  it('prices through the book id of the provider', () => {
    expect(catalog.priceOf('mine', 'llama-3.3-70b-versatile', NOW)?.provider).toBe('groq');
    expect(catalog.resolve('llama-3.3-70b-versatile')).toMatchObject([
      { provider: 'mine', model: 'llama-3.3-70b-versatile' },
    ]);
  });
});

describe('list', () => {
  it('shows aliases and the priced models of configured providers only', () => {
    const catalog = createModelCatalog({
      configuredProviders: providers('sim', 'gemini'),
      aliases: [{ alias: 'fast', candidates: ['sim/chat'] }],
    });
    const models = catalog.list(NOW);
    expect(models[0]).toMatchObject({ id: 'fast', ownedBy: 'sim', candidates: ['sim/chat'] });
    expect(new Set(models.map((model) => model.ownedBy))).toEqual(new Set(['sim', 'gemini']));
    expect(models.find((model) => model.id === 'sim/chat')).toMatchObject({
      candidates: null,
      facts: { contextWindow: 131_072, maxOutputTokens: 8192, output: ['text'] },
      usdPerMillion: { input_text_tokens: '0.100000000', output_text_tokens: '0.400000000' },
    });
    expect(new Set(models.map((model) => model.id)).size).toBe(models.length);
  });

  it('follows dated prices', () => {
    const catalog = createModelCatalog({ configuredProviders: providers('gemini'), aliases: [] });
    const priceAt = (time: string) =>
      catalog.list(Date.parse(time)).find((model) => model.id === 'gemini/gemini-4-argon')
        ?.usdPerMillion.input_text_tokens;
    expect(priceAt('2026-11-30T23:59:00Z')).toBe('2.000000000');
    expect(priceAt('2026-12-01T00:00:00Z')).toBe('4.000000000');
  });
});

describe('what an operator says of models', () => {
  const catalog = createModelCatalog({
    configuredProviders: providers('openai', 'vllm'),
    aliases: [],
    facts: overrideFacts(seedModelFacts(), [
      { provider: 'vllm', model: 'org/small', contextWindow: 8192 },
      { provider: 'vllm', model: 'org/small', maxOutputTokens: 1000 },
      { provider: 'openai', model: 'gpt-4o-mini', maxOutputTokens: 2000 },
    ]),
  });

  it('bounds calls that name no maximum, and leaves the rest as it is known', () => {
    expect(catalog.factsOf('vllm', 'org/small')).toMatchObject({
      contextWindow: 8192,
      maxOutputTokens: 1000,
    });
    expect(outputCapOf(catalog.factsOf('vllm', 'org/small'))).toBe(1000);
    const known = createModelCatalog({ configuredProviders: providers('openai'), aliases: [] });
    expect(catalog.factsOf('openai', 'gpt-4o-mini')).toEqual({
      ...known.factsOf('openai', 'gpt-4o-mini'),
      maxOutputTokens: 2000,
    });
    expect(catalog.factsOf('openai', 'gpt-4o')).toEqual(known.factsOf('openai', 'gpt-4o'));
  });
});
