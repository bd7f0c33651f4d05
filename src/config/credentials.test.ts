import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCredentials } from './credentials.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (environment = {}) => loadCredentials({ dataDir: join(folder, 'data'), environment });
const pathOf = () => join(folder, 'data', 'credentials.json');

describe('loadCredentials', () => {
  it('generates once, keeps them with mode 0600, and reads them again', () => {
    const first = load();
    expect(first.origins).toEqual({
      adminKey: 'generated',
      apiKey: 'generated',
      encryptionKey: 'generated',
    });
    expect(first.adminKey).toMatch(/^agk_[\w-]{32}$/);
    expect(first.apiKey).not.toBe(first.adminKey);
    expect(Buffer.from(first.encryptionKey, 'base64url')).toHaveLength(32);
    expect(JSON.parse(readFileSync(pathOf(), 'utf8'))).toEqual({
      admin_key: first.adminKey,
      api_key: first.apiKey,
      encryption_key: first.encryptionKey,
    });
    expect(statSync(pathOf()).mode & 0o777).toBe(0o600);
    const second = load();
    expect(second).toMatchObject({ adminKey: first.adminKey, apiKey: first.apiKey, warnings: [] });
    expect(second.origins.adminKey).toBe('file');
  });

  it('takes any text of 20 characters from the environment and writes none of it', () => {
    const environment = {
      GATEWAY_ADMIN_KEY: 'my admin passphrase!',
      GATEWAY_API_KEY: 'b'.repeat(20),
    };
    const found = load(environment);
    expect(found).toMatchObject({
      adminKey: 'my admin passphrase!',
      apiKey: 'b'.repeat(20),
      origins: { adminKey: 'environment', apiKey: 'environment', encryptionKey: 'generated' },
    });
    expect(Object.keys(JSON.parse(readFileSync(pathOf(), 'utf8')))).toEqual(['encryption_key']);
    const later = load();
    expect(later.origins).toEqual({
      adminKey: 'generated',
      apiKey: 'generated',
      encryptionKey: 'file',
    });
    expect(later.encryptionKey).toBe(found.encryptionKey);
  });

  it('writes nothing where the environment has all three', () => {
    load({
      GATEWAY_ADMIN_KEY: 'a'.repeat(20),
      GATEWAY_API_KEY: 'b'.repeat(20),
      GATEWAY_ENCRYPTION_KEY: 'ü'.repeat(20),
    });
    expect(() => readFileSync(pathOf())).toThrow(/ENOENT/);
  });

  it('refuses keys that are short, equal or no header text, without quoting them', () => {
    const short = () => load({ GATEWAY_ADMIN_KEY: 'sesame-open-secret!' });
    expect(short).toThrow(/GATEWAY_ADMIN_KEY is too short: .* at least 20 .* has 19/);
    expect(short).not.toThrow(/sesame/);
    expect(() => load({ GATEWAY_API_KEY: `${'a'.repeat(20)}\n` })).toThrow(/HTTP header/);
    expect(() => load({ GATEWAY_API_KEY: 'é'.repeat(20) })).toThrow(/HTTP header/);
    const same = 'k'.repeat(20);
    expect(() => load({ GATEWAY_ADMIN_KEY: same, GATEWAY_API_KEY: same })).toThrow(/different/);
  });

  it('tightens a readable file and says so', () => {
    load();
    chmodSync(pathOf(), 0o644);
    expect(load().warnings).toEqual([expect.stringContaining('0600')]);
    expect(statSync(pathOf()).mode & 0o777).toBe(0o600);
  });

  it('does not replace a damaged file or quote it', () => {
    load();
    writeFileSync(pathOf(), '{"admin_key":"agk_half-of-a-secret');
    expect(() => load()).toThrow(/is damaged/);
    expect(() => load()).not.toThrow(/half-of-a-secret/);
    expect(readFileSync(pathOf(), 'utf8')).toContain('half-of-a-secret');
  });

  it('agrees with a process that generated at the same moment', () => {
    let raced = false;
    let other = '';
    const found = loadCredentials({
      dataDir: join(folder, 'data'),
      environment: {},
      random: (bytes) => {
        if (!raced) {
          raced = true;
          other = load().adminKey;
        }
        return Buffer.alloc(bytes, 7);
      },
    });
    expect(found.adminKey).toBe(other);
    expect(found.origins.adminKey).toBe('file');
  });
});
