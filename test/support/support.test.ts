/**
 * What the test support itself promises.
 *
 * @module
 */
import { afterEach, describe, expect, it } from 'vitest';
import { randomBySeed, startReplayUpstream, writeEnds, type Delivery } from './replay-upstream.ts';
import {
  callAdmin,
  createCustomerKey,
  requestOf,
  startTestGateway,
  usageOf,
  verifyLedger,
} from './running-gateway.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

describe('replay upstream', () => {
  const body = Buffer.from('data: "ä€😀"\r\n\r\ndata: 2\n\ndata: [DONE]\n\n: tail');

  it.each<[string, Delivery]>([
    ['whole', { mode: 'whole' }],
    ['events', { mode: 'events' }],
    ['bytes', { mode: 'bytes' }],
    ['cuts', { mode: 'cuts', seed: 7 }],
    ['paced', { mode: 'paced', pauseMs: 1 }],
  ])('%s: delivers every byte, in order', async (_name, delivery) => {
    const upstream = await startReplayUpstream();
    closing.push(() => upstream.close());
    upstream.serve({ model: 'm' }, { status: 201, headers: { 'x-a': 'b' }, body, delivery });
    const response = await fetch(`${upstream.url}/v1/chat/completions`, {
      method: 'POST',
      body: '{"model":"m"}',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-a')).toBe('b');
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
    expect(upstream.requests.map(({ model }) => model)).toEqual(['m']);
    expect(writeEnds(body, delivery).at(-1)).toBe(body.length);
  });

  it('cuts inside UTF-8 sequences, the same way for the same seed', () => {
    const text = Buffer.from('añ€😀'.repeat(200));
    const ends = writeEnds(text, { mode: 'cuts', seed: 3 });
    expect(ends).toEqual(writeEnds(text, { mode: 'cuts', seed: 3 }));
    expect(ends.some((end) => ((text[end] ?? 0) & 0xc0) === 0x80)).toBe(true);
    expect(randomBySeed(1)()).not.toBe(randomBySeed(2)());
  });

  it('resets where it is told to, and answers 501 to what it does not know', async () => {
    const upstream = await startReplayUpstream();
    closing.push(() => upstream.close());
    const reply = { status: 200, headers: {}, body, delivery: { mode: 'events' as const } };
    upstream.serve({ path: '/broken' }, { ...reply, resetAfterBytes: 5 });
    const response = await fetch(`${upstream.url}/broken`);
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect((await fetch(`${upstream.url}/other`)).status).toBe(501);
  });
});

describe('running gateway', () => {
  it('answers a call of a customer, books it, and verifies', async () => {
    const gateway = await startTestGateway();
    closing.push(() => gateway.stop());
    const key = await createCustomerKey(gateway, {
      limits: [{ meter: 'requests', window: 'period', amount: 1 }],
    });
    const call = () =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key.apiKey}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ model: 'sim/chat', messages: [{ role: 'user', content: 'Hi' }] }),
      });
    const response = await call();
    expect(response.status).toBe(200);
    const request = await requestOf(gateway, response.headers.get('x-request-id') ?? '');
    expect(request).toMatchObject({ status: 200, provider: 'sim', simulated: true });
    expect((await call()).status).toBe(429);
    const usage = await usageOf(gateway, key.externalId, ['provider']);
    expect(usage.totals['requests']).toBe(1);
    expect(usage.groups).toHaveLength(1);
    expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0 });
    await expect(callAdmin(gateway, 'GET /customers/nobody')).rejects.toMatchObject({
      status: 404,
    });
  });
});
