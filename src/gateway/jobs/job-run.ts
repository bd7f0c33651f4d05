/**
 * A call on its way to becoming a provider's work.
 *
 * @module
 */
import type { JobRecord } from '../../metering/job-port.ts';
import { billableOf, classOf } from '../../routing/index.ts';
import type { AttemptFailure, ReplyMeta } from '../attempt-result.ts';
import type { CallRun } from '../call-run.ts';
import type { Candidate } from '../candidates.ts';
import type { Gateway } from '../gateway.ts';
import type { OperationCall, PreparedJob } from '../operation-call.ts';
import { recordAttempt } from '../settlement.ts';
import type { WholeAnswer } from '../text-call.ts';

/** A call that is carried out as a job. */
export interface JobRun {
  readonly run: CallRun;
  readonly call: OperationCall;
  /** As it was last written. */
  job: JobRecord;
  /** Makes the answer to a caller who waits; null until a provider was asked to do it as work. */
  answer: PreparedJob['answer'] | null;
  /** What a provider has answered at once; null where none has. */
  whole: WholeAnswer | null;
}

/** What became of one submission. */
export type Submitted =
  | { readonly type: 'accepted' }
  /** Whether it was taken is not known. */
  | { readonly type: 'lost' }
  | { readonly type: 'answered' }
  | { readonly type: 'failed'; readonly failure: AttemptFailure };

/** Writes a change of the job down. */
export async function changeRun(
  gateway: Gateway,
  jobRun: JobRun,
  what: Parameters<Gateway['store']['jobs']['change']>[1],
): Promise<void> {
  const changed = await gateway.store.jobs.change(jobRun.job.id, what);
  if (changed === null) throw new Error(`the job ${jobRun.job.id} has ended under its call`);
  jobRun.job = changed;
}

/** Records a submission that a provider did not take. */
export function noteFailed(
  gateway: Gateway,
  jobRun: JobRun,
  failed: {
    readonly candidate: Candidate;
    readonly failure: AttemptFailure;
    readonly meta: ReplyMeta;
    readonly dispatchedAtMs: number;
  },
): void {
  const { run } = jobRun;
  const { failure } = failed;
  const failureClass = classOf(failure, { work: 'submit', contentSent: false });
  if (failureClass === 'not_sent') run.claim?.attemptNotSent();
  recordAttempt(gateway, run, {
    candidate: failed.candidate,
    dispatchedAtMs: failed.dispatchedAtMs,
    end: {
      ...failed.meta,
      outcome:
        failure.source === 'provider'
          ? failure.failure.kind
          : `${failure.failure.kind}:${failure.failure.code}`,
      modelServed: null,
      serviceTier: null,
      billable: billableOf(failure, failureClass),
      usage: failure.source === 'provider' ? failure.failure.usage : null,
      estimated: false,
      dimensions: null,
    },
  });
}
