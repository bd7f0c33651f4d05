/**
 * What every submission has in common, of a whole job or of a part of one: what the record says before it leaves, and how its
 * answer is had.
 *
 * @module
 */
import type { JobExchange, JobStart } from '../../contracts/job-provider.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import type { JobChange } from '../../metering/job-port.ts';
import { classOf } from '../../routing/index.ts';
import type { AttemptFailure } from '../attempt-result.ts';
import type { Candidate } from '../candidates.ts';
import type { Gateway } from '../gateway.ts';
import type { JobRun } from './job-run.ts';
import { freezeTerms, type JobTerms } from './job-terms.ts';
import { termsOf } from './new-job.ts';
import { callProvider, readReply, type ProviderAnswer } from './provider-call.ts';

/** What a job's record says of the candidate that is about to be called. */
export function sentTo(
  { run, call }: JobRun,
  candidate: Candidate,
  own: Partial<Pick<JobTerms, 'facts' | 'mark'>> = {},
): JobChange {
  const { provider, model } = candidate;
  return {
    provider: provider.definition.id,
    model,
    simulated: provider.simulated,
    attempts: run.attempts,
    terms: freezeTerms({ ...termsOf(run, call, candidate), ...own }),
  };
}

/** Sends a submission, once, and reads what the provider says of it; failures are values. */
export async function sendSubmission(
  gateway: Gateway,
  { run }: JobRun,
  at: {
    readonly candidate: Candidate;
    readonly exchange: JobExchange;
    readonly request: WireRequest;
  },
): Promise<
  | { readonly type: 'read'; readonly value: JobStart }
  | Extract<ProviderAnswer, { readonly type: 'failed' }>
> {
  const leftMs = Math.max(1, run.deadlineMs - gateway.clock.monotonicMs());
  const answer = await callProvider(gateway, at.candidate.provider, {
    request: at.request,
    timeoutMs: Math.min(leftMs, gateway.settings.jobs.submitTimeoutMs),
    interrupts: gateway.lifecycle.interrupts,
  });
  if (answer.type === 'failed') return answer;
  return readReply(answer, (reply) => at.exchange.readStart(reply));
}

/** Whether the provider may have taken a submission that failed. */
export function isInDoubt(failure: AttemptFailure): boolean {
  return classOf(failure, { work: 'submit', contentSent: false }) === 'ambiguous';
}
