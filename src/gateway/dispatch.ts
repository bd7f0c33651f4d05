/**
 * Calls candidates until one answers: at most three attempts over all of them, each under a hold that covers it,
 * none after content has reached the client (reliability P1–P8).
 *
 * @module
 */
import type { AttemptFailure, AttemptResult, ReplyMeta } from './attempt-result.ts';
import type { Candidate } from './candidates.ts';
import { sendStreamHead } from './deliver.ts';
import type { Gateway } from './gateway.ts';
import { billableOf, classOf } from '../routing/index.ts';
import { RoutingSession } from './routing-state.ts';
import { observedCharge, recordAttempt, usageOrEstimate } from './settlement.ts';
import { StreamAttempt } from './stream-attempt.ts';
import type { WholeAnswer } from './text-call.ts';
import type { CallRun } from './call-run.ts';
import { prepareCall, type PreparedCall } from './upstream-request.ts';
import { attemptWhole } from './whole-attempt.ts';

export interface WholeAnswered {
  readonly type: 'whole';
  readonly candidate: Candidate;
  readonly answer: WholeAnswer;
  readonly meta: ReplyMeta;
  readonly dispatchedAtMs: number;
}

export interface StreamAnswered {
  readonly type: 'stream';
  readonly candidate: Candidate;
  readonly stream: StreamAttempt;
  readonly dispatchedAtMs: number;
  /** To be told how the stream ended. */
  readonly session: RoutingSession;
}

const PROGRESS_INTERVAL_MS = 2_000;

/** Patience with a stream's first event. Media are long in the making before there is anything to show. */
function firstEventMsOf({ settings }: Gateway, run: CallRun, hasOther: boolean): number {
  if (run.call.work === 'media') return hasOther ? settings.wholeReplyMs : settings.totalStreamMs;
  return hasOther ? settings.firstEventMs : settings.firstEventAloneMs;
}

/** Starts a streamed attempt and waits for content or failure. */
async function attemptStream(
  gateway: Gateway,
  run: CallRun,
  input: {
    readonly candidate: Candidate;
    readonly prepared: PreparedCall;
    readonly hasOther: boolean;
  },
): Promise<AttemptResult> {
  const { candidate, prepared } = input;
  let lastProgressAtMs = gateway.clock.monotonicMs();
  const answer = prepared.open({
    requestId: run.exchange.requestId,
    model: candidate.model,
    createdAtMs: run.exchange.startedAtMs,
  });
  const stream = new StreamAttempt({
    gateway,
    provider: candidate.provider,
    answer,
    deadlineMs: run.deadlineMs,
    claim: run.claim,
    isEvents: run.call.streamType === null,
    firstEventMs: firstEventMsOf(gateway, run, input.hasOther),
    onProgress: () => {
      const now = gateway.clock.monotonicMs();
      if (now - lastProgressAtMs < PROGRESS_INTERVAL_MS) return;
      lastProgressAtMs = now;
      const observed = [observedCharge(run, candidate, answer.estimatedOutputTokens)];
      gateway.store.ledger.progress(run.holdId, observed, stream.meta.providerRequestId);
    },
  });
  const call = gateway.upstream.call(candidate.provider.baseUrl, prepared.request, stream);
  run.sending = call;
  stream.begin(call);
  run.exchange.onGone(() => stream.clientGone());
  // A stream of bare bytes has nothing to say before its first: its head waits for them.
  const headersAfterMs =
    run.call.streamType === null ? gateway.settings.headersAfterMs : gateway.settings.totalStreamMs;
  const early = gateway.wheel.after(headersAfterMs, () => {
    sendStreamHead(gateway, run, { provider: null, model: null });
    stream.attachForKeepalive(run.exchange);
  });
  if (run.exchange.headSent) stream.attachForKeepalive(run.exchange);
  const start = await stream.started;
  early.cancel();
  if (start.type === 'content') {
    run.firstTokenAtMs = gateway.clock.nowMs();
    return { type: 'stream', stream };
  }
  const observed = answer.hasContent
    ? { usage: answer.usage, outputTokens: answer.estimatedOutputTokens }
    : null;
  return { type: 'failed', failure: start.failure, meta: stream.meta, observed };
}

function outcomeOf(failure: AttemptFailure): string {
  return failure.source === 'provider'
    ? failure.failure.kind
    : `${failure.failure.kind}:${failure.failure.code}`;
}

/**
 * A failed attempt's row: billed where the provider reported usage or had begun to answer, unknown where the
 * request may have run.
 */
function recordFailure(
  gateway: Gateway,
  run: CallRun,
  failed: {
    readonly candidate: Candidate;
    readonly dispatchedAtMs: number;
    readonly result: Extract<AttemptResult, { readonly type: 'failed' }>;
  },
): void {
  const { failure, meta, observed } = failed.result;
  const told = failure.source === 'provider' ? failure.failure.usage : null;
  const failureClass = classOf(failure, { work: run.call.work, contentSent: false });
  if (failureClass === 'not_sent') run.claim?.attemptNotSent();
  const seen =
    observed === null
      ? null
      : usageOrEstimate(gateway, run, {
          candidate: failed.candidate,
          ...observed,
          isCut: true,
        });
  recordAttempt(gateway, run, {
    candidate: failed.candidate,
    dispatchedAtMs: failed.dispatchedAtMs,
    end: {
      ...meta,
      outcome: outcomeOf(failure),
      modelServed: null,
      serviceTier: null,
      billable: seen === null ? billableOf(failure, failureClass) : 'yes',
      usage: seen?.usage ?? told,
      estimated: seen?.estimated ?? false,
      dimensions: null,
    },
  });
}

/**
 * Runs attempts until one answers.
 *
 * @throws GatewayError when the policy stops; every attempt is recorded in the run by then
 */
export async function dispatch(
  gateway: Gateway,
  run: CallRun,
): Promise<WholeAnswered | StreamAnswered> {
  const session = new RoutingSession(gateway, run);
  let [candidate] = run.candidates;
  while (candidate !== undefined) {
    const dispatchedAtMs = gateway.clock.nowMs();
    const beganMs = gateway.clock.monotonicMs();
    const prepared = prepareCall(candidate, run, gateway.settings);
    const input = { candidate, prepared, beganMs, hasOther: session.hasOther() };
    session.begin(candidate, dispatchedAtMs);
    run.claim?.attemptBegins();
    const result = run.call.stream
      ? await attemptStream(gateway, run, input)
      : await attemptWhole(gateway, run, input);
    run.upstreamMs += gateway.clock.monotonicMs() - beganMs;
    if (result.type !== 'failed') {
      run.warnings.push(...prepared.warnings);
      if (result.type === 'whole') session.succeeded(candidate);
      return result.type === 'whole'
        ? { type: 'whole', candidate, answer: result.answer, meta: result.meta, dispatchedAtMs }
        : { type: 'stream', candidate, stream: result.stream, dispatchedAtMs, session };
    }
    recordFailure(gateway, run, {
      candidate,
      dispatchedAtMs,
      result,
    });
    candidate = await session.afterFailure(candidate, result.failure);
  }
  throw new Error('a run has at least one candidate');
}
