import { expect, it } from 'vitest';
import { runJobKillLoop } from './job-kill-loop.ts';

const CYCLES = Number(process.env['JOB_KILL_CYCLES'] ?? 3);
const SEED = process.env['JOB_KILL_SEED'] ?? 'jobs';

it(
  `loses, submits twice and charges twice nothing over ${CYCLES} kills with jobs under way`,
  async () => {
    const report = await runJobKillLoop({ cycles: CYCLES, seed: SEED });
    process.stderr.write(
      `${JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 1)}\n`,
    );
    expect(report.violations).toEqual([]);
    expect(report.lost).toEqual([]);
    expect(report.doubleSubmitted).toEqual([]);
    expect(report.wronglyCharged).toEqual([]);
    expect(report.openHolds).toBe(0);
    expect(report.untoldEnds).toEqual([]);
    expect(report.bookedNanoUsd).toBe(report.dueNanoUsd);
    // The loop did meet what it is about.
    expect(report.billed).toBeGreaterThan(CYCLES);
    expect(report.fewestAtKill).toBeGreaterThanOrEqual(20);
    expect(report.waitingAtKill).toBeGreaterThan(CYCLES);
    expect(Object.keys(report.taken).toSorted()).toEqual(['fal', 'replicate', 'sim', 'wavespeed']);
    expect(report.inFlightAtKill).toBeGreaterThanOrEqual(20 * CYCLES);
  },
  120_000 + CYCLES * 15_000,
);
