/**
 * What every store of idempotency keys must do. `openHold` and `reopen` are given by stores that survive their process.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Claim, ClaimEnd, IdempotencyStore, NewClaim } from './idempotency-port.ts';

/** A store under test. */
export interface IdempotencyUnderTest {
  readonly store: IdempotencyStore;
  dispose(): Promise<void>;
}

export interface IdempotencySuite {
  readonly name: string;
  /** Makes an empty store that reads the time from `clock`. */
  create(clock: () => number): Promise<IdempotencyUnderTest>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A claim of a customer on a key; every call has a request id of its own. */
export function claimOf(n: number, more: Partial<NewClaim> = {}): NewClaim {
  return {
    scope: 'cus_1',
    key: 'order-7',
    fingerprint: 'sha-1',
    requestId: `req_${n}`,
    holdId: null,
    ...more,
  };
}

export function keptEnd(text: string): ClaimEnd {
  return { type: 'kept', sealed: new TextEncoder().encode(text) };
}

export function describeIdempotency(suite: IdempotencySuite): void {
  describe(`${suite.name} keeps idempotency keys`, () => {
    let nowMs = 0;
    let test: IdempotencyUnderTest;
    let store: IdempotencyStore;

    beforeEach(async () => {
      nowMs = Date.parse('2026-03-10T09:30:00Z');
      test = await suite.create(() => nowMs);
      store = test.store;
    });
    afterEach(() => test.dispose());

    const first = claimOf(1);
    const again = claimOf(2);
    const finish = async (claim: Claim, end: ClaimEnd): Promise<void> => {
      await store.end(claim, end);
      store.leave(claim);
    };

    it('gives a key to one of many that ask at once', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, n) => store.claim(claimOf(n))),
      );
      const types = outcomes.map(({ type }) => type);
      expect(types.filter((type) => type === 'claimed')).toHaveLength(1);
      expect(types.filter((type) => type === 'in_flight')).toHaveLength(49);
    });

    it('tells a repetition what became of the call', async () => {
      expect(await store.claim(first)).toEqual({ type: 'claimed' });
      expect(await store.claim(again)).toEqual({ type: 'in_flight', inDoubt: false });
      await finish(first, keptEnd('the reply'));
      const outcome = await store.claim(again);
      expect(outcome).toMatchObject({ type: 'kept', requestId: 'req_1' });
      if (outcome.type === 'kept') expect(Buffer.from(outcome.sealed).toString()).toBe('the reply');
    });

    it.each(['too_large', 'cut_off'] as const)('says why no reply was kept: %s', async (reason) => {
      await store.claim(first);
      await finish(first, { type: 'not_kept', reason });
      expect(await store.claim(again)).toEqual({ type: 'ended', requestId: 'req_1', reason });
    });

    it('refuses another request under the key, running or ended', async () => {
      const other = claimOf(2, { fingerprint: 'sha-2' });
      await store.claim(first);
      expect(await store.claim(other)).toEqual({ type: 'mismatch' });
      await finish(first, keptEnd('r'));
      expect(await store.claim(other)).toEqual({ type: 'mismatch' });
    });

    it('keeps scopes and keys apart', async () => {
      await store.claim(first);
      expect(await store.claim(claimOf(2, { scope: 'cus_2' }))).toEqual({ type: 'claimed' });
      expect(await store.claim(claimOf(3, { key: 'order-8' }))).toEqual({ type: 'claimed' });
      expect(await store.claim(claimOf(4, { scope: 'cus_1 order', key: '-7' }))).toEqual({
        type: 'claimed',
      });
    });

    it('frees a key whose call came to nothing, for any request', async () => {
      await store.claim(first);
      await finish(first, { type: 'forgotten' });
      expect(await store.claim(claimOf(2, { fingerprint: 'sha-2' }))).toEqual({ type: 'claimed' });
    });

    it('lets only the call that has the key end it, and only once', async () => {
      await store.claim(first);
      await store.end(again, keptEnd('of another'));
      expect(await store.claim(again)).toEqual({ type: 'in_flight', inDoubt: false });
      await finish(first, keptEnd('first'));
      await store.end(first, keptEnd('second'));
      await store.end(first, { type: 'forgotten' });
      const outcome = await store.claim(again);
      if (outcome.type !== 'kept') throw new Error(`not kept: ${outcome.type}`);
      expect(Buffer.from(outcome.sealed).toString()).toBe('first');
    });

    it('does not repeat a call without a hold that was left without an end', async () => {
      await store.claim(first);
      store.leave(first);
      expect(await store.claim(again)).toEqual({
        type: 'ended',
        requestId: 'req_1',
        reason: 'interrupted',
      });
    });

    it('keeps a reply for a day after the call has ended, and a running call for longer', async () => {
      await store.claim(first);
      nowMs += 30 * HOUR_MS;
      expect(await store.claim(again)).toMatchObject({ type: 'in_flight' });
      await finish(first, keptEnd('r'));
      // A store counts on between two readings of the clock, so that a few milliseconds decide nothing.
      nowMs += 24 * HOUR_MS - MINUTE_MS;
      expect(await store.claim(again)).toMatchObject({ type: 'kept' });
      nowMs += 2 * MINUTE_MS;
      expect(await store.claim(claimOf(2, { fingerprint: 'sha-2' }))).toEqual({ type: 'claimed' });
    });

    it('keeps a reply of a megabyte', async () => {
      const sealed = new Uint8Array(1024 * 1024 + 200).fill(7);
      await store.claim(first);
      await finish(first, { type: 'kept', sealed });
      const outcome = await store.claim(again);
      expect(outcome.type === 'kept' && Buffer.from(outcome.sealed).equals(sealed)).toBe(true);
    });
  });
}
