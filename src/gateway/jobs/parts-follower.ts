/**
 * Follows every part of a job, each as a job of its own would be, and ends the job with what came of all of them: what failed is
 * missing and not charged, and only where every part fails has the job failed.
 *
 * @module
 */
import type { JobReading } from '../../contracts/job-provider.ts';
import { addUsage } from '../../contracts/usage.ts';
import type { JobChange, JobPart, JobRecord } from '../../metering/job-port.ts';
import { findLost } from './find-lost.ts';
import { changeJob, emptyOutcome, endJob, type JobContext } from './job-context.ts';
import { JobFollower, type FollowerSlots } from './job-follower.ts';
import type { JobOutcome } from './job-settlement.ts';
import { freezeTerms, thawTerms } from './job-terms.ts';

/** How a part ended, beside what its submission said would be billed. */
interface PartEnd {
  readonly part: JobPart;
  readonly outcome: JobOutcome;
}

/** What is billed of all parts together. */
function factsOf(billed: readonly PartEnd[]): JobOutcome['facts'] {
  const facts = billed.map(({ part, outcome }) => outcome.facts ?? part.facts);
  const [first] = facts;
  if (first === undefined) return null;
  return { ...first, usage: facts.map(({ usage }) => usage).reduce(addUsage) };
}

/** Names what is missing, and what nobody can tell of. Neither is charged. */
function warningsOf(job: JobRecord, ends: readonly PartEnd[], delivered: number): string[] {
  const wanted = thawTerms(job.terms).spec.image?.n ?? delivered;
  const inDoubt = ends.filter(({ outcome }) => outcome.billable === 'unknown').length;
  return [
    ...job.warnings,
    ...(delivered < wanted ? [`images_delivered=${delivered}_of_${wanted}`] : []),
    ...(inDoubt > 0 ? [`submissions_in_doubt=${inDoubt}`] : []),
  ];
}

/** The end of a job by those of its parts. */
export function joinedOutcome(job: JobRecord, ends: readonly PartEnd[]): JobOutcome {
  const outcomes = ends.map(({ outcome }) => outcome);
  const billed = ends.filter(({ outcome }) => outcome.billable === 'yes');
  const outputs = outcomes.flatMap((outcome) => outcome.outputs);
  const made = outcomes.find(({ state }) => state === 'succeeded');
  if (made !== undefined) {
    const warnings = warningsOf(job, ends, outputs.length);
    return { ...made, facts: factsOf(billed), outputs, warnings };
  }
  const told =
    outcomes.find(({ billable }) => billable === 'yes') ??
    outcomes.find(({ billable }) => billable === 'unknown') ??
    outcomes[0];
  if (told === undefined) throw new Error('a job in parts has at least one');
  return { ...told, facts: factsOf(billed), outputs };
}

const REFUSED = {
  state: 'failed',
  billable: 'no',
  error: { code: 'provider_error', message: 'The provider did not take this part of the work.' },
} as const;

export class PartsFollower {
  readonly #context: JobContext;
  readonly #slots: FollowerSlots;
  readonly #followers: JobFollower[] = [];
  readonly #progress: number[];
  #job: JobRecord;

  constructor(context: JobContext, slots: FollowerSlots, job: JobRecord) {
    this.#context = context;
    this.#slots = slots;
    this.#job = job;
    this.#progress = job.parts.map(() => 0);
  }

  /** Messages name the job, not the part: polls tell of it. */
  tell(): void {
    // Nothing is to be done.
  }

  /** The job is to be cancelled; it has been noted in the store. */
  cancel({ cancelAskedAtMs, version }: JobRecord): void {
    this.#job = { ...this.#job, cancelAskedAtMs, version };
    for (const follower of this.#followers) follower.cancel(this.#job);
  }

  /** Runs until the job has ended, or the process does. `firsts`: what the submissions said, where they said something. */
  async run(firsts: readonly (JobReading | null)[]): Promise<void> {
    const { parts } = this.#job;
    const ends = await Promise.all(
      parts.map(async (part, at): Promise<PartEnd | null> => {
        const outcome = await this.#endOf(part, at, firsts[at] ?? null);
        return outcome === null ? null : { part, outcome };
      }),
    );
    const known = ends.filter((end) => end !== null);
    // The next process goes on with all of them.
    if (known.length < parts.length) return;
    await endJob(this.#context, this.#job, joinedOutcome(this.#job, known));
  }

  /** @returns null where the process ends before */
  async #endOf(part: JobPart, at: number, first: JobReading | null): Promise<JobOutcome | null> {
    if (part.isRefused) return emptyOutcome(this.#job, REFUSED);
    const ends: JobOutcome[] = [];
    const context: JobContext = {
      ...this.#context,
      part: {
        change: (change) => this.#change(at, change),
        end: (outcome) => void ends.push(outcome),
      },
    };
    const isLost = part.ticket === null && first === null;
    const record = this.#partOf(at);
    const found = isLost ? await findLost(context, record, this.#slots.polls) : record;
    if (found !== null) {
      const follower = new JobFollower(context, this.#slots, found);
      this.#followers.push(follower);
      await follower.run(first);
    }
    return ends[0] ?? null;
  }

  /** A part as a job of its own. */
  #partOf(at: number): JobRecord {
    const part = this.#job.parts[at];
    if (part === undefined) throw new Error('the part is one of the job’s');
    const { ticket, sentAtMs, facts, mark } = part;
    const terms = freezeTerms({ ...thawTerms(this.#job.terms), facts, mark });
    const progress = this.#progress[at] ?? null;
    return { ...this.#job, ticket, sentAtMs, terms, progress, parts: [], warnings: [] };
  }

  /** Notes what has changed of a part, as far as it changes the job. */
  async #change(at: number, change: JobChange): Promise<JobRecord | null> {
    const { ticket, state, startedAtMs, progress } = change;
    const next: { -readonly [Name in keyof JobChange]: JobChange[Name] } = {};
    if (ticket !== undefined) {
      next.parts = this.#job.parts.map((part, other) =>
        other === at ? { ...part, ticket } : part,
      );
    }
    if (state === 'running' && this.#job.state === 'queued') {
      next.state = state;
      if (startedAtMs !== undefined) next.startedAtMs = startedAtMs;
    }
    if (typeof progress === 'number') {
      this.#progress[at] = progress;
      next.progress = this.#progress.reduce((sum, share) => sum + share, 0) / this.#progress.length;
    }
    // Before it is stored: other parts change meanwhile, and each change says all of them.
    this.#job = { ...this.#job, ...next };
    const changed = await changeJob(this.#context, this.#job, next);
    if (changed === null) return null;
    this.#job = { ...this.#job, version: changed.version };
    return this.#partOf(at);
  }
}
