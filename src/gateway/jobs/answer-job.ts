/**
 * What the caller of a job gets: the job at once, or the answer at its end.
 *
 * @module
 */
import type { ErrorCode } from '../../contracts/error-codes.ts';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { MEDIA_KINDS } from '../../media/media-type.ts';
import type { JobRecord } from '../../metering/job-port.ts';
import { keptError } from '../call-claim.ts';
import type { CallRun } from '../call-run.ts';
import { answerHeaders } from '../deliver.ts';
import { errorHeaders } from '../error-reply.ts';
import type { HeadLines } from '../head-lines.ts';
import type { Gateway } from '../gateway.ts';
import { replyHeaders } from '../reply-headers.ts';
import type { FinishedJob, OperationAnswer } from '../operation-call.ts';
import { thawTerms } from './job-terms.ts';
import type { JobRun } from './job-run.ts';
import { showJob, type AssetAddresses } from './show-job.ts';
import { keptTranscript } from './shown-transcript.ts';

/** Whom a job is shown, and by which protocol. */
type JobReader = Pick<CallRun, 'dialect' | 'exchange'>;

/** Signed addresses of what a job has made. */
export async function addressesOf(
  gateway: Gateway,
  job: JobRecord,
  host: string | null,
): Promise<AssetAddresses> {
  const addresses = new Map<string, string>();
  for (const { assetId } of job.outputs) {
    const asset = await gateway.assets.find(assetId, job.customerId);
    if (asset !== null) addresses.set(assetId, gateway.assets.urlOf(asset, host));
  }
  return addresses;
}

/** Lets the idempotency key of a call answer with the reply. */
async function endClaim(gateway: Gateway, { claim }: CallRun): Promise<void> {
  if (claim === null) return;
  try {
    await gateway.store.idempotency.end(claim.claim, claim.settlement.end);
    claim.isEnded = true;
  } catch (error) {
    // The key is judged by its hold then: the call is never run again.
    gateway.recorder.fault(error, { requestId: claim.claim.requestId, step: 'idempotency' });
  }
}

function headersOf(gateway: Gateway, jobRun: JobRun, costNanoUsd: bigint | null): HeadLines {
  const { run, job } = jobRun;
  const isSubmitted = job.sentAtMs !== null;
  return answerHeaders(gateway, run, {
    provider: isSubmitted ? job.provider : null,
    model: isSubmitted ? `${job.provider}/${job.model}` : null,
    attempts: job.attempts.length + (isSubmitted ? 1 : 0),
    costNanoUsd,
  });
}

/** A job as the route that it was asked of shows it. */
async function renderJob(
  gateway: Gateway,
  { dialect, exchange }: JobReader,
  job: JobRecord,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const addresses = await addressesOf(gateway, job, exchange.header('host'));
  const at = { nowMs: gateway.clock.nowMs(), addresses };
  const shown = dialect.renderJob?.(job, at) ?? { status: 202, body: showJob(job, at) };
  return { status: shown.status, body: Buffer.from(JSON.stringify(shown.body)) };
}

/**
 * Answers a repetition under an idempotency key whose first call has become a job and could not answer itself. The headers name
 * the first call.
 */
export async function sendKnownJob(
  gateway: Gateway,
  reader: JobReader,
  job: JobRecord,
): Promise<void> {
  const { exchange } = reader;
  const { status, body } = await renderJob(gateway, reader, job);
  const durationMs = gateway.clock.monotonicMs() - exchange.startedAtMonotonicMs;
  const headers = replyHeaders({
    requestId: job.requestId,
    provider: job.provider,
    model: `${job.provider}/${job.model}`,
    attempts: job.attempts.length + 1,
    costNanoUsd: job.costNanoUsd,
    overheadMs: durationMs,
    rates: null,
    warnings: job.warnings,
    simulated: job.simulated,
  });
  headers.push('content-type', 'application/json', 'idempotency-replayed', 'true');
  const { requestId } = exchange;
  gateway.recorder.requestReplayed({
    requestId,
    firstRequestId: job.requestId,
    status,
    durationMs,
  });
  exchange.send(status, headers, body);
}

/** Answers with the job as it is now. */
export async function answerJob(gateway: Gateway, jobRun: JobRun): Promise<void> {
  const { run } = jobRun;
  const job = (await gateway.store.jobs.find(jobRun.job.id)) ?? jobRun.job;
  const shown = await renderJob(gateway, run, job);
  const headers = headersOf(gateway, { ...jobRun, job }, null);
  headers.add('content-type', 'application/json');
  run.claim?.keepWhole(shown.status, headers.list(), shown.body);
  await endClaim(gateway, run);
  run.exchange.send(shown.status, headers, shown.body);
}

/** Reads back what a job has made. @throws GatewayError where it is gone, or too large for a reply */
async function finishedOf(gateway: Gateway, job: JobRecord): Promise<FinishedJob> {
  const media: { bytes: Buffer; type: string }[] = [];
  let left = gateway.settings.maxReplyBytes;
  for (const { assetId, bytes, type } of job.outputs) {
    left -= bytes;
    if (left < 0) {
      throw new GatewayError('provider_error', {
        message: `What was made is too large for a reply; GET /v1/jobs/${job.id} has its addresses.`,
      });
    }
    const kept = { type: 'text', text: assetId } as const;
    const rules = { customerId: job.customerId, param: 'result', kinds: MEDIA_KINDS };
    media.push({ bytes: await gateway.inputs.read(kept, rules), type });
  }
  const terms = thawTerms(job.terms);
  const facts = terms.facts ?? { usage: {}, modelServed: null, dimensions: {} };
  const result = job.result === null ? {} : (JSON.parse(job.result) as Record<string, unknown>);
  return {
    media,
    transcript: keptTranscript(job),
    voiceId: typeof result['voice_id'] === 'string' ? result['voice_id'] : null,
    facts: { ...facts, usage: job.usage },
  };
}

/** What is sent at the end. */
type SentAnswer = Pick<OperationAnswer, 'facts' | 'contentType' | 'warnings' | 'render'>;

async function answerOf(gateway: Gateway, jobRun: JobRun): Promise<SentAnswer> {
  const { run, job, whole } = jobRun;
  if (whole !== null) {
    const { usage, modelServed, contentType } = whole;
    const facts = { usage: usage ?? {}, modelServed, dimensions: {} };
    return { facts, contentType, warnings: [], render: (receipt) => whole.render(receipt) };
  }
  if (jobRun.answer === null) throw new Error('nobody was asked to do it as work');
  const finished = await finishedOf(gateway, job);
  const answer = jobRun.answer(finished);
  const addresses = await addressesOf(gateway, job, run.exchange.header('host'));
  const known = new Map(
    finished.media.map(({ bytes }, at) => [bytes, addresses.get(job.outputs[at]?.assetId ?? '')]),
  );
  // They are stored already.
  await answer.store?.((bytes) => Promise.resolve(known.get(bytes) ?? ''));
  return answer;
}

function errorOf({ id, state, error }: JobRecord): GatewayError {
  if (error === null) {
    return new GatewayError('provider_error', { message: `The work was ${state} (${id}).` });
  }
  return new GatewayError(error.code as ErrorCode, { message: `${error.message} (${id})` });
}

async function sendEnd(gateway: Gateway, jobRun: JobRun): Promise<void> {
  const { run, job } = jobRun;
  const { exchange } = run;
  if (job.state !== 'succeeded') {
    const shown = run.claim === null ? errorOf(job) : keptError(errorOf(job));
    const headers = errorHeaders(shown, {
      requestId: exchange.requestId,
      durationMs: gateway.clock.monotonicMs() - exchange.startedAtMonotonicMs,
      call: {
        provider: job.provider,
        model: `${job.provider}/${job.model}`,
        attempts: job.attempts.length + 1,
        costNanoUsd: job.costNanoUsd ?? 0n,
        upstreamMs: run.upstreamMs,
        rates: run.rates,
        warnings: run.warnings,
        simulated: job.simulated,
        isRecorded: true,
      },
    });
    const body = Buffer.from(JSON.stringify(run.dialect.renderError(shown, exchange.requestId)));
    run.claim?.keepWhole(shown.status, headers, body);
    await endClaim(gateway, run);
    exchange.send(shown.status, headers, body);
    return;
  }
  const answer = await answerOf(gateway, jobRun);
  run.warnings.push(...answer.warnings);
  const { usage, modelServed } = answer.facts;
  const body = answer.render({
    requestId: exchange.requestId,
    costNanoUsd: job.costNanoUsd ?? 0n,
    usage,
    estimated: false,
    model: modelServed ?? job.model,
    createdAtMs: exchange.startedAtMs,
  });
  const headers = headersOf(gateway, jobRun, job.costNanoUsd);
  headers.add('content-type', answer.contentType);
  run.claim?.keepWhole(200, headers.list(), body);
  await endClaim(gateway, run);
  exchange.send(200, headers, body);
}

/** Answers when the job has ended; listens from now on. */
export function answerWhenEnded(
  gateway: Gateway,
  jobRun: JobRun,
): { answer(): Promise<void>; giveUp(): void } {
  const { run } = jobRun;
  const over = new AbortController();
  const slot = gateway.lifecycle.interrupts.add(() => over.abort());
  const beganMs = gateway.clock.monotonicMs();
  const ended = gateway.jobs.listeners.ended(jobRun.job.id, over.signal);
  const giveUp = (): void => {
    gateway.lifecycle.interrupts.take(slot);
    over.abort();
  };
  return {
    giveUp,
    async answer() {
      const job = await ended;
      giveUp();
      run.upstreamMs = Math.max(run.upstreamMs, gateway.clock.monotonicMs() - beganMs);
      if (job === null) {
        throw new GatewayError('draining', {
          message: `The gateway is shutting down; the work goes on as ${jobRun.job.id}: GET /v1/jobs/${jobRun.job.id}.`,
          retryAfterMs: 1_000,
        });
      }
      jobRun.job = job;
      run.isBooked = true;
      await sendEnd(gateway, jobRun);
    },
  };
}
