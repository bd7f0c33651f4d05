import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../contracts/error-codes.ts';
import { EXIT_CODE_MEANINGS, EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { runCaptured } from './testing/run-captured.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-cli-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], environment = {}) =>
  runCaptured(args, { workingDirectory: folder, environment });

describe('command line', () => {
  it('shows examples first and documents every exit code', async () => {
    const { code, out, err } = await run(['--help']);
    expect(code).toBe(EXIT_CODES.ok);
    expect(err).toBe('');
    expect(out).toMatch(/^Examples:\n/);
    for (const [exitCode, meaning] of EXIT_CODE_MEANINGS) {
      expect(out).toContain(`${exitCode} ${meaning}`);
    }
  });

  it.each([
    ['start'],
    ['simulate'],
    ['doctor'],
    ['keys', 'create'],
    ['keys', 'list'],
    ['keys', 'show'],
    ['keys', 'rotate'],
    ['keys', 'revoke'],
    ['plans', 'list'],
    ['plans', 'show'],
    ['plans', 'apply'],
    ['customers', 'list'],
    ['customers', 'create'],
    ['customers', 'show'],
    ['subscriptions', 'show'],
    ['subscriptions', 'change'],
    ['subscriptions', 'call-off'],
    ['wallet', 'show'],
    ['wallet', 'grant'],
    ['wallet', 'withdraw'],
    ['usage'],
    ['limits'],
    ['requests', 'list'],
    ['requests', 'show'],
    ['ledger', 'verify'],
    ['alerts', 'list'],
    ['alerts', 'acknowledge'],
    ['webhooks', 'list'],
    ['webhooks', 'add'],
    ['webhooks', 'rotate'],
    ['webhooks', 'test'],
    ['webhooks', 'deliveries'],
    ['webhooks', 'redeliver'],
    ['webhooks', 'delete'],
    ['models', 'list'],
    ['call', 'chat'],
    ['config', 'check'],
    ['config', 'print'],
    ['config', 'schema'],
    ['version'],
  ])('has %s %s, with help that begins with examples', async (...words: string[]) => {
    const { code, out } = await run([...words, '--help']);
    expect(code).toBe(EXIT_CODES.ok);
    expect(out).toMatch(new RegExp(`^Examples:\n  alwrity-gateway ${words.join(' ')}`));
    expect(out).toContain('Exit codes: 0 ok');
  });

  it.each([
    [['plns', 'list'], /did you mean plans\?/],
    [['keys', 'lst'], /did you mean list\?/],
    [['keys', 'list', '--jsn'], /did you mean --json\?/],
    [['--prt', '1'], /did you mean --port\?/],
    [['keys', 'show'], /missing required argument 'id'/i],
    [['keys', 'list', 'extra'], /too many arguments/i],
    [['keys'], /needs one of: create, list, show, rotate, revoke/],
    [['customers', 'create', 'a'], /--plan/],
    [['keys', 'create', 'laptop'], /--customer/],
    [['requests', 'list', '--limit', 'many'], /whole number/],
    [['keys', 'rotate', 'key_1', '--overlap', 'soon'], /duration/],
    [['webhooks', 'rotate', 'wh_1', '--overlap', 'soon'], /duration/],
    [['webhooks', 'add'], /missing required argument 'url'/i],
    [['usage', '--url', 'nowhere'], /must be an address/],
  ])('refuses %j with code 2, saying why', async (args, sentence) => {
    const { code, out, err } = await run(args);
    expect(err).toMatch(sentence);
    expect(err).toMatch(/^error: /);
    expect(code).toBe(EXIT_CODES.usage);
    expect(out).toBe('');
  });

  it('says in JSON what went wrong when JSON was asked for', async () => {
    const { code, out, err } = await run(['keys', 'list', '--json']);
    expect(out).toBe('');
    expect(JSON.parse(err)).toMatchObject({
      schemaVersion: 1,
      error: { code: 'no_key', exitCode: EXIT_CODES.auth, fixes: expect.any(Array) },
    });
    expect(code).toBe(EXIT_CODES.auth);
  });

  it('ends with 5 where no gateway answers, naming the address and the command that starts one', async () => {
    const environment = {
      GATEWAY_ADMIN_KEY: 'agk_0123456789012345678901234567',
      // A port that nothing listens on: of the dynamic range, and this process does not hold it.
      GATEWAY_URL: 'http://127.0.0.1:59999',
    };
    const { code, err } = await run(['plans', 'list'], environment);
    expect(code).toBe(EXIT_CODES.unreachable);
    expect(err).toContain('No gateway answers at http://127.0.0.1:59999');
    expect(err).toContain('alwrity-gateway start');
  });

  it('takes the singular of a noun', async () => {
    for (const noun of ['key', 'plan', 'customer', 'subscription', 'request', 'model', 'limit']) {
      expect((await run([noun, '--help'])).code).toBe(EXIT_CODES.ok);
    }
  });

  it('prints versions', async () => {
    const { json } = await run(['version', '--json']);
    expect(json).toMatchObject({ schemaVersion: 1, node: process.versions.node });
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('config', () => {
  it('checks, prints with origins, and prints the schema', async () => {
    const path = join(folder, 'good.yaml');
    writeFileSync(path, 'port: 9001\nproviders:\n  openai:\n    apiKey: sk-secret-secret-secret\n');
    const check = await run(['config', 'check', '--config', path]);
    expect(check).toMatchObject({ code: 0, err: '' });
    expect(check.out).toContain('openai');
    const print = await run(['config', 'print', '--config', path, '--changed']);
    expect(print.out).toMatch(/^setting +value +origin\nport +9001 +.*good\.yaml:1$/m);
    expect(print.out).not.toContain('sk-secret');
    const document = await run(['config', 'print', '--config', path, '--json']);
    expect(document.json).toMatchObject({ schemaVersion: 1, settings: { port: 9001 } });
    const schema = await run(['config', 'schema']);
    expect(schema.json).toMatchObject({ $schema: expect.stringContaining('draft-07') });
  });

  it('ends with 3, naming path and line of what is wrong', async () => {
    const path = join(folder, 'bad.yaml');
    writeFileSync(path, 'prot: 9001\nlimits:\n  maxJsonDepth: deep\n');
    const { code, err } = await run(['config', 'check', '--config', path]);
    expect(code).toBe(EXIT_CODES.invalidConfig);
    expect(err).toContain('did you mean "port"?');
    expect(err).toContain('bad.yaml:1');
    expect(err).toContain('limits.maxJsonDepth');
  });
});

describe('exit codes', () => {
  it('fits every code of the error table', () => {
    const byExit = Object.groupBy(Object.keys(ERROR_CODES), (code) => String(exitCodeOf(code)));
    expect(byExit).toEqual({
      [EXIT_CODES.refused]: [
        'limit_exceeded',
        'limit_held',
        'rate_limited',
        'concurrency_limited',
        'not_in_plan',
        'model_not_allowed',
        'subscription_inactive',
        'insufficient_funds',
      ],
      [EXIT_CODES.auth]: ['invalid_api_key', 'forbidden'],
      [EXIT_CODES.providerError]: [
        'provider_auth',
        'provider_credit',
        'provider_rate_limited',
        'provider_error',
        'provider_timeout',
        'stream_interrupted',
        'content_filtered',
      ],
      [EXIT_CODES.failure]: expect.any(Array),
    });
  });
});
