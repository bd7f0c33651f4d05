import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeteringStore } from '../../metering/ports.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const USD = 1_000_000_000n;

describe('a wallet that runs low', () => {
  let dataDir = '';
  let store: MeteringStore;
  let customerId = '';
  let nowMs = Date.parse('2026-03-10T09:00:00Z');
  let calls = 0;

  async function open(): Promise<void> {
    store = await openSqliteStore({
      dataDir,
      durability: 'process',
      clock: () => nowMs,
      walletAlerts: { belowNanoUsd: USD, belowPercentOfTopUp: 25 },
    });
  }

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-wallets-'));
    calls = 0;
    await open();
    await store.directory.createPlan({
      id: 'paid',
      name: 'Paid',
      funding: 'wallet',
      limits: [{ meter: 'requests', window: 'lifetime', amount: 1000, thresholds: [100] }],
    });
    const made = await store.directory.createCustomer({
      externalId: 'user-1',
      name: null,
      planId: 'paid',
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: null,
    });
    customerId = made.customer.id;
  });
  afterEach(async () => {
    await store.close();
    rmSync(dataDir, { recursive: true });
  });

  async function grant(usd: bigint, more: { kind?: 'top_up' | 'promo'; days?: number } = {}) {
    calls += 1;
    await store.wallets.grant({
      customerId,
      reference: `grant-${calls}`,
      kind: more.kind ?? 'top_up',
      amountNanoUsd: usd,
      reason: null,
      priority: 0,
      effectiveAtMs: nowMs,
      expiresAtMs: more.days === undefined ? null : nowMs + more.days * 86_400_000,
    });
  }

  async function spend(nanoUsd: bigint): Promise<void> {
    calls += 1;
    const command = reserveOf(customerId, calls);
    expect((await store.ledger.reserve(command)).type).toBe('held');
    await store.ledger.settle(settleOf(command, nowMs, nanoUsd));
  }

  /** A round of the writer's maintenance, which the clock brings about with the next command. */
  async function maintained(): Promise<void> {
    nowMs += 3000;
    await store.ledgerOperations.openHolds();
  }

  async function alerts(): Promise<readonly unknown[]> {
    const query = { limit: 100, cursor: null, kind: null, state: null, nowMs };
    const { data } = await store.alerting.alerts.list({ ...query, customerId });
    return data
      .toReversed()
      .map(({ kind, severity, data: told, recoveredAtMs }) => [
        kind,
        severity,
        'below_usd' in told ? told.below_usd : null,
        recoveredAtMs === null ? 'stands' : 'over',
      ]);
  }

  it('is told of once by amount and by share of the last top-up, and recovers by a top-up', async () => {
    await grant(10n * USD);
    await spend(7n * USD);
    expect(await alerts()).toEqual([]);
    await spend(USD);
    const share = ['wallet_low', 'warning', '2.500000000'];
    expect(await alerts()).toEqual([[...share, 'stands']]);
    await spend(USD / 2n);
    await store.close();
    await open();
    await spend(USD);
    const amount = ['wallet_low', 'warning', '1.000000000'];
    expect(await alerts()).toEqual([
      [...share, 'stands'],
      [...amount, 'stands'],
    ]);
    // Half a dollar is left: another one is above a quarter of itself, and above a dollar.
    await grant(USD);
    expect(await alerts()).toEqual([
      [...share, 'over'],
      [...amount, 'over'],
      ['recovered', 'info', null, 'stands'],
    ]);
    await spend(USD);
    expect((await alerts()).slice(3)).toEqual([[...amount, 'stands']]);
  });

  it('is critical when nothing is left, debt and credit that is over included', async () => {
    await grant(4n * USD, { days: 1 });
    await grant(2n * USD, { kind: 'promo' });
    await spend(USD / 1000n);
    expect(await alerts()).toEqual([]);
    nowMs += 2 * 86_400_000;
    await spend(3n * USD);
    expect(await alerts()).toEqual([
      ['wallet_low', 'critical', '1.000000000', 'stands'],
      ['wallet_low', 'critical', '1.000000000', 'stands'],
    ]);
    expect(await store.ledger.verify()).toMatchObject({ ok: true });
  });

  it('is told of when credit ends by the clock alone, once, and over a restart', async () => {
    await grant(4n * USD, { days: 1 });
    await grant(USD / 2n, { kind: 'promo' });
    await spend(USD / 1000n);
    await maintained();
    expect(await alerts()).toEqual([]);
    nowMs += 86_400_000;
    await maintained();
    const low = ['wallet_low', 'warning', '1.000000000', 'stands'];
    expect(await alerts()).toEqual([low, low]);
    await store.close();
    await open();
    await maintained();
    expect(await alerts()).toEqual([low, low]);
    // It ends while nothing runs.
    await grant(4n * USD, { days: 1 });
    expect((await alerts()).at(-1)).toEqual(['recovered', 'info', null, 'stands']);
    await store.close();
    nowMs += 86_400_000;
    await open();
    await maintained();
    expect((await alerts()).slice(3)).toEqual([low, low]);
    expect(await store.ledger.verify()).toMatchObject({ ok: true });
  });

  it('is nothing to those who have never had credit', async () => {
    const free = await store.directory.customer('default');
    const command = reserveOf(free?.customer.id ?? '', 99);
    await store.ledger.reserve(command);
    await store.ledger.settle(settleOf(command, nowMs, USD));
    const query = { limit: 100, cursor: null, customerId: null, state: null, nowMs };
    const { data } = await store.alerting.alerts.list({ ...query, kind: 'wallet_low' });
    expect(data).toEqual([]);
  });
});
