/**
 * What the gateway says of its jobs against what the providers took and billed.
 *
 * @module
 */
import type { BoardEntry } from '../../src/simulators/index.ts';
import { LISTING_FAMILIES, markIn, type JobKind } from './job-kinds.ts';

/** A job as the gateway shows it. */
export interface ShownJob {
  readonly id: string;
  readonly status: string;
  readonly provider: string;
  readonly cost: string | null;
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface JobBooks {
  /** Jobs whose end differs from the provider's, or that are gone, or that never end. */
  readonly lost: readonly string[];
  /** Jobs that a provider took twice, and calls that were taken for two. */
  readonly doubleSubmitted: readonly string[];
  /** Jobs that cost other than what the provider billed. */
  readonly wronglyCharged: readonly string[];
  /** Submissions to a provider without a list whose replies were lost, and how many of them it took. */
  readonly inDoubt: number;
  readonly inDoubtTaken: number;
  readonly billed: number;
  /** What is to be booked: what was billed, and what is in doubt by the policy of such holds (charge what is held). */
  readonly dueNanoUsd: bigint;
}

/** Nano-USD of a shown amount. */
export function nanoOf(text: string): bigint {
  return BigInt(text.replace('.', ''));
}

/** The mark that a job's client gave it. */
export function markOf({ tags }: ShownJob): string {
  return tags?.['mark'] ?? '';
}

/** Whether a job has ended as its submissions have: whatever was made, is there. */
function isRightEnd(status: string, entries: readonly BoardEntry[]): boolean {
  if (entries.some(({ state }) => state === 'succeeded')) return status === 'succeeded';
  if (entries.length === 0) return status === 'failed';
  return entries.some((entry) => isSameEnd(status, entry));
}

/** fal tells of a cancelled request as of one that failed. */
function isSameEnd(status: string, { family, state }: BoardEntry): boolean {
  return status === state || (family === 'fal' && state === 'cancelled' && status === 'failed');
}

function groupByMark<One>(
  all: readonly One[],
  mark: (one: One) => string,
): ReadonlyMap<string, readonly One[]> {
  return Map.groupBy(all, mark);
}

/**
 * Compares both sides, job by job.
 *
 * @param asked what was asked for, by mark
 * @param told marks of jobs that clients know of
 */
export function compareBooks(
  asked: ReadonlyMap<string, JobKind>,
  told: ReadonlySet<string>,
  sides: { readonly jobs: readonly ShownJob[]; readonly entries: readonly BoardEntry[] },
): JobBooks {
  const jobs = groupByMark(sides.jobs, markOf);
  const taken = groupByMark(sides.entries, ({ prompt }) => markIn(prompt));
  const lost: string[] = [...told]
    .filter((mark) => !jobs.has(mark))
    .map((mark) => `${mark} is gone`);
  const doubleSubmitted: string[] = [];
  const wronglyCharged: string[] = [];
  let [inDoubt, inDoubtTaken, dueNanoUsd] = [0, 0, 0n];
  for (const [mark, entries] of taken) {
    const most = asked.get(mark)?.parts ?? 1;
    if (entries.length > most) doubleSubmitted.push(`${mark}: taken ${entries.length} times`);
    if (!jobs.has(mark)) lost.push(`${mark} was taken, and the gateway knows nothing of it`);
  }
  for (const [mark, [job, ...others]] of jobs) {
    const kind = asked.get(mark);
    if (job === undefined || kind === undefined) {
      lost.push(`nobody asked for ${mark}`);
      continue;
    }
    if (others.length > 0) doubleSubmitted.push(`${mark}: ${others.length + 1} jobs`);
    const entries = taken.get(mark) ?? [];
    if (job.status === 'unknown' && !LISTING_FAMILIES.has(kind.family)) {
      inDoubt += 1;
      inDoubtTaken += entries.length;
      dueNanoUsd += kind.nanoUsd;
      continue;
    }
    if (!isRightEnd(job.status, entries)) {
      const there = entries.map(({ state }) => state).join(' and ');
      lost.push(`${job.id} is ${job.status}, but ${there === '' ? 'not there' : there}`);
    }
    const billed = entries.filter(({ isBilled }) => isBilled).length;
    const expected = kind.nanoUsd * BigInt(billed);
    dueNanoUsd += expected;
    if (job.cost === null || nanoOf(job.cost) !== expected) {
      wronglyCharged.push(`${job.id} (${kind.family}, ${job.status}): ${job.cost ?? 'unknown'}`);
    }
  }
  const billed = sides.entries.filter(({ isBilled }) => isBilled).length;
  return { lost, doubleSubmitted, wronglyCharged, inDoubt, inDoubtTaken, billed, dueNanoUsd };
}
