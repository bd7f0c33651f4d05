/**
 * Calls that are carried out as jobs: what a provider does not answer at once, and what a caller does not wait for. The
 * steps are the pipeline's; hold and job are taken in one transaction, and end in one.
 *
 * @module
 */
import { GatewayError, isGatewayError } from '../../contracts/gateway-error.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import { isEnded } from '../../metering/job-port.ts';
import { failedCallOf, type CallRun } from '../call-run.ts';
import type { Candidate } from '../candidates.ts';
import { reviewBefore } from '../content-review.ts';
import type { Gateway } from '../gateway.ts';
import { internalError } from '../error-reply.ts';
import { keepFailure } from '../keep-failure.ts';
import {
  isPreparedJob,
  type OperationCall,
  type Prepared,
  type PreparedJob,
} from '../operation-call.ts';
import { reserve } from '../reserve.ts';
import { RoutingSession } from '../routing-state.ts';
import { prepareCall, warningsOf, withOwnHeaders } from '../upstream-request.ts';
import { attemptWhole } from '../whole-attempt.ts';
import { answerJob, answerWhenEnded } from './answer-job.ts';
import { changeRun, noteFailed, type JobRun, type Submitted } from './job-run.ts';
import { newJob } from './new-job.ts';
import { endWithoutWork, endWithAnswer } from './run-ending.ts';
import { isInDoubt, sendSubmission, sentTo } from './submission.ts';
import { submitParts } from './submit-parts.ts';

/** Prepared as the candidate has it done. @throws GatewayError for what it cannot take */
function look({ preparation }: CallRun, candidate: Candidate): Prepared {
  if (preparation === null) throw new Error('what runs as a job is no text');
  return preparation.look(candidate);
}

/** Whether the candidate does the operation as work to be followed. What it refuses, the pipeline says. */
function submits(candidate: Candidate, run: CallRun): boolean {
  if (candidate.provider.definition.jobs === undefined) return false;
  try {
    return isPreparedJob(look(run, candidate));
  } catch (error) {
    if (isGatewayError(error)) return false;
    throw error;
  }
}

/** Whether a candidate of the call does it as work to be followed. */
function isFollowed(run: CallRun): boolean {
  return run.candidates.some((candidate) => submits(candidate, run));
}

/** Whether a call is carried out as a job. */
export function runsAsJob(run: CallRun, call: OperationCall): boolean {
  return call.background === true || isFollowed(run);
}

/**
 * What no candidate takes is refused before anything is held: a caller who does not wait would learn of it too late.
 *
 * @throws GatewayError `invalid_request` of the first candidate
 */
function assertTaken(run: CallRun): void {
  let first: GatewayError | null = null;
  for (const candidate of run.candidates) {
    try {
      look(run, candidate);
      return;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      first ??= error;
    }
  }
  if (first !== null) throw first;
}

/** With the address at which the provider may tell of the work, where messages of it are taken. */
function subscribed(gateway: Gateway, { job }: JobRun, request: WireRequest): WireRequest {
  const { callbackUrl } = gateway.settings.jobs;
  const provider = gateway.providers.get(job.provider);
  const webhook = provider?.definition.jobs?.webhook;
  const secret = webhook === undefined ? undefined : provider?.settings[webhook.secretSetting];
  if (callbackUrl === null || webhook === undefined || (secret ?? '') === '') return request;
  const base = callbackUrl.replace(/\/+$/, '');
  return webhook.subscribe(request, `${base}/v1/provider-webhooks/${job.provider}?job=${job.id}`);
}

/** Submits work that is followed. */
async function submitOnce(
  gateway: Gateway,
  jobRun: JobRun,
  at: { readonly candidate: Candidate; readonly prepared: PreparedJob },
): Promise<Submitted> {
  const { run, call } = jobRun;
  const { candidate, prepared } = at;
  const { provider } = candidate;
  const { submission } = prepared;
  const protocol = provider.definition.jobs;
  const marked = protocol?.lookUp?.mark(submission.request, jobRun.job.id) ?? null;
  const warnings = warningsOf(submission.warnings, call.unknownParameters);
  const own = { facts: submission.facts, mark: marked?.mark ?? null };
  const dispatchedAtMs = gateway.clock.nowMs();
  await changeRun(gateway, jobRun, {
    ...sentTo(jobRun, candidate, own),
    sentAtMs: dispatchedAtMs,
    warnings: [...run.warnings, ...warnings],
  });
  const request = withOwnHeaders(marked?.request ?? submission.request, run, candidate);
  const read = await sendSubmission(gateway, jobRun, {
    candidate,
    exchange: submission,
    request: subscribed(gateway, jobRun, request),
  });
  if (read.type === 'failed') {
    const { failure } = read;
    if (isInDoubt(failure)) return { type: 'lost' };
    const meta = { httpStatus: read.status, providerRequestId: null, firstByteAtMs: null };
    noteFailed(gateway, jobRun, { candidate, failure, meta, dispatchedAtMs });
    return { type: 'failed', failure };
  }
  run.warnings.push(...warnings);
  const start = read.value;
  if (start.type === 'accepted') {
    await changeRun(gateway, jobRun, { ticket: start.ticket });
    gateway.jobs.follow(jobRun.job, start.reading);
  } else gateway.jobs.follow(jobRun.job, start);
  return { type: 'accepted' };
}

/** Has a provider that answers at once do it, and keeps what it answers as the job's. */
async function callOnce(
  gateway: Gateway,
  jobRun: JobRun,
  at: { readonly candidate: Candidate; readonly hasOther: boolean },
): Promise<Submitted> {
  const { run } = jobRun;
  const { candidate } = at;
  const prepared = prepareCall(candidate, run, gateway.settings);
  const dispatchedAtMs = gateway.clock.nowMs();
  await changeRun(gateway, jobRun, {
    ...sentTo(jobRun, candidate),
    sentAtMs: dispatchedAtMs,
    state: 'running',
  });
  gateway.jobs.listeners.tell(jobRun.job);
  const beganMs = gateway.clock.monotonicMs();
  const result = await attemptWhole(gateway, run, { ...at, prepared, beganMs });
  if (result.type === 'stream') throw new Error('a job has no stream');
  if (result.type === 'failed') {
    const { failure, meta } = result;
    noteFailed(gateway, jobRun, { candidate, failure, meta, dispatchedAtMs });
    return { type: 'failed', failure };
  }
  run.warnings.push(...prepared.warnings);
  await endWithAnswer(gateway, jobRun, { candidate, dispatchedAtMs, ...result });
  return { type: 'answered' };
}

/** Has one candidate do it. */
async function attempt(
  gateway: Gateway,
  jobRun: JobRun,
  at: { readonly candidate: Candidate; readonly hasOther: boolean },
): Promise<Submitted> {
  const { candidate } = at;
  const { run } = jobRun;
  const prepared = look(run, candidate);
  if (!isPreparedJob(prepared)) return await callOnce(gateway, jobRun, at);
  // What is large is not held while the work goes on.
  run.preparation?.take(candidate);
  jobRun.answer = prepared.answer;
  const { parts } = prepared;
  if (parts !== undefined) return await submitParts(gateway, jobRun, { candidate, parts });
  return await submitOnce(gateway, jobRun, { candidate, prepared });
}

/**
 * Tries candidates until one has taken the work. Another one is tried only where the work surely did not reach the last.
 *
 * @throws GatewayError when the policy stops
 */
async function submit(gateway: Gateway, jobRun: JobRun): Promise<void> {
  const { run } = jobRun;
  const session = new RoutingSession(gateway, run);
  let [candidate] = run.candidates;
  while (candidate !== undefined) {
    const beganMs = gateway.clock.monotonicMs();
    session.begin(candidate, gateway.clock.nowMs());
    run.claim?.attemptBegins();
    const done = await attempt(gateway, jobRun, { candidate, hasOther: session.hasOther() });
    run.upstreamMs += gateway.clock.monotonicMs() - beganMs;
    if (done.type === 'lost') {
      gateway.jobs.reconcile(jobRun.job);
      return;
    }
    if (done.type !== 'failed') {
      session.succeeded(candidate);
      return;
    }
    candidate = await session.afterFailure(candidate, done.failure);
  }
  throw new Error('a run has at least one candidate');
}

/** Ends the job of a call that came to nothing, and says why. */
async function giveUp(gateway: Gateway, jobRun: JobRun, error: unknown): Promise<GatewayError> {
  const { run } = jobRun;
  const shown = keepFailure(gateway, run, error);
  const known = isGatewayError(shown) ? shown : internalError();
  if (!isGatewayError(shown)) {
    gateway.recorder.fault(shown, { requestId: run.exchange.requestId, step: 'job' });
  }
  await endWithoutWork(gateway, jobRun, known);
  return known;
}

/**
 * Serves a call as a job, from the hold on.
 *
 * @throws GatewayError for the caller to render
 */
export async function serveAsJob(
  gateway: Gateway,
  run: CallRun,
  call: OperationCall,
): Promise<void> {
  if (call.stream && call.background === true) {
    throw new GatewayError('invalid_request', {
      message: 'What is made in the background is not streamed: leave one of them out.',
      param: 'background',
    });
  }
  if (call.background === true) assertTaken(run);
  const job = newJob(gateway, run, call);
  try {
    await reserve(gateway, run, job);
  } catch (error) {
    run.exchange.failedCall = failedCallOf(run);
    throw error;
  }
  const jobRun: JobRun = { run, call, job, answer: null, whole: null };
  // Told of before anything can have ended.
  const waiting = call.background === true ? null : answerWhenEnded(gateway, jobRun);
  try {
    await reviewBefore(gateway, run);
    await call.begin?.(gateway, run);
    if (call.background === true && !isFollowed(run)) {
      inBackground(gateway, jobRun);
      await answerJob(gateway, jobRun);
      return;
    }
    await submit(gateway, jobRun);
  } catch (error) {
    waiting?.giveUp();
    const shown = await giveUp(gateway, jobRun, error);
    run.exchange.failedCall = failedCallOf(run);
    throw shown;
  }
  if (waiting === null) await answerJob(gateway, jobRun);
  else await waiting.answer();
}

/** Goes on without the caller. The end of the process waits for it as for any call. */
function inBackground(gateway: Gateway, jobRun: JobRun): void {
  const { lifecycle, jobs } = gateway;
  lifecycle.inFlight += 1;
  const work = submit(gateway, jobRun)
    .catch(async (error: unknown) => {
      if (!isEnded(jobRun.job.state)) await giveUp(gateway, jobRun, error);
    })
    .finally(() => {
      lifecycle.inFlight -= 1;
    });
  jobs.track(jobRun.job, work);
}
