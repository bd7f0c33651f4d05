import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts';

const CYCLES = Number(process.env['KILL_CYCLES'] ?? 20);
const CHILD = fileURLToPath(new URL('./store-under-load.ts', import.meta.url));

/** Starts the child, lets it work a random while and kills it. */
async function killOnce(dataDir: string, notes: string, run: string): Promise<void> {
  const child = spawn(process.execPath, [CHILD, dataDir, notes, run, 'process'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  await pause(5 + Math.random() * 295);
  child.kill('SIGKILL');
  const [, signal] = await exited;
  expect(signal, complaint).toBe('SIGKILL');
}

/** What the child noted: acknowledged holds and settlements. */
function acknowledged(notes: string): { readonly held: string[]; readonly settled: string[] } {
  const lines = readFileSync(notes, 'utf8').split('\n').slice(0, -1);
  const of = (mark: string): string[] =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2));
  return { held: of('R '), settled: of('S ') };
}

interface Ledger {
  readonly held: ReadonlySet<string>;
  readonly settled: ReadonlySet<string>;
  readonly requestsOfSettled: number;
  readonly spent: bigint;
}

function readLedger(dataDir: string): Ledger {
  const database = new DatabaseSync(databasePath(dataDir), { readOnly: true, readBigInts: true });
  const idsOf = (kind: string): ReadonlySet<string> =>
    new Set(
      database
        .prepare('SELECT hold_id FROM event WHERE kind = ?')
        .all(kind)
        .map((row) => String(row['hold_id'])),
    );
  const count = database
    .prepare(
      "SELECT count(*) AS n FROM request r JOIN event e ON e.event_id = r.hold_id || ':settle' WHERE r.usage IS NOT NULL",
    )
    .get();
  const spent = database
    .prepare("SELECT coalesce(sum(spent), 0) AS n FROM bucket WHERE limit_id = 'cost_usd/period'")
    .get();
  const ledger = {
    held: idsOf('hold'),
    settled: idsOf('settle'),
    requestsOfSettled: Number(count?.['n']),
    spent: BigInt(spent?.['n'] as bigint),
  };
  database.close();
  return ledger;
}

/** Kills of one data directory; a whole verification follows each, and it grows with what was booked. */
const CYCLES_PER_LIFE = 20;

/** Kills one store `cycles` times. @returns how much it had acknowledged */
async function killRepeatedly(cycles: number): Promise<{ held: number; settled: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-kill-'));
  const notes = join(dataDir, 'notes');
  writeFileSync(notes, '');
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    await killOnce(dataDir, notes, String(cycle));
    const store = await openSqliteStore({ dataDir, durability: 'process' });
    const report = await store.ledger.verify();
    expect(report.mismatches).toEqual([]);
    const noted = acknowledged(notes);
    const ledger = readLedger(dataDir);
    expect(noted.held.filter((holdId) => !ledger.held.has(holdId))).toEqual([]);
    expect(noted.settled.filter((holdId) => !ledger.settled.has(holdId))).toEqual([]);
    expect(ledger.requestsOfSettled).toBe(ledger.settled.size);
    expect(ledger.spent).toBe(1000n * BigInt(ledger.settled.size));
    expect(report.open_holds).toBe(ledger.held.size - ledger.settled.size);
    const usage = await store.reader.usage({
      customerId: null,
      fromMs: 0,
      toMs: Date.now() + 1,
      groupBy: [],
      bucket: null,
    });
    expect(usage.totals.requests ?? 0n).toBe(BigInt(ledger.settled.size));
    expect(usage.held.requests ?? 0n).toBe(BigInt(report.open_holds));
    await store.close();
  }
  const { held, settled } = acknowledged(notes);
  rmSync(dataDir, { recursive: true });
  return { held: held.length, settled: settled.length };
}

it(
  `loses and doubles nothing over ${CYCLES} kills`,
  async () => {
    const total = { held: 0, settled: 0 };
    for (let done = 0; done < CYCLES; done += CYCLES_PER_LIFE) {
      const { held, settled } = await killRepeatedly(Math.min(CYCLES_PER_LIFE, CYCLES - done));
      total.held += held;
      total.settled += settled;
    }
    expect(total.settled).toBeGreaterThan(CYCLES);
    process.stderr.write(
      `store: ${CYCLES} kills, ${total.held} holds and ${total.settled} settlements acknowledged, 0 lost, 0 twice\n`,
    );
  },
  20_000 + CYCLES * 6000,
);
