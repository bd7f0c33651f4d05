import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import type { MeteringStore } from '../../metering/ports.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

let dataDir = '';
let nowMs = Date.UTC(2026, 5, 1);
let store: MeteringStore;
let customerId = '';
beforeEach(async () => {
  nowMs = Date.UTC(2026, 5, 1);
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-holds-'));
  store = await openSqliteStore({ dataDir, durability: 'process', clock: () => nowMs });
  customerId = (await store.directory.customer('default'))?.customer.id ?? '';
});
afterEach(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function spent(): Promise<string | undefined> {
  const limits = await store.ledger.limits(customerId, null);
  return limits.find(({ meter }) => meter === 'cost_usd')?.used;
}

it('lists open holds and marks those unknown that nobody knows', async () => {
  await store.ledger.reserve(reserveOf(customerId, 'a'));
  nowMs += 1000;
  await store.ledger.reserve(reserveOf(customerId, 'b'));
  expect(await store.ledgerOperations.openHolds()).toMatchObject([
    { holdId: 'hold_a', state: 'dispatched', unknownSinceMs: null, costNanoUsd: 10_000_000n },
    { holdId: 'hold_b', createdAtMs: nowMs },
  ]);
  const { ledgerOperations } = store;
  expect(await ledgerOperations.markUnknown(['hold_a', 'hold_x'])).toEqual(['hold_a']);
  expect(await ledgerOperations.markUnknown(['hold_a'])).toEqual([]);
  expect((await ledgerOperations.openHolds())[0]).toMatchObject({
    state: 'unknown',
    unknownSinceMs: nowMs,
  });
  expect((await store.ledger.verify()).ok).toBe(true);
});

it.each([
  [{ type: 'charge_hold' }, '10000000', 'settled'],
  [{ type: 'charge_observed' }, '5000000', 'settled'],
  [{ type: 'release' }, '0', 'voided'],
  [{ type: 'settle', amounts: { requests: 1n, cost_usd: 7_000_000n } }, '7000000', 'settled'],
] as const)('ends an unknown hold by %o', async (outcome, nanoUsd, type) => {
  await store.ledger.reserve(reserveOf(customerId, 'a'));
  await store.ledgerOperations.markUnknown(['hold_a']);
  const command = { holdId: 'hold_a', outcome, by: 'operator', reason: 'asked the provider' };
  expect(await store.ledgerOperations.endUnknown(command)).toMatchObject({ type });
  expect(BigInt(Math.round(Number(await spent()) * 1e9))).toBe(BigInt(nanoUsd));
  const events = await store.reader.events({ limit: 100, cursor: null });
  expect(events.data.at(-1)).toMatchObject({
    kind: 'reconcile',
    body: { by: 'operator', reason: 'asked the provider', policy: outcome.type },
  });
  expect((await store.reader.request('req_a'))?.estimated).toBe(outcome.type !== 'settle');
  expect((await store.ledger.verify()).ok).toBe(true);
});

it('books a settlement that comes after all as the difference', async () => {
  const reserve = reserveOf(customerId, 'a');
  await store.ledger.reserve(reserve);
  await store.ledgerOperations.markUnknown(['hold_a']);
  await store.ledgerOperations.endUnknown({
    holdId: 'hold_a',
    outcome: { type: 'charge_hold' },
    by: 'operator',
    reason: null,
  });
  await store.ledger.settle(settleOf(reserve, nowMs, 4_000_000n));
  expect(Number(await spent())).toBeCloseTo(0.004, 9);
  expect((await store.ledger.verify()).ok).toBe(true);
});

it('ends no hold that is not unknown, or not open', async () => {
  const command = { holdId: 'hold_a', outcome: { type: 'release' }, by: 'operator', reason: null };
  const end = () => store.ledgerOperations.endUnknown({ ...command, outcome: { type: 'release' } });
  await expect(end()).rejects.toMatchObject({ code: 'not_found' });
  await store.ledger.reserve(reserveOf(customerId, 'a'));
  await expect(end()).rejects.toMatchObject({ code: 'conflict' });
  expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 1 });
});
