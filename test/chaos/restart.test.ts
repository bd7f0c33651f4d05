import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { ChatCaller, type ChatCall } from './chat-caller.ts';
import { startGatedUpstream } from './gated-upstream.ts';
import { eventually, GatewayProcess, makeCustomer, SERVICE_KEY } from './gateway-process.ts';
import { readStories } from './ledger-story.ts';

const IN_FLIGHT = 10;
const LIMITS = [{ meter: 'cost_usd', window: 'period', amount: '1000' }] as const;

let workDir = '';
beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), 'gateway-restart-'));
});
afterEach(() => {
  rmSync(workDir, { recursive: true, force: true });
});

function gatewayOver(openaiUrl: string, unknownGraceMs = 200): GatewayProcess {
  return new GatewayProcess({
    dataDir: join(workDir, 'data'),
    workDir,
    port: 0,
    config: { logging: { level: 'error' }, metering: { unknownGraceMs } },
    openaiUrl,
  });
}

function callOf(n: number, stream: boolean): ChatCall {
  const tag = String(n).padStart(6, '0');
  return { tag, model: 'openai/gpt-4o-mini', maxTokens: 4000, stream, leaveAfterMs: null };
}

interface Shown {
  readonly limits: readonly { readonly used: string; readonly held: string }[];
}

/** Progress marks that have reached the disk. */
function marksOnDisk(): number {
  const database = new DatabaseSync(databasePath(join(workDir, 'data')), { readOnly: true });
  const row = database.prepare('SELECT count(*) AS n FROM progress').get();
  database.close();
  return Number(row?.['n'] ?? 0);
}

describe('a gateway that was killed with calls in progress', () => {
  it('keeps their reservations through the grace and then leaves no open hold', async () => {
    const upstream = await startGatedUpstream();
    const first = await gatewayOver(upstream.url).ready();
    const key = await makeCustomer(first, 'cut', LIMITS);
    let caller = new ChatCaller(first.url);
    const calls = Array.from({ length: IN_FLIGHT }, (_, n) =>
      caller.call(key, callOf(n, n % 2 === 0)),
    );
    await eventually(() => upstream.waiting === IN_FLIGHT);
    const before = await caller.get<Shown>(key, '/v1/limits');
    await first.kill();
    expect((await Promise.all(calls)).map(({ end }) => end)).toEqual(
      Array.from({ length: IN_FLIGHT }, () => 'cut'),
    );
    await caller.close();

    const patient = await gatewayOver(upstream.url, 3_600_000).ready();
    caller = new ChatCaller(patient.url);
    expect(await patient.verify()).toMatchObject({ ok: true, open_holds: IN_FLIGHT });
    expect(await caller.get<Shown>(key, '/v1/limits')).toEqual(before);
    await caller.close();
    await patient.kill();

    const last = await gatewayOver(upstream.url).ready();
    caller = new ChatCaller(last.url);
    await eventually(async () => (await last.verify()).open_holds === 0);
    const [limit] = (await caller.get<Shown>(key, '/v1/limits'))?.limits ?? [];
    expect(Number(limit?.held)).toBe(0);
    expect(Number(limit?.used)).toBeGreaterThan(0);
    const stories = await readStories(last);
    expect(stories.map(({ endings }) => endings)).toEqual(
      Array.from({ length: IN_FLIGHT }, () => ['reconcile']),
    );
    const listed = await last.admin<{
      readonly data: readonly { readonly estimated: boolean; readonly warnings: string[] }[];
    }>('GET /requests');
    expect(listed.data).toHaveLength(IN_FLIGHT);
    expect(listed.data.every(({ estimated }) => estimated)).toBe(true);
    expect(listed.data[0]?.warnings).toContain('settled_by_estimate');
    expect((await last.verify()).ok).toBe(true);
    await caller.close();
    await last.stop();
    await upstream.close();
  }, 90_000);

  it('charges what was seen of a stream, beyond its input', async () => {
    const upstream = await startGatedUpstream({ wordEveryMs: 5 });
    const gateway = await gatewayOver(upstream.url).ready();
    const key = await makeCustomer(gateway, 'seen', LIMITS);
    const caller = new ChatCaller(gateway.url);
    const calls = [caller.call(key, callOf(1, true)), caller.call(key, callOf(2, false))];
    await eventually(() => marksOnDisk() > 0);
    await gateway.kill();
    await Promise.all(calls);
    await caller.close();
    const next = await gatewayOver(upstream.url).ready();
    await eventually(async () => (await next.verify()).open_holds === 0);
    const stories = await readStories(next);
    const costOf = (tag: string): bigint =>
      stories.find((story) => story.tag === tag)?.costNanoUsd ?? 0n;
    // 600 nano-USD a word: a mark is written after two seconds, which are some hundred words.
    expect(costOf('000002')).toBeGreaterThan(0n);
    expect(costOf('000001')).toBeGreaterThan(costOf('000002') + 100n * 600n);
    await next.stop();
    await upstream.close();
  }, 60_000);
});

describe('two gateways on one data directory', () => {
  it('leaves it to the first and tells the second what to do', async () => {
    const upstream = await startGatedUpstream();
    const first = await gatewayOver(upstream.url).ready();
    const second = gatewayOver(upstream.url);
    expect(await second.listening).toBeNull();
    expect((await second.exited).code).not.toBe(0);
    expect(second.complaint).toMatch(/is in use by another gateway \(process \d+\)/);
    const caller = new ChatCaller(first.url);
    const call = caller.call(SERVICE_KEY, callOf(1, false));
    await eventually(() => upstream.waiting === 1);
    upstream.release();
    expect((await call).end).toBe('whole');
    expect((await first.verify()).ok).toBe(true);
    await caller.close();
    await first.kill();
    // The lock went with the process that had it.
    const third = await gatewayOver(upstream.url).ready();
    await third.stop();
    await upstream.close();
  }, 60_000);
});
