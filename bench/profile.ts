/**
 * Where CPU time goes: the functions with the most self time in V8's `.cpuprofile` files, main thread
 * and workers apart. Also by hand: `node bench/profile.ts <file>...`.
 *
 * Format: Chrome DevTools Protocol, Profiler.Profile
 * (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile).
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** Microseconds of the monotonic clock, as `process.hrtime` counts it. */
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before; the first counts from `startTime`. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileRow {
  readonly name: string;
  readonly selfUs: number;
  /** Of the busy time. */
  readonly share: number;
}

export interface ProfileSummary {
  readonly busyUs: number;
  readonly idleUs: number;
  readonly functions: readonly ProfileRow[];
  /** The same by part of the program: a package, a folder of `src`, Node's own code, the collector. */
  readonly areas: readonly ProfileRow[];
}

/** Sums self time per function of the samples taken at or after `sinceUs`. */
export function summariseProfile(profile: CpuProfile, sinceUs = 0): ProfileSummary {
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const byFunction = new Map<string, number>();
  const byArea = new Map<string, number>();
  let busyUs = 0;
  let idleUs = 0;
  let timeUs = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    timeUs += profile.timeDeltas[index] ?? 0;
    const frame = frames.get(id);
    if (frame === undefined || timeUs < sinceUs) continue;
    // A sample stands for the time until the next one.
    const lastedUs = profile.timeDeltas[index + 1] ?? Math.max(0, profile.endTime - timeUs);
    if (frame.functionName === '(idle)') {
      idleUs += lastedUs;
      continue;
    }
    busyUs += lastedUs;
    add(byFunction, nameOf(frame), lastedUs);
    add(byArea, areaOf(frame), lastedUs);
  }
  return { busyUs, idleUs, functions: rowsOf(byFunction, busyUs), areas: rowsOf(byArea, busyUs) };
}

function add(sums: Map<string, number>, name: string, amount: number): void {
  sums.set(name, (sums.get(name) ?? 0) + amount);
}

function rowsOf(sums: ReadonlyMap<string, number>, totalUs: number): ProfileRow[] {
  return [...sums]
    .map(([name, selfUs]) => ({ name, selfUs, share: totalUs === 0 ? 0 : selfUs / totalUs }))
    .sort((left, right) => right.selfUs - left.selfUs);
}

const GENERATED = '(generated code)';

function nameOf(frame: CallFrame): string {
  // Without a name and a file it was made by `new Function`, as validators do.
  if (frame.functionName === '' && frame.url === '') return GENERATED;
  const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
  return frame.url === '' ? name : `${name} ${shortPath(frame.url)}:${frame.lineNumber + 1}`;
}

function shortPath(url: string): string {
  return (
    /\/node_modules\/(?!.*\/node_modules\/)(.+)$/.exec(url)?.[1] ??
    /\/((?:src|bench|dist)\/.+)$/.exec(url)?.[1] ??
    url
  );
}

function areaOf(frame: CallFrame): string {
  if (frame.url === '') {
    if (frame.functionName === '') return GENERATED;
    return frame.functionName.startsWith('(') ? frame.functionName : `native ${frame.functionName}`;
  }
  if (frame.url.startsWith('node:'))
    return `node:${frame.url.slice(5).split('/').slice(0, 2).join('/')}`;
  const parts = shortPath(frame.url).split('/');
  const scoped = parts[0]?.startsWith('@') === true;
  return parts.slice(0, scoped || parts[0] === 'src' ? 2 : 1).join('/');
}

/** Text for a terminal: areas first, then functions; times are divided by `requests`. */
export function renderProfile(title: string, summary: ProfileSummary, requests = 1): string {
  const perRequest = (us: number): string => (us / requests).toFixed(requests === 1 ? 0 : 2);
  const line = (row: ProfileRow): string =>
    `  ${(row.share * 100).toFixed(1).padStart(5)} %  ${perRequest(row.selfUs).padStart(8)} µs  ${row.name}`;
  const unit = requests === 1 ? '' : ' per request';
  return [
    `${title}: ${perRequest(summary.busyUs)} µs busy${unit}, ${perRequest(summary.idleUs)} µs idle`,
    ' by part',
    ...summary.areas.slice(0, 15).map(line),
    ' by function (self time)',
    ...summary.functions.slice(0, 30).map(line),
  ].join('\n');
}

/** A profile with the number of requests that it covers. */
export interface CountedProfile {
  readonly summary: ProfileSummary;
  readonly requests: number;
}

/** Parts side by side in µs per request, the largest difference first: what a gateway adds to a relay. */
export function renderDifference(base: CountedProfile, subject: CountedProfile): string {
  const perRequest = ({ summary, requests }: CountedProfile): Map<string, number> =>
    new Map(summary.areas.map((row) => [row.name, row.selfUs / requests]));
  const before = perRequest(base);
  const after = perRequest(subject);
  const rows = [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, from: before.get(name) ?? 0, to: after.get(name) ?? 0 }))
    .sort((left, right) => right.to - right.from - (left.to - left.from));
  const line = (from: string, to: string, rest: string): string =>
    `  ${from.padStart(8)}  ${to.padStart(8)}  ${rest}`;
  return [
    line('relay', 'gateway', '     more  µs per request by part'),
    ...rows
      .filter((row) => Math.max(row.from, row.to) >= 0.05)
      .slice(0, 25)
      .map((row) =>
        line(
          row.from.toFixed(2),
          row.to.toFixed(2),
          `${(row.to - row.from).toFixed(2).padStart(8)}   ${row.name}`,
        ),
      ),
  ].join('\n');
}

/** Summaries of every profile in a folder, the busiest thread first. */
export function summariseFolder(
  folder: string,
  sinceUs = 0,
): { title: string; summary: ProfileSummary }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => ({
      title: threadTitle(name),
      summary: summariseProfile(readProfile(join(folder, name)), sinceUs),
    }))
    .sort((left, right) => right.summary.busyUs - left.summary.busyUs);
}

/** Node names the files `CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile`; thread 0 is the main one. */
export function threadTitle(fileName: string): string {
  const thread = basename(fileName).split('.')[4];
  return thread === '0' ? 'main thread' : `worker thread ${thread}`;
}

function readProfile(file: string): CpuProfile {
  return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    console.log(renderProfile(threadTitle(file), summariseProfile(readProfile(file))));
  }
}
