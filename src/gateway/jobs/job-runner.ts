/**
 * Everything that is done for jobs beside the requests of callers: following them, finding lost ones, going on after a
 * restart. What the end of the process cuts off is done by the next one.
 *
 * @module
 */
import { SlotTable } from '../../collections/slot-table.ts';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { JobReading } from '../../contracts/job-provider.ts';
import { isEnded, type JobRecord } from '../../metering/job-port.ts';
import type { Gateway } from '../gateway.ts';
import { endUnsent, findLost } from './find-lost.ts';
import { type JobContext, providerOf, sleep } from './job-context.ts';
import { JobFollower } from './job-follower.ts';
import { JobListeners } from './job-listeners.ts';
import { PartsFollower } from './parts-follower.ts';
import { Slots } from './slots.ts';

/** Rows that one step removes: bounds how long the writer is busy. */
const EXPIRED_PER_STEP = 200;
const EXPIRY_EVERY_MS = 60_000;

export class JobRunner {
  readonly listeners = new JobListeners();
  readonly #closing = new AbortController();
  readonly #interrupts = new SlotTable<() => void>();
  readonly #followers = new Map<string, Pick<JobFollower, 'tell' | 'cancel'>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #holds = new Set<string>();
  /** What was heard of jobs before they were followed. */
  readonly #early = new Map<string, JobReading>();
  #context: JobContext | null = null;
  #upkeep: Promise<void> = Promise.resolve();
  #polls = new Slots(1);
  #downloads = new Slots(1);

  /** Goes on with what an earlier process has left. */
  async start(gateway: Gateway): Promise<void> {
    const { maxPolls, maxDownloads } = gateway.settings.jobs;
    this.#polls = new Slots(maxPolls);
    this.#downloads = new Slots(maxDownloads);
    this.#context = {
      gateway,
      listeners: this.listeners,
      interrupts: this.#interrupts,
      closing: this.#closing.signal,
    };
    gateway.inFlight.register((holdId) => this.works(holdId));
    for (const job of await gateway.store.jobs.open()) this.resume(job);
    this.#upkeep = this.#removeExpired(gateway);
  }

  get context(): JobContext {
    if (this.#context === null) throw new Error('the jobs have not been started');
    return this.#context;
  }

  /** Whether something is done for the job of a hold in this process. */
  works(holdId: string): boolean {
    return this.#holds.has(holdId);
  }

  /** Follows a submitted job. `first`: what the submission said. */
  follow(job: JobRecord, first: JobReading | null): void {
    const early = this.#early.get(job.id);
    this.#early.delete(job.id);
    const slots = { polls: this.#polls, downloads: this.#downloads };
    const follower = new JobFollower(this.context, slots, job);
    this.#followers.set(job.id, follower);
    this.track(
      job,
      follower.run(early ?? first).finally(() => this.#followers.delete(job.id)),
    );
  }

  /** Follows every part of a job. `firsts`: what each submission said. */
  followParts(job: JobRecord, firsts: readonly (JobReading | null)[]): void {
    const slots = { polls: this.#polls, downloads: this.#downloads };
    const follower = new PartsFollower(this.context, slots, job);
    this.#followers.set(job.id, follower);
    this.track(
      job,
      follower.run(firsts).finally(() => this.#followers.delete(job.id)),
    );
  }

  /** Finds out what became of a submission, and follows it where it is found. */
  reconcile(job: JobRecord): void {
    const found = findLost(this.context, job, this.#polls);
    this.track(
      job,
      found.then((known) => {
        if (known !== null) this.follow(known, null);
      }),
    );
  }

  /** Whoever does something for a job in this process: the end of the process waits for it. */
  track(job: JobRecord, work: Promise<void>): void {
    const { gateway } = this.context;
    const tracked = work
      .catch((error: unknown) => {
        gateway.recorder.fault(error, { jobId: job.id, step: 'job' });
      })
      .finally(() => {
        if (this.#running.get(job.id) !== tracked) return;
        this.#running.delete(job.id);
        this.#holds.delete(job.holdId);
      });
    this.#running.set(job.id, tracked);
    this.#holds.add(job.holdId);
  }

  /** Goes on with a job that nobody follows. */
  resume(job: JobRecord): void {
    if (job.parts.length > 0) this.followParts(job, []);
    else if (job.ticket !== null) this.follow(job, null);
    else if (job.sentAtMs === null) this.track(job, endUnsent(this.context, job));
    else this.reconcile(job);
  }

  /**
   * Asks the provider to stop. Whether it did is learned by following.
   *
   * @throws GatewayError `conflict` where it has ended, or cannot be stopped
   */
  async cancel(job: JobRecord): Promise<JobRecord> {
    const { gateway } = this.context;
    const ended = (): GatewayError =>
      new GatewayError('conflict', { message: `The job ${job.id} has ended.` });
    if (isEnded(job.state)) throw ended();
    if (providerOf(gateway, job)?.protocol.cancel === undefined) {
      throw new GatewayError('conflict', {
        message: `${job.provider} cannot stop work that it has begun. The job goes on.`,
      });
    }
    const cancelAskedAtMs = job.cancelAskedAtMs ?? gateway.clock.nowMs();
    const changed = await gateway.store.jobs.change(job.id, { cancelAskedAtMs });
    if (changed === null) throw ended();
    this.listeners.tell(changed);
    this.#followers.get(job.id)?.cancel(changed);
    return changed;
  }

  /** What a provider's message says of a job. It may come before the reply to the submission, late, or twice. */
  async hear(message: {
    readonly provider: string;
    /** As the address of the message names it; null: not at all. */
    readonly jobId: string | null;
    /** The provider's own id. */
    readonly id: string;
    readonly reading: JobReading;
  }): Promise<void> {
    const { provider, jobId, id, reading } = message;
    const { jobs } = this.context.gateway.store;
    const named = jobId === null ? null : await jobs.find(jobId);
    const job = (await jobs.findByTicket(provider, id)) ?? named;
    if (job === null || job.provider !== provider) return;
    if (job.ticket !== null && job.ticket.id !== id) return;
    const follower = this.#followers.get(job.id);
    if (follower !== undefined) follower.tell(reading);
    else if (job.state === 'unknown' && reading.type !== 'pending') this.follow(job, reading);
    else if (!isEnded(job.state)) this.#early.set(job.id, reading);
  }

  /** Removes ended jobs whose time is over, a few at a time, until the process ends. */
  async #removeExpired(gateway: Gateway): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let removed = 0;
      try {
        removed = await gateway.store.jobs.removeExpired(gateway.clock.nowMs(), EXPIRED_PER_STEP);
      } catch (error) {
        gateway.recorder.fault(error, { step: 'job' });
      }
      if (removed < EXPIRED_PER_STEP) await sleep(EXPIRY_EVERY_MS, signal);
    }
  }

  /** Ends everything; what is not done stays recorded. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const interrupt of this.#interrupts.all()) interrupt();
    await Promise.allSettled([...this.#running.values(), this.#upkeep]);
  }
}
