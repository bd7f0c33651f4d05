import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import type { MeteringStore } from '../../metering/ports.ts';
import { databasePath } from './database.ts';
import { migrate } from './migrations.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const START_MS = Date.UTC(2026, 5, 1, 12);

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-chain-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

function open(): Promise<MeteringStore> {
  return openSqliteStore({ dataDir, durability: 'process', clock: () => START_MS });
}

/** Calls one after another, so that each command has a transaction of its own, and one left open. */
async function makeCalls(store: MeteringStore, names: readonly string[]): Promise<void> {
  const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
  for (const name of names) {
    const command = reserveOf(customerId, name);
    await store.ledger.reserve(command);
    if (name.startsWith('void')) await store.ledger.void(voidOf(command, START_MS));
    else if (!name.startsWith('open')) await store.ledger.settle(settleOf(command, START_MS));
  }
}

/** Changes the file behind the gateway's back. */
function tamper(sql: string): void {
  const database = new DatabaseSync(databasePath(dataDir));
  database.exec(`DROP TRIGGER event_no_update; DROP TRIGGER event_no_delete; ${sql}`);
  database.close();
}

async function exported(
  store: MeteringStore,
  query: Partial<Parameters<MeteringStore['ledgerOperations']['exportRange']>[0]> = {},
): Promise<{ readonly previousHash: string; readonly lines: readonly string[] }> {
  const all = { fromSeq: null, toSeq: null, fromMs: null, toMs: null, ...query };
  const range = await store.ledgerOperations.exportRange(all);
  let text = '';
  let at: number | null = range.fromSeq;
  let head = range.previousHash;
  while (at !== null && at <= range.toSeq) {
    const page: Awaited<ReturnType<MeteringStore['ledgerOperations']['exportPage']>> =
      await store.ledgerOperations.exportPage({ ...range, fromSeq: at, previousHash: head });
    text += page.text;
    head = page.head;
    at = page.nextSeq;
  }
  return {
    previousHash: range.previousHash,
    lines: text.split('\n').filter((line) => line !== ''),
  };
}

interface ParsedLine {
  readonly seq?: number;
  readonly at?: number;
  readonly body?: { readonly p: readonly (readonly (number | string)[])[] };
  readonly bucket?: { readonly no: number; readonly id: string };
  readonly link?: { readonly first_seq: number; readonly last_seq: number; readonly hash: string };
}

function parsed(line: string): ParsedLine {
  return JSON.parse(line);
}

/** As an auditor would: from the words of docs/ledger.md alone. */
function hashesOf(previousHash: string, lines: readonly string[]): readonly string[] {
  const hashes: string[] = [];
  let before = previousHash;
  let covered = '';
  for (const line of lines) {
    const { seq, link } = parsed(line);
    if (seq !== undefined) covered += `${line}\n`;
    if (link === undefined) continue;
    const text = `${before}\n${link.first_seq} ${link.last_seq}\n${covered}`;
    before = createHash('sha256').update(text).digest('hex');
    hashes.push(before);
    covered = '';
  }
  return hashes;
}

const COUNTERS = ['granted', 'held', 'spent', 'overrun', 'expired', 'leased'];

function foldedCounters(lines: readonly string[]): Record<string, readonly bigint[]> {
  const ids = new Map<number, string>();
  const counters: Record<string, bigint[]> = {};
  for (const line of lines) {
    const { bucket, body } = parsed(line);
    if (bucket !== undefined) ids.set(bucket.no, bucket.id);
    for (const [no, ...amounts] of body?.p ?? []) {
      const sums = (counters[ids.get(Number(no)) ?? ''] ??= COUNTERS.map(() => 0n));
      amounts.forEach((amount, index) => {
        sums[index] = (sums[index] ?? 0n) + BigInt(amount);
      });
    }
  }
  return counters;
}

function keptCounters(): Record<string, readonly bigint[]> {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true, readBigInts: true });
  const rows = database.prepare('SELECT * FROM bucket').all();
  database.close();
  return Object.fromEntries(
    rows.map((row) => [
      String(row['id']),
      COUNTERS.map((name) => BigInt((row[name] ?? 0n) as bigint)),
    ]),
  );
}

describe('the chain of hashes', () => {
  it('covers every event, over restarts', async () => {
    const first = await open();
    await makeCalls(first, ['a', 'void-b']);
    const { chain: before } = await first.ledger.verify();
    await first.close();
    const second = await open();
    await makeCalls(second, ['c', 'open-d']);
    const report = await second.ledger.verify();
    await second.close();
    expect(report).toMatchObject({ ok: true, chain: { after_seq: 0, broken: null } });
    expect(report.chain.last_seq).toBe(report.events);
    expect(report.chain.links).toBeGreaterThan(before.links);
    expect(report.chain.head).not.toBe(before.head);
  });

  it('names the event of which one byte was changed', async () => {
    const store = await open();
    await makeCalls(store, ['a', 'b', 'c']);
    const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
    const row = database.prepare("SELECT seq FROM event WHERE event_id = 'hold_b:settle'").get();
    database.close();
    const seq = Number(row?.['seq']);
    tamper(`UPDATE event SET body = replace(body, 'chatcmpl-1', 'chatcmpl-2') WHERE seq = ${seq}`);
    const report = await store.ledger.verify();
    await store.close();
    expect(report.ok).toBe(false);
    expect(report.chain.broken).toEqual({ first_seq: seq, last_seq: seq });
    expect(report.mismatches).toEqual([
      expect.objectContaining({ bucket: `event ${seq}`, field: 'hash' }),
    ]);
  });

  it.each([
    ['removed from the middle', "DELETE FROM event WHERE event_id = 'hold_b:settle'"],
    ['removed from the end', 'DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)'],
    [
      'added',
      `INSERT INTO event SELECT max(seq) + 1, 'void:x', 'void', 'x', 'x', 0, '{"p":[],"b":{}}' FROM event`,
    ],
    [
      'exchanged for a line feed and another',
      `UPDATE event SET body = body || char(10) || '{}' WHERE event_id = 'hold_b:settle'`,
    ],
    ['removed with their hashes', 'DELETE FROM ledger_chain; DELETE FROM event'],
  ])('tells of events that were %s', async (_what, sql) => {
    const store = await open();
    await makeCalls(store, ['a', 'b']);
    await makeCalls(store, ['open-c']);
    tamper(sql);
    const report = await store.ledger.verify();
    await store.close();
    expect(report.ok).toBe(false);
    expect(report.chain.broken).not.toBeNull();
  });

  it('begins with the next event in a database of version 1', async () => {
    const path = databasePath(dataDir);
    const store = await open();
    await makeCalls(store, ['a']);
    await store.close();
    const database = new DatabaseSync(path);
    // As the migration finds it: events, and no chain yet.
    const events = Number(database.prepare('SELECT max(seq) AS n FROM event').get()?.['n']);
    database.exec('DELETE FROM ledger_chain');
    database.exec(
      `INSERT INTO ledger_chain SELECT coalesce(max(seq), 0), 0, '${'0'.repeat(64)}' FROM event`,
    );
    migrate(database, path);
    database.close();
    const next = await open();
    await makeCalls(next, ['b']);
    const report = await next.ledger.verify();
    const { lines, previousHash } = await exported(next);
    await next.close();
    expect(report).toMatchObject({ ok: true, chain: { after_seq: events, links: 2 } });
    const seqs = lines.map((line) => parsed(line).seq).filter((seq) => seq !== undefined);
    expect(seqs).toEqual(Array.from({ length: report.events }, (_, index) => index + 1));
    expect(previousHash).toBe('0'.repeat(64));
  });
});

describe('an export', () => {
  it('is folded by a program that is not ours to the counters, and its hashes are recomputed', async () => {
    const store = await open();
    await makeCalls(store, ['a', 'void-b', 'open-c', 'd']);
    const { previousHash, lines } = await exported(store);
    const { chain } = await store.ledger.verify();
    await store.close();
    expect(foldedCounters(lines)).toEqual(keptCounters());
    const links = lines.flatMap((line) => parsed(line).link ?? []);
    expect(hashesOf(previousHash, lines)).toEqual(links.map(({ hash }) => hash));
    expect(links.at(-1)?.hash).toBe(chain.head);
  });

  it('goes on where another ended, and has whole transactions', async () => {
    const store = await open();
    await makeCalls(store, ['a', 'b', 'c']);
    const whole = await exported(store);
    const links = whole.lines.flatMap((line) => parsed(line).link ?? []);
    const middle = links[2];
    if (middle === undefined) throw new Error('there are too few transactions');
    const first = await exported(store, { toSeq: middle.first_seq });
    const second = await exported(store, { fromSeq: middle.last_seq + 1 });
    await store.close();
    expect(second.previousHash).toBe(middle.hash);
    const linesOf = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => parsed(line).bucket === undefined);
    expect([...linesOf(first.lines), ...linesOf(second.lines)]).toEqual(linesOf(whole.lines));
    expect(hashesOf(second.previousHash, second.lines).at(-1)).toBe(links.at(-1)?.hash);
  });

  it('takes a range of time, and may be empty', async () => {
    const store = await open();
    await makeCalls(store, ['a']);
    const late = await exported(store, { fromMs: START_MS + 1 });
    const early = await exported(store, { toMs: START_MS });
    const all = await exported(store, { fromMs: START_MS, toMs: START_MS + 1 });
    const beyond = await exported(store, { fromSeq: 1_000_000 });
    const whole = await exported(store);
    await store.close();
    expect([late.lines, early.lines, beyond.lines]).toEqual([[], [], []]);
    expect(all.lines).toEqual(whole.lines);
  });
});
