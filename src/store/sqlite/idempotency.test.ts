import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimOf, describeIdempotency, keptEnd } from '../../metering/idempotency.contract.ts';
import type { MeteringStore, ReserveCommand } from '../../metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import { databasePath } from './database.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const GRACE_MS = 60_000;
const DAY_MS = 86_400_000;

let dataDir = '';

function open(clock: () => number): Promise<MeteringStore> {
  return openSqliteStore({ dataDir, durability: 'process', clock, unknownGraceMs: GRACE_MS });
}

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-idempotency-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

describeIdempotency({
  name: 'SQLite',
  async create(clock) {
    const store = await open(clock);
    return { store: store.idempotency, dispose: () => store.close() };
  },
});

describe('a key that is tied to a hold', () => {
  let nowMs = 0;
  let store: MeteringStore;
  let command: ReserveCommand;
  const first = claimOf(1, { holdId: 'hold_1' });
  const again = claimOf(2, { holdId: 'hold_2' });

  beforeEach(async () => {
    nowMs = Date.parse('2026-03-10T09:30:00Z');
    store = await open(() => nowMs);
    const account = await store.directory.customer('default');
    command = reserveOf(account?.customer.id ?? '', 1);
    await store.idempotency.claim(first);
  });
  afterEach(() => store.close());

  /** What a start finds: nobody works on any claim, and calls that were under way are `unknown`. */
  async function restart(): Promise<void> {
    await store.close();
    store = await open(() => nowMs);
  }

  /** Lets maintenance run: a batch after a gap has a round behind it. */
  async function passMs(milliseconds: number): Promise<void> {
    nowMs += milliseconds;
    await store.ledger.limits(command.customerId, null);
    await store.ledger.limits(command.customerId, null);
  }

  it('is free again after a crash before the hold, even for another request', async () => {
    await restart();
    const other = claimOf(2, { holdId: 'hold_2', fingerprint: 'sha-2' });
    expect(await store.idempotency.claim(other)).toEqual({ type: 'claimed' });
  });

  it('is in doubt after a crash behind the hold, until the ledger has decided', async () => {
    await store.ledger.reserve(command);
    await restart();
    expect(await store.idempotency.claim(again)).toEqual({
      type: 'in_flight',
      inDoubt: true,
      requestId: 'req_1',
    });
    await passMs(GRACE_MS + 5000);
    expect(await store.idempotency.claim(again)).toEqual({
      type: 'ended',
      requestId: 'req_1',
      reason: 'unknown',
    });
    expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 0 });
  });

  it('stays in doubt longer than a day where its hold does', async () => {
    await store.ledger.reserve(command);
    await passMs(DAY_MS + 1);
    store.idempotency.leave(first);
    await passMs(5000);
    expect(await store.idempotency.claim(again)).toEqual({
      type: 'in_flight',
      inDoubt: true,
      requestId: 'req_1',
    });
  });

  it('gets its reply in the transaction of the settlement', async () => {
    await store.ledger.reserve(command);
    await store.ledger.settle({
      ...settleOf(command, nowMs),
      claim: { claim: first, end: keptEnd('paid') },
    });
    await restart();
    const outcome = await store.idempotency.claim(again);
    if (outcome.type !== 'kept') throw new Error(`not kept: ${outcome.type}`);
    expect(Buffer.from(outcome.sealed).toString()).toBe('paid');
  });

  it('is freed in the transaction of a release', async () => {
    await store.ledger.reserve(command);
    const end = { type: 'forgotten' } as const;
    await store.ledger.void({ ...voidOf(command, nowMs), claim: { claim: first, end } });
    await restart();
    expect(await store.idempotency.claim(again)).toEqual({ type: 'claimed' });
  });

  it('is not given out again where a settlement came without the reply', async () => {
    await store.ledger.reserve(command);
    await store.ledger.settle(settleOf(command, nowMs));
    await restart();
    expect(await store.idempotency.claim(again)).toEqual({
      type: 'ended',
      requestId: 'req_1',
      reason: 'lost',
    });
  });

  it('stands a day from the end of its call where a crash has lost the end of the claim', async () => {
    await store.ledger.reserve(command);
    nowMs += DAY_MS - 60_000;
    await store.ledger.settle(settleOf(command, nowMs));
    await restart();
    await passMs(DAY_MS - 60_000);
    const ended = { type: 'ended', requestId: 'req_1', reason: 'lost' };
    expect(await store.idempotency.claim(again)).toEqual(ended);
    // Its row is looked at again within the hour.
    await passMs(3_660_000);
    expect(await store.idempotency.claim(again)).toEqual({ type: 'claimed' });
  });

  it('leaves no row behind once its day is over', async () => {
    await store.idempotency.end(first, keptEnd('r'));
    store.idempotency.leave(first);
    await passMs(DAY_MS - 60_000);
    const rows = (): number => {
      const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
      const row = database.prepare('SELECT count(*) AS n FROM idempotency').get();
      database.close();
      return Number(row?.['n']);
    };
    expect(rows()).toBe(1);
    await passMs(60_000);
    expect(rows()).toBe(0);
  });
});
