/**
 * What `npm run prove` runs, each part as a table of figures.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContentionLab, PARALLEL, SHARE } from '../../test/chaos/contention.ts';
import { runKillLoop } from '../../test/chaos/kill-loop.ts';
import { jobKillFigures, jobKillsAreClean } from '../../test/chaos/job-kill-report.ts';
import { runJobKillLoop } from '../../test/chaos/job-kill-loop.ts';
import { killFigures, killsAreClean, type Figure } from '../../test/chaos/kill-report.ts';
import { enumerateCrashes } from '../../test/simulation/crash-points.ts';
import { ALL_SCENARIOS } from '../../test/simulation/all-scenarios.ts';
import type { PartName } from './options.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

/** One part of the proof. */
export interface Part {
  readonly name: PartName;
  readonly title: string;
  /** What anybody can run to repeat it. */
  readonly command: string;
  readonly figures: readonly Figure[];
  readonly ok: boolean;
}

/** Runs one file of tests; what it writes to standard error goes on, and is searched. */
async function runTests(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly ok: boolean; readonly output: string }> {
  const child = spawn(process.execPath, [VITEST, 'run', file], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) process.stderr.write(output);
  return { ok: code === 0, output };
}

/** Whole number that follows from the seed, as the model test takes one. */
function numberOf(seed: string): number {
  return Number.parseInt(hash('sha256', seed).slice(0, 7), 16);
}

/** Random command lists against the engine and its model. */
export async function proveModel(runs: number, seed: string): Promise<Part> {
  const environment = { MODEL_RUNS: String(runs), MODEL_SEED: String(numberOf(seed)) };
  const { ok, output } = await runTests('src/metering/core/engine.model.test.ts', environment);
  const [, lists = '0', commands = '0'] = /model: (\d+) lists, (\d+) commands/.exec(output) ?? [];
  return {
    name: 'model',
    title: 'The engine against its model',
    command: `MODEL_RUNS=${runs} MODEL_SEED=${environment.MODEL_SEED} npm test -- src/metering/core/engine.model.test.ts`,
    figures: [
      ['random lists of commands', lists],
      ['commands, every invariant checked after each', commands],
      ['invariants broken', ok ? '0' : 'see the output'],
    ],
    ok,
  };
}

/** The store alone, killed while it writes. */
export async function proveStore(cycles: number): Promise<Part> {
  const { ok, output } = await runTests('test/chaos/sigkill-store.test.ts', {
    KILL_CYCLES: String(cycles),
  });
  const [, held = '?', settled = '?'] =
    /(\d+) holds and (\d+) settlements acknowledged/.exec(output) ?? [];
  return {
    name: 'store',
    title: 'The store alone, killed',
    command: `KILL_CYCLES=${cycles} npm test -- test/chaos/sigkill-store.test.ts`,
    figures: [
      ['kills', String(cycles)],
      ['holds acknowledged before a kill', held],
      ['settlements acknowledged before a kill', settled],
      ['of these lost / booked twice', ok ? '0 / 0' : 'see the output'],
    ],
    ok,
  };
}

/** The whole gateway under load, killed. */
export async function proveKills(cycles: number, seed: string): Promise<Part> {
  const report = await runKillLoop({
    cycles,
    seed,
    onCycle: (cycle) => {
      if ((cycle + 1) % 25 === 0) process.stderr.write(`  ${cycle + 1} of ${cycles} kills\n`);
    },
  });
  return {
    name: 'kills',
    title: 'The whole gateway under load, killed',
    command: `npm run prove -- --only kills --kill-cycles ${cycles} --seed ${seed}`,
    figures: killFigures(report),
    ok: killsAreClean(report),
  };
}

/** The whole gateway with jobs under way, killed. */
export async function proveJobs(cycles: number, seed: string): Promise<Part> {
  const report = await runJobKillLoop({
    cycles,
    seed,
    onCycle: (cycle) => {
      if (cycle % 25 === 0) process.stderr.write(`  ${cycle} of ${cycles} kills\n`);
    },
  });
  return {
    name: 'jobs',
    title: 'The whole gateway with jobs under way, killed',
    command: `npm run prove -- --only jobs --job-cycles ${cycles} --seed ${seed}`,
    figures: jobKillFigures(report),
    ok: jobKillsAreClean(report),
  };
}

/** 200 calls at once on a limit of 100. */
export async function proveContention(runs: number): Promise<Part> {
  const workDir = mkdtempSync(join(tmpdir(), 'gateway-contention-'));
  const lab = await ContentionLab.open(workDir);
  const admitted: Record<'requests' | 'cost_usd', number[]> = { requests: [], cost_usd: [] };
  let secondExact = 0;
  let verifies = false;
  try {
    for (const meter of ['requests', 'cost_usd'] as const) {
      for (let run = 0; run < runs; run += 1) {
        const { first, second, fitsAfter } = await lab.run(meter);
        admitted[meter].push(first.admitted);
        if (second.admitted === Math.min(fitsAfter, PARALLEL)) secondExact += 1;
      }
    }
    verifies = await lab.verifies();
  } finally {
    await lab.close();
    rmSync(workDir, { recursive: true, force: true });
  }
  const range = (list: readonly number[]): string => `${Math.min(...list)} to ${Math.max(...list)}`;
  const all = [...admitted.requests, ...admitted.cost_usd];
  return {
    name: 'contention',
    title: `${PARALLEL} calls at once, each 1/${SHARE} of a limit`,
    command: `npm run prove -- --only contention --contention-runs ${runs}`,
    figures: [
      ['runs on a limit of requests, and on one of cost', `${runs}, ${runs}`],
      [`admitted of ${PARALLEL}, requests`, range(admitted.requests)],
      [`admitted of ${PARALLEL}, cost`, range(admitted.cost_usd)],
      ['second wave: exactly what had become free', `${secondExact} of ${all.length}`],
      ['ledger afterwards', verifies ? 'ok, nothing held' : 'NOT ok'],
    ],
    ok: verifies && secondExact === all.length && all.every((count) => count === SHARE),
  };
}

/** Every write of every scenario, killed before and after it. */
export async function proveCrashPoints(): Promise<Part> {
  const reports = await enumerateCrashes(ALL_SCENARIOS);
  const sum = (of: (report: (typeof reports)[number]) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const points = sum((report) => report.points);
  const later = sum((report) => report.finishedByNextRound);
  const recovered = later + sum((report) => report.recoveredToBefore + report.recoveredToAfter);
  const failures = reports.flatMap((report) => report.failures);
  return {
    name: 'crash-points',
    title: 'Every crash point',
    command: 'npm run prove -- --only crash-points',
    figures: [
      ['scenarios', String(reports.length)],
      ['durable writes in them', String(sum((report) => report.writes))],
      ['points: the process killed before and after each', String(points)],
      ['recovered to the state without a crash, or to it plus unknown calls', String(recovered)],
      ['of these with unknown calls', String(sum((report) => report.withUnknown))],
      ['of these between two tasks of a round, which the next round finishes', String(later)],
      ...failures.slice(0, 5).map((failure): Figure => ['failure', failure]),
    ],
    ok: failures.length === 0 && recovered === points,
  };
}

/** Worlds in which a seed decides every interleaving and fault. */
export async function proveSimulation(seeds: number): Promise<Part> {
  const { ok, output } = await runTests('test/simulation/simulator', {
    SIMULATION_SEEDS: String(seeds),
  });
  const counts: Record<string, number> = {};
  for (const [, text = '{}'] of output.matchAll(/simulation: \d+ seeds (\{.*\})/g)) {
    const half = JSON.parse(text) as Readonly<Record<string, number>>;
    for (const [name, count] of Object.entries(half)) counts[name] = (counts[name] ?? 0) + count;
  }
  return {
    name: 'simulation',
    title: 'The ledger in simulated worlds',
    command: `SIMULATION_SEEDS=${seeds} npm test -- test/simulation/simulator`,
    figures: [
      ['seeds', String(seeds)],
      ...Object.entries(counts).map(([name, count]): Figure => [name, String(count)]),
      ['faults found', ok ? '0' : 'see the output'],
    ],
    ok,
  };
}
