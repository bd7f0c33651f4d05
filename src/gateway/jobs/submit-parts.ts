/**
 * Submits work in parts, because the model makes less in one submission than was asked for. Each part is announced in the job's
 * record before it leaves, and its ticket is stored before the next one does, so that a crash loses none of them.
 *
 * @module
 */
import type { JobExchange, JobReading } from '../../contracts/job-provider.ts';
import type { JobPart } from '../../metering/job-port.ts';
import type { Candidate } from '../candidates.ts';
import type { Gateway } from '../gateway.ts';
import { warningsOf, withOwnHeaders } from '../upstream-request.ts';
import { changeRun, noteFailed, type JobRun, type Submitted } from './job-run.ts';
import type { ProviderAnswer } from './provider-call.ts';
import { isInDoubt, sendSubmission, sentTo } from './submission.ts';

type FailedAnswer = Extract<ProviderAnswer, { readonly type: 'failed' }>;

/** What became of one part. */
type PartSubmitted =
  | { readonly type: 'accepted'; readonly first: JobReading | null }
  | { readonly type: 'refused'; readonly answer: FailedAnswer };

/** Announces a part. */
async function announce(
  gateway: Gateway,
  jobRun: JobRun,
  at: { readonly candidate: Candidate; readonly part: JobPart },
): Promise<void> {
  const { job } = jobRun;
  const { candidate, part } = at;
  await changeRun(gateway, jobRun, {
    ...sentTo(jobRun, candidate),
    sentAtMs: job.parts.length === 0 ? part.sentAtMs : job.sentAtMs,
    parts: [...job.parts, part],
  });
}

async function submitPart(
  gateway: Gateway,
  jobRun: JobRun,
  at: { readonly candidate: Candidate; readonly exchange: JobExchange },
): Promise<PartSubmitted> {
  const { run } = jobRun;
  const { candidate, exchange } = at;
  const { provider } = candidate;
  const before = jobRun.job.parts;
  const name = `${jobRun.job.id}-${before.length + 1}`;
  const marked = provider.definition.jobs?.lookUp?.mark(exchange.request, name) ?? null;
  const part: JobPart = {
    sentAtMs: gateway.clock.nowMs(),
    ticket: null,
    isRefused: false,
    mark: marked?.mark ?? null,
    facts: exchange.facts,
  };
  await announce(gateway, jobRun, { candidate, part });
  const request = withOwnHeaders(marked?.request ?? exchange.request, run, candidate);
  const read = await sendSubmission(gateway, jobRun, { candidate, exchange, request });
  if (read.type === 'failed') {
    // It is looked for by whoever follows the parts.
    if (isInDoubt(read.failure)) return { type: 'accepted', first: null };
    await changeRun(gateway, jobRun, { parts: [...before, { ...part, isRefused: true }] });
    return { type: 'refused', answer: read };
  }
  const start = read.value;
  if (start.type !== 'accepted') return { type: 'accepted', first: start };
  await changeRun(gateway, jobRun, { parts: [...before, { ...part, ticket: start.ticket }] });
  return { type: 'accepted', first: start.reading };
}

/**
 * Submits every part to a candidate. Where the first is refused nothing has been taken, and another candidate may be tried; what is
 * refused after it is missing from the result.
 */
export async function submitParts(
  gateway: Gateway,
  jobRun: JobRun,
  at: { readonly candidate: Candidate; readonly parts: readonly JobExchange[] },
): Promise<Submitted> {
  const { run, call } = jobRun;
  const { candidate, parts } = at;
  const firsts: (JobReading | null)[] = [];
  for (const exchange of parts) {
    const dispatchedAtMs = gateway.clock.nowMs();
    const submitted = await submitPart(gateway, jobRun, { candidate, exchange });
    if (submitted.type === 'refused' && firsts.length === 0) {
      const { failure, status } = submitted.answer;
      await changeRun(gateway, jobRun, { parts: [] });
      const meta = { httpStatus: status, providerRequestId: null, firstByteAtMs: null };
      noteFailed(gateway, jobRun, { candidate, failure, meta, dispatchedAtMs });
      return { type: 'failed', failure };
    }
    firsts.push(submitted.type === 'accepted' ? submitted.first : null);
  }
  const warnings = parts.flatMap((exchange) => exchange.warnings);
  run.warnings.push(...new Set(warningsOf(warnings, call.unknownParameters)));
  await changeRun(gateway, jobRun, { warnings: run.warnings });
  gateway.jobs.followParts(jobRun.job, firsts);
  return { type: 'accepted' };
}
