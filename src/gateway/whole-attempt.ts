/**
 * One attempt at a whole answer.
 *
 * @module
 */
import { ProviderFailureError, providerFailure } from '../contracts/provider-failure.ts';
import type { WireReply } from '../contracts/wire.ts';
import { TransportFailure } from '../http/transport-failure.ts';
import type { Deadline } from '../http/timer-wheel.ts';
import { WholeReply } from '../http/whole-reply.ts';
import type { AttemptResult, ReplyMeta } from './attempt-result.ts';
import type { Candidate } from './candidates.ts';
import type { Gateway } from './gateway.ts';
import { attemptAll } from './fan-out.ts';
import type { CallRun } from './call-run.ts';
import type { PreparedCall } from './upstream-request.ts';

export interface AttemptInput {
  readonly candidate: Candidate;
  readonly prepared: PreparedCall;
  /** Whether another candidate could still answer: patience is shorter then. */
  readonly hasOther: boolean;
}

interface FetchedReply {
  readonly reply: WireReply;
  readonly providerRequestId: string | null;
}

/** Fetches the reply, or fails by deadline, cap, cancellation or transport. */
async function fetchReply(
  gateway: Gateway,
  run: CallRun,
  input: AttemptInput,
): Promise<FetchedReply> {
  const collector = new WholeReply(gateway.settings.maxReplyBytes);
  const call = gateway.upstream.call(
    input.candidate.provider.baseUrl,
    input.prepared.request,
    collector,
  );
  collector.call = call;
  run.sending = call;
  const leftMs = run.deadlineMs - gateway.clock.monotonicMs();
  const patienceMs = input.hasOther ? Math.min(leftMs, gateway.settings.wholeReplyMs) : leftMs;
  const deadline = gateway.wheel.after(patienceMs, () => {
    const code = patienceMs < leftMs ? 'FIRST_EVENT' : 'TOTAL';
    call.cancel(new TransportFailure({ kind: 'timeout', code, replyStarted: false }));
  });
  const interrupt = (): void => {
    call.cancel(new TransportFailure({ kind: 'cancelled', code: 'DRAINING', replyStarted: false }));
  };
  const interruptSlot = gateway.lifecycle.interrupts.add(interrupt);
  let drain = null as Deadline | null;
  run.exchange.onGone(() => {
    if (input.candidate.provider.definition.disconnect.onClientGone === 'drain') return;
    const cancelAs = (code: string): void => {
      call.cancel(new TransportFailure({ kind: 'cancelled', code, replyStarted: false }));
    };
    const { lifecycle, settings, wheel } = gateway;
    if (run.claim === null || lifecycle.drains >= settings.drainsMax) {
      cancelAs('CLIENT_GONE');
      return;
    }
    // A repetition with the same idempotency key may still collect the answer.
    lifecycle.drains += 1;
    drain = wheel.after(settings.drainMs, () => cancelAs('DRAIN_LIMIT'));
  });
  try {
    const reply = await collector.promise;
    return {
      reply,
      providerRequestId: collector.header(input.candidate.provider.definition.requestIdHeader),
    };
  } finally {
    deadline.cancel();
    if (drain !== null) {
      drain.cancel();
      gateway.lifecycle.drains -= 1;
    }
    gateway.lifecycle.interrupts.take(interruptSlot);
    run.exchange.onGone(null);
  }
}

/** Runs one attempt; failures are values. */
export async function attemptWhole(
  gateway: Gateway,
  run: CallRun,
  input: AttemptInput,
): Promise<AttemptResult> {
  const { batch } = input.prepared;
  if (batch !== undefined) return await attemptAll(gateway, run, { ...input, batch });
  let meta: ReplyMeta = { httpStatus: null, providerRequestId: null, firstByteAtMs: null };
  try {
    const { reply, providerRequestId } = await fetchReply(gateway, run, input);
    const { definition } = input.candidate.provider;
    meta = {
      httpStatus: reply.status,
      providerRequestId,
      firstByteAtMs: gateway.clock.nowMs(),
    };
    if (reply.status < 200 || reply.status > 299) {
      return {
        type: 'failed',
        failure: { source: 'provider', failure: definition.readError(reply) },
        meta,
        observed: null,
      };
    }
    if (reply.body.length === 0) {
      const failure = providerFailure({
        kind: 'malformed_reply',
        status: reply.status,
        message: 'The provider sent an empty body.',
      });
      return { type: 'failed', failure: { source: 'provider', failure }, meta, observed: null };
    }
    return { type: 'whole', answer: input.prepared.read(reply), meta };
  } catch (error) {
    if (error instanceof ProviderFailureError) {
      return {
        type: 'failed',
        failure: { source: 'provider', failure: error.failure },
        meta,
        observed: null,
      };
    }
    if (error instanceof TransportFailure)
      return {
        type: 'failed',
        failure: { source: 'transport', failure: error },
        meta,
        observed: null,
      };
    throw error;
  }
}
