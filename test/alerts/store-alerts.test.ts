import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LimitInput } from '../../src/contracts/metering.ts';
import {
  watchForecasts,
  watchLedger,
  type WatchParts,
  watchSpend,
} from '../../src/alerts/watch.ts';
import type { AlertKind, AlertRecord } from '../../src/metering/alerts-port.ts';
import type { KeyRecord, MeteringStore, ReserveCommand } from '../../src/metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../src/metering/testing/store-samples.ts';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.parse('2026-03-10T09:00:00Z');
const DOLLAR = 1_000_000_000n;

const DEPLOYMENT: readonly LimitInput[] = [
  {
    id: 'all',
    meter: 'requests',
    window: 'day',
    amount: 4,
    scope: 'deployment',
    thresholds: [100],
  },
];

describe('alerts of the store', () => {
  let nowMs = START_MS;
  let dataDir: string;
  let store: MeteringStore;
  let customerId: string;
  let calls = 0;

  async function open(limits: readonly LimitInput[], deploymentLimits: readonly LimitInput[] = []) {
    store = await openSqliteStore({
      dataDir,
      durability: 'process',
      clock: () => nowMs,
      deploymentLimits,
    });
    await store.directory.createPlan({ id: 'watched', name: 'Watched', limits: [...limits] });
    const { customer } = await store.directory.createCustomer({
      externalId: 'user-1',
      name: null,
      planId: 'watched',
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: null,
    });
    customerId = customer.id;
  }

  beforeEach(() => {
    nowMs = START_MS;
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-store-alerts-'));
  });

  afterEach(async () => {
    await store.close();
    rmSync(dataDir, { recursive: true });
  });

  async function hold(costNanoUsd: bigint, more: Partial<ReserveCommand> = {}) {
    calls += 1;
    const command = { ...reserveOf(customerId, calls, costNanoUsd), ...more };
    expect(await store.ledger.reserve(command)).toMatchObject({ type: 'held' });
    return command;
  }

  async function spend(costNanoUsd: bigint, more: Partial<ReserveCommand> = {}): Promise<void> {
    const command = await hold(costNanoUsd, more);
    await store.ledger.settle(settleOf(command, nowMs, costNanoUsd));
  }

  async function alerts(kind: AlertKind | null = null): Promise<readonly AlertRecord[]> {
    const query = { customerId: null, kind, state: null, limit: 50, cursor: null, nowMs };
    return (await store.alerting.alerts.list(query)).data.toReversed();
  }

  const told = async () =>
    (await alerts()).map(({ kind, data, recoveredAtMs }) => [
      kind,
      'threshold' in data ? data.threshold : 'thresholds' in data ? data.thresholds : null,
      recoveredAtMs === null ? 'stands' : 'over',
    ]);

  const parts = (): WatchParts => ({
    alerts: store.alerting.alerts,
    verify: () => store.ledger.verify(),
    anomaly: { minimumNanoUsd: DOLLAR, factor: 5n },
  });

  const PERIOD: LimitInput = {
    meter: 'cost_usd',
    window: 'period',
    amount: '10.00',
    thresholds: [50, 80],
  };

  describe('of thresholds', () => {
    it('fire on what is used, once a box, and again in the next period', async () => {
      await open([PERIOD]);
      const released = await hold(9n * DOLLAR);
      await store.ledger.void(voidOf(released, nowMs));
      expect(await told(), 'a hold that was released used nothing').toEqual([]);
      await spend(6n * DOLLAR);
      await spend(1n * DOLLAR);
      expect(await told()).toEqual([['threshold', 50, 'stands']]);
      nowMs = Date.parse('2026-04-10T09:00:00Z');
      await spend(9n * DOLLAR);
      expect(await told()).toEqual([
        ['threshold', 50, 'stands'],
        ['threshold', 50, 'stands'],
        ['threshold', 80, 'stands'],
      ]);
      const [before, now] = await alerts();
      expect(before?.endsAtMs).toBe(nowMs);
      expect(now).toMatchObject({
        customerId,
        data: { used: '9.000000000', limit: '10.000000000', percent: 90, scope: 'customer' },
      });
    });

    it('recover by an override that raises the limit, and not by credit that leaves it as it is', async () => {
      await open([PERIOD]);
      await spend(8n * DOLLAR);
      await store.wallets.grant({
        customerId,
        reference: 'top-up-1',
        kind: 'top_up',
        amountNanoUsd: 50n * DOLLAR,
        reason: null,
        priority: 0,
        effectiveAtMs: null,
        expiresAtMs: null,
      });
      expect(await told()).toEqual([
        ['threshold', 50, 'stands'],
        ['threshold', 80, 'stands'],
      ]);
      await store.limitBook.patchOverrides(customerId, {
        'cost_usd/period': { amount: '12.00', untilMs: null },
      });
      expect(await told()).toEqual([
        ['threshold', 50, 'stands'],
        ['threshold', 80, 'over'],
        ['recovered', [80], 'stands'],
      ]);
      await spend(2n * DOLLAR);
      expect((await told()).at(-1), 'fires anew at the new amount').toEqual([
        'threshold',
        80,
        'stands',
      ]);
    });

    it('tell nothing twice when a limit shrinks and use stands above its share as before', async () => {
      await open([PERIOD]);
      await spend(6n * DOLLAR);
      await store.limitBook.patchOverrides(customerId, {
        'cost_usd/period': { amount: '9.00', untilMs: null },
      });
      await spend(DOLLAR / 100n);
      expect(await told()).toEqual([['threshold', 50, 'stands']]);
    });

    it('belong to the customer of the key or token that the counter is of', async () => {
      await open([{ meter: 'requests', window: 'period', amount: 100 }], DEPLOYMENT);
      const limits: LimitInput[] = [
        { id: 'own', meter: 'requests', window: 'day', amount: 2, thresholds: [100] },
      ];
      const key: KeyRecord = {
        id: 'key_own',
        type: 'customer',
        name: 'own',
        hash: 'a'.repeat(64),
        prefix: 'agk_ab',
        last4: 'wxyz',
        customerId,
        defaultCustomerId: null,
        scopes: null,
        limits,
        createdAtMs: START_MS,
        expiresAtMs: null,
        revokedAtMs: null,
      };
      const shared = { ...key, id: 'key_all', hash: 'b'.repeat(64), customerId: null };
      await store.directory.createKey(key);
      await store.directory.createKey({ ...shared, type: 'service' });
      const token = { id: 'agt_1', maxSpendNanoUsd: DOLLAR, expiresAtMs: nowMs + DAY_MS };
      for (let n = 0; n < 2; n += 1) await spend(DOLLAR / 2n, { keyId: 'key_own', token });
      for (let n = 0; n < 2; n += 1) await spend(1n, { keyId: 'key_all' });
      const found = (await alerts()).map(({ data, customerId: owner }) =>
        'threshold' in data ? `${data.scope} ${data.threshold} ${owner ?? 'nobody'}` : '',
      );
      expect(found.toSorted()).toEqual(
        [
          `client_token:agt_1 50 ${customerId}`,
          `client_token:agt_1 80 ${customerId}`,
          `client_token:agt_1 90 ${customerId}`,
          `client_token:agt_1 100 ${customerId}`,
          'deployment 100 nobody',
          'key:key_all 100 nobody',
          `key:key_own 100 ${customerId}`,
        ].toSorted(),
      );
    });
  });

  describe('of the hourly watch', () => {
    it('tell that a period will not last, once, and that it now will', async () => {
      await open([{ ...PERIOD, thresholds: [] }]);
      nowMs += 5 * DAY_MS;
      await spend(4n * DOLLAR);
      await watchForecasts(parts(), nowMs);
      await watchForecasts(parts(), nowMs + HOUR_MS);
      const [forecast, ...rest] = await alerts();
      expect(rest).toEqual([]);
      expect(forecast).toMatchObject({
        kind: 'forecast',
        customerId,
        data: { limit_id: 'cost_usd/period', projected: '24.800000000', percent: 40 },
      });
      await store.limitBook.patchOverrides(customerId, {
        'cost_usd/period': { amount: '100.00', untilMs: null },
      });
      await watchForecasts(parts(), nowMs);
      expect((await alerts()).map(({ kind }) => kind)).toEqual(['forecast', 'recovered']);
    });

    it('tell of an hour far above the usual, once a customer and day', async () => {
      const { thresholds: _thresholds, ...unlimited } = PERIOD;
      await open([{ ...unlimited, amount: 'unlimited' }]);
      for (let hour = 0; hour < 14; hour += 1) {
        await spend(DOLLAR / 2n + BigInt(hour));
        nowMs += HOUR_MS;
      }
      await watchSpend(parts(), nowMs);
      expect(await alerts()).toEqual([]);
      await spend(20n * DOLLAR);
      nowMs += HOUR_MS;
      await watchSpend(parts(), nowMs);
      await watchSpend(parts(), nowMs);
      expect(await alerts()).toMatchObject([
        {
          kind: 'anomaly',
          customerId,
          data: { spent_usd: '20.000000000', usual_usd: '0.500000006', hours: 14 },
        },
      ]);
    });

    it('tell that a counter does not follow from the ledger, until it does', async () => {
      await open([PERIOD]);
      await spend(DOLLAR);
      await watchLedger(parts(), nowMs);
      expect(await alerts('ledger_mismatch')).toEqual([]);
      const damage = (by: number): void => {
        const database = new DatabaseSync(databasePath(dataDir), { timeout: 5_000 });
        database.prepare("UPDATE bucket SET spent = spent + ? WHERE meter = 'cost_usd'").run(by);
        database.close();
      };
      damage(1);
      await watchLedger(parts(), nowMs);
      await watchLedger(parts(), nowMs);
      expect(await alerts('ledger_mismatch')).toMatchObject([
        {
          severity: 'critical',
          customerId: null,
          data: {
            mismatches: 1,
            first: [{ field: 'spent', expected: '1000000000', actual: '1000000001' }],
          },
          recoveredAtMs: null,
        },
      ]);
      damage(-1);
      await watchLedger(parts(), nowMs);
      expect(await alerts('ledger_mismatch')).toMatchObject([{ recoveredAtMs: nowMs }]);
    });
  });
});
