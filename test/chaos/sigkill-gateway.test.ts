import { expect, it } from 'vitest';
import { runKillLoop } from './kill-loop.ts';
import { describeKills } from './kill-report.ts';

const CYCLES = Number(process.env['KILL_CYCLES'] ?? 100);
const SEED = process.env['KILL_SEED'] ?? 'gateway';

it(
  `loses, doubles and leaves unexplained nothing over ${CYCLES} kills of the whole gateway`,
  async () => {
    const report = await runKillLoop({ cycles: CYCLES, seed: SEED });
    process.stderr.write(`${describeKills(report)}\n`);
    expect(report.violations).toEqual([]);
    expect(report.lost).toEqual([]);
    expect(report.doubled).toEqual([]);
    expect(report.unexplained).toEqual([]);
    expect(report.beforeHold).toEqual([]);
    expect(report.open).toEqual([]);
    expect(report.leakedRefusals).toEqual([]);
    expect(report.exact).toBe(report.wholeAnswers);
    expect(report.bookedTokens).toBe(report.billedTokens);
    expect(report.bookedNanoUsd).toBe(report.recomputedNanoUsd);
    expect(report.settled + report.voided + report.reconciled).toBe(report.providerCalls);
    // The loop did meet what it is about.
    expect(report.exact).toBeGreaterThan(CYCLES);
    expect(report.reconciled).toBeGreaterThan(CYCLES);
    expect(report.refusals).toBeGreaterThan(0);
    expect(report.counts['… taken by their provider']).toBeGreaterThan(CYCLES / 2);
    expect(report.inFlightAtKill).toBeGreaterThan(CYCLES);
  },
  60_000 + CYCLES * 10_000,
);
