/**
 * Every window of a limit, the counters of tags, and what a breach does, over a running gateway.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LimitInput } from '../../src/contracts/metering.ts';
import { chatBody, openLab, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, verifyLedger } from '../support/running-gateway.ts';

const HOUR_MS = 3_600_000;
const MODEL = 'openai/gpt-4o-mini';

let lab: Lab;
beforeAll(async () => {
  // Slow enough that calls at once are in flight together.
  lab = await openLab({ perTokenMs: 20 });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  expect((await verifyLedger(lab.gateway)).mismatches).toEqual([]);
  await lab.close();
});

async function keyWith(...limits: readonly LimitInput[]): Promise<string> {
  return (await createCustomerKey(lab.gateway, { limits })).apiKey;
}

const requests = (window: string, more: Partial<LimitInput> = {}): LimitInput => ({
  meter: 'requests',
  window,
  amount: 2,
  ...more,
});

const chat = (key: string, maxTokens = 10, headers: Readonly<Record<string, string>> = {}) =>
  lab.call('/v1/chat/completions', {
    key,
    headers,
    body: chatBody(MODEL, { max_tokens: maxTokens }),
  });

/** Calls of one test fall into one hour, and so into one day and week. */
async function awayFromTheHour(): Promise<void> {
  const leftMs = HOUR_MS - (Date.now() % HOUR_MS);
  if (leftMs < 10_000) await pause(leftMs + 50);
}

interface Violated {
  readonly id: string;
  readonly scope: string;
  readonly limit: string;
  readonly used: string;
  readonly remaining: string;
  readonly resets_at: string | null;
}

const violatedBy = ({ error }: Reply): readonly Violated[] => error['limits'] as Violated[];

describe('a limit', () => {
  it.each([
    ['hour', 1],
    ['day', 25],
    ['week', 7 * 25],
    ['period', 32 * 24],
    ['rolling:5h', 5],
    ['lifetime', null],
  ] as const)('over %s is used up, and says until when', async (window, hours) => {
    await awayFromTheHour();
    const key = await keyWith(requests(window));
    for (let turn = 0; turn < 2; turn += 1) expect((await chat(key)).status).toBe(200);
    const refused = await chat(key);
    expect(refused.error).toMatchObject({ code: 'limit_exceeded', type: 'insufficient_quota' });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    const [violated] = violatedBy(refused);
    const id = `requests/${window}`;
    expect(violated).toMatchObject({ id, limit: '2', used: '2', remaining: '0' });
    const resetsAt = violated?.resets_at ?? null;
    if (hours === null) return expect(resetsAt).toBeNull();
    const inMs = Date.parse(resetsAt ?? '') - Date.now();
    expect(inMs).toBeGreaterThan(0);
    expect(inMs).toBeLessThanOrEqual(hours * HOUR_MS);
    expect(refused.headers.has('retry-after')).toBe(inMs < HOUR_MS);
  });

  it('of a call is compared with the call alone', async () => {
    const key = await keyWith({ meter: 'output_tokens', window: 'call', amount: 20 });
    for (let turn = 0; turn < 2; turn += 1) expect((await chat(key, 20)).status).toBe(200);
    const refused = await chat(key, 21);
    expect(refused.error).toMatchObject({ code: 'limit_exceeded' });
    expect(refused.error['actions']).toContainEqual({ do: 'reduce', param: 'max_tokens', max: 20 });
  });

  it('of a minute is a rate, with the exact wait', async () => {
    const key = await keyWith(requests('minute'));
    for (let turn = 0; turn < 2; turn += 1) expect((await chat(key)).status).toBe(200);
    const refused = await chat(key);
    expect(refused.error).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' });
    const waitMs = Number(refused.headers.get('retry-after-ms'));
    expect(waitMs).toBeGreaterThan(0);
    // Two a minute: the next is due half a minute after the first at the latest.
    expect(waitMs).toBeLessThanOrEqual(30_000);
    expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(waitMs / 1000));
  });

  it('of calls at once gives its slots back', async () => {
    const key = await keyWith(requests('concurrent'));
    const replies = await Promise.all([chat(key, 80), chat(key, 80), chat(key, 80)]);
    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused.map(({ status, error }) => [status, error['code']])).toEqual([
      [429, 'concurrency_limited'],
    ]);
    expect(refused[0]?.headers.get('x-should-retry')).toBe('true');
    expect((await chat(key)).status).toBe(200);
  });
});

describe('a limit of a tag', () => {
  it('counts each of its values alone, and binds no call without it', async () => {
    const key = await keyWith(requests('day', { scope: 'tag:team' }));
    const of = (team: string) => chat(key, 10, { 'x-gateway-tags': JSON.stringify({ team }) });
    for (const team of ['red', 'red', 'blue', 'blue']) expect((await of(team)).status).toBe(200);
    const refused = await of('red');
    expect(violatedBy(refused)).toMatchObject([{ id: 'requests/day', scope: 'tag:team=red' }]);
    expect((await chat(key)).status).toBe(200);
  });
});

describe('a breach', () => {
  it('of a soft limit is admitted and marked, of one with overage as far as its cap', async () => {
    const soft = await keyWith(requests('day', { on_breach: 'soft' }));
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await chat(soft)).headers.get('x-gateway-warnings')).toBeNull();
    }
    const marked = await chat(soft);
    expect(marked.status).toBe(200);
    expect(marked.headers.get('x-gateway-warnings')).toContain('soft_limit=requests/day');
    const over = await keyWith(requests('day', { on_breach: 'overage', overage_cap: 1 }));
    for (let turn = 0; turn < 3; turn += 1) expect((await chat(over)).status).toBe(200);
    expect((await chat(over)).error).toMatchObject({ code: 'limit_exceeded' });
    const { json } = await lab.call('/v1/limits', { key: soft });
    expect(json['limits']).toMatchObject([{ id: 'requests/day', used: '3', remaining: '0' }]);
  });

  it('names every limit that was violated, and writes nothing', async () => {
    const key = await keyWith(requests('day'), requests('lifetime', { amount: 2 }));
    for (let turn = 0; turn < 2; turn += 1) await chat(key);
    const before = await verifyLedger(lab.gateway);
    expect(violatedBy(await chat(key)).map(({ id }) => id)).toEqual([
      'requests/day',
      'requests/lifetime',
    ]);
    expect(await verifyLedger(lab.gateway)).toMatchObject({ events: before.events });
  });

  it('of what the plan excludes is 403', async () => {
    const key = await keyWith(requests('period', { amount: 'disabled', model: 'openai/*' }));
    const refused = await chat(key);
    expect({ status: refused.status, code: refused.error['code'] }).toEqual({
      status: 403,
      code: 'not_in_plan',
    });
  });
});
