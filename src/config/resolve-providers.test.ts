import { describe, expect, it } from 'vitest';
import { providerFailure } from '../contracts/provider-failure.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import { readBaseUrl } from './base-url.ts';
import { loadConfig } from './load.ts';
import { resolveProviders } from './resolve-providers.ts';

function definition(
  known: Pick<ProviderDefinition, 'id' | 'environment'> & Partial<ProviderDefinition>,
): ProviderDefinition {
  return {
    title: known.id,
    defaultBaseUrl: `https://api.${known.id}.example`,
    versionSegment: '/v1',
    documentation: 'https://docs.example',
    disconnect: { onClientGone: 'cancel' },
    requestIdHeader: 'x-request-id',
    readError: () => providerFailure({ kind: 'server_error', status: 500, message: 'x' }),
    ...known,
  };
}

const CLOUD = definition({
  id: 'cloud',
  environment: { credential: ['CLOUD_API_KEY', 'OLD_CLOUD_KEY'], baseUrl: 'CLOUD_BASE_URL' },
});
const LOCAL = definition({
  id: 'local',
  defaultBaseUrl: null,
  environment: {
    credential: ['LOCAL_API_KEY'],
    baseUrl: 'LOCAL_BASE_URL',
    credentialOptional: true,
  },
});

function resolve(environment: Record<string, string>, text = '') {
  const { config } = loadConfig({ environment: {}, file: { path: 'gateway.yaml', text } });
  return resolveProviders([CLOUD, LOCAL], environment, config);
}

describe('resolveProviders', () => {
  it('finds nothing in an empty environment and says what is missing', () => {
    const { configured, unconfigured } = resolve({});
    expect(configured).toEqual([]);
    expect(unconfigured.map(({ reason }) => reason)).toEqual([
      'CLOUD_API_KEY or OLD_CLOUD_KEY not set',
      'LOCAL_BASE_URL not set',
    ]);
  });

  it('takes credentials in order of precedence and the default base URL', () => {
    const { configured } = resolve({ OLD_CLOUD_KEY: 'two', CLOUD_API_KEY: ' one\n' });
    expect(configured).toEqual([
      {
        definition: CLOUD,
        baseUrl: 'https://api.cloud.example',
        credential: 'one',
        settings: {},
        origin: 'CLOUD_API_KEY',
      },
    ]);
    expect(resolve({ CLOUD_API_KEY: '', OLD_CLOUD_KEY: 'two' }).configured[0]?.credential).toBe(
      'two',
    );
  });

  it('lets a base URL alone configure a provider whose credential is optional', () => {
    const { configured } = resolve({ LOCAL_BASE_URL: 'http://127.0.0.1:11434/v1/' });
    expect(configured[0]).toMatchObject({
      baseUrl: 'http://127.0.0.1:11434',
      credential: null,
      origin: 'LOCAL_BASE_URL',
    });
  });

  it('reads the file, over which the environment wins', () => {
    const text =
      'providers:\n  cloud:\n    apiKey: from-file\n    baseUrl: https://proxy.example/cloud/v1\n    settings: {region: eu}\n';
    expect(resolve({}, text).configured[0]).toMatchObject({
      baseUrl: 'https://proxy.example/cloud',
      credential: 'from-file',
      settings: { region: 'eu' },
      origin: 'providers.cloud.apiKey',
    });
    expect(
      resolve({ CLOUD_API_KEY: 'k', CLOUD_BASE_URL: 'http://127.0.0.1:1' }, text).configured[0],
    ).toMatchObject({
      credential: 'k',
      baseUrl: 'http://127.0.0.1:1',
      origin: 'CLOUD_API_KEY',
    });
  });

  it('switches a provider off', () => {
    const { configured, unconfigured } = resolve(
      { CLOUD_API_KEY: 'k' },
      'providers: {cloud: {enabled: false}}',
    );
    expect(configured).toEqual([]);
    expect(unconfigured[0]?.reason).toBe('switched off by providers.cloud.enabled');
  });

  it('refuses unknown providers and bad base URLs together', () => {
    expect(() =>
      resolve({ CLOUD_API_KEY: 'k', CLOUD_BASE_URL: 'ftp://x' }, 'providers: {clowd: {}}'),
    ).toThrow(
      'providers.clowd: is no provider; did you mean "cloud"?\nCLOUD_BASE_URL must begin with https:// or http:// (environment variable CLOUD_BASE_URL)',
    );
  });
});

describe('readBaseUrl', () => {
  it.each([
    ['https://api.example', '/v1', 'https://api.example'],
    ['https://api.example/', '/v1', 'https://api.example'],
    ['https://api.example/v1', '/v1', 'https://api.example'],
    ['https://api.example/v1//', '/v1', 'https://api.example'],
    ['https://api.example/proxy/v1', '/v1', 'https://api.example/proxy'],
    ['https://api.example/v1/v1', '/v1', 'https://api.example/v1'],
    ['https://api.example/mv1', '/v1', 'https://api.example/mv1'],
    ['https://api.example/v1beta', '/v1', 'https://api.example/v1beta'],
    ['https://api.example/api/v3', '/api/v3', 'https://api.example'],
    ['https://api.example/x', '', 'https://api.example/x'],
  ])('reads %s before %s as %s', (text, segment, url) => {
    expect(readBaseUrl(text, segment)).toEqual({ type: 'url', url });
  });

  it.each(['api.example', 'file:///etc', 'https://a:b@c', 'https://a/?key=1', 'https://a/#x'])(
    'refuses %s',
    (text) => {
      expect(readBaseUrl(text, '/v1').type).toBe('invalid');
    },
  );
});
