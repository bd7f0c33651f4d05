/**
 * Figures as text: tables for the terminal, which are also the Markdown of docs/benchmarks.md.
 *
 * @module
 */
import { EXTRA_CHUNKS, isMeasurable, marginalChunkCosts } from './marginal-chunk.ts';
import { median, relativeSpread } from './statistics.ts';
import type { BookingProof } from './gateway-control.ts';
import { FOREIGN_SHARE_LIMIT, type CpuSample, type LatencySample } from './measure.ts';
import type { SubjectId } from './subjects.ts';
import { SCENARIOS, type Scenario } from './workload.ts';

export interface SubjectFigures {
  readonly id: SubjectId;
  readonly title: string;
  /** One sample per round and scenario. */
  readonly cpu: ReadonlyMap<Scenario['id'], readonly CpuSample[]>;
  readonly latency: readonly LatencySample[];
  /** Requests per second of the 1 kB request with both cores. */
  readonly unpinnedRps: readonly number[];
  readonly memoryAfterWarmUpMb: number;
  readonly memoryAfterRunMb: number;
}

export interface BenchFigures {
  readonly machine: string;
  readonly date: string;
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  readonly subjects: readonly SubjectFigures[];
  readonly directLatency: readonly LatencySample[];
  readonly directRps: readonly number[];
  readonly skipped: readonly string[];
  readonly proof: BookingProof | null;
  readonly soak: { requests: number; earlyMb: number; lateMb: number } | null;
}

/** Median of the ratios of paired rounds: drift of the machine between rounds drops out. */
export function pairedRatio(
  numerators: readonly number[],
  denominators: readonly number[],
): number {
  return median(
    numerators.flatMap((value, round) => {
      const base = denominators[round];
      return base === undefined ? [] : [value / base];
    }),
  );
}

type Cell = string;

function table(header: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const widths = header.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly Cell[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

const number = (value: number, digits = 0): string =>
  value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');

const cpuOf = (subject: SubjectFigures, scenario: Scenario): number[] =>
  (subject.cpu.get(scenario.id) ?? []).map((sample) => sample.cpuUsPerRequest);

function scenarioTable(figures: BenchFigures, scenario: Scenario): string {
  const of = (id: SubjectId): number[] => {
    const subject = figures.subjects.find((each) => each.id === id);
    return subject === undefined ? [] : cpuOf(subject, scenario);
  };
  const relay = of('relay');
  const portkey = of('portkey');
  const unit = scenario.stream ? 'stream' : 'request';
  const rows = figures.subjects.map((subject) => {
    const samples = subject.cpu.get(scenario.id) ?? [];
    const cpu = cpuOf(subject, scenario);
    const rates = samples.map((sample) => sample.requestsPerSecond);
    return [
      subject.title,
      number(median(cpu), 1),
      ...(scenario.stream ? [number(median(cpu) / scenario.chunks, 2)] : []),
      `± ${number(relativeSpread(cpu) * 100)} %`,
      number(median(rates)),
      ratioText(pairedRatio(cpu, relay)),
      ratioText(pairedRatio(cpu, portkey)),
    ];
  });
  const header = [
    scenario.title,
    `CPU-µs per ${unit}`,
    ...(scenario.stream ? ['÷ chunks (call included)'] : []),
    'rounds',
    `${unit}s/s, one core`,
    '÷ relay',
    '÷ Portkey',
  ];
  return table(header, rows);
}

/** Paired by round; NaN when either was not measured or is lost in noise. */
function marginalRatio(subject: SubjectFigures, base: SubjectFigures | undefined): number {
  const costs = marginalChunkCosts(subject.cpu);
  const baseCosts = base === undefined ? [] : marginalChunkCosts(base.cpu);
  return isMeasurable(costs) && isMeasurable(baseCosts)
    ? pairedRatio(costs, baseCosts)
    : Number.NaN;
}

const relayOf = (figures: BenchFigures): SubjectFigures | undefined =>
  figures.subjects.find((each) => each.id === 'relay');

const hasBothStreams = (figures: BenchFigures): boolean =>
  [SCENARIOS.stream, SCENARIOS.long].every(({ id }) =>
    figures.scenarios.some((scenario) => scenario.id === id),
  );

/** Null when only one length of stream was measured. */
function marginalTable(figures: BenchFigures): string | null {
  if (!hasBothStreams(figures)) return null;
  const { stream, long } = SCENARIOS;
  const rows = figures.subjects.map((subject) => {
    const costs = marginalChunkCosts(subject.cpu);
    return [
      subject.title,
      number(median(costs), 2),
      isMeasurable(costs) ? `± ${number(relativeSpread(costs) * 100)} %` : 'lost in noise',
      ratioText(marginalRatio(subject, relayOf(figures))),
    ];
  });
  return table(
    [
      `one more SSE chunk: (${long.chunks} chunks − ${stream.chunks} chunks) ÷ ${EXTRA_CHUNKS}`,
      'marginal CPU-µs per chunk',
      'rounds',
      '÷ relay',
    ],
    rows,
  );
}

function ratioText(ratio: number): string {
  return Number.isNaN(ratio) ? '–' : ratio.toFixed(2);
}

function latencyTable(figures: BenchFigures): string {
  const p50 = (samples: readonly LatencySample[]): number =>
    median(samples.map((each) => each.p50Us)) / 1000;
  const p99 = (samples: readonly LatencySample[]): number =>
    median(samples.map((each) => each.p99Us)) / 1000;
  const direct = { p50: p50(figures.directLatency), p99: p99(figures.directLatency) };
  const rows = [
    [
      'direct to the mock provider',
      direct.p50.toFixed(2),
      direct.p99.toFixed(2),
      '–',
      '–',
      '–',
      '–',
    ],
    ...figures.subjects.map((subject) => [
      subject.title,
      p50(subject.latency).toFixed(2),
      p99(subject.latency).toFixed(2),
      (p50(subject.latency) - direct.p50).toFixed(2),
      (p99(subject.latency) - direct.p99).toFixed(2),
      number(median(subject.unpinnedRps)),
      `${number(subject.memoryAfterWarmUpMb)} → ${number(subject.memoryAfterRunMb)}`,
    ]),
  ];
  return table(
    [
      '1 kB request',
      'p50 ms',
      'p99 ms',
      'added p50',
      'added p99',
      'requests/s, two cores',
      'memory MB, warm → end',
    ],
    rows,
  );
}

interface Target {
  readonly text: string;
  readonly value: number;
  readonly atMost: number;
}

/** The project's own targets against this run; empty where the gateway was not measured. */
export function targetsOf(figures: BenchFigures): Target[] {
  const gateway = figures.subjects.find((each) => each.id === 'gateway');
  if (gateway === undefined) return [];
  const ratio = (id: SubjectId, scenario: Scenario): number => {
    const other = figures.subjects.find((each) => each.id === id);
    return other === undefined
      ? Number.NaN
      : pairedRatio(cpuOf(gateway, scenario), cpuOf(other, scenario));
  };
  const addedP99Ms =
    (median(gateway.latency.map((each) => each.p99Us)) -
      median(figures.directLatency.map((each) => each.p99Us))) /
    1000;
  const limits: Readonly<Record<Scenario['id'], number>> = {
    small: 1.8,
    large: 1.5,
    stream: 1.3,
    long: 1.3,
  };
  const titleOf = (scenario: Scenario): string =>
    scenario.stream ? `${scenario.title}, whole stream` : scenario.title;
  return [
    ...figures.scenarios.map((scenario) => ({
      text: `${titleOf(scenario)}: CPU ÷ bare relay`,
      value: ratio('relay', scenario),
      atMost: limits[scenario.id],
    })),
    {
      text: 'one more SSE chunk, marginal: CPU ÷ bare relay',
      value: marginalRatio(gateway, relayOf(figures)),
      atMost: 1.3,
    },
    ...figures.scenarios.map((scenario) => ({
      text: `${titleOf(scenario)}: CPU ÷ Portkey`,
      value: ratio('portkey', scenario),
      atMost: 0.2,
    })),
    { text: `added p99 over direct, concurrency 8, ms`, value: addedP99Ms, atMost: 1.5 },
    ...(figures.soak === null
      ? []
      : [
          {
            text: `memory after ${number(figures.soak.requests)} requests ÷ after a tenth`,
            value: figures.soak.lateMb / figures.soak.earlyMb,
            atMost: 1.1,
          },
        ]),
  ].filter((target) => !Number.isNaN(target.value));
}

function proofText(proof: BookingProof): string {
  const tokens =
    proof.tokensBooked === null
      ? ''
      : `; ${number(proof.tokensBooked)} tokens booked of ${number(proof.tokensExpected)}`;
  const cost = proof.costUsd === null ? '' : `; USD ${proof.costUsd}`;
  return `Booking: ledger ${proof.ledgerOk ? 'ok' : 'NOT ok'} (${String(proof.ledgerEvents)} events, ${String(proof.openHolds)} open holds); ${number(proof.requestsBooked)} requests booked of ${number(proof.requestsExpected)} successful${tokens}${cost}: ${proof.exact ? 'every one exactly once' : 'NOT EXACT'}.`;
}

/** Says how much of the run was disturbed by other programs; null when nothing was. */
function disturbedSamples(figures: BenchFigures): string | null {
  const samples = figures.subjects.flatMap((subject) => [...subject.cpu.values()].flat());
  const disturbed = samples.filter((sample) => sample.foreignShare > FOREIGN_SHARE_LIMIT);
  if (disturbed.length === 0) return null;
  const most = Math.max(...disturbed.map((sample) => sample.foreignShare));
  return `Disturbed: in ${disturbed.length} of ${samples.length} samples other programs used more than ${FOREIGN_SHARE_LIMIT * 100} % of the subject's core (at most ${number(most * 100)} %).`;
}

/** Says that the target of the marginal chunk could not be judged; null when it could, or was not asked for. */
function unjudgedMarginal(figures: BenchFigures): string | null {
  const gateway = figures.subjects.find((each) => each.id === 'gateway');
  if (!hasBothStreams(figures) || gateway === undefined) return null;
  return Number.isNaN(marginalRatio(gateway, relayOf(figures)))
    ? 'Not measured: one more SSE chunk ÷ bare relay: the relay is missing, or a difference between the two streams was lost in noise.'
    : null;
}

/** The whole report. */
export function renderReport(figures: BenchFigures): string {
  const targets = targetsOf(figures);
  const marginal = marginalTable(figures);
  const sections = [
    `${figures.date}, ${figures.machine}; median of ${figures.rounds} round${figures.rounds === 1 ? '' : 's'}.`,
    ...figures.scenarios.map((scenario) => scenarioTable(figures, scenario)),
    ...(marginal === null ? [] : [marginal]),
    latencyTable(figures),
    `Generator and mock provider alone, on their one core: ${number(median(figures.directRps))} requests/s.`,
  ];
  if (targets.length > 0) {
    sections.push(
      table(
        ['target', 'at most', 'measured', 'met'],
        targets.map((target) => [
          target.text,
          String(target.atMost),
          target.value.toFixed(2),
          target.value <= target.atMost ? 'yes' : 'no',
        ]),
      ),
    );
  }
  if (figures.proof !== null) sections.push(proofText(figures.proof));
  const disturbed = disturbedSamples(figures);
  if (disturbed !== null) sections.push(disturbed);
  const unjudged = unjudgedMarginal(figures);
  if (unjudged !== null) sections.push(unjudged);
  for (const reason of figures.skipped) sections.push(`Not measured: ${reason}`);
  return sections.join('\n\n');
}

export const FIGURES_BEGIN = '<!-- figures:begin -->';
export const FIGURES_END = '<!-- figures:end -->';

/** @throws Error when the page lacks the two markers */
export function replaceFigures(page: string, figures: string): string {
  const begin = page.indexOf(FIGURES_BEGIN);
  const end = page.indexOf(FIGURES_END);
  if (begin < 0 || end < begin) throw new Error('docs/benchmarks.md has lost its figure markers');
  return `${page.slice(0, begin + FIGURES_BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`;
}
