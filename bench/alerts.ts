/**
 * `npm run bench:alerts`: how long an alert takes from its booking to its receiver, and what the hourly proof of a large
 * ledger does to those who read meanwhile.
 *
 * Delivery: 1,000 alerts are raised through the store's door, first one every 5 ms, then all at once; a webhook on
 * the loopback interface notes when it has each. The time begins when the alert is handed to the store, so it holds the
 * commit. Proof: `-- --events 200000` events are booked, then lists are asked one after another with and without
 * `ledger verify` beside them. Not part of the gate.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig, loadCredentials } from '../src/config/index.ts';
import type { MeteringStore } from '../src/metering/ports.ts';
import { reserveOf, settleOf } from '../src/metering/testing/store-samples.ts';
import { startGateway, type RunningGateway } from '../src/server/start-gateway.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';

const ALERTS = 1_000;
const PACE_MS = 5;
const IN_FLIGHT = 256;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function shares(samplesMs: readonly number[]): string {
  const sorted = samplesMs.toSorted((one, other) => one - other);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${sorted.length})`;
}

/** Runs in a data folder of its own. */
async function inFolder<Result>(run: (dataDir: string) => Promise<Result>): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-alerts-bench-'));
  try {
    return await run(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A receiver that notes when it first had each event. */
async function openReceiver() {
  const arrivedMs = new Map<string, number>();
  const server = createServer((request, response) => {
    const id = String(request.headers['webhook-id']);
    if (!arrivedMs.has(id)) arrivedMs.set(id, performance.now());
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { arrivedMs, server, url: `http://127.0.0.1:${port}/` };
}

async function deliver(running: RunningGateway, arrivedMs: Map<string, number>, paceMs: number) {
  const { alerts } = running.gateway.store.alerting;
  const begunMs = new Map<string, number>();
  const raise = async (n: number): Promise<void> => {
    const startedMs = performance.now();
    const alert = await alerts.raise({
      kind: 'operator',
      severity: 'critical',
      customerId: null,
      key: `bench ${paceMs} ${n}`,
      atMs: Date.now(),
      endsAtMs: null,
      data: { problem: 'provider_auth', provider: 'sim', detail: 'refused' },
    });
    if (alert !== null) begunMs.set(alert.id, startedMs);
  };
  const raised: Promise<void>[] = [];
  for (let n = 0; n < ALERTS; n += 1) {
    raised.push(raise(n));
    if (paceMs > 0) await sleep(paceMs);
  }
  await Promise.all(raised);
  const untilMs = performance.now() + 60_000;
  const missing = () => [...begunMs.keys()].filter((id) => !arrivedMs.has(id)).length;
  while (missing() > 0 && performance.now() < untilMs) await sleep(20);
  if (missing() > 0) throw new Error(`${missing()} alerts did not arrive`);
  return [...begunMs].map(([id, startedMs]) => (arrivedMs.get(id) ?? NaN) - startedMs);
}

async function benchDelivery(dataDir: string): Promise<void> {
  const { arrivedMs, server, url } = await openReceiver();
  const text = 'egress: { allowPrivateHosts: ["127.0.0.1"] }\n';
  const loaded = loadConfig({
    flags: { host: '127.0.0.1', port: 0, dataDir, 'logging.level': 'silent' },
    environment: {},
    file: { path: join(dataDir, 'gateway.yaml'), text },
  });
  const credentials = loadCredentials({ dataDir, environment: {} });
  const running = await startGateway({ loaded, credentials, environment: {} });
  const reply = await fetch(`${running.url}/admin/v1/webhooks`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${credentials.adminKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ url }),
  });
  if (reply.status !== 201) throw new Error(await reply.text());
  for (const paceMs of [PACE_MS, 0]) {
    const how = paceMs === 0 ? 'all at once' : `one every ${paceMs} ms`;
    console.log(`delivery, ${how}: ${shares(await deliver(running, arrivedMs, paceMs))}`);
  }
  await running.stop();
  server.closeAllConnections();
  server.close();
}

async function book(store: MeteringStore, events: number): Promise<void> {
  const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
  let next = 0;
  const call = async (): Promise<void> => {
    while (next < events / 2) {
      next += 1;
      const reserve = reserveOf(customerId, next, 1_000n);
      const held = await store.ledger.reserve(reserve);
      if (held.type !== 'held') throw new Error(`refused: ${held.message}`);
      await store.ledger.settle(settleOf(reserve, Date.now(), 400n));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, call));
}

/** Waits for lists, one after another, until `isOver`. */
async function listWaits(store: MeteringStore, isOver: (asked: number) => boolean) {
  const waits: number[] = [];
  while (!isOver(waits.length)) {
    const startedMs = performance.now();
    await store.directory.keys({ limit: 50, cursor: null, customerId: null });
    waits.push(performance.now() - startedMs);
    await sleep(1);
  }
  return waits;
}

async function benchProof(dataDir: string, events: number): Promise<void> {
  const store = await openSqliteStore({ dataDir, durability: 'process' });
  await book(store, events);
  console.log(`a list alone: ${shares(await listWaits(store, (asked) => asked >= 500))}`);
  let isProved = false;
  const startedMs = performance.now();
  const proof = store.ledger.verify().then((report) => {
    isProved = true;
    return { report, tookMs: performance.now() - startedMs };
  });
  const waits = await listWaits(store, (asked) => isProved || asked >= 100_000);
  const { report, tookMs } = await proof;
  if (!report.ok) throw new Error('the ledger does not verify');
  const slowest = Math.max(...waits).toFixed(1);
  console.log(`ledger verify of ${report.events} events: ${(tookMs / 1000).toFixed(2)} s`);
  console.log(`a list beside it: ${shares(waits)}, slowest ${slowest} ms`);
  await store.close();
}

const { values } = parseArgs({ options: { events: { type: 'string', default: '200000' } } });
await inFolder(benchDelivery);
await inFolder((dataDir) => benchProof(dataDir, Number(values.events)));
