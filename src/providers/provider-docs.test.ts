import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isListed } from '../../scripts/price-book/priced-models.ts';
import { RECORDED } from './evidence.ts';
import { operationsOf, providerDocs, ruleText } from './provider-docs.ts';
import { PROVIDERS, providerById } from './registry.ts';

test('the page is what the tables say: npm run generate', () => {
  expect(readFileSync('docs/providers.md', 'utf8')).toBe(providerDocs(isListed));
});

test('every model of every table is on the page', () => {
  const page = providerDocs(isListed);
  for (const { id, mediaModels = [] } of PROVIDERS) {
    const section = page.split('\n## ').find((text) => text.includes(`(\`${id}\`)`)) ?? '';
    for (const model of mediaModels) {
      expect(section).toContain(`\`${model.id}\``);
      expect(section).toContain(`\`${model.operation}\``);
      for (const name of Object.keys(model.options)) expect(section).toContain(`\`${name}\``);
    }
  }
});

test('what is said to be recorded is of a provider that there is', () => {
  for (const id of Object.keys(RECORDED)) expect(providerById(id), id).toBeDefined();
});

test('a capability is an operation, with or without a table', () => {
  const bare = PROVIDERS.find(({ id }) => id === 'openai');
  expect(bare === undefined ? [] : operationsOf(bare)).toEqual(
    expect.arrayContaining(['text.generate', 'image.edit', 'audio.transcribe']),
  );
});

test('a table has one row for a model and an operation, and a source', () => {
  for (const { id, mediaModels = [] } of PROVIDERS) {
    const names = mediaModels.map((model) => `${model.operation} ${model.id}`);
    expect(new Set(names).size, id).toBe(names.length);
    for (const { source } of mediaModels) expect(source, id).toMatch(/\S/);
  }
});

test.each([
  [{ type: 'one_of', values: ['a', 2] }, '`a` `2`'],
  [{ type: 'range', min: 0, max: 1 }, '0 to 1'],
  [{ type: 'range', min: 4, max: 8, step: 2 }, '4 to 8, steps of 2'],
  [{ type: 'text', maxChars: 9 }, 'at most 9 characters'],
  [{ type: 'flag' }, 'on or off'],
  [{ type: 'files', max: 3, maxBytes: 10_485_760 }, 'at most 3, 10 MiB each'],
  [{ type: 'files', max: 1 }, 'at most 1'],
] as const)('a rule reads well: %j', (rule, text) => {
  expect(ruleText(rule)).toBe(text);
});
