/**
 * What became of a submission whose reply never came. It is never sent again: the provider may be at it already.
 *
 * @module
 */
import type { ProviderTicket } from '../../contracts/job-provider.ts';
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
import { callProvider, type ProviderAnswer, readReply } from './provider-call.ts';
import type { Slots } from './slots.ts';

const ASK_TIMEOUT_MS = 15_000;
const WAIT_MS = { first: 500, most: 15_000 } as const;
/** A list that lags behind is asked for so long before it is believed that the work is not there. */
const LAG_MS = 5_000;
const PAGES_MAX = 50;
/** Clocks of two machines. */
const CLOCK_SKEW_MS = 120_000;

type Found = 'none' | 'unclear' | 'failed' | ProviderTicket;

/** What all pages say together. Lists move while they are read, so that work may stand on two of them. */
function joined(pages: readonly Exclude<Found, 'failed'>[]): Found {
  const tickets = pages.filter((page) => typeof page === 'object');
  const [ticket] = tickets;
  const isOne = tickets.every(({ id }) => id === ticket?.id);
  if (pages.includes('unclear') || !isOne) return 'unclear';
  return ticket ?? 'none';
}

/** Looks through the provider's list, page by page. */
async function ask(context: JobContext, job: JobRecord, polls: Slots): Promise<Found> {
  const { gateway, interrupts } = context;
  const followed = providerOf(gateway, job);
  const lookUp = followed?.protocol.lookUp;
  const { mark } = thawTerms(job.terms);
  if (followed === null || lookUp === undefined || mark === null) return 'unclear';
  const sentAtMs = job.sentAtMs ?? job.createdAtMs;
  const lost = {
    model: job.model,
    sentAfterMs: sentAtMs - CLOCK_SKEW_MS,
    // A submission without an answer is cut off by then.
    sentBeforeMs: sentAtMs + gateway.settings.jobs.submitTimeoutMs + CLOCK_SKEW_MS,
    mark,
  };
  const pages: Exclude<Found, 'failed'>[] = [];
  let request = lookUp.request(lost, followed.target);
  for (;;) {
    // A list without an end tells nothing for sure.
    if (pages.length === PAGES_MAX) return 'unclear';
    const asked = { request, timeoutMs: ASK_TIMEOUT_MS, interrupts };
    const answer: ProviderAnswer = await polls.run(() =>
      callProvider(gateway, followed.provider, asked),
    );
    if (answer.type === 'failed') return 'failed';
    const read = readReply(answer, (reply) => ({
      found: lookUp.read(lost, reply),
      next: lookUp.next?.(lost, { reply, number: pages.length + 1 }, followed.target) ?? null,
    }));
    if (read.type === 'failed') return 'failed';
    pages.push(read.value.found);
    if (read.value.next === null) return joined(pages);
    request = read.value.next;
  }
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

/** Whether a list without the work is no longer behind: asked for long enough, by this process or an earlier one. */
function isBelieved(
  { gateway }: JobContext,
  job: JobRecord,
  { beganMs, nowMs }: { readonly beganMs: number; readonly nowMs: number },
): boolean {
  const cutOffAtMs = (job.sentAtMs ?? job.createdAtMs) + gateway.settings.jobs.submitTimeoutMs;
  return nowMs - beganMs >= LAG_MS || nowMs - cutOffAtMs >= LAG_MS;
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
    if (typeof found === 'object') {
      return await changeJob(context, job, { ticket: found });
    }
    if (found === 'none' && isBelieved(context, job, { beganMs, nowMs })) {
      await endUnsent(context, job);
      return null;
    }
    if (found === 'unclear' || nowMs >= job.deadlineAtMs) {
      await endUnknown(context, job);
      return null;
    }
    await sleep(waitMs, closing);
    waitMs = Math.min(2 * waitMs, WAIT_MS.most);
  }
  return null;
}
