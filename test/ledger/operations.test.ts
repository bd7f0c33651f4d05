/**
 * What an operator does with the ledger, over HTTP and by command: export, backup and restore, open holds, archive.
 *
 * The folder has a past of its own: calls of a year ago, of a month that is closed, and two calls that a crash cut off.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../src/metering/testing/store-samples.ts';
import { openInProcessStore } from '../simulation/in-process-store.ts';
import { commandLineOf, type CommandLine } from '../support/command-line.ts';
import {
  callAdmin,
  startTestGateway,
  usageOf,
  verifyLedger,
  type TestGateway,
} from '../support/running-gateway.ts';

const DAY_MS = 86_400_000;
const CONFIG = 'metering: { unknownGraceMs: 1h }';

let folder: string;
let gateway: TestGateway;
let line: CommandLine;

/** Calls of `default` at those times, and two that never ended. */
async function writePast(dataDir: string): Promise<void> {
  const clock = { nowMs: Date.now() - 365 * DAY_MS };
  const store = openInProcessStore({
    dataDir,
    clock,
    randomFill: (target) => void randomFillSync(target),
  });
  const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
  for (const [name, daysAgo] of [
    ['a', 365],
    ['b', 364],
    ['c', 60],
    ['d', 0],
  ] as const) {
    clock.nowMs = Date.now() - daysAgo * DAY_MS;
    const command = reserveOf(customerId, name);
    await store.ledger.reserve(command);
    await store.ledger.settle(settleOf(command, clock.nowMs));
  }
  for (const name of ['cut-1', 'cut-2']) await store.ledger.reserve(reserveOf(customerId, name));
  store.stop();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-ledger-'));
  const dataDir = join(folder, 'data');
  await writePast(dataDir);
  gateway = await startTestGateway({ dataDir, config: CONFIG });
  line = commandLineOf(gateway);
});
afterAll(async () => {
  line.close();
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ledger = (...args: string[]) => line.run('ledger', ...args);

async function download(query = ''): Promise<string> {
  const response = await fetch(`${gateway.url}/admin/v1/ledger/export${query}`, {
    headers: { authorization: `Bearer ${gateway.adminKey}` },
  });
  expect(response.headers.get('content-type')).toContain('application/x-ndjson');
  return response.text();
}

interface Line {
  readonly start?: { readonly from_seq: number; readonly previous_hash: string };
  readonly seq?: number;
  readonly id?: string;
  readonly link?: { readonly first_seq: number; readonly last_seq: number; readonly hash: string };
  readonly end?: { readonly next_seq: number; readonly hash: string };
}

const rowsOf = (text: string): readonly Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row) as Line);

/** The rule of docs/ledger.md, from the text of an export alone. @returns the newest hash */
function foldHashes(text: string): string {
  let before = '';
  let events = '';
  for (const row of text.trimEnd().split('\n')) {
    const { start, seq, link } = JSON.parse(row) as Line;
    if (start !== undefined) before = start.previous_hash;
    if (seq !== undefined) events += `${row}\n`;
    if (link === undefined) continue;
    const head = `${before}\n${link.first_seq} ${link.last_seq}\n`;
    before = createHash('sha256').update(head).update(events).digest('hex');
    events = '';
    expect(before).toBe(link.hash);
  }
  return before;
}

describe('export', () => {
  it('is whole, is what the hashes cover, and ends with the hash that verify tells', async () => {
    const text = await download();
    const rows = rowsOf(text);
    const { chain, events } = await callAdmin<{ chain: { head: string }; events: number }>(
      gateway,
      'POST /ledger/verify',
      {},
    );
    const seqs = rows.map(({ seq }) => seq).filter((seq) => seq !== undefined);
    expect(seqs).toEqual(Array.from({ length: events }, (_, index) => index + 1));
    expect(rows.map(({ id }) => id)).toContain('settle:hold_a');
    expect(foldHashes(text)).toBe(chain.head);
    expect(rows.at(-1)?.end).toEqual({ next_seq: events + 1, hash: chain.head });
  });

  it('goes on where another ended, and takes a range of time', async () => {
    const rows = rowsOf(await download('?to_seq=5'));
    const end = rows.at(-1)?.end;
    const rest = await download(`?from_seq=${end?.next_seq}`);
    expect(rowsOf(rest)[0]?.start).toMatchObject({
      from_seq: end?.next_seq,
      previous_hash: end?.hash,
    });
    foldHashes(rest);
    const from = new Date(Date.now() - 90 * DAY_MS).toISOString();
    const to = new Date(Date.now() - 30 * DAY_MS).toISOString();
    const ids = rowsOf(await download(`?from=${from}&to=${to}`)).map(({ id }) => id);
    expect(ids).toContain('settle:hold_c');
    expect(ids).not.toContain('settle:hold_b');
    expect(ids).not.toContain('settle:hold_d');
  });

  it('is written to a file by the command, and says which parameter is wrong', async () => {
    const file = join(line.folder, 'ledger.ndjson');
    const { code, err } = await ledger('export', '--output', file);
    expect({ code, err }).toEqual({ code: 0, err: `Written to ${file}.\n` });
    expect(rowsOf(readFileSync(file, 'utf8')).at(-1)?.end).toBeDefined();
    expect(readdirSync(line.folder)).toEqual(['ledger.ndjson']);
    const wrong = await ledger('export', '--from-seq', 'first');
    expect(wrong.code).not.toBe(0);
    expect(wrong.err).toContain('from_seq');
  });
});

describe('backup and restore', () => {
  it('bring another gateway to the same books', async () => {
    const made = await callAdmin<{
      file: string;
      head: string;
      events: number;
      open_holds: number;
    }>(gateway, 'POST /ledger/backups');
    expect(made).toMatchObject({
      open_holds: 2,
      note: expect.stringContaining('credentials.json'),
    });
    expect(made.file.startsWith(join(gateway.dataDir, 'backups'))).toBe(true);

    const dataDir = join(folder, 'restored');
    const restored = await ledger('restore', made.file, '--data-dir', dataDir, '--json');
    expect(restored.json).toMatchObject({ events: made.events, head: made.head, open_holds: 2 });
    const twice = await ledger('restore', made.file, '--data-dir', dataDir);
    expect(twice.code).not.toBe(0);
    expect(twice.err).toMatch(/a ledger is never overwritten/);

    copyFileSync(join(gateway.dataDir, 'credentials.json'), join(dataDir, 'credentials.json'));
    const next = await startTestGateway({ dataDir, config: CONFIG });
    try {
      expect(next.adminKey).toBe(gateway.adminKey);
      expect(await usageOf(next, 'default')).toMatchObject({
        totals: (await usageOf(gateway, 'default')).totals,
      });
      expect(await verifyLedger(next)).toMatchObject({ ok: true, open_holds: 2 });
    } finally {
      await next.stop();
    }
  });

  it('is made by the command beside a gateway that serves, and never over a file', async () => {
    const file = join(line.folder, 'copy.db');
    const made = await ledger('backup', file);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^Written to .*copy\.db: \d+ events, 2 open holds, .* verified\.$/m);
    expect(made.err).toContain('credentials.json is not in it');
    const twice = await ledger('backup', file);
    expect(twice.code).not.toBe(0);
    expect(twice.err).toMatch(/exists: choose another file/);
  });
});

describe('open holds', () => {
  it('are listed by state, with what they reserve and since when', async () => {
    const list = await callAdmin<{ data: { id: string; state: string }[] }>(
      gateway,
      'GET /ledger/holds?state=unknown',
    );
    expect(list.data.map(({ id }) => id).toSorted()).toEqual(['hold_cut-1', 'hold_cut-2']);
    expect(list.data[0]).toMatchObject({
      state: 'unknown',
      operation: 'text.generate',
      cost: '0.010000000',
      unknown_since: expect.any(String),
    });
    expect(await ledger('holds', 'list', '--state', 'held')).toMatchObject({
      code: 0,
      err: 'No open holds.\n',
    });
    const { out } = await ledger('holds', 'list');
    expect(out).toMatch(/unknown +\$0\.01 +text\.generate .* req_cut-1 +hold_cut-1$/m);
  });

  it('end as an operator says, once, and the event says why', async () => {
    const before = (await usageOf(gateway, 'default')).totals.cost_usd;
    const booked = ['--cost', '0.0123', '--input-tokens', '900', '--output-tokens', '120'];
    const end = await ledger('holds', 'reconcile', 'hold_cut-1', ...booked, '--reason', 'invoice');
    expect(end).toMatchObject({
      code: 0,
      out: 'hold_cut-1 is settled.\n',
    });
    const freed = await callAdmin(gateway, 'POST /ledger/holds/hold_cut-2/reconcile', {
      outcome: 'release',
    });
    expect(freed).toEqual({ id: 'hold_cut-2', type: 'voided', overrun: '0.000000000' });
    const after = (await usageOf(gateway, 'default')).totals.cost_usd;
    expect(Number(after) - Number(before)).toBeCloseTo(0.0123, 9);
    const rows = (await download()).split('\n').filter((row) => row.includes('"reconcile"'));
    expect(rows.some((row) => row.includes('hold_cut-1') && row.includes('invoice'))).toBe(true);

    const again = await ledger('holds', 'reconcile', 'hold_cut-1', '--outcome', 'release');
    expect(again.code).not.toBe(0);
    expect(again.err).toContain('hold_cut-1');
    expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0, mismatches: [] });
  });

  it('say what is missing of a decision', async () => {
    const reconcile = (...flags: string[]) => ledger('holds', 'reconcile', 'hold_x', ...flags);
    expect((await reconcile()).err).toContain('--outcome or --cost');
    expect((await reconcile('--cost', '1', '--outcome', 'release')).code).toBe(2);
    expect((await reconcile('--outcome', 'release', '--input-tokens', '9')).code).toBe(2);
    expect((await reconcile('--outcome', 'guess')).err).toContain('outcome');
  });
});

describe('archive', () => {
  it('tells what would go, moves it into a file, and verifies from there on', async () => {
    const before = new Date(Date.now() - 30 * DAY_MS).toISOString();
    const { events } = await verifyLedger(gateway);
    const plan = await callAdmin<{ before_seq: number; events: number }>(
      gateway,
      'POST /ledger/archives',
      { before, dry_run: true },
    );
    expect(plan).toMatchObject({ from_seq: 1, bound_by: 'date', file: null });
    expect(plan.events).toBeGreaterThan(5);
    expect(await verifyLedger(gateway)).toMatchObject({ events });

    const moved = await ledger('archive', '--before', before);
    const file = `archive/ledger-1-${plan.before_seq - 1}.ndjson`;
    expect(moved).toMatchObject({ code: 0 });
    expect(moved.out).toContain(
      `Archived ${plan.events} events, 1 to ${plan.before_seq - 1} to ${file}.`,
    );
    const text = readFileSync(join(gateway.dataDir, file), 'utf8');
    expect(text).toContain('settle:hold_a');
    const head = foldHashes(text);
    const { out, code } = await ledger('verify');
    expect(code).toBe(0);
    expect(out).toContain(`Events before ${plan.before_seq} are archived (newest file: ${file})`);
    // What is left of the journal goes on from the archive's last hash.
    const kept = rowsOf(await download());
    expect(kept[0]?.start).toEqual(
      expect.objectContaining({ from_seq: plan.before_seq, previous_hash: head }),
    );
  });

  it('moves nothing that is young', async () => {
    const { out } = await ledger('archive', '--before', new Date().toISOString(), '--dry-run');
    expect(out).toMatch(/^Nothing to archive\. Nothing more: .*\.$/m);
    expect(existsSync(join(gateway.dataDir, 'archive'))).toBe(true);
    expect(readdirSync(join(gateway.dataDir, 'archive'))).toHaveLength(1);
  });
});
