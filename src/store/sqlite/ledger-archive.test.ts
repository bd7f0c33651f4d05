import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  copyDataDir,
  type InProcessStore,
  openInProcessStore,
} from '../../../test/simulation/in-process-store.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { databasePath } from './database.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1, 12);

let dataDir = '';
let store: InProcessStore;
let customerId = '';
const clock = { nowMs: START_MS };

function open(): InProcessStore {
  let byte = 0;
  return openInProcessStore({
    dataDir,
    clock,
    randomFill: (target) => target.fill((byte = (byte + 1) % 256)),
  });
}

beforeEach(async () => {
  clock.nowMs = START_MS;
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-archive-'));
  store = open();
  customerId = (await store.directory.customer('default'))?.customer.id ?? '';
});
afterEach(() => {
  store.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function call(name: string): Promise<void> {
  const command = reserveOf(customerId, name);
  await store.ledger.reserve(command);
  await store.ledger.settle(settleOf(command, clock.nowMs));
}

const archive = (dryRun = false) =>
  store.ledgerOperations.archive({ beforeMs: clock.nowMs, dryRun });

function count(sql: string): number {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  const row = database.prepare(sql).get();
  database.close();
  return Number(row?.['n']);
}

const EVENTS = 'SELECT count(*) AS n FROM event';

describe('an archive', () => {
  it('moves events of closed periods into a file; what stays verifies from the checkpoint, and over restarts', async () => {
    await call('a');
    await call('b');
    clock.nowMs += 40 * DAY_MS;
    await call('c');
    const before = count(EVENTS);
    const wallet = await store.ledger.limits(customerId, null);
    const plan = await archive(true);
    expect(plan).toMatchObject({ fromSeq: 1, written: null });
    expect(plan.events).toBeGreaterThan(4);
    expect(count(EVENTS)).toBe(before);

    const report = await archive();
    expect(report).toMatchObject({
      ...plan,
      written: { file: `archive/ledger-1-${plan.beforeSeq - 1}.ndjson` },
    });
    store.round();
    expect(count(EVENTS)).toBe(before - plan.events + 1);
    const text = readFileSync(join(dataDir, report.written?.file ?? ''), 'utf8');
    expect(createHash('sha256').update(text).digest('hex')).toBe(report.written?.sha256);
    expect(text.split('\n').filter((line) => line.startsWith('{"seq":'))).toHaveLength(plan.events);

    const verified = await store.ledger.verify();
    expect(verified).toMatchObject({
      ok: true,
      mismatches: [],
      archived: { before_seq: plan.beforeSeq },
      chain: { after_seq: plan.beforeSeq - 1 },
    });
    store.stop();
    store = open();
    await call('d');
    expect(await store.ledger.verify()).toMatchObject({ ok: true });
    expect((await store.ledger.limits(customerId, null)).length).toBe(wallet.length);
    expect(await archive()).toMatchObject({ events: 0, written: null });
  });

  it('drops nothing that is open, recent or of a running period', async () => {
    await call('a');
    clock.nowMs += 3 * DAY_MS;
    expect(await archive(true)).toMatchObject({ events: 0, boundBy: 'age' });
    clock.nowMs += 17 * DAY_MS;
    expect(await archive(true)).toMatchObject({ events: 0, boundBy: 'open_period' });
    clock.nowMs += 40 * DAY_MS;
    const old = reserveOf(customerId, 'open');
    await store.ledger.reserve(old);
    await call('b');
    clock.nowMs += 40 * DAY_MS;
    await call('c');
    const { boundBy, beforeSeq } = await archive();
    store.round();
    expect(boundBy).toBe('open_hold');
    expect(count(`SELECT count(*) AS n FROM event WHERE event_id = 'hold_open:hold'`)).toBe(1);
    expect(await store.ledger.settle(settleOf(old, clock.nowMs))).toMatchObject({
      replayed: false,
    });
    clock.nowMs += 40 * DAY_MS;
    await call('d');
    const next = await archive();
    store.round();
    expect(next.beforeSeq).toBeGreaterThan(beforeSeq);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
  });

  it('keeps a hold that was open at the cut: its replay and a late settlement are answered', async () => {
    await call('a');
    const straddling = reserveOf(customerId, 's');
    await store.ledger.reserve(straddling);
    clock.nowMs += 40 * DAY_MS;
    await store.ledger.settle(settleOf(straddling, clock.nowMs));
    clock.nowMs += 3 * DAY_MS;
    const { events } = await archive();
    expect(events).toBeGreaterThan(0);
    store.round();
    expect(count("SELECT count(*) AS n FROM event WHERE event_id = 'hold_s:hold'")).toBe(1);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
    store.stop();
    store = open();
    expect(await store.ledger.settle(settleOf(straddling, clock.nowMs))).toMatchObject({
      replayed: true,
    });
  });

  it('goes on where a kill between file, checkpoint and drop has left it', async () => {
    await call('a');
    clock.nowMs += 40 * DAY_MS;
    await call('b');
    // Killed once the file was written: the checkpoint was not.
    store.gate.failCommit = () => true;
    await archive().catch(() => undefined);
    store.gate.failCommit = () => false;
    expect(await store.ledger.verify()).toMatchObject({ ok: true, archived: null });
    store.round();
    const report = await archive();
    expect(report.written).not.toBeNull();
    // Killed before anything was dropped: nothing is counted twice.
    const copy = mkdtempSync(join(tmpdir(), 'gateway-archive-copy-'));
    copyDataDir(dataDir, copy);
    store.stop();
    rmSync(dataDir, { recursive: true, force: true });
    dataDir = copy;
    store = open();
    expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
    const before = count(EVENTS);
    store.round();
    expect(count(EVENTS)).toBe(before - report.events);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
  });

  it('is refused when the events are not what was written, and a changed checkpoint is found', async () => {
    await call('a');
    clock.nowMs += 40 * DAY_MS;
    await call('b');
    const database = new DatabaseSync(databasePath(dataDir));
    const change = (sql: string) => {
      database.exec(`DROP TRIGGER IF EXISTS event_no_update; ${sql}`);
    };
    const settled = "event_id = 'hold_a:settle'";
    change(`UPDATE event SET body = replace(body, 'chatcmpl-1', 'chatcmpl-2') WHERE ${settled}`);
    await expect(archive()).rejects.toMatchObject({ code: 'conflict' });
    expect(existsSync(join(dataDir, 'archive'))).toBe(false);
    change(`UPDATE event SET body = replace(body, 'chatcmpl-2', 'chatcmpl-1') WHERE ${settled}`);
    await archive();
    change(
      `UPDATE event SET body = replace(body, '"part":0', '"part":9') WHERE kind = 'checkpoint'`,
    );
    database.close();
    expect((await store.ledger.verify()).chain.broken).not.toBeNull();
  });
});
