/**
 * The report of kills with jobs under way as a person reads it.
 *
 * @module
 */
import { formatUsd } from '../../src/contracts/money.ts';
import type { JobKillReport } from './job-kill-loop.ts';
import type { Figure } from './kill-report.ts';

function list(items: readonly string[]): string {
  const more = items.length > 3 ? ', …' : '';
  return items.length === 0 ? '0' : `${items.length} (${items.slice(0, 3).join('; ')}${more})`;
}

/** Every count of the report. */
export function jobKillFigures(report: JobKillReport): readonly Figure[] {
  return [
    ['kills', String(report.cycles)],
    [
      'jobs at the provider at the kills; fewest at one',
      `${report.inFlightAtKill}; ${report.fewestAtKill}`,
    ],
    [
      'jobs that clients were told of / that the provider took / billed',
      `${report.told} / ${report.taken} / ${report.billed}`,
    ],
    ['lost', list(report.lost)],
    ['submitted twice', list(report.doubleSubmitted)],
    ['charged other than billed', list(report.wronglyCharged)],
    [
      'USD booked / billed',
      `${formatUsd(report.bookedNanoUsd)} / ${formatUsd(report.billedNanoUsd)}`,
    ],
    ['holds left open', String(report.openHolds)],
    ['violations', list(report.violations)],
    ['seed; seconds', `${report.seed}; ${report.seconds}`],
  ];
}

/** Whether every job ended once, as its provider ended it, and was charged as it was billed. */
export function jobKillsAreClean(report: JobKillReport): boolean {
  const { lost, doubleSubmitted, wronglyCharged, violations } = report;
  const faults = [lost, doubleSubmitted, wronglyCharged, violations].flat();
  return (
    faults.length === 0 && report.openHolds === 0 && report.bookedNanoUsd === report.billedNanoUsd
  );
}
