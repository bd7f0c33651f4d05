import { describe, expect, it } from 'vitest';
import { gistOf, parseListening } from '../../bench/children.ts';
import { parseBenchOptions } from '../../bench/options.ts';
import {
  FIGURES_BEGIN,
  FIGURES_END,
  pairedRatio,
  renderReport,
  replaceFigures,
  targetsOf,
  type BenchFigures,
  type SubjectFigures,
} from '../../bench/report.ts';
import type { SubjectId } from '../../bench/subjects.ts';
import { SCENARIOS } from '../../bench/workload.ts';

interface Example {
  /** CPU-µs per request, by round; the same for all but the long stream. */
  readonly cpu: readonly number[];
  /** CPU-µs that each further chunk costs, by round. */
  readonly perChunk: readonly number[];
  readonly p99Us: number;
}

function subject(id: SubjectId, { cpu, perChunk, p99Us }: Example): SubjectFigures {
  const samplesOf = (values: readonly number[]) =>
    values.map((cpuUsPerRequest) => ({
      cpuUsPerRequest,
      requestsPerSecond: 12_345,
      foreignShare: 0,
    }));
  const short = samplesOf(cpu);
  const long = samplesOf(cpu.map((value, round) => value + 450 * (perChunk[round] ?? 0)));
  return {
    id,
    title: id,
    cpu: new Map(
      Object.values(SCENARIOS).map(({ id: kind }) => [kind, kind === 'long' ? long : short]),
    ),
    latency: [{ p50Us: 400, p99Us }],
    unpinnedRps: [20_000],
    memoryAfterWarmUpMb: 100,
    memoryAfterRunMb: 105,
  };
}

const FIGURES: BenchFigures = {
  machine: 'two cores',
  date: '2026-01-01',
  rounds: 3,
  scenarios: Object.values(SCENARIOS),
  subjects: [
    subject('relay', { cpu: [50, 100, 60], perChunk: [1, 2, 1], p99Us: 900 }),
    subject('gateway', { cpu: [80, 150, 102], perChunk: [1.1, 2.4, 1.25], p99Us: 1900 }),
    subject('portkey', { cpu: [800, 1500, 1000], perChunk: [10, 20, 10], p99Us: 9000 }),
  ],
  directLatency: [{ p50Us: 200, p99Us: 500 }],
  directRps: [48_000],
  skipped: [],
  proof: {
    ledgerOk: true,
    ledgerEvents: 10,
    openHolds: 0,
    requestsBooked: 5,
    requestsExpected: 5,
    tokensBooked: 2250,
    tokensExpected: 2250,
    costUsd: '0.001000000',
    exact: true,
  },
  soak: null,
};

it('pairedRatio compares rounds that ran next to each other', () => {
  expect(pairedRatio([80, 150, 102], [50, 100, 60])).toBeCloseTo(1.6);
  expect(pairedRatio([80], [])).toBeNaN();
});

describe('targetsOf', () => {
  it('judges the gateway against relay, Portkey and the direct latency of the same run', () => {
    const targets = targetsOf(FIGURES);
    expect(targets).toHaveLength(10);
    expect(targets[0]).toMatchObject({ atMost: 1.8 });
    expect(targets[0]?.value).toBeCloseTo(1.6);
    expect(targets[5]?.value).toBeCloseTo(0.1);
    expect(targets[9]).toMatchObject({ value: 1.4, atMost: 1.5 });
  });

  it('judges streams whole and by what one more chunk costs', () => {
    const targets = targetsOf(FIGURES);
    const [short, long, marginal] = targets.slice(2, 5);
    expect(short).toMatchObject({ atMost: 1.3 });
    expect(short?.text).toContain('50 chunks, whole stream: CPU ÷ bare relay');
    expect(short?.value).toBeCloseTo(1.6);
    // Rounds: 575/500, 1230/1000, 664.5/510.
    expect(long).toMatchObject({ atMost: 1.3 });
    expect(long?.text).toContain('500 chunks, whole stream: CPU ÷ bare relay');
    expect(long?.value).toBeCloseTo(1.23);
    expect(marginal).toMatchObject({ atMost: 1.3 });
    expect(marginal?.text).toContain('one more SSE chunk, marginal');
    expect(marginal?.value).toBeCloseTo(1.2);
  });

  it('never counts a marginal cost that is lost in noise as met', () => {
    const [relay, , portkey] = FIGURES.subjects;
    if (relay === undefined || portkey === undefined) throw new Error('the example has both');
    const noisy = subject('gateway', { cpu: [80, 150, 102], perChunk: [1, -0.1, 1], p99Us: 1900 });
    const figures = { ...FIGURES, subjects: [relay, noisy, portkey] };
    expect(targetsOf(figures).map((target) => target.text)).not.toContain(
      'one more SSE chunk, marginal: CPU ÷ bare relay',
    );
    expect(renderReport(figures)).toContain('Not measured: one more SSE chunk');
    expect(renderReport(FIGURES)).not.toContain('Not measured: one more SSE chunk');
  });

  it('is silent about what was not measured', () => {
    const alone = { ...FIGURES, subjects: FIGURES.subjects.slice(0, 2) };
    expect(
      targetsOf(alone)
        .map((target) => target.text)
        .join(),
    ).not.toContain('Portkey');
    expect(targetsOf({ ...FIGURES, subjects: FIGURES.subjects.slice(0, 1) })).toEqual([]);
  });
});

describe('renderReport', () => {
  it('states figures per request and per chunk, ratios and the booking', () => {
    const text = renderReport({ ...FIGURES, skipped: ['x: y'] });
    expect(text).toMatch(/\| gateway +\| +102\.0 \| ± 34 % \| +12,345 \| +1\.60 \| +0\.10 \|/);
    expect(text).toMatch(/\| gateway +\| +102\.0 \| +2\.04 \|/);
    expect(text).toMatch(/\| gateway +\| +664\.5 \| +1\.33 \|/);
    expect(text).toMatch(/one more SSE chunk: \(500 chunks − 50 chunks\) ÷ 450/);
    expect(text).toMatch(/\| gateway +\| +1\.25 \| ± 52 % \| +1\.20 \|/);
    expect(text).toContain('every one exactly once');
    expect(text).toContain('Not measured: x: y');
  });

  it('has no marginal cost where only one length of stream was measured', () => {
    const scenarios = [SCENARIOS.stream];
    const subjects = FIGURES.subjects.map((each) => ({
      ...each,
      cpu: new Map([...each.cpu].filter(([kind]) => kind === 'stream')),
    }));
    expect(renderReport({ ...FIGURES, scenarios, subjects })).not.toContain('one more SSE chunk');
  });

  it('says how much other programs disturbed the run', () => {
    const [relay, ...others] = FIGURES.subjects;
    if (relay === undefined) throw new Error('the example has a relay');
    const sample = { cpuUsPerRequest: 50, requestsPerSecond: 1, foreignShare: 0.2 };
    const disturbed = { ...relay, cpu: new Map([['small' as const, [sample]]]) };
    expect(renderReport(FIGURES)).not.toContain('Disturbed');
    expect(renderReport({ ...FIGURES, subjects: [disturbed, ...others] })).toContain(
      'in 1 of 25 samples',
    );
  });

  it('says loudly when the booking does not agree', () => {
    const { proof } = FIGURES;
    if (proof === null) throw new Error('the example has a proof');
    expect(renderReport({ ...FIGURES, proof: { ...proof, exact: false } })).toContain('NOT EXACT');
  });
});

describe('replaceFigures', () => {
  it('keeps everything outside the markers', () => {
    const page = `a\n${FIGURES_BEGIN}\nold\n${FIGURES_END}\nz`;
    const once = replaceFigures(page, 'new');
    expect(once).toBe(`a\n${FIGURES_BEGIN}\n\nnew\n\n${FIGURES_END}\nz`);
    expect(replaceFigures(once, 'new')).toBe(once);
  });

  it('refuses a page without markers', () => {
    expect(() => replaceFigures('text', 'new')).toThrow('markers');
  });
});

describe('parseBenchOptions', () => {
  it('measures everything over three rounds by default', () => {
    expect(parseBenchOptions([])).toMatchObject({
      portkey: true,
      gateway: true,
      rounds: 3,
      scale: 1,
      soakRequests: null,
    });
  });

  it('refuses what it does not know, and figures of a partial run for the page', () => {
    expect(() => parseBenchOptions(['--scenario', 'huge'])).toThrow('small, large, stream, long');
    expect(() => parseBenchOptions(['--rounds', '0'])).toThrow('--rounds');
    expect(() => parseBenchOptions(['--write-docs', '--quick'])).toThrow('--write-docs');
    expect(() => parseBenchOptions(['--turbo'])).toThrow('--turbo');
  });
});

it('parseListening takes only the line that says where a server listens', () => {
  expect(
    parseListening('{"event":"listening","url":"http://127.0.0.1:5/","pid":7,"more":1}'),
  ).toEqual({ url: 'http://127.0.0.1:5', pid: 7 });
  for (const line of ['', 'ready', 'null', '{"event":"ready"}', '{"event":"listening","url":5}']) {
    expect(parseListening(line)).toBeNull();
  }
});

it('gistOf names the error of a start that failed', () => {
  const output = `node:internal/modules/esm/resolve:283
    throw new ERR_MODULE_NOT_FOUND(
          ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find module 'a.ts'
    at finalizeResolution (node:internal/modules/esm/resolve:283:11)`;
  expect(gistOf(output)).toBe("Error [ERR_MODULE_NOT_FOUND]: Cannot find module 'a.ts'");
  expect(gistOf('one\ntwo\nthree\nfour')).toBe('two three four');
});
