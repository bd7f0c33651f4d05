/**
 * The door to durable jobs: work of providers that outlives one exchange. A job is recorded in the transaction that takes
 * its hold, before a provider is called, and ends in the transaction that ends its hold. One implementation per store; every
 * one passes `jobs.contract.ts`. Times are milliseconds since the epoch.
 *
 * @module
 */
import type { ProviderTicket } from '../contracts/job-provider.ts';
import type { ResultFacts } from '../contracts/media.ts';
import type { Operation } from '../contracts/metering.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type {
  AttemptRecord,
  Charge,
  Held,
  Page,
  Refused,
  RequestRecord,
  ReserveCommand,
} from './ports.ts';
import type { NoLeg, QuotedReserve } from './quote-port.ts';

/**
 * - `queued`: recorded; it waits, here or with the provider
 * - `unknown`: whether a provider has it cannot be told; its hold is booked by policy unless its end is learned after all
 * - `expired`: the time was over, or the provider gave it up
 */
export const JOB_STATES = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'unknown',
] as const;
/** A name of {@link JOB_STATES}. */
export type JobState = (typeof JOB_STATES)[number];

/** States in which nothing is done for a job any more. */
export type EndedJobState = Exclude<JobState, 'queued' | 'running'>;

/** Whether nothing is done for the job any more. */
export function isEnded(state: JobState): state is EndedJobState {
  return state !== 'queued' && state !== 'running';
}

/** One thing that came of a job. */
export interface JobOutput {
  /** `ast_…` */
  readonly assetId: string;
  /** Media type by its bytes. */
  readonly type: string;
  readonly bytes: number;
}

/** What went wrong, in words for the caller. */
export interface JobError {
  /** A code of the table of errors. */
  readonly code: string;
  readonly message: string;
}

/** One of the submissions of a job that takes several, since the model makes less in one than was asked for. */
export interface JobPart {
  readonly sentAtMs: number;
  /** What finds it again; null until the provider has answered. */
  readonly ticket: ProviderTicket | null;
  /** Whether the provider surely did not take it. */
  readonly isRefused: boolean;
  /** What finds it in the provider's list; null where nothing does. */
  readonly mark: string | null;
  /** What is billed if it succeeds. */
  readonly facts: ResultFacts;
}

export interface JobRecord {
  /** `job_…` */
  readonly id: string;
  readonly holdId: string;
  readonly requestId: string;
  readonly customerId: string;
  readonly keyId: string;
  readonly operation: Operation;
  readonly modelAsked: string;
  /** Whom it is, or was last, submitted to. */
  readonly provider: string;
  /** As the provider knows it. */
  readonly model: string;
  readonly simulated: boolean;
  readonly state: JobState;
  /** Grows with every change. */
  readonly version: number;
  /** From 0 to 1; null where the provider does not say. */
  readonly progress: number | null;
  /** What finds the work again; null until the provider has answered. */
  readonly ticket: ProviderTicket | null;
  /** Every submission so far of a job that takes several; empty for all others. */
  readonly parts: readonly JobPart[];
  readonly createdAtMs: number;
  /** When the last submission began; null before. From then on it may have reached the provider. */
  readonly sentAtMs: number | null;
  /** When the provider began to work; null before, and where it does not say. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly deadlineAtMs: number;
  /** When it is removed, as what it made is; null: never, and until it has ended. */
  readonly expiresAtMs: number | null;
  readonly cancelAskedAtMs: number | null;
  /** Submissions that failed before the last one. */
  readonly attempts: readonly AttemptRecord[];
  readonly warnings: readonly string[];
  readonly tags: Readonly<Record<string, string>> | null;
  /** What the gateway must know to price and show it: opaque here. Never a prompt. */
  readonly terms: string;
  readonly outputs: readonly JobOutput[];
  /** What came of it beside media, as JSON text; null where nothing did. */
  readonly result: string | null;
  readonly error: JobError | null;
  /** What was billed. */
  readonly usage: UsageVector;
  /** Null until it is known. */
  readonly costNanoUsd: bigint | null;
}

/** What may change while a job is open. */
export type JobChange = Partial<
  Pick<
    JobRecord,
    | 'provider'
    | 'model'
    | 'simulated'
    | 'progress'
    | 'ticket'
    | 'parts'
    | 'sentAtMs'
    | 'startedAtMs'
    | 'cancelAskedAtMs'
    | 'attempts'
    | 'warnings'
    | 'terms'
  >
> & { readonly state?: 'queued' | 'running' };

/** How the hold of a job ends with it. */
export type JobBooking =
  | {
      readonly type: 'settle';
      readonly charges: readonly Charge[];
      readonly attempts: readonly AttemptRecord[];
      readonly request: RequestRecord;
    }
  | {
      readonly type: 'void';
      readonly reason: string;
      readonly attempts: readonly AttemptRecord[];
      readonly request: RequestRecord;
    }
  /** The hold becomes unknown: it is ended by policy, unless the end is learned before. */
  | { readonly type: 'unknown' };

/** The end of a job. */
export interface JobEnding extends Pick<
  JobRecord,
  'outputs' | 'result' | 'error' | 'usage' | 'costNanoUsd' | 'warnings' | 'expiresAtMs'
> {
  readonly state: EndedJobState;
  readonly booking: JobBooking;
}

export interface JobQuery {
  readonly limit: number;
  /** Of the page before, or `after:<job id>`; null: from the newest on. */
  readonly cursor: string | null;
  /** Null: of all customers. */
  readonly customerId: string | null;
  /** Null: any. */
  readonly state: JobState | null;
  /** Operation, or `video.*`; null: any. */
  readonly operation: string | null;
}

/** Rejected promises are `GatewayError` `metering_unavailable`: nothing was changed. */
export interface Jobs {
  /** Takes the hold and records the job, both or neither. */
  reserve(command: ReserveCommand, job: JobRecord): Promise<Held | Refused>;
  /** The same out of a quote. */
  reserveQuoted(command: QuotedReserve, job: JobRecord): Promise<Held | Refused | NoLeg>;
  /** @returns the job as it is now; null where it has ended, or is none */
  change(jobId: string, change: JobChange): Promise<JobRecord | null>;
  /**
   * Ends the job and its hold, both or neither. One that is `unknown` may end once more, when its end is learned.
   *
   * @returns null where it had ended: nothing was booked
   */
  end(jobId: string, ending: JobEnding): Promise<JobRecord | null>;
  /** Those that have not ended, oldest first. */
  open(): Promise<readonly JobRecord[]>;
  /** Null for one that is none, or was removed. */
  find(jobId: string): Promise<JobRecord | null>;
  /** The job of a call; null where it made none, or its job was removed. */
  findByRequest(requestId: string): Promise<JobRecord | null>;
  findByTicket(provider: string, ticketId: string): Promise<JobRecord | null>;
  /** Newest first. */
  list(query: JobQuery): Promise<Page<JobRecord>>;
  /** Removes one that has ended from sight; what was booked stays. @returns whether there was one */
  remove(jobId: string): Promise<boolean>;
  /** Removes at most `limit` that have ended and whose time is over; ledger, usage and request log stay. @returns how many */
  removeExpired(nowMs: number, limit: number): Promise<number>;
}
