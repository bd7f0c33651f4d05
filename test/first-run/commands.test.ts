import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCaptured, type CapturedOptions } from '../../src/cli/testing/run-captured.ts';
import { startTestGateway, type TestGateway } from '../support/running-gateway.ts';

let gateway: TestGateway;
let folder: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'gateway-commands-'));
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Keys come from the data folder, the address from the environment. */
function run(args: readonly string[], options: CapturedOptions = {}) {
  return runCaptured([...args, ...(args[0] === 'config' ? [] : ['--data-dir', gateway.dataDir])], {
    workingDirectory: folder,
    ...options,
    environment: { GATEWAY_URL: gateway.url, ...options.environment },
  });
}

type Rows = { data: Record<string, unknown>[] };

describe('commands over a running gateway', () => {
  it('shows the bootstrap keys, alone on standard output', async () => {
    expect(await run(['keys', 'show', 'default'])).toMatchObject({
      code: 0,
      out: `${gateway.apiKey}\n`,
      err: '',
    });
    expect((await run(['key', 'show', 'admin'])).out).toBe(`${gateway.adminKey}\n`);
    expect((await run(['keys', 'show', 'default', '--json'])).json).toMatchObject({
      schemaVersion: 1,
      key: gateway.apiKey,
    });
  });

  it('sells a plan: apply, customer, key, call, refusal, limits, usage, requests', async () => {
    const file = join(folder, 'plans.yaml');
    const plan = `
id: starter
name: Starter
models: ["sim/*"]
limits:
  - { meter: requests, window: period, amount: 2 }
`;
    writeFileSync(file, plan);
    const dry = await run(['plans', 'apply', file, '--dry-run']);
    expect(dry.out).toMatch(/starter +would be created/);
    expect((await run(['plans', 'show', 'starter'])).code).toBe(1);
    const applied = await run(['plans', 'apply', file]);
    expect(applied.out).toMatch(/starter +created +1/);
    expect((await run(['plans', 'apply', file])).out).toMatch(/starter +unchanged +1/);
    const shown = await run(['plans', 'show', 'starter']);
    expect(shown.out).toMatch(/requests\/period +requests +2 +per period/);

    const customer = await run(['customers', 'create', 'user-1', '--plan', 'starter']);
    expect(customer.out).toMatch(/^plan +starter \(version 1\)$/m);
    expect(customer.err).toContain('keys create <name> --customer user-1');
    const key = await run(['keys', 'create', 'laptop', '--customer', 'user-1', '--quiet']);
    expect(key).toMatchObject({ code: 0, err: '' });
    expect(key.out).toMatch(/^agk_[\w-]{32}\n$/);
    const environment = { GATEWAY_API_KEY: key.out.trim() };

    const first = await run(['call', 'chat', 'Hello'], { environment });
    expect(first.out).toContain('[simulated] You asked: "Hello"');
    expect(first.err).toMatch(/sim\/chat \(simulated\) .* tokens .* \$0\.\d+ .* req_/);
    const piped = await run(['call', 'chat', '-', '--stream', '--max-tokens', '5'], {
      environment,
      stdin: 'From a file',
    });
    expect(piped).toMatchObject({ code: 0 });
    expect(piped.out).toContain('[simulated]');

    const refused = await run(['call', 'chat', 'Hello'], { environment });
    expect(refused.code).toBe(6);
    expect(refused.out).toBe('');
    expect(refused.err).toMatch(/requests\/period: 2 used \+ 0 held of 2/);
    expect(refused.err).toMatch(/\(limit_exceeded, req_/);
    const asJson = await run(['call', 'chat', 'Hello', '--json'], { environment });
    expect(JSON.parse(asJson.err)).toMatchObject({
      schemaVersion: 1,
      error: { code: 'limit_exceeded', exitCode: 6, status: 429 },
    });

    const limits = await run(['limits', '--customer', 'user-1']);
    expect(limits.out).toMatch(/requests\/period +customer +2 +0 +0 +2 +\d{4}-/);
    const usage = await run(['usage', '--customer', 'user-1', '--group-by', 'model']);
    expect(usage.out).toMatch(/^requests +2 +0$/m);
    expect(usage.out).toMatch(/^sim\/chat +2/m);
    const bucketed = await run(['usage', '--bucket', 'day', '--json']);
    expect(bucketed.json).toMatchObject({ schemaVersion: 1, totals: { requests: 2 } });

    const list = await run(['requests', 'list', '--customer', 'user-1', '--json']);
    const { data } = list.json as Rows;
    expect(data).toHaveLength(2);
    const detail = await run(['requests', 'show', String(data[0]?.['id'])]);
    expect(detail.out).toMatch(/^served by +sim\/chat \(simulated\)$/m);
    expect(detail.out).toMatch(/^held +requests\/period 1$/m);
    expect((await run(['requests', 'list', '--limit', '1'])).err).toContain('--limit shows more');
  });

  it('makes new versions of plans that differ, and can apply them at once', async () => {
    const file = join(folder, 'many.json');
    const plan = { id: 'many-a', name: 'A', features: ['x'], limits: [] };
    writeFileSync(file, JSON.stringify({ plans: [plan, { ...plan, id: 'many-b' }] }));
    expect((await run(['plans', 'apply', file, '--json'])).json).toMatchObject({
      plans: [
        { id: 'many-a', result: 'created' },
        { id: 'many-b', result: 'created' },
      ],
    });
    const changed = {
      id: 'many-b',
      name: 'B',
      limits: [{ meter: 'images', window: 'day', amount: 'disabled' }],
    };
    writeFileSync(file, JSON.stringify([plan, changed]));
    const again = await run(['plans', 'apply', file, '--now', '--json']);
    expect(again.json).toMatchObject({
      plans: [
        { id: 'many-a', result: 'unchanged', version: 1 },
        { id: 'many-b', result: 'versioned', version: 2, changed: ['name', 'features', 'limits'] },
      ],
    });
    const shown = (await run(['plans', 'show', 'many-b', '--json'])).json;
    expect(shown).toMatchObject({ version: 2, name: 'B' });
    expect(shown).not.toHaveProperty('features');
    const unchanged = await run(['plans', 'apply', '-', '--json'], {
      stdin: JSON.stringify(changed),
    });
    expect(unchanged.json).toMatchObject({ plans: [{ id: 'many-b', result: 'unchanged' }] });
  });

  it('refuses a file of plans with every path that is wrong, and changes nothing', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(
      file,
      'plans:\n  - {id: ok-plan, name: Ok, limits: []}\n  - {id: zero, name: Z, limts: [], limits: [{meter: requests, window: day, amount: 0}]}\n',
    );
    const { code, err } = await run(['plans', 'apply', file]);
    expect(code).toBe(3);
    expect(err).toContain('plans[1].limits[0].amount: must be a positive amount');
    expect(err).toContain('plans[1].limts');
    expect((await run(['plans', 'show', 'ok-plan'])).code).toBe(1);
    expect((await run(['plans', 'apply', join(folder, 'none.yaml')])).err).toContain(
      'no such file',
    );
  });

  it('rotates and revokes keys', async () => {
    await run(['customers', 'create', 'rotating', '--plan', 'free']);
    const made = await run(['keys', 'create', 'k', '--customer', 'rotating', '--json']);
    const { id, key } = made.json as { id: string; key: string };
    const rotated = await run(['keys', 'rotate', id, '--overlap', '1h', '--json']);
    const next = rotated.json as { id: string; key: string };
    const call = (secret: string) => run(['limits'], { environment: { GATEWAY_API_KEY: secret } });
    expect((await call(key)).code).toBe(0);
    expect((await call(next.key)).code).toBe(0);
    const revoked = await run(['keys', 'revoke', next.id]);
    expect(revoked.out).toMatch(/^status +revoked$/m);
    const refused = await call(next.key);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain('fix:');
    const list = await run(['keys', 'list', '--customer', 'rotating']);
    expect(list.out.split('\n')).toHaveLength(4);
    expect((await run(['keys', 'show', next.id])).out).toMatch(/^name +k$/m);
  });

  it('does not revoke the keys that the gateway starts with', async () => {
    const { data } = (await run(['keys', 'list', '--json'])).json as Rows;
    const own = data.filter((key) => String(key['name']).startsWith('bootstrap'));
    expect(own).toHaveLength(2);
    for (const { id } of own) {
      const { code, err } = await run(['keys', 'revoke', String(id)]);
      expect(code).toBe(1);
      expect(err).toContain('credentials.json');
    }
    expect((await run(['limits'])).code).toBe(0);
  });

  it('streams as newline-delimited JSON, the last line saying what it cost', async () => {
    const { code, out } = await run(['call', 'chat', 'Hi', '--stream', '--json']);
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.slice(0, -1).every((line) => line['event'] === 'chunk')).toBe(true);
    expect(lines.at(-1)).toMatchObject({
      schemaVersion: 1,
      event: 'done',
      provider: 'sim',
      simulated: true,
      cost_usd: expect.stringMatching(/^0\.\d{9}$/),
    });
  });

  it('lists plans, customers, models and verifies the ledger', async () => {
    expect((await run(['plans', 'list'])).out).toMatch(/^free +Free +1 +\$0\.00 +\d+ +all$/m);
    expect((await run(['customers', 'list'])).out).toMatch(/^default +cus_/m);
    expect((await run(['customers', 'show', 'default'])).out).toMatch(/^plan +enterprise/m);
    expect((await run(['models', 'list'])).out).toMatch(/^sim\/chat +text/m);
    const verified = await run(['ledger', 'verify']);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.out).toMatch(/^ok {2}\d+ events/);
  });

  it('says where to look for what is not there', async () => {
    const missing = async (...args: string[]) => (await run(args)).err;
    expect(await missing('plans', 'show', 'nope')).toContain('alwrity-gateway plans list');
    expect(await missing('customers', 'show', 'nope')).toContain('alwrity-gateway customers list');
    expect(await missing('customers', 'create', 'x', '--plan', 'nope')).toContain('plans list');
    expect(await missing('limits', '--customer', 'nope')).toContain('customers list');
    expect(await missing('call', 'chat', 'x', '--model', 'no/model')).toContain('models list');
  });

  it('ends with 4 for a wrong key and never shows it', async () => {
    const wrong = 'agk_wrong_wrong_wrong_wrong_wrong';
    const { code, out, err } = await run(['plans', 'list'], {
      environment: { GATEWAY_ADMIN_KEY: wrong },
    });
    expect(code).toBe(4);
    expect(out + err).not.toContain(wrong);
  });

  it('colours terminals only, and not with NO_COLOR or --no-color', async () => {
    const escapes = (text: string) => text.includes('\u001b[');
    expect(escapes((await run(['plans', 'list'])).out)).toBe(false);
    expect(escapes((await run(['plans', 'list'], { isTTY: true })).out)).toBe(true);
    const off = { isTTY: true, environment: { NO_COLOR: '1' } };
    expect(escapes((await run(['plans', 'list'], off)).out)).toBe(false);
    expect(escapes((await run(['plans', 'list', '--no-color'], { isTTY: true })).out)).toBe(false);
  });
});
