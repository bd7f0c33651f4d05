import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GatewayError } from '../../src/contracts/gateway-error.ts';
import type { Ledger, Settled } from '../../src/metering/ports.ts';
import { chatBody, eventually, openLab, type Lab } from '../support/lab.ts';
import {
  callAdmin,
  requestOf,
  startTestGateway,
  verifyLedger,
} from '../support/running-gateway.ts';

const MODEL = 'openai/gpt-4o-mini';
/** What becomes of one command: its answer is lost after the commit, or it never gets there. */
type Fault = 'lost' | 'refused';

let lab: Lab;
let dataDir = '';
/** What the next ends of calls meet; `rest` is what all further ones do. */
let faults: Fault[] = [];
let rest: Fault | null = null;

function unavailable(): Error {
  return new GatewayError('metering_unavailable', { message: 'The test takes the store away.' });
}

async function meet(book: () => Promise<Settled>): Promise<Settled> {
  const fault = faults.shift() ?? rest;
  if (fault === 'refused') throw unavailable();
  const answer = await book();
  if (fault === 'lost') throw unavailable();
  return answer;
}

/** Puts itself between the gateway and its ledger. */
function disturb(ledger: Ledger): void {
  const settle = ledger.settle.bind(ledger);
  const release = ledger.void.bind(ledger);
  vi.spyOn(ledger, 'settle').mockImplementation((command) => meet(() => settle(command)));
  vi.spyOn(ledger, 'void').mockImplementation((command) => meet(() => release(command)));
}

async function open(config: string): Promise<void> {
  lab = await openLab({ config });
  disturb(lab.gateway.gateway.gateway.store.ledger);
}

beforeEach(() => {
  faults = [];
  rest = null;
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-unbooked-'));
});
afterEach(async () => {
  rest = null;
  await lab.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const call = (more: Readonly<Record<string, unknown>> = {}, headers = {}) =>
  lab.call('/v1/chat/completions', { body: chatBody(MODEL, more), headers });

/** Kinds of the events that end a hold, in order. */
async function endings(): Promise<string[]> {
  const { data } = await callAdmin<{ data: { kind: string }[] }>(
    lab.gateway,
    'GET /ledger/events?limit=100',
  );
  const kinds = data.map(({ kind }) => kind);
  return kinds.filter((kind) => ['settle', 'void', 'reconcile', 'adjust'].includes(kind));
}

const waiting = () => lab.gateway.gateway.gateway.bookings.waiting;

it.each([
  ['a refusal', 'refused', false],
  ['a refusal', 'refused', true],
  ['a lost answer', 'lost', false],
  ['a lost answer', 'lost', true],
] as const)(
  'survives %s of the store (%s, streamed: %s) without the client noticing',
  async (_, fault, stream) => {
    await open('');
    faults = [fault, fault];
    const reply = await call(stream ? { stream: true } : {});
    expect(reply.status).toBe(200);
    if (stream) expect(reply.text).toContain('[DONE]');
    expect(await endings()).toEqual(['settle']);
    expect(await lab.openHolds()).toBe(0);
  },
);

it('books what was billed once, when the store comes back after the client was told', async () => {
  await open('');
  rest = 'refused';
  const reply = await call();
  expect(reply).toMatchObject({ status: 503, error: { code: 'metering_unavailable' } });
  await eventually(() => waiting() === 1);
  expect(await lab.openHolds()).toBe(1);
  const ready = await lab.call('/health/ready', { key: null });
  expect(ready.json).toMatchObject({ status: 'ready', unbooked: { ends: 1 } });
  expect((await lab.call('/metrics', { key: null })).text).toMatch(/^gateway_unbooked_ends 1$/m);
  rest = null;
  await eventually(() => waiting() === 0);
  expect(await lab.openHolds()).toBe(0);
  expect(await endings()).toEqual(['settle']);
  const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
  expect(booked).toMatchObject({ status: 503, error_code: 'metering_unavailable', attempts: 1 });
  expect(booked.attempt_rows[0]).toMatchObject({ outcome: 'succeeded', billable: 'yes' });
  expect(booked.usage).toMatchObject({
    output_text_tokens: lab.simulator.log.at(-1)?.billed?.outputTokens,
  });
  expect((await lab.call('/health/ready', { key: null })).json).toEqual({ status: 'ready' });
  const { text } = await lab.call('/metrics', { key: null });
  expect(text).toMatch(/^gateway_unbooked_ends_total\{result="booked"\} 1$/m);
});

it('releases what failed at the provider, when the store comes back', async () => {
  await open('');
  lab.simulator.setFault({ match: {}, sequence: ['401'] });
  rest = 'refused';
  const reply = await call();
  expect(reply.error['code']).toBe('provider_auth');
  await eventually(() => waiting() === 1);
  rest = null;
  await eventually(() => waiting() === 0);
  expect(await endings()).toEqual(['void']);
  expect(await lab.openHolds()).toBe(0);
});

it('ends the idempotency key with the booking, and asks no provider twice', async () => {
  await open('');
  rest = 'refused';
  const headers = { 'idempotency-key': 'one' };
  const first = await call({}, headers);
  expect(first.status).toBe(503);
  await eventually(() => waiting() === 1);
  rest = null;
  await eventually(() => waiting() === 0);
  const again = await call({}, headers);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again).toMatchObject({ status: 503, error: { code: 'metering_unavailable' } });
  expect(lab.simulator.log).toHaveLength(1);
});

it('admits no further call while as many wait as may, and says that it is not ready', async () => {
  await open('metering: { holds: { unbookedMax: 1 } }');
  rest = 'refused';
  await call();
  await eventually(() => waiting() === 1);
  const calls = lab.simulator.log.length;
  const refused = await call();
  expect(refused).toMatchObject({ status: 503, error: { code: 'metering_unavailable' } });
  expect(refused.headers.get('retry-after')).not.toBeNull();
  expect(lab.simulator.log).toHaveLength(calls);
  expect((await lab.call('/health/ready', { key: null })).status).toBe(503);
  rest = null;
  await eventually(() => waiting() === 0);
  expect((await call()).status).toBe(200);
});

it.each(['refused', 'lost'] as const)(
  'leaves what the store never took (%s) to the next start, which books it once',
  async (fault) => {
    await open('');
    const settings = { config: 'metering: { holds: { shutdownGraceMs: 0 } }', dataDir };
    const environment = {
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: `${lab.simulator.url}/openai`,
    };
    const first = await startTestGateway({ ...settings, environment });
    disturb(first.gateway.gateway.store.ledger);
    rest = fault;
    const reply = await fetch(`${first.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${first.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(chatBody(MODEL)),
    });
    expect(reply.status).toBe(503);
    await first.stop();
    const second = await startTestGateway({ ...settings, environment });
    try {
      expect(await verifyLedger(second)).toMatchObject({ ok: true, open_holds: 0 });
      const booked = await requestOf(second, reply.headers.get('x-request-id') ?? '');
      expect(booked).toMatchObject({ hold: { state: 'settled' }, estimated: false });
      expect(booked.usage).toMatchObject({
        output_text_tokens: lab.simulator.log.at(-1)?.billed?.outputTokens,
      });
    } finally {
      await second.stop();
    }
  },
);
