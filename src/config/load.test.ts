import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from './config-error.ts';
import { loadConfig, readConfigFile, type LoadOptions } from './load.ts';
import { viewConfig } from './redact.ts';

function load(text: string | null, rest: Partial<LoadOptions> = {}) {
  return loadConfig({
    environment: {},
    file: text === null ? null : { path: 'gateway.yaml', text },
    ...rest,
  });
}

function problemsOf(text: string | null, rest: Partial<LoadOptions> = {}) {
  try {
    load(text, rest);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  it('fills in the defaults of the contract', () => {
    const { config, file, origins } = load(null);
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8790,
      dataDir: './data',
      workers: 1,
      durability: 'process',
      simulators: 'auto',
      drainTimeoutMs: 30_000,
      unknownParameters: 'forward',
      customers: { autoCreate: false },
      limits: { maxBodyBytes: { chat: 32 * 1024 * 1024 }, maxJsonDepth: 128 },
      stream: { commit: 'first_event', keepaliveMs: 15_000, headersAfterMs: 15_000 },
      metering: { unknownPolicy: 'charge_observed', unknownGraceMs: 900_000 },
      timeouts: {
        connectMs: 5000,
        firstEventMs: 120_000,
        firstEventWithFallbackMs: 30_000,
        betweenEventsMs: 30_000,
        total: { textMs: 600_000, streamMs: 3_600_000 },
        clientWriteStallMs: 60_000,
      },
    });
    expect(file).toBeNull();
    expect(origins.size).toBe(0);
  });

  it('lets flags win over the environment, and that over the file', () => {
    const text = 'host: 10.0.0.1\nport: 1\nworkers: 2\n';
    const { config, origins } = load(text, {
      environment: { GATEWAY_PORT: '2', GATEWAY_WORKERS: '3' },
      flags: { workers: 4, dataDir: undefined },
    });
    expect([config.host, config.port, config.workers]).toEqual(['10.0.0.1', 2, 4]);
    expect(origins.get('host')).toEqual({ type: 'file', path: 'gateway.yaml', line: 1 });
    expect(origins.get('port')).toEqual({ type: 'environment', name: 'GATEWAY_PORT' });
    expect(origins.get('workers')).toEqual({ type: 'flag', name: '--workers' });
  });

  it('keeps what the file says beside a nested value from the environment', () => {
    const { config } = load('limits:\n  maxJsonDepth: 64\n', {
      environment: { GATEWAY_LIMITS_MAX_BODY_BYTES_CHAT: '1mb' },
    });
    expect(config.limits.maxJsonDepth).toBe(64);
    expect(config.limits.maxBodyBytes.chat).toBe(1024 * 1024);
  });

  it('reads JSON, durations, sizes and words', () => {
    const { config } = load(
      '{"drainTimeoutMs":"1.5m","stream":{"keepaliveMs":2000},"logging":{"prompts":"on"},"simulators":"off"}',
    );
    expect(config.drainTimeoutMs).toBe(90_000);
    expect(config.stream.keepaliveMs).toBe(2000);
    expect(config.logging.prompts).toBe(true);
    expect(config.simulators).toBe('off');
  });

  it('treats an empty key and an empty file as absent', () => {
    expect(load('providers:\nlimits: ~\n').config.limits.maxJsonDepth).toBe(128);
    expect(load('# nothing yet\n').config.port).toBe(8790);
  });

  it('names unknown keys with the nearest known one, the line and every further problem', () => {
    const problems = problemsOf('hots: a\nlimits:\n  maxJsonDepht: 3\nport: 99999\nstream: fast\n');
    expect(problems).toEqual([
      { path: 'port', message: expect.stringContaining('0 to 65535'), origin: 'gateway.yaml:4' },
      {
        path: 'limits.maxJsonDepht',
        message: 'is not a setting; did you mean "maxJsonDepth"?',
        origin: 'gateway.yaml:3',
      },
      { path: 'stream', message: expect.stringContaining('group'), origin: 'gateway.yaml:5' },
      {
        path: 'hots',
        message: 'is not a setting; did you mean "host"?',
        origin: 'gateway.yaml:1',
      },
    ]);
  });

  it('lists what can stand where nothing is near', () => {
    const [problem] = problemsOf('customers: {zzzzzz: 1}');
    expect(problem?.message).toBe('is not a setting; here can stand autoCreate');
  });

  it('names the variable of a bad value and never a secret one', () => {
    expect(problemsOf(null, { environment: { GATEWAY_PORT: 'eighty' } })).toEqual([
      {
        path: 'port',
        message: expect.stringContaining('whole number'),
        origin: 'environment variable GATEWAY_PORT',
      },
    ]);
    const secret = problemsOf('providers: {openai: {apiKey: [sk-secret]}}');
    expect(JSON.stringify(secret)).not.toContain('sk-secret');
    expect(secret[0]?.path).toBe('providers.openai.apiKey');
  });

  it.each([
    ['text that is no YAML', 'port: [1', /not valid YAML/],
    ['a duplicate key', 'port: 1\nport: 2', /unique/],
    ['a list', '- port', /key: value/],
    ['an alias', 'host: &a x\ndataDir: *a', /alias/],
    ['a prototype key', '{"__proto__": {"port": 1}}', /not a setting/],
    ['a fractional number', 'workers: 1.5', /whole number/],
    ['hostile nesting', `${'{a: '.repeat(40)}1${'}'.repeat(40)}`, /not a setting|deeply/],
  ])('refuses %s', (_name, text, expected) => {
    expect(JSON.stringify(problemsOf(text))).toMatch(expected);
  });

  it('checks aliases and auto-creation', () => {
    const { config } = load(
      'models:\n  aliases:\n    - alias: fast\n      candidates: [gemini/flash, openai/gpt]\ncustomers: {autoCreate: free}',
    );
    expect(config.models.aliases).toEqual([
      { alias: 'fast', candidates: ['gemini/flash', 'openai/gpt'] },
    ]);
    expect(config.customers.autoCreate).toBe('free');
    const problems = problemsOf(
      'models:\n  aliases:\n    - alias: a/b\n      candidates: [flash]\n    - candidates: []\ncustomers: {autoCreate: true}',
    );
    expect(problems.map(({ path, origin }) => `${path} ${origin}`).toSorted()).toEqual([
      'customers.autoCreate gateway.yaml:6',
      'models.aliases[0].alias gateway.yaml:3',
      'models.aliases[0].candidates[0] gateway.yaml:4',
      'models.aliases[1].alias gateway.yaml:5',
      'models.aliases[1].candidates gateway.yaml:5',
    ]);
  });

  it('reads prices and refuses rows that contradict themselves', () => {
    const row = (rest: string) =>
      `models:\n  prices:\n    - {provider: ollama, model: m, rates: {input_text_tokens: 5}${rest}}`;
    expect(load(row('')).config.models.prices).toEqual([
      { provider: 'ollama', model: 'm', rates: { input_text_tokens: 5 } },
    ]);
    const cheaper = ', tiers: [{above_input_tokens: 9, rates: {input_text_tokens: 4}}]';
    expect(problemsOf(row(cheaper))).toMatchObject([
      {
        path: 'models.prices[0]',
        message: expect.stringContaining('falls in input_text_tokens'),
        origin: 'gateway.yaml:3',
      },
    ]);
    expect(problemsOf(row(', rate: 1'))[0]?.path).toBe('models.prices[0].rate');
    expect(problemsOf(row('').replace('5', '-5'))[0]?.path).toBe(
      'models.prices[0].rates.input_text_tokens',
    );
  });

  it('reads the sizes of models', () => {
    const facts = (rest: string) =>
      `models:\n  facts:\n    - {provider: vllm, model: org/small${rest}}`;
    expect(load(facts(', contextWindow: 8192')).config.models.facts).toEqual([
      { provider: 'vllm', model: 'org/small', contextWindow: 8192 },
    ]);
    expect(problemsOf(facts(', maxOutputTokens: 0'))[0]?.path).toBe(
      'models.facts[0].maxOutputTokens',
    );
    expect(problemsOf(facts(', context: 1'))[0]?.path).toBe('models.facts[0].context');
  });

  it('warns of near misses among variables and ignores Kubernetes service links', () => {
    const { config, warnings } = load(null, {
      environment: {
        GATEWAY_PROT: '1',
        GATEWAY_PORT: 'tcp://10.0.0.1:8790',
        GATEWAY_PORT_8790_TCP_ADDR: '10.0.0.1',
        GATEWAY_HOST: '',
      },
    });
    expect(config.port).toBe(8790);
    expect(config.host).toBe('127.0.0.1');
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toMatch(/GATEWAY_PROT .*did you mean GATEWAY_PORT\?/);
  });
});

describe('references', () => {
  const environment = { OPENAI: 'sk-one', EMPTY: '', DEPTH: '64', NESTED: '${OPENAI}' };
  const readFile = (path: string) => {
    if (path !== '/run/secrets/key') throw new Error('ENOENT');
    return 'sk-from-file\n';
  };

  it.each([
    ['${OPENAI}', 'sk-one'],
    ['a-${OPENAI}-b', 'a-sk-one-b'],
    ['${EMPTY:-other}', 'other'],
    ['${UNSET:-}x', 'x'],
    ['${UNSET:-a:-b}', 'a:-b'],
    ['${file:/run/secrets/key}', 'sk-from-file'],
    ['$${OPENAI}', '${OPENAI}'],
    ['${NESTED}', '${OPENAI}'],
    ['costs $5', 'costs $5'],
  ])('resolves %s', (written, expected) => {
    const text = `providers: {openai: {apiKey: '${written}'}}`;
    const { config } = load(text, { environment, readFile });
    expect(config.providers['openai']?.apiKey).toBe(expected);
  });

  it('feeds numbers', () => {
    expect(
      load('limits: {maxJsonDepth: "${DEPTH}"}', { environment }).config.limits.maxJsonDepth,
    ).toBe(64);
    expect(load('port: ${PORT:-80}', { environment }).config.port).toBe(80);
  });

  it.each([
    ['${UNSET}', /UNSET is not set/],
    ['${file:/nowhere}', /cannot read the file \/nowhere/],
    ['${not a name}', /is no reference/],
    ['${OPEN', /no closing/],
  ])('refuses %s once, with path and line', (written, expected) => {
    const text = `providers:\n  openai:\n    apiKey: '${written}'\n`;
    const problems = problemsOf(text, { environment, readFile });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toMatch(expected);
    expect(problems[0]?.path).toBe('providers.openai.apiKey');
    expect(problems[0]?.origin).toBe('gateway.yaml:3');
  });

  it('leaves keys alone', () => {
    expect(problemsOf('${OPENAI}: 1', { environment })[0]?.message).toMatch(/is not a setting/);
  });
});

describe('viewConfig', () => {
  it('hides secrets and names the origin of each value', () => {
    const loaded = load(
      'port: 1\nproviders:\n  openai:\n    apiKey: sk-secret\n    settings: {organization: org-secret}\n    baseUrl: https://x\nmodels: {aliases: [{alias: a, candidates: [b/c]}]}',
      { flags: { host: '::1' } },
    );
    const view = viewConfig(loaded);
    expect(JSON.stringify(view)).not.toMatch(/sk-secret|org-secret/);
    expect(view.settings['providers']).toEqual({
      openai: {
        enabled: true,
        apiKey: '[redacted]',
        settings: { organization: '[redacted]' },
        baseUrl: 'https://x',
      },
    });
    expect(view.origins).toMatchObject({
      port: 'gateway.yaml:1',
      host: 'flag --host',
      'providers.openai.apiKey': 'gateway.yaml:4',
      'providers.openai.enabled': 'default',
      'models.aliases[0].candidates[0]': 'gateway.yaml:7',
      'limits.maxJsonDepth': 'default',
    });
    expect(view.settings['models']).toEqual({
      aliases: [{ alias: 'a', candidates: ['b/c'] }],
      prices: [],
      facts: [],
    });
  });
});

describe('readConfigFile', () => {
  let workingDirectory = '';
  beforeEach(() => {
    workingDirectory = mkdtempSync(join(tmpdir(), 'gateway-config-'));
  });
  afterEach(() => rmSync(workingDirectory, { recursive: true }));

  it('reads the named file, then GATEWAY_CONFIG, then gateway.yaml, then none', () => {
    const read = (named: string | null, environment = {}) =>
      readConfigFile({ named, environment, workingDirectory });
    expect(read(null)).toBeNull();
    writeFileSync(join(workingDirectory, 'gateway.yaml'), 'port: 1');
    writeFileSync(join(workingDirectory, 'a.yaml'), 'port: 2');
    writeFileSync(join(workingDirectory, 'b.yaml'), 'port: 3');
    expect(read(null)?.text).toBe('port: 1');
    expect(read(null, { GATEWAY_CONFIG: 'a.yaml' })).toEqual({ path: 'a.yaml', text: 'port: 2' });
    expect(read('b.yaml', { GATEWAY_CONFIG: 'a.yaml' })?.text).toBe('port: 3');
    expect(() => read('c.yaml')).toThrow(/c\.yaml: there is no such file \(flag --config\)/);
    expect(() => read(null, { GATEWAY_CONFIG: 'c.yaml' })).toThrow(/GATEWAY_CONFIG/);
  });
});
