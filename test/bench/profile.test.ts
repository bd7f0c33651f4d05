import { describe, expect, it } from 'vitest';
import {
  renderDifference,
  summariseProfile,
  threadTitle,
  type CpuProfile,
} from '../../bench/profile.ts';

const frame = (functionName: string, url = '', lineNumber = -1) => ({
  functionName,
  url,
  lineNumber,
});

const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)') },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('hold', 'file:///app/src/metering/core/hold.ts', 9) },
    { id: 4, callFrame: frame('parse', 'file:///app/node_modules/@scope/kit/lib/a.js', 0) },
    { id: 5, callFrame: frame('', 'node:internal/streams/readable', 4) },
    // The same function reached on another path is another node.
    { id: 6, callFrame: frame('hold', 'file:///app/src/metering/core/hold.ts', 9) },
    { id: 7, callFrame: frame('writev') },
    { id: 8, callFrame: frame('') },
  ],
  startTime: 1000,
  endTime: 2000,
  samples: [3, 2, 4, 6, 5, 8, 7],
  timeDeltas: [100, 200, 100, 100, 150, 30, 20],
};

describe('summariseProfile', () => {
  it('gives each sample the time until the next and joins nodes of one function', () => {
    const summary = summariseProfile(PROFILE);
    expect(summary.idleUs).toBe(100);
    expect(summary.busyUs).toBe(800);
    expect(summary.functions.map((row) => [row.name, row.selfUs])).toEqual([
      ['hold src/metering/core/hold.ts:10', 350],
      ['writev', 300],
      ['parse @scope/kit/lib/a.js:1', 100],
      ['(anonymous) node:internal/streams/readable:5', 30],
      ['(generated code)', 20],
    ]);
    expect(summary.areas.map((row) => row.name)).toEqual([
      'src/metering',
      'native writev',
      '@scope/kit',
      'node:internal/streams',
      '(generated code)',
    ]);
  });

  it('leaves out what was sampled before the given moment', () => {
    const summary = summariseProfile(PROFILE, 1500);
    expect(summary.functions[0]).toMatchObject({ name: 'writev', selfUs: 300 });
    expect(summary.busyUs).toBe(500);
    expect(summary.idleUs).toBe(0);
  });
});

it('threadTitle tells main thread and workers apart', () => {
  expect(threadTitle('CPU.20261124.120000.77.0.001.cpuprofile')).toBe('main thread');
  expect(threadTitle('/x/CPU.20261124.120000.77.3.002.cpuprofile')).toBe('worker thread 3');
});

it('renderDifference puts first what the subject adds most', () => {
  const summary = (areas: Record<string, number>) => ({
    busyUs: 0,
    idleUs: 0,
    functions: [],
    areas: Object.entries(areas).map(([name, selfUs]) => ({ name, selfUs, share: 0 })),
  });
  const text = renderDifference(
    { summary: summary({ undici: 200, shared: 100 }), requests: 10 },
    { summary: summary({ undici: 300, shared: 50, 'src/metering': 400 }), requests: 10 },
  );
  const lines = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  expect(lines).toEqual([
    ['0.00', '40.00', '40.00', 'src/metering'],
    ['20.00', '30.00', '10.00', 'undici'],
    ['10.00', '5.00', '-5.00', 'shared'],
  ]);
});
