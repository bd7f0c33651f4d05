/**
 * Keys over a SIGKILL at each stage of a call (F73): never a second provider call in doubt, never a second charge.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { startGatedUpstream, type GatedUpstream } from './gated-upstream.ts';
import { eventually, GatewayProcess, SERVICE_KEY } from './gateway-process.ts';

let workDir = '';
let upstream: GatedUpstream;

beforeEach(async () => {
  workDir = mkdtempSync(join(tmpdir(), 'gateway-keys-'));
  upstream = await startGatedUpstream();
});
afterEach(async () => {
  await upstream.close();
  rmSync(workDir, { recursive: true, force: true });
});

const dataDir = (): string => join(workDir, 'data');

function start(unknownGraceMs: number): Promise<GatewayProcess> {
  const config = { logging: { level: 'error' }, metering: { unknownGraceMs } };
  return new GatewayProcess({
    dataDir: dataDir(),
    workDir,
    port: 0,
    config,
    openaiUrl: upstream.url,
  }).ready();
}

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly retryAfterMs: string | null;
  readonly text: string;
}

async function call(gateway: GatewayProcess): Promise<Answer | null> {
  try {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${SERVICE_KEY}`,
        'content-type': 'application/json',
        'idempotency-key': 'once',
      },
      body: '{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Hi"}],"max_tokens":50}',
    });
    return {
      status: response.status,
      replayed: response.headers.get('idempotency-replayed') === 'true',
      retryAfterMs: response.headers.get('retry-after-ms'),
      text: await response.text(),
    };
  } catch {
    return null;
  }
}

/** Events of holds: one for a hold, one for its dispatch or end. */
function eventsOf(kind: string): number {
  const database = new DatabaseSync(databasePath(dataDir()), { readOnly: true });
  const row = database.prepare('SELECT count(*) AS n FROM event WHERE kind = ?').get(kind);
  database.close();
  return Number(row?.['n']);
}

it('with the provider at work: in doubt, then booked as unknown, never asked again', async () => {
  const first = await start(3_600_000);
  const lost = call(first);
  await eventually(() => upstream.waiting === 1);
  await first.kill();
  expect(await lost).toBeNull();

  const patient = await start(3_600_000);
  const doubt = await call(patient);
  expect(doubt).toMatchObject({ status: 409, retryAfterMs: '5000' });
  expect(doubt?.text).toContain('idempotency_in_flight');
  await patient.kill();

  const last = await start(100);
  await eventually(async () => (await last.verify()).open_holds === 0);
  const final = await call(last);
  expect(final).toMatchObject({ status: 409, retryAfterMs: null });
  expect(final?.text).toContain('idempotency_completed');
  expect(final?.text).toContain('booked as unknown');
  expect(upstream.received).toBe(1);
  expect([eventsOf('hold'), eventsOf('reconcile'), eventsOf('settle')]).toEqual([1, 1, 0]);
  await last.stop();
}, 60_000);

it('before the hold: nothing was sent, the call runs', async () => {
  const first = await start(100);
  await first.kill();
  // What a kill between the claim and the hold leaves: a claim whose hold the journal does not know.
  const database = new DatabaseSync(databasePath(dataDir()));
  const customer = database.prepare("SELECT id FROM customer WHERE external_id = 'default'").get();
  database
    .prepare("INSERT INTO idempotency VALUES (?, 'once', 'f', 'req_x', 'hold_x', 'open', ?, NULL)")
    .run(String(customer?.['id']), Date.now() + 86_400_000);
  database.close();
  const second = await start(100);
  const answer = call(second);
  await eventually(() => upstream.waiting === 1);
  upstream.release();
  expect(await answer).toMatchObject({ status: 200, replayed: false });
  await second.stop();
}, 60_000);

it('as the provider answers: the reply or its loss is told, and nothing is asked twice', async () => {
  const first = await start(100);
  const lost = call(first);
  await eventually(() => upstream.waiting === 1);
  upstream.release();
  await first.kill();
  await lost;
  const second = await start(100);
  await eventually(async () => (await second.verify()).open_holds === 0);
  const answer = await call(second);
  const isSettled = eventsOf('settle') === 1;
  expect(answer).toMatchObject(isSettled ? { status: 200, replayed: true } : { status: 409 });
  expect(upstream.received).toBe(1);
  expect(eventsOf('settle') + eventsOf('reconcile')).toBe(1);
  await second.stop();
}, 60_000);

it('after the settlement: the paid answer is there', async () => {
  const first = await start(100);
  const answer = call(first);
  await eventually(() => upstream.waiting === 1);
  upstream.release();
  const paid = await answer;
  expect(paid?.status).toBe(200);
  await first.kill();
  const second = await start(100);
  expect(await call(second)).toMatchObject({ status: 200, replayed: true, text: paid?.text });
  expect(upstream.received).toBe(1);
  expect(eventsOf('settle')).toBe(1);
  await second.stop();
}, 60_000);
