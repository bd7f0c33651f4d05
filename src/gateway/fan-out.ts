/**
 * One attempt at an answer that takes several requests, because the model makes less in one call than was asked for. They
 * go out a few at a time; what fails is missing from the answer, and only where everything fails has the attempt failed.
 *
 * @module
 */
import { ProviderFailureError } from '../contracts/provider-failure.ts';
import type { WireReply, WireRequest } from '../contracts/wire.ts';
import { TransportFailure } from '../http/transport-failure.ts';
import type { UpstreamCall } from '../http/upstream.ts';
import { WholeReply } from '../http/whole-reply.ts';
import type { AttemptFailure, AttemptResult, ReplyMeta } from './attempt-result.ts';
import type { CallRun } from './call-run.ts';
import type { ConfiguredProvider, Gateway } from './gateway.ts';
import type { PreparedBatch } from './upstream-request.ts';
import type { AttemptInput } from './whole-attempt.ts';

/** Requests of one attempt that are under way together. */
const TOGETHER_MAX = 4;

type Part =
  | { readonly type: 'reply'; readonly reply: WireReply; readonly meta: ReplyMeta }
  | { readonly type: 'failed'; readonly failure: AttemptFailure; readonly meta: ReplyMeta };

const NO_META: ReplyMeta = { httpStatus: null, providerRequestId: null, firstByteAtMs: null };

/** The requests under way, so that all of them end together. */
class Batch {
  readonly #gateway: Gateway;
  readonly #provider: ConfiguredProvider;
  readonly #calls = new Set<UpstreamCall>();
  #stopped: TransportFailure | null = null;

  constructor(gateway: Gateway, provider: ConfiguredProvider) {
    this.#gateway = gateway;
    this.#provider = provider;
  }

  stop(failure: TransportFailure): void {
    this.#stopped ??= failure;
    for (const call of this.#calls) call.cancel(failure);
  }

  async part(request: WireRequest): Promise<Part> {
    if (this.#stopped !== null) return failedPart(this.#stopped);
    const { upstream, settings, clock } = this.#gateway;
    const collector = new WholeReply(settings.maxReplyBytes);
    const call = upstream.call(this.#provider.baseUrl, request, collector);
    collector.call = call;
    this.#calls.add(call);
    try {
      const reply = await collector.promise;
      const { definition } = this.#provider;
      const meta: ReplyMeta = {
        httpStatus: reply.status,
        providerRequestId: collector.header(definition.requestIdHeader),
        firstByteAtMs: clock.nowMs(),
      };
      if (reply.status >= 200 && reply.status <= 299) return { type: 'reply', reply, meta };
      const failure = { source: 'provider', failure: definition.readError(reply) } as const;
      return { type: 'failed', failure, meta };
    } catch (error) {
      if (error instanceof TransportFailure) return failedPart(error);
      throw error;
    } finally {
      this.#calls.delete(call);
    }
  }
}

function failedPart(failure: TransportFailure): Part {
  return { type: 'failed', failure: { source: 'transport', failure }, meta: NO_META };
}

/** All requests, at most so many of them under way at once. */
async function sendAll(batch: Batch, requests: readonly WireRequest[]): Promise<readonly Part[]> {
  const parts: Part[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next; at < requests.length; at = next) {
      next += 1;
      const request = requests[at];
      if (request !== undefined) parts[at] = await batch.part(request);
    }
  };
  await Promise.all(Array.from({ length: Math.min(TOGETHER_MAX, requests.length) }, work));
  return parts;
}

/** Ends everything at the deadline, when the gateway stops, and when the client leaves whom nobody waits for. */
function guard(gateway: Gateway, run: CallRun, { batch, input }: Guarded): () => void {
  const stop = (kind: 'timeout' | 'cancelled', code: string) => (): void =>
    batch.stop(new TransportFailure({ kind, code, replyStarted: false }));
  const leftMs = run.deadlineMs - gateway.clock.monotonicMs();
  const patienceMs = input.hasOther ? Math.min(leftMs, gateway.settings.wholeReplyMs) : leftMs;
  const deadline = gateway.wheel.after(
    patienceMs,
    stop('timeout', patienceMs < leftMs ? 'FIRST_EVENT' : 'TOTAL'),
  );
  const interrupt = stop('cancelled', 'DRAINING');
  const interruptSlot = gateway.lifecycle.interrupts.add(interrupt);
  const { onClientGone } = input.candidate.provider.definition.disconnect;
  // With an idempotency key a repetition may still collect the answer.
  if (onClientGone === 'cancel' && run.claim === null) {
    run.exchange.onGone(stop('cancelled', 'CLIENT_GONE'));
  }
  return () => {
    deadline.cancel();
    gateway.lifecycle.interrupts.take(interruptSlot);
    run.exchange.onGone(null);
  };
}

interface Guarded {
  readonly batch: Batch;
  readonly input: AttemptInput;
}

/** Runs one attempt; failures are values. */
export async function attemptAll(
  gateway: Gateway,
  run: CallRun,
  input: AttemptInput & { readonly batch: PreparedBatch },
): Promise<AttemptResult> {
  const batch = new Batch(gateway, input.candidate.provider);
  const release = guard(gateway, run, { batch, input });
  let parts: readonly Part[];
  try {
    parts = await sendAll(batch, input.batch.requests);
  } finally {
    release();
  }
  const replies = parts.filter((part) => part.type === 'reply');
  const [firstReply] = replies;
  const failed = parts.find((part) => part.type === 'failed');
  if (firstReply === undefined) {
    if (failed === undefined) throw new Error('an attempt has at least one request');
    const { failure, meta } = failed;
    return { type: 'failed', failure, meta, observed: null };
  }
  try {
    const answer = input.batch.readAll(replies.map(({ reply }) => reply));
    return { type: 'whole', answer, meta: firstReply.meta };
  } catch (error) {
    if (!(error instanceof ProviderFailureError)) throw error;
    const failure = { source: 'provider', failure: error.failure } as const;
    return { type: 'failed', failure, meta: firstReply.meta, observed: null };
  }
}
