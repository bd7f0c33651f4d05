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

function total(taken: JobKillReport['taken']): number {
  return Object.values(taken).reduce((sum, count) => sum + count, 0);
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

/** Every count of the report. */
export function jobKillFigures(report: JobKillReport): readonly Figure[] {
  return [
    ['kills', String(report.cycles)],
    [
      'jobs at the provider at the kills; fewest at one',
      `${report.inFlightAtKill}; ${report.fewestAtKill}`,
    ],
    ['calls at the kills that waited for their end', String(report.waitingAtKill)],
    ['calls repeated under their keys after a kill', String(report.repeated)],
    ['errors to clients', counts(report.refused)],
    [
      'jobs that clients were told of / that providers took / billed',
      `${report.told} / ${total(report.taken)} / ${report.billed}`,
    ],
    ['taken, by provider', counts(report.taken)],
    ['lost', list(report.lost)],
    ['submitted twice', list(report.doubleSubmitted)],
    ['charged other than billed', list(report.wronglyCharged)],
    [
      'in doubt, where the provider keeps no list of what it took; taken of them',
      `${report.inDoubt}; ${report.inDoubtTaken}`,
    ],
    ['USD booked / due', `${formatUsd(report.bookedNanoUsd)} / ${formatUsd(report.dueNanoUsd)}`],
    ['messages of ends to the operator', String(report.toldEnds)],
    ['ends that it was not told of, or as two', list(report.untoldEnds)],
    ['holds left open', String(report.openHolds)],
    ['violations', list(report.violations)],
    ['seed; seconds', `${report.seed}; ${report.seconds}`],
  ];
}

/** Whether every job ended once, as its provider ended it, was charged as it was billed, and was told of. */
export function jobKillsAreClean(report: JobKillReport): boolean {
  const { lost, doubleSubmitted, wronglyCharged, untoldEnds, violations } = report;
  const faults = [lost, doubleSubmitted, wronglyCharged, untoldEnds, violations].flat();
  return (
    faults.length === 0 && report.openHolds === 0 && report.bookedNanoUsd === report.dueNanoUsd
  );
}
