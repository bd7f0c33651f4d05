import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { ChatCaller } from './chat-caller.ts';
import { startGatedUpstream } from './gated-upstream.ts';
import { GatewayProcess, SERVICE_KEY, eventually, makeCustomer } from './gateway-process.ts';

const CALLS = 200;

it(`has every hold committed before the provider sees the call, over ${CALLS} parallel calls`, async () => {
  const workDir = mkdtempSync(join(tmpdir(), 'gateway-order-'));
  const dataDir = join(workDir, 'data');
  let database: DatabaseSync | null = null;
  const withHold: string[] = [];
  const withoutHold: string[] = [];
  // Another process reads the file the moment the provider has the call: what it sees is committed.
  const upstream = await startGatedUpstream({
    onCall(body) {
      const tag = /number (\d+) please/.exec(body)?.[1] ?? '';
      const row = database
        ?.prepare("SELECT 1 FROM event WHERE kind = 'hold' AND instr(body, ?) > 0")
        .get(`"call":"${tag}"`);
      (row === undefined ? withoutHold : withHold).push(tag);
    },
  });
  const gateway = new GatewayProcess({
    dataDir,
    workDir,
    port: 0,
    config: { logging: { level: 'error' } },
    openaiUrl: upstream.url,
  });
  await gateway.ready();
  database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  const key = await makeCustomer(gateway, 'orderly', [
    { meter: 'cost_usd', window: 'period', amount: '1000' },
  ]);
  const caller = new ChatCaller(gateway.url);
  const calls = Array.from({ length: CALLS }, (_, n) =>
    caller.call(key, {
      tag: String(n).padStart(6, '0'),
      model: 'openai/gpt-4o-mini',
      maxTokens: 50,
      stream: n % 2 === 0,
      leaveAfterMs: null,
    }),
  );
  await eventually(() => upstream.waiting === CALLS);
  upstream.release();
  const results = await Promise.all(calls);
  expect(withoutHold).toEqual([]);
  expect(withHold).toHaveLength(CALLS);
  expect(results.filter(({ end }) => end !== 'whole')).toEqual([]);
  expect(await caller.get(SERVICE_KEY, '/v1/limits')).not.toBeNull();
  await caller.close();
  database.close();
  await gateway.stop();
  await upstream.close();
  rmSync(workDir, { recursive: true, force: true });
}, 60_000);
