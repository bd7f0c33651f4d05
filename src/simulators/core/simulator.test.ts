import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator, type SimulatorOptions } from '../index.ts';
import { serveSimulators } from '../serve.ts';

let open: Simulator[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'simulator-'));
});
afterEach(async () => {
  await Promise.all(open.map((simulator) => simulator.close()));
  open = [];
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await createSimulator({ seed: 1, ...options });
  open.push(simulator);
  return simulator;
}

interface Asked {
  readonly model?: string;
  readonly stream?: boolean;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

function ask(simulator: Simulator, asked: Asked = {}): Promise<Response> {
  const { model = 'm', stream = false, headers = {}, signal } = asked;
  return fetch(`${simulator.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hi' }] }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function statuses(simulator: Simulator, calls: number, asked: Asked = {}): Promise<number[]> {
  const seen: number[] = [];
  for (let turn = 0; turn < calls; turn += 1) {
    const reply = await ask(simulator, asked);
    await reply.arrayBuffer();
    seen.push(reply.status);
  }
  return seen;
}

describe('scripts', () => {
  test('a sequence is played once, for the calls that match', async () => {
    const simulator = await start();
    simulator.setFault({ match: { model: 'gpt-*' }, sequence: ['429-retry-after-2', null, '500'] });
    expect(await statuses(simulator, 2, { model: 'other' })).toEqual([200, 200]);
    expect(await statuses(simulator, 4, { model: 'gpt-4o' })).toEqual([429, 200, 500, 200]);
  });

  test('a sequence repeats, or its last step stays', async () => {
    const simulator = await start({ faults: [{ sequence: ['503', null], repeat: true }] });
    expect(await statuses(simulator, 4)).toEqual([503, 200, 503, 200]);
    simulator.reset();
    simulator.setFault({ sequence: ['500', '503'], repeat: 'last' });
    expect(await statuses(simulator, 4)).toEqual([500, 503, 503, 503]);
    simulator.reset();
    expect(await statuses(simulator, 1)).toEqual([200]);
  });

  test('match by family, path and key', async () => {
    const simulator = await start();
    simulator.setFault({ match: { family: 'gemini' }, sequence: ['503'], repeat: 'last' });
    simulator.setFault({ match: { keyLast4: 'aaaa' }, sequence: ['402'], repeat: 'last' });
    simulator.setFault({ match: { path: '/v1/mod*' }, sequence: ['500'], repeat: 'last' });
    expect(await statuses(simulator, 1)).toEqual([200]);
    expect(await statuses(simulator, 1, { headers: { authorization: 'Bearer sk-aaaa' } })).toEqual([
      402,
    ]);
    expect((await fetch(`${simulator.url}/openai/v1/models`)).status).toBe(500);
    expect((await fetch(`${simulator.url}/gemini/v1beta/models`)).status).toBe(503);
  });

  test('an outage ends after its window', async () => {
    const simulator = await start();
    simulator.setFault({ sequence: ['503'], forMs: 500 });
    expect(await statuses(simulator, 2)).toEqual([503, 503]);
    await new Promise((resolve) => setTimeout(resolve, 550));
    expect(await statuses(simulator, 2)).toEqual([200, 200]);
  });

  test('a share of calls fails, the same ones for the same seed', async () => {
    const [first, second] = [await start(), await start()];
    const rule = { sequence: ['500'], percent: 30 };
    first.setFault(rule);
    second.setFault(rule);
    const seen = await statuses(first, 60);
    expect(await statuses(second, 60)).toEqual(seen);
    const failed = seen.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(6);
    expect(failed).toBeLessThan(32);
  });

  test('conditions in the model name', async () => {
    const simulator = await start();
    expect(await statuses(simulator, 3, { model: 'm--fault-503--times-2' })).toEqual([
      503, 503, 200,
    ]);
    expect(await statuses(simulator, 2, { model: 'other--fault-503--times-1' })).toEqual([
      503, 200,
    ]);
  });

  test('a header goes before everything; a wrong one is told', async () => {
    const simulator = await start({ faults: [{ sequence: ['503'], repeat: 'last' }] });
    const header = (fault: unknown): Asked => ({
      headers: { 'x-simulator-fault': typeof fault === 'string' ? fault : JSON.stringify(fault) },
    });
    expect(await statuses(simulator, 1, header('401'))).toEqual([401]);
    expect(await statuses(simulator, 1, header({ type: 'error', error: 'credit' }))).toEqual([402]);
    expect(await statuses(simulator, 1, header('healthy'))).toEqual([200]);
    const wrong = await ask(simulator, header('flood'));
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain('Unknown fault');
    expect(() => simulator.setFault({ sequence: ['flood'] })).toThrow(TypeError);
  });
});

test('the control surface shows the log, sets faults and starts afresh', async () => {
  const simulator = await start();
  const control = (path: string, body?: unknown): Promise<Response> =>
    fetch(`${simulator.url}/__simulator/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const set = await control('faults', { match: { model: 'm' }, sequence: ['500', null] });
  expect(await set.json()).toEqual({ ok: true, rules: 1 });
  expect(await statuses(simulator, 3)).toEqual([500, 200, 200]);
  await control('faults', [{ fault: '503' }]);
  expect(await statuses(simulator, 2)).toEqual([503, 503]);
  const log = (await (await control('log')).json()) as { entries: { status: number }[] };
  expect(log.entries.map((entry) => entry.status)).toEqual([500, 200, 200, 503, 503]);
  expect((await control('faults', { sequence: ['flood'] })).status).toBe(400);
  expect((await control('faults', {})).status).toBe(400);
  expect((await control('reset', {})).status).toBe(200);
  expect(simulator.log).toHaveLength(0);
  expect(await statuses(simulator, 1)).toEqual([200]);
  expect((await control('nothing')).status).toBe(404);
});

test('the log file has a line at the start and at the end of each call', async () => {
  const logFile = join(folder, 'log.ndjson');
  const simulator = await start({ logFile });
  const controller = new AbortController();
  const hanging = ask(simulator, { model: 'fault-stall-headers', signal: controller.signal }).catch(
    () => 'aborted',
  );
  await expect.poll(() => simulator.log.length).toBe(1);
  const read = (): { event: string; id: string; outcome: string }[] =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { event: string; id: string; outcome: string });
  expect(read()).toEqual([expect.objectContaining({ event: 'start', outcome: 'open' })]);
  controller.abort();
  expect(await hanging).toBe('aborted');
  await simulator.idle();
  expect(read()).toEqual([
    expect.objectContaining({ event: 'start' }),
    expect.objectContaining({ event: 'end', outcome: 'client_closed', id: simulator.log[0]?.id }),
  ]);
});

test('latency spaces tokens, and a caller that leaves is billed for what was produced', async () => {
  const simulator = await start({ latency: { firstTokenMs: 20, perTokenMs: 10 } });
  const controller = new AbortController();
  const reply = await ask(simulator, {
    model: 'm--tokens-50',
    stream: true,
    signal: controller.signal,
  });
  const reader = reply.body?.getReader();
  for (let seen = 0; seen < 4; seen += 1) await reader?.read();
  controller.abort();
  await simulator.idle();
  const [entry] = simulator.log;
  expect(entry).toMatchObject({ outcome: 'client_closed', clientClosedEarly: true });
  expect(entry?.billed?.outputTokens).toBe(entry?.contentEventsSent);
  expect(entry?.contentEventsSent).toBeGreaterThan(0);
  expect(entry?.contentEventsSent).toBeLessThan(50);
});

test('a provider that goes on without its caller bills the whole answer', async () => {
  const simulator = await start({ latency: { perTokenMs: 10 }, onClientGone: 'finish' });
  const controller = new AbortController();
  const reply = await ask(simulator, {
    model: 'm--tokens-50',
    stream: true,
    signal: controller.signal,
  });
  await reply.body?.getReader().read();
  controller.abort();
  await simulator.idle();
  expect(simulator.log[0]?.billed?.outputTokens).toBe(50);
});

test('without delay a stream leaves in one write', async () => {
  const simulator = await start();
  const reply = await ask(simulator, { stream: true });
  const chunks: Uint8Array[] = [];
  for await (const chunk of reply.body ?? []) chunks.push(chunk);
  expect(chunks).toHaveLength(1);
});

test('records requests when asked to', async () => {
  const simulator = await start({ recordRequests: true });
  await ask(simulator, { headers: { 'x-custom': 'seen' } });
  expect(simulator.log[0]?.requestHeaders).toMatchObject({ 'x-custom': 'seen' });
  expect(JSON.parse(simulator.log[0]?.requestBody ?? '')).toMatchObject({ model: 'm' });
  const plain = await start();
  await ask(plain);
  expect(plain.log[0]).not.toHaveProperty('requestBody');
});

test('unknown paths are told in the family own way, and logged', async () => {
  const simulator = await start();
  const openai = await fetch(`${simulator.url}/openai/v1/nothing`);
  expect(openai.status).toBe(404);
  expect(await openai.text()).toContain('Invalid URL');
  expect((await fetch(`${simulator.url}/gemini/v1beta/nothing`)).status).toBe(404);
  expect((await fetch(`${simulator.url}/nothing`)).status).toBe(404);
  expect((await fetch(`${simulator.url}/openai/v1/models/%zz`)).status).toBe(200);
  expect(simulator.log.map((entry) => entry.family)).toEqual(['openai', 'gemini', null, 'openai']);
});

test('close ends hanging calls and frees the port', async () => {
  const simulator = await createSimulator({ seed: 1 });
  const hanging = ask(simulator, { model: 'fault-stall-headers' }).catch(() => 'broken');
  await expect.poll(() => simulator.log.length).toBe(1);
  await simulator.close();
  expect(await hanging).toBe('broken');
  const again = await start({ port: simulator.port });
  expect(again.port).toBe(simulator.port);
});

test('serveSimulators names a base URL for each family', async () => {
  const { simulator, families } = await serveSimulators({ seed: 1 });
  open.push(simulator);
  expect(families.map((entry) => entry.environment)).toEqual([
    'GEMINI_BASE_URL',
    'OPENAI_BASE_URL',
    'HF_BASE_URL',
    'STABILITY_BASE_URL',
    'DEEPGRAM_BASE_URL',
    'ELEVENLABS_BASE_URL',
    'WAVESPEED_BASE_URL',
    'FAL_BASE_URL',
    'REPLICATE_BASE_URL',
  ]);
  const reply = await fetch(`${families[1]?.baseUrl ?? ''}/v1/models`);
  expect(reply.status).toBe(200);
});
