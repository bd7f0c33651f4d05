/**
 * `subscriptions` and `wallet` over a running gateway.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';
import { callAdmin, startTestGateway, type TestGateway } from '../support/running-gateway.ts';

let gateway: TestGateway;
let folder: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'gateway-commands-'));
  for (const [id, usd] of [
    ['small', '5.00'],
    ['large', '20.00'],
  ]) {
    const price_usd = { month: usd, year: usd };
    await callAdmin(gateway, 'POST /plans', { id, name: id, price_usd, limits: [] });
  }
  for (const externalId of ['user-1', 'user-2']) {
    await callAdmin(gateway, 'POST /customers', { externalId, plan: 'small' });
  }
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) =>
  runCaptured([...args, '--data-dir', gateway.dataDir], {
    workingDirectory: folder,
    environment: { GATEWAY_URL: gateway.url },
  });

const change = (...flags: string[]) => run('subscriptions', 'change', 'user-1', ...flags);
const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;

describe('subscriptions', () => {
  it('show state, plan and period', async () => {
    const { code, out, err } = await run('subscription', 'show', 'user-1');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^status +active, by the month$/m);
    expect(out).toMatch(/^plan +small \(version 1\)$/m);
    expect(out).toMatch(new RegExp(`^period +${TIME}.* to ${TIME}.* UTC$`, 'm'));
    expect(out).not.toContain('scheduled');
  });

  it('move to another plan: up at once, down when what is paid for is over, and that called off', async () => {
    const up = await change('--plan', 'large', '--mode', 'prorate');
    expect(up).toMatchObject({ code: 0, err: '' });
    expect(up.out).toMatch(/^plan +large \(version 1\)$/m);
    const down = await change('--plan', 'small');
    expect(down.out).toMatch(/^plan +large \(version 1\)$/m);
    expect(down.out).toMatch(new RegExp(`^plan +small +${TIME}`, 'm'));
    expect(down.err).toMatch(new RegExp(`It takes effect at ${TIME}.* UTC\\.`));
    const off = await run('subscriptions', 'call-off', 'user-1', 'plan');
    expect(off.code).toBe(0);
    expect(off.out).not.toContain('scheduled');
    expect((await run('subscriptions', 'call-off', 'user-1', 'plan')).code).not.toBe(0);
  });

  it('end at a time, and go on after all', async () => {
    const ends = await change('--cancel-at', '2126-05-04T03:02:00Z');
    expect(ends.out).toMatch(/^ends +2126-05-04 03:02.* UTC$/m);
    expect(ends.out).toMatch(/^cancel +2126-05-04 03:02/m);
    expect((await change('--cancel-at', 'none')).out).not.toMatch(/^ends/m);
  });

  it('are past due with a grace, paused, in another zone and by the year', async () => {
    const due = await change('--status', 'past_due', '--grace-until', '2126-01-01T00:00:00Z');
    expect(due.out).toMatch(/^status +past_due/m);
    expect(due.out).toMatch(/^grace until +2126-01-01 00:00.* UTC$/m);
    expect((await change('--grace-until', 'none')).out).not.toContain('grace until');
    expect((await change('--status', 'active')).out).toMatch(/^status +active/m);
    const moved = await change('--timezone', 'Europe/Berlin', '--anchor', '2026-01-31T09:00:00');
    expect(moved.out).toMatch(/^time zone +Europe\/Berlin$/m);
    const trial = await change('--status', 'trial', '--trial-end', '2126-01-01T00:00:00Z');
    expect(trial.out).toMatch(/^trial ends +2126-01-01 00:00.* UTC$/m);
    const json = await run('subscriptions', 'show', 'user-1', '--json');
    expect(json.json).toMatchObject({ schemaVersion: 1, timezone: 'Europe/Berlin' });
  });

  it('refuse what is none, naming the member', async () => {
    const nothing = await change();
    expect(nothing.code).not.toBe(0);
    expect(nothing.err).toMatch(/name what is to change/);
    const zone = await change('--timezone', 'Mars/Olympus');
    expect(zone.err).toMatch(/timezone/);
    const trial = await change('--trial-end', 'none');
    expect(trial.err).toMatch(/trial_end/);
    const off = await run('subscriptions', 'call-off', 'user-1', 'everything');
    expect(off.err).toMatch(/must be one of plan, cancel, activate/);
    expect((await run('subscriptions', 'show', 'nobody')).err).toMatch(/nobody/);
  });
});

const wallet = (...args: string[]) => run('wallet', ...args);

describe('wallet', () => {
  it('is granted once under a reference, shown, and withdrawn', async () => {
    const args = ['grant', 'user-2', '25.00', '--reference', 'invoice-1', '--reason', 'paid'];
    const granted = await wallet(...args);
    expect(granted).toMatchObject({ code: 0, err: '' });
    expect(granted.out).toMatch(
      /^\$25(\.0+)? granted to user-2 \(top_up, reference invoice-1\)\n$/,
    );
    expect((await wallet(...args)).out).toBe(granted.out);
    const promo = ['--kind', 'promo', '--reference', 'spring', '--priority', '-1'];
    const until = ['--expires-at', '2126-01-01T00:00:00Z'];
    expect((await wallet('grant', 'user-2', '5', ...promo, ...until)).code).toBe(0);
    const shown = await wallet('show', 'user-2');
    expect(shown.out).toMatch(/^balance +\$30(\.0+)?$/m);
    expect(shown.out).toMatch(/^invoice-1 +top_up +\$25(\.0+)? +\$25(\.0+)? +0/m);
    expect(shown.out).toMatch(/^spring +promo +\$5(\.0+)? +\$5(\.0+)? +-1 +2126-01-01 00:00/m);
    const taken = await wallet('withdraw', 'user-2', 'spring');
    expect(taken.out).toMatch(/^\$5(\.0+)? of spring withdrawn\n$/);
    const json = await wallet('show', 'user-2', '--json');
    expect(json.json).toMatchObject({ schemaVersion: 1, balance: '25.000000000' });
  });

  it('refuses another grant under the same reference, what is no amount, and what is unknown', async () => {
    const grant = (usd: string) => wallet('grant', 'user-1', usd, '--reference', 'invoice-9');
    expect((await grant('1.00')).code).toBe(0);
    expect((await grant('2.00')).err).toMatch(/idempotency_mismatch/);
    expect((await grant('much')).err).toMatch(/amount/);
    const unknown = await wallet('withdraw', 'user-1', 'nothing');
    expect(unknown.code).not.toBe(0);
    expect(unknown.err).toMatch(/nothing/);
    expect((await wallet('show', 'user-1')).out).toMatch(/^balance +\$1(\.0+)?$/m);
  });
});
