/**
 * What every store must do with customers' credits.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type { PlanInput } from '../contracts/metering.ts';
import type { MeteringStore } from './ports.ts';
import { reserveOf, settleOf } from './testing/store-samples.ts';
import type { NewCredit } from './wallet-port.ts';

export interface WalletSuite {
  /** Opens a store that reads the time from `clock`; a second call opens the same one again, after its `close`. */
  open(clock: () => number): Promise<MeteringStore>;
  dispose(): void;
}

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const DAY_MS = 86_400_000;
const CENT = 10_000_000n;

const PREPAID: PlanInput = { id: 'prepaid', name: 'Prepaid', funding: 'wallet', limits: [] };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error);
  }
  return 'no error';
}

/** Runs the suite; `create` makes an empty place for a store each time. */
export function describeWallets(create: () => WalletSuite): void {
  describe('a store of credits', () => {
    let nowMs = START_MS;
    let suite: WalletSuite;
    let store: MeteringStore;
    let customerId = '';

    const creditOf = (reference: string | null, more: Partial<NewCredit> = {}): NewCredit => ({
      customerId,
      reference,
      kind: 'top_up',
      amountNanoUsd: 100n * CENT,
      reason: null,
      priority: 0,
      effectiveAtMs: null,
      expiresAtMs: null,
      ...more,
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await suite.open(() => nowMs);
    };
    const isSound = async (): Promise<void> => {
      expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
    };
    const call = async (n: number | string, held = CENT, spent = held): Promise<string> => {
      const command = reserveOf(customerId, n, held);
      const answer = await store.ledger.reserve(command);
      if (answer.type === 'refused') return answer.code;
      await store.ledger.settle(settleOf(command, nowMs, spent));
      return 'settled';
    };

    beforeEach(async () => {
      nowMs = START_MS;
      suite = create();
      store = await suite.open(() => nowMs);
      await store.directory.createPlan(PREPAID);
      const made = await store.directory.createCustomer({
        externalId: 'user-1',
        name: null,
        planId: PREPAID.id,
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      customerId = made.customer.id;
    });

    afterEach(async () => {
      await store.close();
      suite.dispose();
    });

    it('draws calls from credits, shows the same everywhere, and keeps it over a restart', async () => {
      expect(await call(1)).toBe('insufficient_funds');
      await store.wallets.grant(creditOf('first'));
      expect(await call(2, 30n * CENT, 10n * CENT)).toBe('settled');
      const open = reserveOf(customerId, 'open', 20n * CENT);
      await store.ledger.reserve(open);
      const wallet = await store.wallets.wallet(customerId);
      expect(wallet).toMatchObject({
        balanceNanoUsd: 70n * CENT,
        heldNanoUsd: 20n * CENT,
        debtNanoUsd: 0n,
        grants: [{ reference: 'first', spentNanoUsd: 10n * CENT, remainingNanoUsd: 70n * CENT }],
      });
      const [limit] = await store.ledger.limits(customerId, null);
      expect(limit).toMatchObject({ id: 'wallet', used: '0.100000000', remaining: '0.700000000' });
      await isSound();
      await reopen();
      expect(await store.wallets.wallet(customerId)).toEqual(wallet);
      await store.ledger.settle(settleOf(open, nowMs, 15n * CENT));
      const after = await store.wallets.wallet(customerId);
      expect(after.balanceNanoUsd).toBe(75n * CENT);
      await isSound();
    });

    it('admits exactly 100 of 200 at once where credits bear 100', async () => {
      await store.wallets.grant(creditOf('first'));
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => store.ledger.reserve(reserveOf(customerId, n, CENT))),
      );
      expect(answers.filter((answer) => answer.type === 'held')).toHaveLength(100);
      expect(await store.wallets.wallet(customerId)).toMatchObject({
        balanceNanoUsd: 0n,
        heldNanoUsd: 100n * CENT,
      });
      await isSound();
    });

    it('grants once under one reference, at once or much later', async () => {
      const [one, other] = await Promise.all([
        store.wallets.grant(creditOf('r')),
        store.wallets.grant(creditOf('r')),
      ]);
      expect(other).toEqual(one);
      await reopen();
      nowMs += DAY_MS;
      expect(await store.wallets.grant(creditOf('r'))).toEqual(one);
      expect(await codeOf(store.wallets.grant(creditOf('r', { reason: 'other' })))).toBe(
        'idempotency_mismatch',
      );
      expect((await store.wallets.wallet(customerId)).balanceNanoUsd).toBe(100n * CENT);
      // A grant that is used up is known all the same.
      expect(await call(1, 100n * CENT)).toBe('settled');
      await reopen();
      expect(await store.wallets.grant(creditOf('r'))).toEqual(one);
      expect(await store.wallets.withdraw(customerId, 'r')).toBe(0n);
      expect(await codeOf(store.wallets.withdraw(customerId, 'none'))).toBe('not_found');
      const page = { limit: 1, cursor: null };
      expect(await codeOf(store.wallets.wallet('cus_none'))).toBe('not_found');
      expect((await store.wallets.entries(customerId, page)).data[0]?.kind).toBe('settle');
    });

    it('books debt and pays it with the next credit', async () => {
      await store.wallets.grant(creditOf('first'));
      expect(await call(1, 100n * CENT, 130n * CENT)).toBe('settled');
      expect(await store.wallets.wallet(customerId)).toMatchObject({
        balanceNanoUsd: -30n * CENT,
        debtNanoUsd: 30n * CENT,
        grants: [],
      });
      await reopen();
      await store.wallets.grant(creditOf('second', { amountNanoUsd: 50n * CENT }));
      expect(await store.wallets.wallet(customerId)).toMatchObject({
        balanceNanoUsd: 20n * CENT,
        debtNanoUsd: 0n,
      });
      const { data } = await store.wallets.entries(customerId, { limit: 10, cursor: null });
      expect(data.map(({ kind, debtNanoUsd }) => [kind, debtNanoUsd])).toEqual([
        ['cover', -30n * CENT],
        ['grant', 0n],
        ['settle', 30n * CENT],
        ['grant', 0n],
      ]);
      await isSound();
    });

    it('lets credit expire by itself, and books it when somebody looks, over a restart too', async () => {
      await store.wallets.grant(creditOf('promo', { kind: 'promo', expiresAtMs: nowMs + DAY_MS }));
      const held = reserveOf(customerId, 'held', 40n * CENT);
      await store.ledger.reserve(held);
      nowMs += DAY_MS;
      expect(await call(1)).toBe('insufficient_funds');
      await reopen();
      expect(await store.wallets.wallet(customerId)).toMatchObject({
        balanceNanoUsd: 0n,
        heldNanoUsd: 40n * CENT,
        grants: [{ expiredNanoUsd: 60n * CENT, heldNanoUsd: 40n * CENT }],
      });
      await isSound();
      await store.ledger.settle(settleOf(held, nowMs, 25n * CENT));
      expect(await store.wallets.wallet(customerId)).toMatchObject({ debtNanoUsd: 0n, grants: [] });
      const { data } = await store.wallets.entries(customerId, { limit: 1, cursor: null });
      expect(data).toMatchObject([
        { kind: 'settle', spentNanoUsd: 25n * CENT, expiredNanoUsd: 15n * CENT },
      ]);
      await isSound();
    });

    it('carries over what a period left, once, over restarts', async () => {
      await store.directory.createPlan({
        id: 'rolling',
        name: 'Rolling',
        limits: [{ meter: 'requests', window: 'period', amount: 10, rollover_max: 4 }],
      });
      await store.directory.patchSubscription(customerId, {
        planId: 'rolling',
        at: 'now',
        mode: 'keep_used',
      });
      const requestsLeft = async () => {
        const limits = await store.ledger.limits(customerId, null);
        const found = limits.find((limit) => limit.id === 'requests/period');
        return [found?.limit, found?.remaining];
      };
      expect(await call('a')).toBe('settled');
      nowMs = Date.parse('2026-04-12T00:00:00Z');
      await reopen();
      expect(await requestsLeft()).toEqual(['14', '14']);
      expect(await call('b')).toBe('settled');
      await reopen();
      expect(await requestsLeft()).toEqual(['14', '13']);
      expect(await call('c')).toBe('settled');
      expect(await requestsLeft()).toEqual(['14', '12']);
      await isSound();
      const { data } = await store.reader.events({ limit: 100, cursor: null });
      expect(data.filter(({ kind }) => kind === 'rollover')).toHaveLength(1);
    });

    it('pages the history, newest first', async () => {
      for (const reference of ['a', 'b', 'c']) await store.wallets.grant(creditOf(reference));
      const first = await store.wallets.entries(customerId, { limit: 2, cursor: null });
      expect(first.data).toHaveLength(2);
      const second = await store.wallets.entries(customerId, {
        limit: 2,
        cursor: first.nextCursor,
      });
      expect(second.nextCursor).toBeNull();
      expect([...first.data, ...second.data].map((entry) => entry.eventId)).toEqual(
        ['c', 'b', 'a'].map((reference) => `grant:${customerId}|wallet||credit/${reference}`),
      );
    });
  });
}
