import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import type { MeteringStore } from '../../metering/ports.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const GRACE_MS = 60_000;
let dataDir = '';
let nowMs = 0;
let store: MeteringStore;
let customerId = '';

async function open(): Promise<void> {
  store = await openSqliteStore({
    dataDir,
    durability: 'process',
    clock: () => nowMs,
    unknownGraceMs: GRACE_MS,
  });
  customerId = (await store.directory.customer('default'))?.customer.id ?? '';
}

beforeEach(async () => {
  nowMs = Date.UTC(2026, 5, 1);
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-estimated-'));
  await open();
});
afterEach(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Time passes; the writer looks after itself with the next command. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await store.ledgerOperations.openHolds();
}

/** The store counts on between two readings of the clock: within half a second. */
function about(atMs: number): number {
  return expect.closeTo(atMs, -3) as number;
}

it('knows what the policy has ended, with what it was, over a restart', async () => {
  await store.ledger.reserve({ ...reserveOf(customerId, 'a'), tags: { team: 'blue' } });
  const beganAtMs = nowMs;
  expect(await store.ledgerOperations.estimatedHolds()).toEqual([]);
  store.ledger.progress('hold_a', [], 'gen-1');
  await store.ledgerOperations.markUnknown(['hold_a']);
  expect(await store.ledgerOperations.openHolds()).toMatchObject([{ providerRequestId: 'gen-1' }]);
  await pass(GRACE_MS + 5000);
  const [estimated, ...others] = await store.ledgerOperations.estimatedHolds();
  expect(others).toEqual([]);
  expect(estimated).toMatchObject({
    estimatedAtMs: about(nowMs),
    hold: {
      holdId: 'hold_a',
      requestId: 'req_a',
      providerRequestId: 'gen-1',
      customerId,
      createdAtMs: about(beganAtMs),
      models: ['openai/gpt-4o-mini'],
      tags: { team: 'blue' },
    },
  });
  await store.close();
  await open();
  expect(await store.ledgerOperations.estimatedHolds()).toEqual([estimated]);
  await store.ledgerOperations.forgetEstimated(['hold_a', 'hold_x']);
  expect(await store.ledgerOperations.estimatedHolds()).toEqual([]);
});

it.each([
  ['less', 1_000_000n],
  ['more', 9_000_000n],
])('an estimate is corrected once where the provider billed %s', async (_, nanoUsd) => {
  const reserve = reserveOf(customerId, 'a');
  await store.ledger.reserve(reserve);
  await store.ledgerOperations.markUnknown(['hold_a']);
  await pass(GRACE_MS + 5000);
  const settle = settleOf(reserve, nowMs, nanoUsd);
  expect(await store.ledger.settle(settle)).toMatchObject({ replayed: false });
  expect(await store.ledger.settle(settle)).toMatchObject({ replayed: true });
  const spent = (await store.ledger.limits(customerId, null)).find(
    ({ meter }) => meter === 'cost_usd',
  );
  expect(Number(spent?.used)).toBeCloseTo(Number(nanoUsd) / 1e9, 9);
  expect((await store.ledger.verify()).ok).toBe(true);
});

it('an estimate is taken back where the provider billed nothing', async () => {
  const reserve = reserveOf(customerId, 'a');
  await store.ledger.reserve(reserve);
  await store.ledgerOperations.markUnknown(['hold_a']);
  await pass(GRACE_MS + 5000);
  const settle = settleOf(reserve, nowMs, 0n);
  await store.ledger.settle({ ...settle, charges: [], attempts: [] });
  const limits = await store.ledger.limits(customerId, null);
  expect(limits.map(({ used }) => Number(used))).toEqual(limits.map(() => 0));
  expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 0 });
});
