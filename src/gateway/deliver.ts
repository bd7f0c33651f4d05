/**
 * Brings an answer to the client: whole or streamed, booked before its last byte.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type { AttemptFailure } from './attempt-result.ts';
import { keptError } from './call-claim.ts';
import { reviewAfter } from './content-review.ts';
import type { StreamAnswered, WholeAnswered } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { HeadLines } from './head-lines.ts';
import { mediaKeeper } from './keep-media.ts';
import { drainLimitError, isDrainLimit } from './routing-state.ts';
import { replyLines } from './reply-headers.ts';
import { bookRun, recordAttempt, totalCostOf, usageOrEstimate } from './settlement.ts';
import type { StreamEnd } from './stream-attempt.ts';
import type { Receipt, WholeAnswer } from './text-call.ts';
import type { CallRun } from './call-run.ts';

function overheadMsOf(gateway: Gateway, run: CallRun): number {
  return Math.max(
    0,
    gateway.clock.monotonicMs() - run.exchange.startedAtMonotonicMs - run.upstreamMs,
  );
}

/** Headers of an answer by the candidate that gave it. */
export function answerHeaders(
  gateway: Gateway,
  run: CallRun,
  answer: {
    readonly provider: string | null;
    readonly model: string | null;
    readonly attempts: number;
    readonly costNanoUsd: bigint | null;
  },
): HeadLines {
  return replyLines({
    requestId: run.exchange.requestId,
    provider: answer.provider,
    model: answer.model,
    attempts: answer.attempts,
    costNanoUsd: answer.costNanoUsd,
    overheadMs: overheadMsOf(gateway, run),
    rates: run.rates,
    warnings: run.warnings,
    simulated: run.candidates[0]?.provider.simulated ?? false,
  });
}

function receiptOf(
  run: CallRun,
  model: string,
  usage: { readonly usage: UsageVector; readonly estimated: boolean },
): Receipt {
  return {
    requestId: run.exchange.requestId,
    costNanoUsd: totalCostOf(run),
    usage: usage.usage,
    estimated: usage.estimated,
    model,
    createdAtMs: run.exchange.startedAtMs,
  };
}

function wholeHeaders(
  gateway: Gateway,
  run: CallRun,
  { candidate, answer }: WholeAnswered,
): HeadLines {
  const provider = candidate.provider.definition.id;
  const headers = answerHeaders(gateway, run, {
    provider,
    model: `${provider}/${answer.modelServed ?? candidate.model}`,
    attempts: run.attempts.length,
    costNanoUsd: totalCostOf(run),
  });
  headers.add('content-type', answer.contentType);
  return headers;
}

/** Records the attempt that gave a whole answer. */
function recordWhole(gateway: Gateway, run: CallRun, answered: WholeAnswered): Receipt {
  const { candidate, answer, meta, dispatchedAtMs } = answered;
  const usage = usageOrEstimate(gateway, run, {
    candidate,
    usage: answer.usage,
    // Counted only where nobody has told.
    outputTokens:
      answer.usage === null ? gateway.estimator.estimate(candidate.name, answer.outputBytes) : 0,
  });
  recordAttempt(gateway, run, {
    candidate,
    dispatchedAtMs,
    // Member by member: copying them over costs several times as much.
    end: {
      httpStatus: meta.httpStatus,
      providerRequestId: meta.providerRequestId,
      firstByteAtMs: meta.firstByteAtMs,
      usage: usage.usage,
      estimated: usage.estimated,
      outcome: run.exchange.gone ? 'client_closed' : 'succeeded',
      modelServed: answer.modelServed,
      serviceTier: answer.serviceTier,
      dimensions: answer.dimensions,
      billable: 'yes',
    },
  });
  run.firstTokenAtMs = meta.firstByteAtMs;
  return receiptOf(run, answer.modelServed ?? candidate.model, usage);
}

/** Has media judged and stored. */
async function keepMedia(gateway: Gateway, run: CallRun, answer: WholeAnswer): Promise<void> {
  if (answer.images !== undefined) await reviewAfter(gateway, answer.images);
  if (answer.store !== null) await answer.store(mediaKeeper(gateway, run));
}

/** Books a whole answer and sends it. */
function bookAndSend(
  gateway: Gateway,
  run: CallRun,
  { answered, receipt }: { readonly answered: WholeAnswered; readonly receipt: Receipt },
): Promise<void> {
  const { answer } = answered;
  const body = answer.render(receipt);
  run.claim?.keepWhole(200, wholeHeaders(gateway, run, answered).list(), body);
  const clientClosed = run.exchange.gone;
  return bookRun(gateway, run, { status: 200, errorCode: null, clientClosed }).then(() => {
    const headers = wholeHeaders(gateway, run, answered);
    const { letters = null } = answer;
    if (letters === null) run.exchange.send(200, headers, body);
    else run.exchange.sendLetters(200, headers, letters);
  });
}

export function deliverWhole(
  gateway: Gateway,
  run: CallRun,
  answered: WholeAnswered,
): Promise<void> {
  const receipt = recordWhole(gateway, run, answered);
  const { images, store } = answered.answer;
  // Texts have no media: there is nothing to wait for.
  if (images === undefined && store === null) {
    return bookAndSend(gateway, run, { answered, receipt });
  }
  return keepMedia(gateway, run, answered.answer).then(() =>
    bookAndSend(gateway, run, { answered, receipt }),
  );
}

const STREAM_LINES =
  '\r\ncontent-type: text/event-stream; charset=utf-8' +
  '\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no';

/** Sends the head of a stream; `provider` is null while no candidate has answered yet. */
export function sendStreamHead(
  gateway: Gateway,
  run: CallRun,
  answer: {
    readonly provider: string | null;
    readonly model: string | null;
    /** Of bare bytes; absent: as the call says. */
    readonly contentType?: string | undefined;
  },
): void {
  const headers = answerHeaders(gateway, run, {
    ...answer,
    attempts: run.attempts.length + 1,
    costNanoUsd: null,
  });
  const { streamType } = run.call;
  if (streamType === null) headers.addOwn(STREAM_LINES);
  else {
    headers.add('content-type', answer.contentType ?? streamType);
    run.exchange.sendsBytes = true;
  }
  run.claim?.noteStreamHead(headers.list());
  run.exchange.startStream(headers);
}

/** The error of a stream that broke after content had gone out. */
function interruption(failure: AttemptFailure): GatewayError {
  if (isDrainLimit(failure)) return drainLimitError();
  if (failure.source === 'transport' && failure.failure.code === 'TOTAL') {
    return new GatewayError('provider_timeout', {
      message: 'The answer was not complete before the deadline. Allow more time or ask for less.',
    });
  }
  return new GatewayError('stream_interrupted', {
    message: "The provider's stream broke before the answer was complete. Repeat the request.",
  });
}

function endedAs(end: StreamEnd): { readonly outcome: string; readonly billable: 'yes' | 'no' } {
  switch (end.type) {
    case 'complete':
      return { outcome: 'succeeded', billable: 'yes' };
    case 'client_gone':
      return { outcome: 'client_closed', billable: 'yes' };
    case 'broken':
      return {
        outcome:
          end.failure.source === 'provider'
            ? end.failure.failure.kind
            : `${end.failure.failure.kind}:${end.failure.failure.code}`,
        billable: 'yes',
      };
  }
}

/** Records the attempt of an ended stream by what was seen of it. */
function recordStream(
  gateway: Gateway,
  run: CallRun,
  ended: { readonly answered: StreamAnswered; readonly end: StreamEnd },
): Receipt {
  const { end } = ended;
  const { candidate, stream, dispatchedAtMs } = ended.answered;
  const { answer, meta } = stream;
  const isUntouched = end.type === 'client_gone' && !answer.hasContent && answer.usage === null;
  const usage = usageOrEstimate(gateway, run, {
    candidate,
    usage: answer.usage,
    outputTokens: answer.estimatedOutputTokens,
    isCut: !answer.isComplete,
  });
  const { outcome, billable } = endedAs(end);
  recordAttempt(gateway, run, {
    candidate,
    dispatchedAtMs,
    end: {
      ...meta,
      ...usage,
      outcome,
      modelServed: answer.modelServed,
      serviceTier: answer.serviceTier,
      dimensions: answer.dimensions ?? null,
      billable: isUntouched ? 'unknown' : billable,
    },
  });
  return receiptOf(run, answer.modelServed ?? candidate.model, usage);
}

export async function deliverStream(
  gateway: Gateway,
  run: CallRun,
  answered: StreamAnswered,
): Promise<void> {
  const { candidate, stream } = answered;
  const { exchange } = run;
  const provider = candidate.provider.definition.id;
  if (!exchange.headSent) {
    sendStreamHead(gateway, run, {
      provider,
      model: `${provider}/${stream.answer.modelServed ?? candidate.model}`,
      contentType: stream.answer.contentType,
    });
  }
  stream.relayTo(exchange);
  const relayedFromMs = gateway.clock.monotonicMs();
  const end = await stream.finished;
  run.upstreamMs += gateway.clock.monotonicMs() - relayedFromMs;
  exchange.onGone(null);
  answered.session.streamEnded(candidate, end);
  const receipt = recordStream(gateway, run, { answered, end });
  if (end.type === 'broken') {
    const error =
      run.claim === null ? interruption(end.failure) : keptError(interruption(end.failure));
    const frame = run.dialect.errorFrame(error, exchange.requestId);
    if (exchange.sendsBytes) run.claim?.cutOff();
    else run.claim?.keepStream(frame);
    await bookRun(gateway, run, {
      status: error.status,
      errorCode: error.code,
      clientClosed: false,
    });
    exchange.finishBroken(frame);
    return;
  }
  const clientClosed = end.type === 'client_gone';
  const isWhole = end.type === 'complete' || end.drained;
  const lastFrames = isWhole ? stream.answer.close(receipt) : null;
  if (lastFrames === null) run.claim?.cutOff();
  else run.claim?.keepStream(lastFrames);
  await bookRun(gateway, run, { status: 200, errorCode: null, clientClosed });
  exchange.finish(lastFrames);
}
