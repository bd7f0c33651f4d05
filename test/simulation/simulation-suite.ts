/**
 * The tests of the simulation, in two files that run beside each other.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scratchDir } from '../support/scratch.ts';
import { type RunReport, Simulation } from './simulator.ts';
import { makeTemplate } from './worlds.ts';

/** `SIMULATION_SEEDS=100000 SIMULATION_FIRST=1 npm test -- test/simulation/simulator.test.ts` */
const ALL_SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 2_000);
const FIRST = Number(process.env['SIMULATION_FIRST'] ?? 1);

/** Declares the tests of one half of the seeds; the first half is the larger by one where they are odd. */
export function describeSimulation(half: 0 | 1): void {
  const larger = Math.ceil(ALL_SEEDS / 2);
  const seeds = half === 0 ? larger : ALL_SEEDS - larger;
  const first = half === 0 ? FIRST : FIRST + larger;

  let folder = '';
  let template = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(scratchDir(), 'gateway-simulation-'));
    template = await makeTemplate(folder);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function runSeed(seed: number): Promise<RunReport> {
    const own = join(folder, `seed-${seed}`);
    try {
      return await new Simulation(seed, { folder: own, template }).run();
    } catch (error) {
      throw new Error(
        `seed ${seed}: ${error instanceof Error ? error.message : String(error)} (repeat: SIMULATION_SEEDS=1 SIMULATION_FIRST=${seed})`,
        { cause: error },
      );
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  }

  it(
    'keeps the books in every world that the seeds make',
    async () => {
      const sum = {
        calls: 0,
        settled: 0,
        voided: 0,
        refused: 0,
        cut: 0,
        known: 0,
        replayed: 0,
        draws: 0,
        grants: 0,
        alerts: 0,
        entries: 0,
        crashes: 0,
        failedCommits: 0,
        steps: 0,
      };
      for (let seed = first; seed < first + seeds; seed += 1) {
        const report = await runSeed(seed);
        for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += report[name];
      }
      process.stderr.write(`simulation: ${seeds} seeds ${JSON.stringify(sum)}\n`);
      // A simulation in which nothing happens would prove nothing.
      if (seeds >= 100) {
        for (const count of Object.values(sum)) expect(count).toBeGreaterThan(seeds / 10);
      }
    },
    300_000 + seeds * 1_000,
  );

  it('does the same again for the same seed', async () => {
    for (const seed of [7, 77, 777]) expect(await runSeed(seed)).toEqual(await runSeed(seed));
  });
}
