/**
 * What a key answers after each way in which its first call can end: the rows of docs/idempotency.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Reply } from '../support/lab.ts';
import { callAdmin, createCustomerKey, startTestGateway } from '../support/running-gateway.ts';
import { collect, openKeyedLab, type KeyedLab } from './keyed-lab.ts';

let keyed: KeyedLab;

beforeAll(async () => {
  keyed = await openKeyedLab({
    perTokenMs: 4,
    // Nobody listens there: no byte of a request can leave.
    environment: { GROQ_API_KEY: 'gsk-test', GROQ_BASE_URL: 'http://127.0.0.1:1' },
  });
});
afterAll(async () => {
  expect(await keyed.lab.openHolds()).toBe(0);
  await keyed.lab.close();
});

const isReplay = (reply: Reply): boolean => reply.headers.get('idempotency-replayed') === 'true';
const idOf = (reply: Reply): string => reply.headers.get('x-request-id') ?? '';

describe('a call that was refused', () => {
  it('is judged afresh, and runs once it may', async () => {
    const target = keyed.target();
    const customer = await createCustomerKey(keyed.lab.gateway, {
      limits: [{ meter: 'cost_usd', window: 'period', amount: '0.000000001' }],
    });
    const call = { key: 'refused', apiKey: customer.apiKey };
    const refused = await target.call(call);
    expect([refused.status, refused.error['code']]).toEqual([429, 'limit_exceeded']);
    const again = await target.call(call);
    expect(isReplay(again)).toBe(false);
    expect(idOf(again)).not.toBe(idOf(refused));
    await callAdmin(
      keyed.lab.gateway,
      `PATCH /customers/${customer.externalId}/subscription` as 'PATCH /',
      { plan: 'enterprise', at: 'now' },
    );
    const allowed = await target.call(call);
    expect(allowed.status).toBe(200);
    expect(isReplay(allowed)).toBe(false);
    expect(isReplay(await target.call(call))).toBe(true);
    expect(target.calls()).toHaveLength(1);
  });

  it('frees its key for another request', async () => {
    const target = keyed.target();
    const refused = await target.call({ key: 'free', body: { messages: 'none' } });
    expect(refused.status).toBe(400);
    expect((await target.call({ key: 'free' })).status).toBe(200);
  });
});

describe('a call that failed behind its hold', () => {
  it('runs anew where no byte of it has left', async () => {
    const call = {
      headers: { 'idempotency-key': 'not-sent' },
      body: {
        model: 'groq/llama-3.1-8b-instant',
        messages: [{ role: 'user', content: 'Hi' }],
        max_tokens: 9,
      },
    };
    const first = await keyed.lab.call('/v1/chat/completions', call);
    expect(first.status).toBeGreaterThanOrEqual(500);
    expect(first.headers.get('x-should-retry')).toBe('true');
    const again = await keyed.lab.call('/v1/chat/completions', call);
    expect(isReplay(again)).toBe(false);
    expect(idOf(again)).not.toBe(idOf(first));
  });

  it.each([{ stream: false }, { stream: true }])(
    'keeps the error of a provider that was reached, and asks it no more (stream: $stream)',
    async ({ stream }) => {
      const target = keyed.target();
      target.fault('400');
      const call = { key: `error ${stream}`, stream };
      const first = await target.call(call);
      expect(first.status).toBeGreaterThanOrEqual(400);
      expect(first.headers.get('x-should-retry')).toBe('false');
      expect(first.error['message']).toMatch(/new key/);
      const reached = target.calls().length;
      expect(reached).toBeGreaterThan(0);
      const again = await target.call(call);
      expect(again.text).toBe(first.text);
      expect(again.status).toBe(first.status);
      expect(isReplay(again)).toBe(true);
      expect(target.calls()).toHaveLength(reached);
    },
  );

  it('keeps a stream that broke, with the error that ends it', async () => {
    const target = keyed.target();
    target.fault('reset-after-5');
    const call = { key: 'broken', stream: true };
    const first = await target.call(call);
    expect(first.text).toMatch(/"code":"stream_interrupted"/);
    expect(first.text).not.toContain('[DONE]');
    const again = await target.call(call);
    expect(again.text).toBe(first.text);
    expect(isReplay(again)).toBe(true);
    expect(target.calls()).toHaveLength(1);
  });
});

describe('a client that leaves', () => {
  it('finds the finished stream, although its provider stops billing with its client', async () => {
    const target = keyed.target();
    const call = { key: 'left', stream: true };
    const leaving = new AbortController();
    const response = await target.open(call, leaving.signal);
    const reader = response.body?.getReader();
    await reader?.read();
    leaving.abort();
    const reply = await collect(target, call);
    expect(reply.status).toBe(200);
    expect(isReplay(reply)).toBe(true);
    expect(reply.text).toMatch(/data: \[DONE\]\n\n$/);
    expect(target.calls().map(({ outcome }) => outcome)).toEqual(['completed']);
    expect((await keyed.lab.call(`/v1/requests/${idOf(reply)}`)).json).toMatchObject({
      client_closed: true,
      status: 200,
      estimated: false,
    });
  });

  it('finds the whole answer', async () => {
    const target = keyed.target();
    target.fault('stall-headers-300');
    const call = { key: 'left whole' };
    const leaving = new AbortController();
    const lost = target.open(call, leaving.signal).catch(() => null);
    await eventually(() => target.calls().length === 1);
    leaving.abort();
    expect(await lost).toBeNull();
    const reply = await collect(target, call);
    expect([reply.status, isReplay(reply)]).toEqual([200, true]);
    expect(target.calls()).toHaveLength(1);
  });

  it('is told so where the answer was given up', async () => {
    const target = keyed.target();
    const { settings } = keyed.lab.gateway.gateway.gateway;
    const { drainsMax } = settings;
    Object.assign(settings, { drainsMax: 0 });
    const call = { key: 'cut off', stream: true };
    const leaving = new AbortController();
    const response = await target.open(call, leaving.signal);
    await response.body?.getReader().read();
    leaving.abort();
    const reply = await collect(target, call);
    Object.assign(settings, { drainsMax });
    expect([reply.status, reply.error['code']]).toEqual([409, 'idempotency_completed']);
    expect(reply.error['message']).toMatch(/cut off after its client had left/);
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(target.calls()).toHaveLength(1);
  });
});

describe('a restart', () => {
  it('keeps the replies, and another encryption key cannot read them', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-keys-'));
    const body = JSON.stringify({ model: 'sim/chat', messages: [{ role: 'user', content: 'Hi' }] });
    const start = (encryptionKey: string) =>
      startTestGateway({ dataDir, environment: { GATEWAY_ENCRYPTION_KEY: encryptionKey } });
    const call = async (gateway: Awaited<ReturnType<typeof start>>) => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${gateway.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': 'over a restart',
        },
        body,
      });
      const replayed = response.headers.get('idempotency-replayed');
      return { status: response.status, replayed, text: await response.text() };
    };
    let gateway = await start('a first encryption key');
    const first = await call(gateway);
    expect(first).toMatchObject({ status: 200, replayed: null });
    await gateway.stop();
    gateway = await start('a first encryption key');
    expect(await call(gateway)).toEqual({ ...first, replayed: 'true' });
    await gateway.stop();
    gateway = await start('another encryption key');
    const unreadable = await call(gateway);
    expect(unreadable.status).toBe(409);
    expect(unreadable.text).toContain('idempotency_completed');
    await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
});
