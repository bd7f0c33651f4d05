/**
 * Clients that leave or stall, and what runs on behind them (F39 to F41, F43, F110).
 *
 * The client stall limit is 0.5 s here (60 s by default), the drain limit 3 s (60 s).
 *
 * @module
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/lab.ts';
import { callAdmin, type ShownRequest } from '../support/running-gateway.ts';
import { openFaultLab, type FaultLab } from './fault-lab.ts';

/** OpenAI's wire without end: one event of 16 kB after another, as fast as the reader takes them. */
interface Flood {
  readonly url: string;
  sentBytes: number;
  isClosed: boolean;
  close(): Promise<void>;
}

const FLOOD_BYTES = 64 * 1024 * 1024;

async function startFlood(): Promise<Flood> {
  const event = (content: string, finish: string | null): string =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-flood',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'flood',
      choices: [{ index: 0, delta: { content }, finish_reason: finish }],
    })}\n\n`;
  const block = event('x'.repeat(16_000), null);
  const flood: Flood = {
    url: '',
    sentBytes: 0,
    isClosed: false,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  const pour = (response: ServerResponse): void => {
    while (!response.destroyed) {
      if (flood.sentBytes >= FLOOD_BYTES) {
        response.end(`${event('', 'stop')}data: [DONE]\n\n`);
        return;
      }
      flood.sentBytes += block.length;
      if (!response.write(block)) {
        response.once('drain', () => pour(response));
        return;
      }
    }
  };
  const server = createServer((request, response) => {
    request.resume();
    response.on('close', () => {
      flood.isClosed = true;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    pour(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return Object.assign(flood, { url: `http://127.0.0.1:${port}` });
}

let lab: FaultLab;
let flood: Flood;

beforeAll(async () => {
  flood = await startFlood();
  lab = await openFaultLab({
    config: 'timeouts:\n  clientWriteStallMs: 500\n',
    environment: { TOGETHER_BASE_URL: flood.url },
    simulator: { latency: { perTokenMs: 20 } },
    settings: { drainMs: 3000, drainBytes: 512 * 1024 },
  });
});

afterAll(async () => {
  await lab.assertClean();
  await lab.close();
  await flood.close();
});

/** The record of the one call of a model, once it is booked. */
async function recordOf(model: string): Promise<ShownRequest> {
  let found: { readonly id: string } | undefined;
  await eventually(async () => {
    const list = await callAdmin<{ data: { id: string; model: string }[] }>(
      lab.gateway,
      'GET /requests?limit=100',
    );
    found = list.data.find((request) => request.model === model);
    return found !== undefined;
  });
  return callAdmin(lab.gateway, `GET /requests/${found?.id ?? ''}`);
}

/** Milliseconds from now until the upstream saw its call end. */
async function upstreamEnds(model: string): Promise<number> {
  const leftAtMs = Date.now();
  await eventually(() => lab.logOf(model)[0]?.endedAtMs !== null);
  return (lab.logOf(model)[0]?.endedAtMs ?? Infinity) - leftAtMs;
}

describe('clients that leave', () => {
  it.each(['openai', 'gemini'] as const)(
    'F39: before any content: cancelled within a second, nothing charged (%s)',
    async (shape) => {
      const route = lab.route(shape);
      lab.fault(route.primary, 'stall-headers');
      const call = lab.open({ model: route.alone, stream: true });
      await eventually(() => lab.logOf(route.primary).length === 1);
      call.client.destroy();
      expect(await upstreamEnds(route.primary)).toBeLessThan(1000);
      const record = await recordOf(route.alone);
      expect(record).toMatchObject({ client_closed: true, attempts: 1 });
      expect(record.attempt_rows[0]?.billable).toBe('unknown');
      expect(Number(record.cost)).toBe(0);
      expect(record.hold?.state).toMatch(/^void/);
    },
  );

  it.each(['openai', 'gemini'] as const)(
    'F40: mid-stream: cancelled within a second, partial usage billed and marked (%s)',
    async (shape) => {
      const route = lab.route(shape);
      const call = lab.open({ model: route.alone, stream: true });
      await call.firstBytes;
      await pause(100);
      call.client.destroy();
      expect(await upstreamEnds(route.primary)).toBeLessThan(1000);
      const [entry] = lab.logOf(route.primary);
      expect(entry?.clientClosedEarly).toBe(true);
      const record = await recordOf(route.alone);
      expect(record).toMatchObject({ client_closed: true, status: 200 });
      expect(record.hold?.state).toBe('settled');
      const [attempt] = record.attempt_rows;
      expect(attempt).toMatchObject({ outcome: 'client_closed', billable: 'yes' });
      if (shape === 'openai') expect(record.estimated).toBe(true);
      const booked = attempt?.usage['output_text_tokens'] ?? 0;
      expect(Math.abs(booked - (entry?.billed?.outputTokens ?? 0))).toBeLessThan(10);
      expect(Number(record.cost)).toBeGreaterThan(0);
    },
  );

  it.each(['openai', 'gemini'] as const)(
    'F41: during a whole answer: cancelled within a second (%s)',
    async (shape) => {
      const route = lab.route(shape);
      const call = lab.open({ model: route.alone });
      await eventually(() => lab.logOf(route.primary).length === 1);
      call.client.destroy();
      expect(await upstreamEnds(route.primary)).toBeLessThan(1000);
      const record = await recordOf(route.alone);
      expect(record).toMatchObject({ client_closed: true, attempts: 1 });
      expect(record.attempt_rows[0]?.billable).toBe('unknown');
      expect(record.hold?.state).toMatch(/^(void|settled)/);
    },
  );

  it('F39: while it waits for a repeat: no further attempt', async () => {
    const route = lab.route('openai');
    lab.fault(route.primary, '429-retry-after-2');
    const call = lab.open({ model: route.alias });
    await eventually(() => lab.logOf(route.primary)[0]?.outcome === 'completed');
    await pause(50);
    call.client.destroy();
    const record = await recordOf(route.alias);
    expect(record).toMatchObject({ client_closed: true, attempts: 1 });
    expect(lab.logOf(route.primary)).toHaveLength(1);
    expect(lab.logOf(route.fallback)).toHaveLength(0);
  });

  it('F40 P11: where the provider bills on, the stream is read to its usage', async () => {
    const model = 'huggingface/meta-llama/Llama-3.3-70B-Instruct:nebius';
    const call = lab.open({ model, stream: true });
    await call.firstBytes;
    call.client.destroy();
    await eventually(() => lab.inner.lifecycle.drains === 1);
    const record = await recordOf(model);
    expect(record).toMatchObject({ client_closed: true, estimated: false });
    const [entry] = lab.simulator.log.filter((each) => each.family === 'huggingface');
    expect(entry?.outcome).toBe('completed');
    expect(record.usage['output_text_tokens']).toBe(entry?.billed?.outputTokens);
    expect(lab.inner.lifecycle.drains).toBe(0);
  });

  it('F40 P11: reading on ends at its limit of time', async () => {
    const model = 'huggingface/meta-llama/Llama-3.3-70B-Instruct:sambanova';
    lab.fault('meta-llama/Llama-3.3-70B-Instruct:sambanova', 'stall-after-5');
    const call = lab.open({ model, stream: true });
    await call.firstBytes;
    call.client.destroy();
    const record = await recordOf(model);
    expect(record).toMatchObject({ client_closed: true, estimated: true });
    expect(record.hold?.state).toBe('settled');
  });

  it('F41 P11: a whole answer that is billed on is booked as it was billed', async () => {
    const model = 'huggingface/openai/gpt-oss-120b:novita';
    const call = lab.open({ model });
    await eventually(() => lab.logOf('openai/gpt-oss-120b:novita').length === 1);
    call.client.destroy();
    const record = await recordOf(model);
    expect(record).toMatchObject({ client_closed: true, estimated: false });
    const { output_text_tokens: text = 0, reasoning_tokens: thoughts = 0 } = record.usage;
    expect(text + thoughts).toBe(lab.logOf('openai/gpt-oss-120b:novita')[0]?.billed?.outputTokens);
  });
});

describe('clients that are slow', () => {
  it('F43: a slow reader pauses the upstream and costs no memory; one that stalls is let go', async () => {
    flood.sentBytes = 0;
    flood.isClosed = false;
    const route = lab.route('nowhere');
    const call = lab.open({ model: route.alone, stream: true, body: { max_tokens: 1000 } });
    call.client.on('response', (response) => response.pause());
    await call.head;
    const beforeBytes = process.memoryUsage().rss;
    await pause(300);
    // Kernel buffers of two loopback connections are all that may fill up: 6 MB and more each.
    expect(flood.sentBytes).toBeLessThan(24 * 1024 * 1024);
    const pausedAtBytes = flood.sentBytes;
    await eventually(() => flood.isClosed);
    expect(flood.sentBytes - pausedAtBytes).toBeLessThan(4 * 1024 * 1024);
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(48 * 1024 * 1024);
    const record = await recordOf(route.alone);
    expect(record).toMatchObject({ client_closed: true, estimated: true });
    expect(record.hold?.state).toBe('settled');
    call.client.destroy();
  });

  it('F43: a reader that takes 1 kB now and then gets everything that fits its time', async () => {
    flood.sentBytes = FLOOD_BYTES - 300_000;
    flood.isClosed = false;
    const route = lab.route('nowhere');
    const call = lab.open({ model: route.alone, stream: true, body: { max_tokens: 1000 } });
    call.client.on('response', (response) => {
      const tick = setInterval(() => {
        response.resume();
        setImmediate(() => response.pause());
      }, 20);
      response.on('close', () => clearInterval(tick));
    });
    const outcome = await call.outcome;
    expect([outcome.hasDone, outcome.error, outcome.malformed]).toEqual([true, null, []]);
    expect(outcome.text.length).toBeGreaterThan(290_000);
  });
});

describe('F110: deadlines of the caller', () => {
  it('504 on time, the attempt cancelled and resolved', async () => {
    const route = lab.route('openai');
    lab.fault(route.primary, 'stall-headers');
    for (const stream of [true, false]) {
      const outcome = await lab.send({
        model: route.alone,
        stream,
        headers: { 'x-gateway-timeout-ms': '200' },
      });
      expect([outcome.status, outcome.error?.['code']]).toEqual([504, 'provider_timeout']);
      expect(outcome.headers['x-should-retry']).toBe('false');
      expect(outcome.tookMs).toBeLessThan(2000);
      expect((await lab.books(outcome)).record.hold?.state).toMatch(/^void/);
    }
    await eventually(() => lab.logOf(route.primary).every((entry) => entry.clientClosedEarly));
  });

  it.each(['soon', '-1', '0', '1.5', '1e3', '99999999999', '1, 2'])(
    'garbage is refused with the name of the header: %s',
    async (value) => {
      const route = lab.route('openai');
      const outcome = await lab.send({
        model: route.alone,
        headers: { 'x-gateway-timeout-ms': value },
      });
      expect([outcome.status, outcome.error?.['code'], outcome.error?.['param']]).toEqual([
        400,
        'invalid_request',
        'x-gateway-timeout-ms',
      ]);
      expect(lab.logOf(route.primary)).toEqual([]);
    },
  );
});
