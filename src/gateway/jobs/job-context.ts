/**
 * What the parts of the job machinery share.
 *
 * @module
 */
import type { SlotTable } from '../../collections/slot-table.ts';
import type { JobProtocol } from '../../contracts/job-provider.ts';
import type { ProviderTarget } from '../../contracts/wire.ts';
import type { JobChange, JobRecord } from '../../metering/job-port.ts';
import type { ConfiguredProvider, Gateway } from '../gateway.ts';
import type { JobListeners } from './job-listeners.ts';
import { endingOf, type JobEndingBooked, type JobOutcome } from './job-settlement.ts';

const STORE_RETRY_MS = { first: 100, most: 10_000 } as const;

export interface JobContext {
  readonly gateway: Gateway;
  readonly listeners: JobListeners;
  /** What cuts running calls off at the end of the process. */
  readonly interrupts: SlotTable<() => void>;
  /** Aborted when the process ends: what is not done is done by the next one. */
  readonly closing: AbortSignal;
  /** Of one part of a job: takes what is learned of it, in place of the store. */
  readonly part?: PartKeeper;
}

/** Who keeps what is learned of one part of a job. */
export interface PartKeeper {
  /** @returns the part as it is now; null where its job has ended */
  change(change: JobChange): Promise<JobRecord | null>;
  end(outcome: JobOutcome): void;
}

/** A provider that a job can be followed at. */
export interface FollowedProvider {
  readonly provider: ConfiguredProvider;
  readonly protocol: JobProtocol;
  readonly target: ProviderTarget;
}

/** Where a job is followed; null where its provider is not configured any more, or follows no work. */
export function providerOf(gateway: Gateway, job: JobRecord): FollowedProvider | null {
  const provider = gateway.providers.get(job.provider);
  const protocol = provider?.definition.jobs;
  if (provider === undefined || protocol === undefined) return null;
  const { baseUrl, credential, settings } = provider;
  return { provider, protocol, target: { model: job.model, baseUrl, credential, settings } };
}

/** Waits; ends early when the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}

/**
 * Has the store do something, again and again while it cannot: a job must not be lost to a full disk.
 *
 * @returns null where the process ends before; nothing was changed then
 */
export async function stored<Result>(
  { gateway, closing }: JobContext,
  job: JobRecord,
  work: () => Promise<Result>,
): Promise<Result | null> {
  let waitMs: number = STORE_RETRY_MS.first;
  while (!closing.aborted) {
    try {
      return await work();
    } catch (error) {
      gateway.recorder.fault(error, { jobId: job.id, step: 'store' });
    }
    await sleep(waitMs, closing);
    waitMs = Math.min(2 * waitMs, STORE_RETRY_MS.most);
  }
  return null;
}

/**
 * When a job that ends now is removed: with what it has made, and no later than the operator keeps jobs; null: never. Milliseconds
 * since the epoch.
 */
async function expiryOf(gateway: Gateway, customerId: string): Promise<number | null> {
  const kept = [await gateway.assets.keptMs(customerId), gateway.settings.jobs.keepMs];
  const shortestMs = Math.min(...kept.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(shortestMs) ? gateway.clock.nowMs() + shortestMs : null;
}

/** Has the store end a job, and its hold. @returns null where it has ended before, or the process does */
export async function storeEnding(
  context: JobContext,
  job: JobRecord,
  ending: JobEndingBooked,
): Promise<JobRecord | null> {
  const { gateway } = context;
  return await stored(context, job, async () => {
    const expiresAtMs = await expiryOf(gateway, job.customerId);
    return await gateway.store.jobs.end(job.id, { ...ending, expiresAtMs });
  });
}

/** Writes down what has changed, and tells whoever waits. @returns null where it has ended, or the process does */
export async function changeJob(
  context: JobContext,
  job: JobRecord,
  change: JobChange,
): Promise<JobRecord | null> {
  if (context.part !== undefined) return await context.part.change(change);
  const { gateway, listeners } = context;
  const changed = await stored(context, job, () => gateway.store.jobs.change(job.id, change));
  if (changed !== null) listeners.tell(changed);
  return changed;
}

/** Ends a job and its hold, once, and tells whoever waits. */
export async function endJob(
  context: JobContext,
  job: JobRecord,
  outcome: JobOutcome,
): Promise<void> {
  if (context.part !== undefined) {
    context.part.end(outcome);
    return;
  }
  const { gateway, listeners } = context;
  const { ending, request } = endingOf(gateway, job, outcome);
  const ended = await storeEnding(context, job, ending);
  if (ended === null) return;
  listeners.tell(ended);
  const key = gateway.directory.keyById(job.keyId);
  const customer = gateway.directory.customer(job.customerId);
  if (request !== null && key !== null && customer !== null) {
    gateway.recorder.requestEnded(request, { key, customer, planId: null });
  }
}

/** An outcome in which nothing was made. */
export function emptyOutcome(
  job: JobRecord,
  how: Pick<JobOutcome, 'state' | 'billable' | 'error'>,
): JobOutcome {
  return { ...how, facts: null, outputs: [], result: null, warnings: job.warnings };
}
