/**
 * A call that has ended is answered again from what was kept (F71, F72; metering I11).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SDKS } from '../sdk-compat/sdks.ts';
import type { Reply } from '../support/lab.ts';
import { callAdmin, createCustomerKey, usageOf } from '../support/running-gateway.ts';
import { openKeyedLab, type KeyedLab } from './keyed-lab.ts';

let keyed: KeyedLab;

beforeAll(async () => {
  keyed = await openKeyedLab();
});
afterAll(async () => {
  expect(await keyed.lab.openHolds()).toBe(0);
  await keyed.lab.close();
});

const replayed = (reply: Reply): string | null => reply.headers.get('idempotency-replayed');

describe('a repetition of a finished call', () => {
  it('gets the same reply, with the first one’s cost, and is neither called nor booked', async () => {
    const target = keyed.target();
    const customer = await createCustomerKey(keyed.lab.gateway);
    const call = { key: 'order-1', apiKey: customer.apiKey };
    const first = await target.call(call);
    expect(first.status).toBe(200);
    expect(replayed(first)).toBeNull();
    const booked = await usageOf(keyed.lab.gateway, customer.customerId);
    for (let n = 0; n < 3; n += 1) {
      const again = await target.call(call);
      expect(again.text).toBe(first.text);
      expect(again.status).toBe(200);
      expect(replayed(again)).toBe('true');
      for (const name of [
        'x-request-id',
        'x-gateway-cost',
        'x-gateway-model',
        'x-gateway-provider',
        'x-gateway-attempts',
        'content-type',
      ]) {
        expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
      }
      expect(again.headers.get('x-gateway-overhead-ms')).not.toBeNull();
    }
    expect(target.calls()).toHaveLength(1);
    const { totals, held } = await usageOf(keyed.lab.gateway, customer.customerId);
    expect({ totals, held }).toEqual({ totals: booked.totals, held: booked.held });
    expect(booked.totals['requests']).toBe(1);
    expect(Number(first.headers.get('x-gateway-cost'))).toBeGreaterThan(0);
    expect(booked.totals.cost_usd).toBe(first.headers.get('x-gateway-cost'));
  });

  it('gets a stream as the very same bytes', async () => {
    const target = keyed.target();
    const call = { key: 'stream-1', stream: true };
    const first = await target.call(call);
    const again = await target.call(call);
    expect(first.text).toMatch(/data: \[DONE\]\n\n$/);
    expect(again.text).toBe(first.text);
    expect(again.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(again.headers.get('content-length')).toBeNull();
    expect(replayed(again)).toBe('true');
    expect(target.calls()).toHaveLength(1);
  });

  it.each(SDKS)('is read by $name like the first', async (sdk) => {
    const target = keyed.target();
    const client = new sdk.OpenAI({
      baseURL: `${keyed.lab.url}/v1`,
      apiKey: keyed.lab.gateway.apiKey,
    });
    const collect = async (): Promise<unknown[]> => {
      const stream = await client.chat.completions.create(
        {
          model: target.model,
          messages: [{ role: 'user', content: 'Count to ten' }],
          stream: true,
          stream_options: { include_usage: true },
        },
        { headers: { 'Idempotency-Key': `sdk ${sdk.name}` } },
      );
      const chunks: unknown[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      return chunks;
    };
    const first = await collect();
    expect(first.length).toBeGreaterThan(2);
    expect(await collect()).toEqual(first);
    expect(target.calls()).toHaveLength(1);
  });

  it('is logged as a repetition, with the id of the first call', async () => {
    const target = keyed.target();
    const first = await target.call({ key: 'logged' });
    await target.call({ key: 'logged' });
    const id = first.headers.get('x-request-id') ?? '';
    const lines = keyed.lab.log
      .join('')
      .split('\n')
      .filter((line) => line.includes('"replay"'));
    expect(lines.filter((line) => line.includes(`"first_request_id":"${id}"`))).toHaveLength(1);
  });

  it('finds nothing of the answer readable on the disk', async () => {
    const target = keyed.target();
    const first = await target.call({ key: 'secret' });
    const text = JSON.parse(first.text) as { choices: { message: { content: string } }[] };
    const words = text.choices[0]?.message.content.slice(0, 24) ?? '';
    expect(words.length).toBeGreaterThan(10);
    const { dataDir } = keyed.lab.gateway;
    for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      expect(readFileSync(join(entry.parentPath, entry.name)).includes(words)).toBe(false);
    }
  });
});

describe('many at once', () => {
  it('reach the provider once: the others get the reply, or are told to wait', async () => {
    const target = keyed.target();
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => target.call({ key: 'at-once' })),
    );
    expect(target.calls()).toHaveLength(1);
    const answered = replies.filter(({ status }) => status === 200);
    expect(answered.filter((reply) => replayed(reply) === null)).toHaveLength(1);
    expect(new Set(answered.map(({ text }) => text)).size).toBe(1);
    const waiting = replies.filter(({ status }) => status !== 200);
    expect(waiting.length).toBeGreaterThan(0);
    for (const { status, error, headers } of waiting) {
      expect([status, error['code']]).toEqual([409, 'idempotency_in_flight']);
      expect(error['param']).toBe('Idempotency-Key');
      expect(headers.get('retry-after-ms')).toBe('1000');
      expect(headers.get('retry-after')).toBe('1');
      expect(headers.get('x-should-retry')).toBe('true');
      expect(headers.get('x-gateway-cost')).toBe('0.000000000');
    }
  });
});

describe('whose key it is', () => {
  it('refuses another request under it', async () => {
    const target = keyed.target();
    await target.call({ key: 'mine' });
    for (const other of [
      { key: 'mine', body: { max_tokens: 201 } },
      { key: 'mine', stream: true },
      { key: 'mine', headers: { 'x-gateway-explain': 'true' } },
    ]) {
      const reply = await target.call(other);
      expect(reply.status).toBe(422);
      expect(reply.error).toMatchObject({ code: 'idempotency_mismatch', param: 'Idempotency-Key' });
      expect(reply.headers.get('x-should-retry')).toBe('false');
    }
    expect(target.calls()).toHaveLength(1);
  });

  it('takes tags and patience for no part of the request', async () => {
    const target = keyed.target();
    await target.call({ key: 'patient' });
    const headers = { 'x-gateway-timeout-ms': '5000', 'x-gateway-tags': '{"try":"2"}' };
    expect(replayed(await target.call({ key: 'patient', headers }))).toBe('true');
  });

  it('never shows one customer another’s reply', async () => {
    const target = keyed.target();
    const [one, two] = [
      await createCustomerKey(keyed.lab.gateway),
      await createCustomerKey(keyed.lab.gateway),
    ];
    const first = await target.call({ key: 'shared', apiKey: one.apiKey });
    const second = await target.call({ key: 'shared', apiKey: two.apiKey });
    expect(replayed(second)).toBeNull();
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(target.calls()).toHaveLength(2);
    // A service key that names the customer acts as it: the same key is the same call.
    const third = await target.call({
      key: 'shared',
      headers: { 'x-gateway-customer': two.externalId },
    });
    expect(third.text).toBe(second.text);
    expect(replayed(third)).toBe('true');
  });
});

describe('the header itself', () => {
  it.each(['', 'x'.repeat(256)])('is refused when it is %j', async (key) => {
    const target = keyed.target();
    const reply = await target.call({ key });
    expect(reply.status).toBe(400);
    expect(reply.error).toMatchObject({ code: 'invalid_request', param: 'Idempotency-Key' });
    expect(target.calls()).toHaveLength(0);
  });

  it('may have 255 characters, and says nothing on a GET', async () => {
    const target = keyed.target();
    const key = 'y'.repeat(255);
    await target.call({ key });
    expect(replayed(await target.call({ key }))).toBe('true');
    const headers = { 'idempotency-key': '' };
    expect((await keyed.lab.call('/v1/me', { headers })).status).toBe(200);
  });
});

describe('a reply that is not kept', () => {
  it('because it is too large is not made again: the first call is named', async () => {
    const target = keyed.target();
    target.fault('huge-2');
    const first = await target.call({ key: 'large' });
    expect(first.status).toBe(200);
    expect(first.text.length).toBeGreaterThan(1024 * 1024);
    const again = await target.call({ key: 'large' });
    expect(again.status).toBe(409);
    expect(again.error['code']).toBe('idempotency_completed');
    const id = first.headers.get('x-request-id') ?? '';
    expect(again.error['message']).toContain(id);
    expect(again.headers.get('x-should-retry')).toBe('false');
    expect(again.headers.get('retry-after')).toBeNull();
    expect(target.calls()).toHaveLength(1);
    expect((await keyed.lab.call(`/v1/requests/${id}`)).json['status']).toBe(200);
  });
});

describe('the control plane', () => {
  it('answers a repeated POST with the first reply, for the same admin key', async () => {
    const body = { id: 'twice', name: 'Twice', limits: [] };
    const post = (): Promise<Reply> =>
      keyed.lab.call('/admin/v1/plans', {
        key: keyed.lab.gateway.adminKey,
        headers: { 'idempotency-key': 'plan' },
        body,
      });
    const first = await post();
    expect(first.status).toBe(201);
    const again = await post();
    expect(again.text).toBe(first.text);
    expect(replayed(again)).toBe('true');
    const plans = await callAdmin<{ data: { id: string }[] }>(keyed.lab.gateway, 'GET /plans');
    expect(plans.data.filter(({ id }) => id === 'twice')).toHaveLength(1);
  });
});
