/**
 * How jobs end whose call is still at hand: those that no provider took, and those that one answered at once.
 *
 * @module
 */
import type { GatewayError } from '../../contracts/gateway-error.ts';
import type { JobEnding, JobOutput } from '../../metering/job-port.ts';
import type { AttemptResult } from '../attempt-result.ts';
import type { Candidate } from '../candidates.ts';
import type { Gateway } from '../gateway.ts';
import { reviewAfter } from '../content-review.ts';
import {
  chargesOf,
  recordAttempt,
  requestRecord,
  type RunEnd,
  totalCostOf,
  totalUsageOf,
  usageOrEstimate,
} from '../settlement.ts';
import type { Receipt, WholeAnswer } from '../text-call.ts';
import { storeEnding } from './job-context.ts';
import type { JobEndingBooked } from './job-settlement.ts';
import type { JobRun } from './job-run.ts';

async function end(
  gateway: Gateway,
  jobRun: JobRun,
  how: RunEnd & Pick<JobEnding, 'state' | 'outputs' | 'result' | 'error'>,
): Promise<void> {
  const { run, job } = jobRun;
  const { state, outputs, result, error } = how;
  const request = requestRecord(gateway, run, how);
  const charges = chargesOf(run);
  const { attempts, warnings } = run;
  const isInDoubt = charges.length === 0 && attempts.some(({ billable }) => billable === 'unknown');
  const booking: JobEnding['booking'] = isInDoubt
    ? { type: 'unknown' }
    : charges.length > 0
      ? { type: 'settle', charges, attempts, request }
      : { type: 'void', reason: how.errorCode ?? 'nothing_billed', attempts, request };
  const ending: JobEndingBooked = {
    state: isInDoubt ? 'unknown' : state,
    booking,
    outputs,
    result,
    error,
    usage: totalUsageOf(run),
    costNanoUsd: isInDoubt ? null : totalCostOf(run),
    warnings,
  };
  const ended = await storeEnding(gateway.jobs.context, job, ending);
  if (ended === null) return;
  jobRun.job = ended;
  run.isBooked = true;
  gateway.jobs.listeners.tell(ended);
  gateway.recorder.requestEnded(request, run.caller);
}

/** Ends the job of a call that failed: what was billed is booked, the rest is free. */
export async function endWithoutWork(
  gateway: Gateway,
  jobRun: JobRun,
  error: GatewayError,
): Promise<void> {
  const { code, message, status } = error;
  await end(gateway, jobRun, {
    status,
    errorCode: code,
    clientClosed: jobRun.run.exchange.gone,
    state: 'failed',
    outputs: [],
    result: null,
    error: { code, message },
  });
}

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** Stores media as assets of the job's customer, and notes them. */
function keeperOf(gateway: Gateway, jobRun: JobRun, outputs: JobOutput[]) {
  const { assets } = gateway;
  const { customerId, requestId } = jobRun.job;
  return async (bytes: Buffer): Promise<string> => {
    const file = await assets.receive(one(bytes), {
      maxBytes: assets.maxBytes,
      param: 'result',
      claimedType: null,
    });
    const asset = await assets.keep(file, { customerId, requestId, name: null });
    outputs.push({ assetId: asset.id, type: asset.type, bytes: asset.bytes });
    return assets.urlOf(asset, jobRun.run.exchange.header('host'));
  };
}

/** What an answer holds: media are stored, the rest is the job's result. */
async function keepAnswer(
  gateway: Gateway,
  jobRun: JobRun,
  answered: { readonly answer: WholeAnswer; readonly receipt: Receipt },
): Promise<Pick<JobEnding, 'outputs' | 'result'>> {
  const { answer, receipt } = answered;
  const outputs: JobOutput[] = [];
  const keep = keeperOf(gateway, jobRun, outputs);
  if (answer.store !== null) {
    await answer.store(keep);
    return { outputs, result: null };
  }
  if (answer.result !== null && answer.result !== undefined) {
    return { outputs, result: JSON.stringify(answer.result) };
  }
  const body = answer.render(receipt);
  if (/^(?:audio|image|video)\//.test(answer.contentType)) {
    await keep(body);
    return { outputs, result: null };
  }
  const text = body.toString('utf8');
  const isJson = answer.contentType.startsWith('application/json');
  return { outputs, result: isJson ? text : JSON.stringify({ text }) };
}

/**
 * Ends the job of a call that a provider has answered at once.
 *
 * @throws GatewayError `content_filtered` where a moderation refuses it: it was made, and is booked with the end of the call
 */
export async function endWithAnswer(
  gateway: Gateway,
  jobRun: JobRun,
  answered: Extract<AttemptResult, { type: 'whole' }> & {
    readonly candidate: Candidate;
    readonly dispatchedAtMs: number;
  },
): Promise<void> {
  const { run } = jobRun;
  const { answer, candidate, dispatchedAtMs, meta } = answered;
  const told = { candidate, usage: answer.usage, outputTokens: 0 };
  const usage = usageOrEstimate(gateway, run, told);
  recordAttempt(gateway, run, {
    candidate,
    dispatchedAtMs,
    end: {
      ...meta,
      ...usage,
      outcome: 'succeeded',
      modelServed: answer.modelServed,
      serviceTier: answer.serviceTier,
      dimensions: answer.dimensions,
      billable: 'yes',
    },
  });
  const receipt: Receipt = {
    requestId: run.exchange.requestId,
    costNanoUsd: totalCostOf(run),
    ...usage,
    model: answer.modelServed ?? candidate.model,
    createdAtMs: run.exchange.startedAtMs,
  };
  await reviewAfter(gateway, answer.images);
  jobRun.whole = answer;
  const { outputs, result } = await keepAnswer(gateway, jobRun, { answer, receipt });
  const booked = { status: 200, errorCode: null, clientClosed: false };
  await end(gateway, jobRun, { ...booked, state: 'succeeded', outputs, result, error: null });
}
