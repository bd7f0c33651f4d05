/**
 * What became of a submission whose reply never came. It is never sent again: the provider may be at it already.
 *
 * @module
 */
import type { JobRecord } from '../../metering/job-port.ts';
import {
  changeJob,
  emptyOutcome,
  endJob,
  type JobContext,
  providerOf,
  sleep,
} from './job-context.ts';
import { thawTerms } from './job-terms.ts';
import { callProvider, readReply } from './provider-call.ts';
import type { Slots } from './slots.ts';

const ASK_TIMEOUT_MS = 15_000;
const WAIT_MS = { first: 500, most: 15_000 } as const;
/** A list that lags behind is asked for so long before it is believed that the work is not there. */
const LAG_MS = 5_000;
/** Clocks of two machines. */
const CLOCK_SKEW_MS = 120_000;

async function ask(
  context: JobContext,
  job: JobRecord,
  polls: Slots,
): Promise<'none' | 'unclear' | 'failed' | JobRecord['ticket']> {
  const { gateway, interrupts } = context;
  const followed = providerOf(gateway, job);
  const lookUp = followed?.protocol.lookUp;
  const { mark } = thawTerms(job.terms);
  if (followed === null || lookUp === undefined || mark === null) return 'unclear';
  const sentAtMs = job.sentAtMs ?? job.createdAtMs;
  const lost = {
    model: job.model,
    sentAfterMs: sentAtMs - CLOCK_SKEW_MS,
    sentBeforeMs: gateway.clock.nowMs() + CLOCK_SKEW_MS,
    mark,
  };
  const request = lookUp.request(lost, followed.target);
  const answer = await polls.run(() =>
    callProvider(gateway, followed.provider, { request, timeoutMs: ASK_TIMEOUT_MS, interrupts }),
  );
  if (answer.type === 'failed') return 'failed';
  const read = readReply(answer, (reply) => lookUp.read(lost, reply));
  return read.type === 'failed' ? 'failed' : read.value;
}

async function endUnknown(context: JobContext, job: JobRecord): Promise<void> {
  await endJob(
    context,
    job,
    emptyOutcome(job, {
      state: 'unknown',
      billable: 'unknown',
      error: {
        code: 'provider_error',
        message:
          'The provider did not say whether it took the work, and it cannot be asked. It was not submitted again.',
      },
    }),
  );
}

/** Ends a job that surely never reached its provider. */
export async function endUnsent(context: JobContext, job: JobRecord): Promise<void> {
  const error = {
    code: 'provider_error',
    message: 'The work did not reach the provider. Nothing was charged; repeat the request.',
  } as const;
  await endJob(context, job, emptyOutcome(job, { state: 'failed', billable: 'no', error }));
}

/**
 * Looks for the work until it is found, surely not there, or not to be told.
 *
 * @returns the job with its ticket; null where it has ended, or the process does
 */
export async function findLost(
  context: JobContext,
  job: JobRecord,
  polls: Slots,
): Promise<JobRecord | null> {
  const { gateway, closing } = context;
  const beganMs = gateway.clock.nowMs();
  let waitMs: number = WAIT_MS.first;
  while (!closing.aborted) {
    const found = await ask(context, job, polls);
    const nowMs = gateway.clock.nowMs();
    if (found === 'unclear' || nowMs >= job.deadlineAtMs) {
      await endUnknown(context, job);
      return null;
    }
    if (found === 'none' && nowMs - beganMs >= LAG_MS) {
      await endUnsent(context, job);
      return null;
    }
    if (found !== null && typeof found === 'object') {
      return await changeJob(context, job, { ticket: found });
    }
    await sleep(waitMs, closing);
    waitMs = Math.min(2 * waitMs, WAIT_MS.most);
  }
  return null;
}
