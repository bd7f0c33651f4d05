/**
 * The measurements themselves, over subjects that are already running.
 *
 * @module
 */
import { hasTaskset, SUBJECT_CORE } from './children.ts';
import { runLoad, runSocketClient, type LoadContext, type LoadJob } from './load.ts';
import { readCoreBusyMicros, readCpuMicros, readResidentBytes } from './process-accounting.ts';
import type { Subject, SubjectId } from './subjects.ts';
import type { ScenarioId } from './workload.ts';

export const SATURATING_CONNECTIONS = 64;
export const LATENCY_CONNECTIONS = 8;

/** Requests per run. Portkey's are fewer since each costs several times as much; `long` carries as many chunks as `stream`. */
const COUNTS: Readonly<Record<ScenarioId, { fast: number; slow: number }>> = {
  small: { fast: 20_000, slow: 4000 },
  large: { fast: 6000, slow: 1200 },
  stream: { fast: 5000, slow: 1000 },
  long: { fast: 500, slow: 100 },
};

/** How many requests one run of the scenario sends to the subject. */
export function requestCount(subject: SubjectId, scenario: ScenarioId, scale: number): number {
  const count = COUNTS[scenario];
  return Math.max(100, Math.round((subject === 'portkey' ? count.slow : count.fast) * scale));
}

export interface CpuSample {
  readonly cpuUsPerRequest: number;
  readonly requestsPerSecond: number;
  /** Share of the subject's core that others used meanwhile; 0 where subjects are not pinned. */
  readonly foreignShare: number;
}

/** Above this share of foreign use of the core a sample is taken again. */
export const FOREIGN_SHARE_LIMIT = 0.05;
const ATTEMPTS = 3;

/** Counts every successful request of a subject, so that the ledger can be compared. */
export class Tally {
  readonly #counts = new Map<SubjectId, number>();

  add(subject: SubjectId, count: number): void {
    this.#counts.set(subject, this.of(subject) + count);
  }

  of(subject: SubjectId): number {
    return this.#counts.get(subject) ?? 0;
  }
}

export interface MeasureContext extends LoadContext {
  readonly tally: Tally;
}

export interface MeasureOptions {
  readonly subject: Subject;
  readonly job: Omit<LoadJob, 'target'>;
}

/** CPU of the subject over one run at saturation, background work up to the last settlement included. */
export async function measureCpu(
  options: MeasureOptions,
  context: MeasureContext,
): Promise<CpuSample> {
  const { subject, job } = options;
  const before = account(subject);
  const result = await runLoad({ ...job, target: subject.target }, context);
  const after = account(subject);
  context.tally.add(subject.id, result.completed);
  const usedUs = after.subjectUs - before.subjectUs;
  const foreignUs = after.coreUs - before.coreUs - usedUs;
  return {
    cpuUsPerRequest: usedUs / result.completed,
    requestsPerSecond: result.requestsPerSecond,
    foreignShare: hasTaskset ? Math.max(0, foreignUs / ((after.atMs - before.atMs) * 1000)) : 0,
  };
}

function account(subject: Subject): { atMs: number; subjectUs: number; coreUs: number } {
  return {
    atMs: performance.now(),
    subjectUs: readCpuMicros(subject.pid),
    coreUs: readCoreBusyMicros(Number(SUBJECT_CORE)),
  };
}

/**
 * One sample of a round. A lead-in of half the length goes before it, since a subject is dearer right
 * after another one has used its core; a sample that others disturbed is taken again, at most twice,
 * and the least disturbed one counts.
 */
export async function measureSteadyCpu(
  options: MeasureOptions,
  context: MeasureContext,
): Promise<CpuSample> {
  const { subject, job } = options;
  await measureCpu({ subject, job: { ...job, requests: Math.ceil(job.requests / 2) } }, context);
  let best = await measureCpu(options, context);
  for (
    let attempt = 1;
    attempt < ATTEMPTS && best.foreignShare > FOREIGN_SHARE_LIMIT;
    attempt += 1
  ) {
    const next = await measureCpu(options, context);
    if (next.foreignShare < best.foreignShare) best = next;
  }
  return best;
}

export interface LatencySample {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Latency in a closed loop of eight connections. */
export async function measureLatency(
  options: MeasureOptions,
  context: MeasureContext,
): Promise<LatencySample> {
  const { subject, job } = options;
  const result = await runSocketClient({ ...job, target: subject.target }, context);
  context.tally.add(subject.id, result.completed);
  return { p50Us: result.p50Us, p99Us: result.p99Us };
}

export function residentMegabytes(subject: Subject): number {
  return readResidentBytes(subject.pid) / 1024 / 1024;
}
