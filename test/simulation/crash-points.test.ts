import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALL_SCENARIOS } from './all-scenarios.ts';
import { type CrashReport, CrashLab } from './crash-points.ts';

let lab: CrashLab;
const reports: CrashReport[] = [];

beforeAll(async () => {
  lab = await CrashLab.open();
});

afterAll(() => {
  lab.close();
  const sum = (of: (report: CrashReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  process.stderr.write(
    `crash points: ${reports.length} scenarios, ${sum((one) => one.writes)} writes, ${sum((one) => one.points)} points, ${sum((one) => one.withUnknown)} with unknown calls\n`,
  );
});

it.each(ALL_SCENARIOS)(
  'I6 a crash at any write recovers to the state without one, or to it plus unknown calls: $name',
  async (scenario) => {
    const report = await lab.enumerate(scenario);
    reports.push(report);
    expect(report.failures).toEqual([]);
    const { recoveredToBefore, recoveredToAfter, finishedByNextRound } = report;
    expect(recoveredToBefore + recoveredToAfter + finishedByNextRound).toBe(report.points);
  },
  120_000,
);

it('has cut calls off in mid-flight', () => {
  expect(reports.reduce((sum, report) => sum + report.withUnknown, 0)).toBeGreaterThan(0);
});
