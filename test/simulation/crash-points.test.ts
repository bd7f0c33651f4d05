import { expect, it } from 'vitest';
import { enumerateCrashes } from './crash-points.ts';
import { LEDGER_SCENARIOS } from './scenarios.ts';

it('I6 every crash point of every scenario recovers to the state without a crash, or to it plus unknown calls', async () => {
  const reports = await enumerateCrashes(LEDGER_SCENARIOS);
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  for (const { points, recoveredToBefore, recoveredToAfter } of reports) {
    expect(recoveredToBefore + recoveredToAfter).toBe(points);
  }
  const writes = reports.reduce((sum, report) => sum + report.writes, 0);
  const points = reports.reduce((sum, report) => sum + report.points, 0);
  const unknown = reports.reduce((sum, report) => sum + report.withUnknown, 0);
  process.stderr.write(
    `crash points: ${reports.length} scenarios, ${writes} writes, ${points} points, ${unknown} with unknown calls\n`,
  );
  expect(unknown).toBeGreaterThan(0);
}, 120_000);
