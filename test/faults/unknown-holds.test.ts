import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { costNanoUsd } from '../../src/catalog/price.ts';
import { formatUsd } from '../../src/contracts/money.ts';
import { reserveOf } from '../../src/metering/testing/store-samples.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { chatBody, eventually, openLab, type Lab } from '../support/lab.ts';
import { callAdmin, requestOf, usageOf, verifyLedger } from '../support/running-gateway.ts';

const CONFIG = (more: string) =>
  `metering: { unknownGraceMs: 1h, holds: { leakGraceMs: 0, checkEveryMs: 1h, notFoundAfterMs: 0${more} } }`;

let lab: Lab;
let gateway: Gateway;
let serial = 0;

beforeEach(async () => {
  lab = await openLab({ providers: 'none', config: CONFIG('') });
  gateway = lab.gateway.gateway.gateway;
});
afterEach(async () => {
  await lab.close();
});

const round = () => lab.gateway.gateway.holdKeeping.round();

/** A hold whose call nobody knows: as after a crash, or a fault of the gateway's own. */
async function strandHold(
  model = 'sim/chat',
): Promise<{ readonly requestId: string; readonly holdId: string }> {
  serial += 1;
  const customer = gateway.directory.customer('default');
  const base = reserveOf(customer?.id ?? '', `stranded_${serial}`);
  const command = { ...base, bound: { ...base.bound, model } };
  const held = await gateway.store.ledger.reserve(command);
  expect(held.type).toBe('held');
  return { requestId: command.requestId, holdId: command.holdId };
}

/** What reached the provider under the id of that request, as its nth attempt. */
async function callProvider(requestId: string, n: number, model = 'chat'): Promise<void> {
  const base = gateway.providers.get('sim')?.baseUrl ?? '';
  const id = n === 1 ? requestId : `${requestId}-${n}`;
  const response = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-client-request-id': id },
    body: JSON.stringify(chatBody(model)),
  });
  await response.text();
}

/** The newest event that ended the hold. */
async function ending(holdId: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { data } = await callAdmin<{
    data: { kind: string; hold: string; body: { b?: Record<string, unknown> } }[];
  }>(lab.gateway, 'GET /ledger/events?limit=200');
  const kinds = ['settle', 'void', 'reconcile', 'adjust'];
  const event = data.findLast(({ kind, hold }) => hold === holdId && kinds.includes(kind));
  return event === undefined ? undefined : { kind: event.kind, ...event.body };
}

it('names every attempt to a provider that can be asked for it', async () => {
  const seen: (string | undefined)[] = [];
  const { definition, ...rest } = gateway.providers.get('sim') as never as {
    definition: object;
    baseUrl: string;
  };
  const upstream: Server = createServer((request, response) => {
    seen.push(request.headers['x-client-request-id']?.toString());
    response.writeHead(503).end('{}');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  (gateway.providers as Map<string, unknown>).set('sim', {
    ...rest,
    definition,
    baseUrl: `http://127.0.0.1:${port}`,
  });
  const reply = await lab.call('/v1/chat/completions', { body: chatBody('sim/chat') });
  upstream.closeAllConnections();
  upstream.close();
  const id = reply.headers.get('x-request-id') ?? '';
  expect(seen).toEqual([id, `${id}-2`]);
});

it('finds a hold that no call works on, tells the operator, and books what the provider billed', async () => {
  const { requestId, holdId } = await strandHold();
  await callProvider(requestId, 1);
  await callProvider(requestId, 2);
  await round();
  expect(await lab.openHolds()).toBe(1);
  await round();
  expect(await lab.openHolds()).toBe(0);
  expect(await ending(holdId)).toMatchObject({
    kind: 'reconcile',
    by: 'provider',
    estimated: false,
  });
  const booked = await requestOf(lab.gateway, requestId);
  expect(booked).toMatchObject({ estimated: false, hold: { state: 'settled' } });
  const { totals } = await usageOf(lab.gateway, 'default');
  expect(totals).toMatchObject({ requests: 1 });
  const single = await lab.call('/v1/chat/completions', { body: chatBody('sim/chat') });
  const once = (await requestOf(lab.gateway, single.headers.get('x-request-id') ?? '')).cost;
  expect(Number(booked.cost)).toBeCloseTo(2 * Number(once), 9);
  const { data } = await callAdmin<{ data: { kind: string; details: object }[] }>(
    lab.gateway,
    'GET /alerts',
  );
  expect(data.find(({ kind }) => kind === 'leaked_holds')?.details).toMatchObject({
    holds: 1,
    first: [{ hold: holdId, request: requestId }],
  });
  const metrics = (await lab.call('/metrics', { key: null })).text;
  expect(metrics).toMatch(/^gateway_leaked_holds_total 1$/m);
  expect(metrics).toMatch(/^gateway_looked_up_holds_total\{result="settled"\} 1$/m);
});

it('finds a call by the id that a mark of its stream has noted', async () => {
  const asked: (string | undefined)[] = [];
  const record = {
    model: 'openai/gpt-4o-mini',
    native_tokens_prompt: 9,
    native_tokens_completion: 4,
  };
  const openRouter = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.end(JSON.stringify({ data: record }));
  });
  await new Promise<void>((resolve) => openRouter.listen(0, '127.0.0.1', resolve));
  const { port } = openRouter.address() as AddressInfo;
  await lab.close();
  lab = await openLab({
    config: CONFIG(''),
    environment: {
      OPENROUTER_API_KEY: 'sk-or',
      OPENROUTER_BASE_URL: `http://127.0.0.1:${port}/api`,
    },
  });
  gateway = lab.gateway.gateway.gateway;
  const { requestId, holdId } = await strandHold('openrouter/openai/gpt-4o-mini');
  gateway.store.ledger.progress(holdId, [], 'gen-1');
  await round();
  await round();
  openRouter.closeAllConnections();
  openRouter.close();
  expect(asked).toEqual(['/api/v1/generation?id=gen-1 Bearer sk-or']);
  expect(await ending(holdId)).toMatchObject({ by: 'provider', policy: 'settle' });
  const { cost } = await requestOf(lab.gateway, requestId);
  const price = gateway.catalog.priceOf('openrouter', 'openai/gpt-4o-mini', Date.now());
  const usage = { input_text_tokens: 9, output_text_tokens: 4 };
  expect(cost).toBe(price === null ? null : formatUsd(costNanoUsd(price, usage)));
});

it('releases a hold whose call never reached the provider', async () => {
  const { requestId, holdId } = await strandHold();
  await round();
  await round();
  expect(await lab.openHolds()).toBe(0);
  expect(await ending(holdId)).toMatchObject({
    kind: 'reconcile',
    by: 'provider',
    policy: 'release',
  });
  expect(await requestOf(lab.gateway, requestId)).toMatchObject({
    estimated: false,
    cost: '0.000000000',
  });
});

it('corrects the estimate of a policy that was faster, and books nothing a third time', async () => {
  await lab.close();
  lab = await openLab({
    providers: 'none',
    config: CONFIG('').replace('unknownGraceMs: 1h', 'unknownGraceMs: 0'),
  });
  gateway = lab.gateway.gateway.gateway;
  const { requestId, holdId } = await strandHold();
  await gateway.store.ledgerOperations.markUnknown([holdId]);
  await eventually(async () => (await lab.openHolds()) === 0);
  expect(await ending(holdId)).toMatchObject({ kind: 'reconcile', estimated: true });
  await callProvider(requestId, 1);
  await round();
  expect(await ending(holdId)).toMatchObject({ kind: 'adjust', late: true });
  const single = await lab.call('/v1/chat/completions', { body: chatBody('sim/chat') });
  const { cost } = await requestOf(lab.gateway, single.headers.get('x-request-id') ?? '');
  expect(await requestOf(lab.gateway, requestId)).toMatchObject({ cost, estimated: false });
  expect(await gateway.store.ledgerOperations.estimatedHolds()).toEqual([]);
  await callProvider(requestId, 2);
  await round();
  expect(await requestOf(lab.gateway, requestId)).toMatchObject({ cost });
  expect((await verifyLedger(lab.gateway)).ok).toBe(true);
});

it('leaves what an operator decided as it is', async () => {
  const { requestId, holdId } = await strandHold();
  const { ledgerOperations } = gateway.store;
  await ledgerOperations.markUnknown([holdId]);
  await ledgerOperations.endUnknown({
    holdId,
    outcome: { type: 'charge_hold' },
    by: 'operator',
    reason: null,
  });
  const decided = (await requestOf(lab.gateway, requestId)).cost;
  await callProvider(requestId, 1);
  await round();
  expect((await requestOf(lab.gateway, requestId)).cost).toBe(decided);
  expect((await verifyLedger(lab.gateway)).ok).toBe(true);
});

it('never takes a stream that is slow for a leak', async () => {
  await lab.close();
  lab = await openLab({
    config: CONFIG(''),
    perTokenMs: 20,
  });
  gateway = lab.gateway.gateway.gateway;
  const answer = lab.call('/v1/chat/completions', {
    body: chatBody('openai/gpt-4o-mini', { stream: true }),
  });
  let rounds = 0;
  while (gateway.lifecycle.inFlight > 0 || rounds === 0) {
    await round();
    rounds += 1;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect((await answer).text).toContain('[DONE]');
  expect(rounds).toBeGreaterThan(2);
  const { data } = await callAdmin<{ data: { kind: string }[] }>(
    lab.gateway,
    'GET /ledger/events?limit=200',
  );
  expect(data.map(({ kind }) => kind)).not.toContain('unknown');
  expect(await lab.openHolds()).toBe(0);
});
