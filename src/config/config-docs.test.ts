import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { configDocs } from './config-docs.ts';
import { configJsonSchema } from './json-schema.ts';
import { loadConfig } from './load.ts';
import { nearestName } from './nearest-name.ts';
import { configSchema } from './schema.ts';
import { isSecretPath, settingLeaves } from './setting-index.ts';
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from './units.ts';

describe('the schema', () => {
  it('documents every setting', () => {
    const leaves = settingLeaves();
    expect(leaves.length).toBeGreaterThan(30);
    for (const { path, node } of leaves) expect(node.description, path).toMatch(/\S/);
  });

  it('gives every addressable setting a variable of its own that works', () => {
    const addressable = settingLeaves().filter((leaf) => leaf.environment !== null);
    expect(new Set(addressable.map((leaf) => leaf.environment)).size).toBe(addressable.length);
    const defaults = configSchema.parse({});
    for (const { environment, node } of addressable) {
      const { config } = loadConfig({
        // What is optional has no default to write.
        environment: 'default' in node ? { [environment ?? '']: String(node.default) } : {},
        file: null,
      });
      expect(config).toEqual(defaults);
    }
  });

  it('knows the secrets', () => {
    expect(isSecretPath(['providers', 'x', 'apiKey'])).toBe(true);
    expect(isSecretPath(['providers', 'x', 'settings', 'y'])).toBe(true);
    expect(isSecretPath(['providers', 'x', 'baseUrl'])).toBe(false);
    expect(isSecretPath(['no', 'such'])).toBe(false);
  });

  it('is draft-07, closed, and lets references stand where words are listed', () => {
    const schema = configJsonSchema();
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties?.['limits']?.additionalProperties).toBe(false);
    const durability = schema.properties?.['durability'];
    expect(durability?.anyOf?.map((option) => option.enum ?? option.pattern)).toEqual([
      ['process', 'power'],
      String.raw`\$\{[^}]+\}`,
    ]);
  });
});

describe('docs/config.md', () => {
  it('shows an example that loads', () => {
    const text = /```yaml\n([\s\S]*?)```/.exec(configDocs())?.[1] ?? '';
    expect(Object.keys(parse(text) as object).length).toBeGreaterThan(3);
    const { config } = loadConfig({
      environment: {},
      file: { path: 'gateway.yaml', text },
      readFile: () => 'sk',
    });
    expect(config).toMatchObject({ durability: 'power', drainTimeoutMs: 45_000 });
  });
});

describe('units', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['30', null],
    ['-1s', null],
    ['1e3s', null],
    ['s', null],
  ])('%s is %s ms', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each([
    ['512b', 512],
    ['64kb', 65_536],
    ['32MB', 33_554_432],
    ['0.5gb', 536_870_912],
    ['32', null],
    ['32 mb', null],
    ['999999999999gb', null],
  ])('%s is %s bytes', (text, expected) => {
    expect(parseSizeBytes(text)).toBe(expected);
  });

  it('shows what it reads', () => {
    for (const text of ['250ms', '90s', '15m', '2h', '7d']) {
      expect(formatDuration(parseDurationMs(text) ?? -1)).toBe(text);
    }
    for (const text of ['1b', '16kb', '32mb', '1gb']) {
      expect(formatSize(parseSizeBytes(text) ?? -1)).toBe(text);
    }
    expect(formatDuration(0)).toBe('0ms');
  });
});

describe('nearestName', () => {
  it.each([
    ['prot', 'port'],
    ['data-dir', 'dataDir'],
    ['workres', 'workers'],
    ['x', null],
    ['zzzzzz', null],
    ['p'.repeat(500), null],
  ])('%s: %s', (name, expected) => {
    expect(nearestName(name, ['port', 'dataDir', 'workers'])).toBe(expected);
  });
});
