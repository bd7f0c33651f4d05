/**
 * The report of a kill loop as a person reads it.
 *
 * @module
 */
import { formatUsd } from '../../src/contracts/money.ts';
import type { KillLoopReport } from './kill-loop.ts';

/** One figure with its name. */
export type Figure = readonly [name: string, value: string];

function list(items: readonly string[]): string {
  const more = items.length > 3 ? ', …' : '';
  return items.length === 0 ? '0' : `${items.length} (${items.slice(0, 3).join('; ')}${more})`;
}

/** Every count of the report. */
export function killFigures(report: KillLoopReport): readonly Figure[] {
  return [
    ['kills', `${report.cycles}, ${report.killsInStart} of them before the gateway listened`],
    ['calls in progress at the kills', String(report.inFlightAtKill)],
    ['calls of clients', `${report.clientCalls}, ${report.refusals} of them refused for a limit`],
    ['calls that reached the provider', String(report.providerCalls)],
    [
      '… settled / voided / unknown, then reconciled',
      `${report.settled} / ${report.voided} / ${report.reconciled}`,
    ],
    ['… unexplained', list(report.unexplained)],
    ['… before their hold', list(report.beforeHold)],
    ['whole answers that clients got', String(report.wholeAnswers)],
    ['… booked once, to the token and the nano-dollar', String(report.exact)],
    ['… lost', list(report.lost)],
    [
      'calls repeated under their key; replayed; replayed otherwise',
      `${report.repeated}; ${report.replayed}; ${list(report.differing)}`,
    ],
    [
      'quotes that held; of them freed without a call; wrongly ended',
      `${report.legs}; ${report.legsFreed}; ${list(report.wrongLegs)}`,
    ],
    ...Object.entries(report.counts).map(([name, count]): Figure => [name, String(count)]),
    ['… booked twice', list(report.doubled)],
    ['tokens of these: booked / billed', `${report.bookedTokens} / ${report.billedTokens}`],
    [
      'USD of these: booked / recomputed',
      `${formatUsd(report.bookedNanoUsd)} / ${formatUsd(report.recomputedNanoUsd)}`,
    ],
    ['holds; left open', `${report.holds}; ${list(report.open)}`],
    ['refusals that left a trace', list(report.leakedRefusals)],
    ['ledger verifications; samples of limits', `${report.verifications}; ${report.limitSamples}`],
    ['violations', list(report.violations)],
    [
      'calls cut off by a kill: billed by the provider / charged by estimate',
      `${formatUsd(report.cutBilledNanoUsd)} / ${formatUsd(report.cutChargedNanoUsd)} USD`,
    ],
    ['seed; seconds', `${report.seed}; ${report.seconds}`],
  ];
}

const FAULTS = {
  lost: 'lost',
  doubled: 'booked twice',
  unexplained: 'unexplained',
  beforeHold: 'before their hold',
  open: 'left open',
  leakedRefusals: 'refused and yet served',
  differing: 'replayed otherwise',
  wrongLegs: 'quotes that ended wrongly',
  violations: 'violations',
} as const;

/** What is wrong, by kind; empty where nothing is. */
export function killFaults(report: KillLoopReport): readonly Figure[] {
  return (Object.keys(FAULTS) as (keyof typeof FAULTS)[])
    .filter((name) => report[name].length > 0)
    .map((name) => [FAULTS[name], list(report[name])]);
}

/** Whether nothing was lost, doubled, unexplained or out of bounds. */
export function killsAreClean(report: KillLoopReport): boolean {
  return (
    killFaults(report).length === 0 &&
    report.bookedTokens === report.billedTokens &&
    report.bookedNanoUsd === report.recomputedNanoUsd &&
    report.settled + report.voided + report.reconciled === report.providerCalls
  );
}

/** The figures as lines. */
export function describeKills(report: KillLoopReport): string {
  return killFigures(report)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}
