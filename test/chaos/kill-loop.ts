/**
 * The whole gateway under load, killed without warning and started again, over and over; then its books against
 * the provider's own log.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulator } from '../../src/simulators/index.ts';
import { freePort } from './gateway-process.ts';
import { Life } from './kill-life.ts';
import type { Reckoning } from './reckoning.ts';

export interface KillLoopOptions {
  readonly cycles: number;
  readonly seed: string;
  /** Told once a cycle. */
  readonly onCycle?: (cycle: number) => void;
  /** Entry of another copy of the gateway's source, with a bug put in on purpose. */
  readonly mainFile?: string;
}

export interface KillLoopReport extends Reckoning {
  readonly cycles: number;
  readonly seed: string;
  /** Kills that struck before the gateway listened. */
  readonly killsInStart: number;
  /** Calls in progress at the moment of the kill, summed over kills. */
  readonly inFlightAtKill: number;
  readonly verifications: number;
  readonly limitSamples: number;
  /** What must not be, as sentences: a failed verification, a counter out of bounds, a sum that differs. */
  readonly violations: readonly string[];
  readonly events: number;
  /** What kinds of clients tell of themselves. */
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Kills per generation of data: what one reading of the whole ledger takes in. */
const CYCLES_PER_LIFE = 100;

const EMPTY: Omit<KillLoopReport, 'cycles' | 'seed' | 'seconds'> = {
  killsInStart: 0,
  inFlightAtKill: 0,
  verifications: 0,
  limitSamples: 0,
  violations: [],
  events: 0,
  counts: {},
  clientCalls: 0,
  providerCalls: 0,
  holds: 0,
  wholeAnswers: 0,
  exact: 0,
  lost: [],
  doubled: [],
  settled: 0,
  voided: 0,
  reconciled: 0,
  unexplained: [],
  beforeHold: [],
  open: [],
  leakedRefusals: [],
  refusals: 0,
  bookedTokens: 0,
  billedTokens: 0,
  bookedNanoUsd: 0n,
  recomputedNanoUsd: 0n,
  cutBilledTokens: 0,
  cutBilledNanoUsd: 0n,
  cutChargedNanoUsd: 0n,
  repeated: 0,
  replayed: 0,
  differing: [],
  legs: 0,
  legsFreed: 0,
  wrongLegs: [],
};

type Part = typeof EMPTY;

type Counts = Readonly<Record<string, number>>;

/** Numbers are added, lists joined, members of objects too. */
function added<Value>(value: Value, other: Value): unknown {
  if (typeof value === 'bigint') return value + BigInt(other as bigint);
  if (typeof value === 'number') return value + Number(other);
  if (Array.isArray(value)) return [...value, ...(other as readonly string[])];
  const sum: Record<string, number> = { ...(value as Counts) };
  for (const [name, count] of Object.entries(other as Counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function plus(sum: Part, part: Part): Part {
  const entries = Object.entries(sum).map(([name, value]) => [
    name,
    added(value, part[name as keyof Part]),
  ]);
  return Object.fromEntries(entries) as Part;
}

/** Runs the loop. What went wrong is in the report; only a gateway that cannot be used at all throws. */
export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopReport> {
  const startedAtMs = performance.now();
  const simulator = await createSimulator({
    seed: options.seed,
    recordRequests: true,
    latency: { firstTokenMs: 8, perTokenMs: 2, jitter: 0.8 },
  });
  let total: Part = EMPTY;
  const directory = mkdtempSync(join(tmpdir(), 'gateway-kills-'));
  try {
    for (let done = 0, number = 0; done < options.cycles; number += 1) {
      const cycles = Math.min(CYCLES_PER_LIFE, options.cycles - done);
      const workDir = join(directory, String(number));
      mkdirSync(workDir);
      const life = new Life(options, { workDir, simulator, port: await freePort(), number });
      try {
        await life.begin(cycles);
        for (let cycle = 0; cycle < cycles; cycle += 1) {
          await life.cycle(done + cycle);
          options.onCycle?.(done + cycle);
        }
        const reckoning = await life.end();
        total = plus(total, { ...reckoning, ...life.seen() });
      } finally {
        await life.close();
      }
      rmSync(workDir, { recursive: true, force: true });
      done += cycles;
    }
  } finally {
    await simulator.close();
    rmSync(directory, { recursive: true, force: true });
  }
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  return { ...total, cycles: options.cycles, seed: options.seed, seconds };
}
