/**
 * F74 and the lock of the data folder, with real processes: SIGTERM under load, what is left in the ledger after it,
 * and a second process on the same folder.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSimulator, type Simulator } from '../../src/simulators/index.ts';
import { eventually } from '../support/lab.ts';
import { startTestGateway, verifyLedger, callAdmin } from '../support/running-gateway.ts';
import { ADMIN_KEY, PROVIDER_KEY, SERVICE_KEY } from '../support/lab.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const STREAMS = 50;

let simulator: Simulator;
let dataDir = '';
const children: ChildProcess[] = [];

beforeAll(async () => {
  simulator = await createSimulator({ seed: 'drain', latency: { perTokenMs: 15 } });
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-drain-'));
  writeFileSync(join(dataDir, 'gateway.yaml'), 'drainTimeoutMs: 2500\nlogging:\n  level: silent\n');
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await simulator.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    GATEWAY_ADMIN_KEY: ADMIN_KEY,
    GATEWAY_API_KEY: SERVICE_KEY,
    OPENAI_API_KEY: PROVIDER_KEY,
    OPENAI_BASE_URL: `${simulator.url}/openai`,
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** First line of standard output; empty when the process ended without one. */
  readonly line: string;
  readonly complaint: () => string;
}

async function start(): Promise<Started> {
  const child = spawn(
    process.execPath,
    [
      MAIN,
      'start',
      '--json',
      '--port',
      '0',
      '--data-dir',
      dataDir,
      '--config',
      join(dataDir, 'gateway.yaml'),
    ],
    { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.push(child);
  let output = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  let code: number | null | undefined;
  const exited = once(child, 'exit').then(([status]) => {
    code = status as number | null;
    return code;
  });
  await eventually(() => output.includes('\n') || code !== undefined);
  return { child, exited, line: output.split('\n')[0] ?? '', complaint: () => complaint };
}

interface StreamEnd {
  readonly status: number;
  readonly raw: string;
}

interface Stream {
  readonly begun: Promise<void>;
  readonly end: Promise<StreamEnd>;
}

function openCall(url: string, model: string, stream = true): Stream {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<StreamEnd>();
  const call = request(`${url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' },
  });
  call.on('response', (response) => {
    let raw = '';
    response.on('data', (part: Buffer) => {
      raw += part.toString();
      begun.resolve();
    });
    response.on('error', () => {});
    response.on('close', () => end.resolve({ status: response.statusCode ?? 0, raw }));
  });
  call.on('error', (error) => {
    begun.reject(error);
    end.reject(error);
  });
  for (const each of [begun.promise, end.promise]) each.catch(() => {});
  call.end(
    JSON.stringify({
      model,
      stream,
      max_tokens: 200,
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  );
  return { begun: begun.promise, end: end.promise };
}

async function statusOf(
  url: string,
): Promise<{ status: number; code: unknown; wait: string | null }> {
  const response = await fetch(url);
  const body = (await response.json()) as { error?: { code?: unknown } };
  return {
    status: response.status,
    code: body.error?.code,
    wait: response.headers.get('retry-after'),
  };
}

it(`F74: SIGTERM with ${STREAMS} open streams: they end or are told, nothing is lost`, async () => {
  // A fifth of them never ends by itself.
  simulator.setFault({
    match: { model: 'gpt-4o-mini-2024-03-01' },
    sequence: ['stall-after-5'],
    repeat: 'last',
  });
  simulator.setFault({
    match: { model: 'gpt-4o-mini-2024-04-01' },
    sequence: ['stall-headers'],
    repeat: 'last',
  });
  const first = await start();
  const { event, url } = JSON.parse(first.line) as { event: string; url: string };
  expect(event).toBe('listening');

  const second = await start();
  expect(await second.exited).toBe(1);
  expect(second.line).toBe('');
  expect(second.complaint()).toContain('in use by another gateway');

  const streams = Array.from({ length: STREAMS }, (_, index) =>
    openCall(url, `openai/gpt-4o-mini-2024-0${index % 5 === 0 ? 3 : 2}-01`),
  );
  await Promise.all(streams.map((stream) => stream.begun));
  const silent = [true, false].map((stream) =>
    openCall(url, 'openai/gpt-4o-mini-2024-04-01', stream),
  );
  await eventually(
    () => simulator.log.filter((entry) => entry.model === 'gpt-4o-mini-2024-04-01').length === 2,
  );
  first.child.kill('SIGTERM');
  await eventually(() => first.complaint().includes('stopping'));
  expect(await statusOf(`${url}/health/ready`)).toEqual({
    status: 503,
    code: 'draining',
    wait: '1',
  });
  const late = await openCall(url, 'openai/gpt-4o-mini').end;
  expect([late.status, late.raw.includes('"draining"')]).toEqual([503, true]);

  const ends = await Promise.all(streams.map((stream) => stream.end));
  for (const [index, end] of ends.entries()) {
    expect(end.status).toBe(200);
    if (index % 5 === 0) {
      expect(end.raw).toMatch(/"code":"draining","request_id":"req_\w+"\}\}\n\n$/);
      expect(end.raw).not.toContain('[DONE]');
    } else expect(end.raw.endsWith('data: [DONE]\n\n')).toBe(true);
  }
  for (const { status, raw } of await Promise.all(silent.map((call) => call.end))) {
    expect([status, raw.includes('"code":"draining"')]).toEqual([503, true]);
  }
  expect(await first.exited, first.complaint()).toBe(0);

  const again = await startTestGateway({ dataDir, environment: environment() });
  const verified = await verifyLedger(again);
  expect(verified).toMatchObject({ ok: true, open_holds: 0, mismatches: [] });
  const list = await callAdmin<{
    data: { hold?: unknown; status: number; error_code: string | null }[];
  }>(again, 'GET /requests?limit=100');
  expect(list.data).toHaveLength(STREAMS + silent.length);
  expect(list.data.filter((row) => row.error_code === 'draining')).toHaveLength(
    STREAMS / 5 + silent.length,
  );
  await again.stop();
});
