/**
 * One attempt at a whole answer.
 *
 * @module
 */
import { ProviderFailureError, providerFailure } from '../contracts/provider-failure.ts';
import type { WireReply } from '../contracts/wire.ts';
import type { Deadline } from '../http/timer-wheel.ts';
import { TransportFailure } from '../http/transport-failure.ts';
import type { UpstreamCall } from '../http/upstream.ts';
import { WholeReply } from '../http/whole-reply.ts';
import type { AttemptFailure, AttemptResult, ReplyMeta } from './attempt-result.ts';
import type { Candidate } from './candidates.ts';
import type { Gateway } from './gateway.ts';
import { attemptAll } from './fan-out.ts';
import type { CallRun } from './call-run.ts';
import type { PreparedCall } from './upstream-request.ts';

export interface AttemptInput {
  readonly candidate: Candidate;
  readonly prepared: PreparedCall;
  /** Monotonic instant of its beginning. */
  readonly beganMs: number;
  /** Whether another candidate could still answer: patience is shorter then. */
  readonly hasOther: boolean;
}

/** A request that is under way, and what can end it before its reply: deadline, cap, cancellation. */
class Fetch {
  readonly #gateway: Gateway;
  readonly #run: CallRun;
  readonly #input: AttemptInput;
  readonly #collector: WholeReply;
  readonly #call: UpstreamCall;
  readonly #deadline: Deadline;
  readonly #interruptSlot: number;
  #drain: Deadline | null = null;

  constructor(gateway: Gateway, run: CallRun, input: AttemptInput) {
    this.#gateway = gateway;
    this.#run = run;
    this.#input = input;
    this.#collector = new WholeReply(gateway.settings.maxReplyBytes);
    const { baseUrl } = input.candidate.provider;
    this.#call = gateway.upstream.call(baseUrl, input.prepared.request, this.#collector);
    this.#collector.call = this.#call;
    run.sending = this.#call;
    const { deadlineMs } = run;
    const dueMs = input.hasOther
      ? Math.min(deadlineMs, input.beganMs + gateway.settings.wholeReplyMs)
      : deadlineMs;
    this.#deadline = gateway.wheel.at(dueMs, () =>
      this.#cancel('timeout', dueMs < deadlineMs ? 'FIRST_EVENT' : 'TOTAL'),
    );
    this.#interruptSlot = gateway.lifecycle.interrupts.add(() =>
      this.#cancel('cancelled', 'DRAINING'),
    );
    run.exchange.onGone(() => this.#clientGone());
  }

  /** @throws TransportFailure, as a rejection */
  get reply(): Promise<WireReply> {
    return this.#collector.promise;
  }

  /** The provider's id of the call, once its reply has come. */
  get providerRequestId(): string | null {
    return this.#collector.header(this.#input.candidate.provider.definition.requestIdHeader);
  }

  /** To be called once the reply is there, or will not come. */
  end(): void {
    const { lifecycle } = this.#gateway;
    this.#deadline.cancel();
    if (this.#drain !== null) {
      this.#drain.cancel();
      lifecycle.drains -= 1;
    }
    lifecycle.interrupts.take(this.#interruptSlot);
    this.#run.exchange.onGone(null);
  }

  #cancel(kind: 'timeout' | 'cancelled', code: string): void {
    this.#call.cancel(new TransportFailure({ kind, code, replyStarted: false }));
  }

  #clientGone(): void {
    if (this.#input.candidate.provider.definition.disconnect.onClientGone === 'drain') return;
    const { lifecycle, settings, wheel } = this.#gateway;
    if (this.#run.claim === null || lifecycle.drains >= settings.drainsMax) {
      this.#cancel('cancelled', 'CLIENT_GONE');
      return;
    }
    // A repetition with the same idempotency key may still collect the answer.
    lifecycle.drains += 1;
    this.#drain = wheel.after(settings.drainMs, () => this.#cancel('cancelled', 'DRAIN_LIMIT'));
  }
}

const NO_META: ReplyMeta = { httpStatus: null, providerRequestId: null, firstByteAtMs: null };

function failed(failure: AttemptFailure, meta: ReplyMeta): AttemptResult {
  return { type: 'failed', failure, meta, observed: null };
}

/** What was thrown as a failed attempt. @throws what is a fault of our own */
function failedBy(error: unknown, meta: ReplyMeta): AttemptResult {
  if (error instanceof ProviderFailureError) {
    return failed({ source: 'provider', failure: error.failure }, meta);
  }
  if (error instanceof TransportFailure) {
    return failed({ source: 'transport', failure: error }, meta);
  }
  throw error;
}

/** What a reply amounts to: an answer, or an error of the provider. */
function resultOf(reply: WireReply, meta: ReplyMeta, input: AttemptInput): AttemptResult {
  try {
    if (reply.status < 200 || reply.status > 299) {
      const failure = input.candidate.provider.definition.readError(reply);
      return failed({ source: 'provider', failure }, meta);
    }
    if (reply.body.length === 0) {
      const failure = providerFailure({
        kind: 'malformed_reply',
        status: reply.status,
        message: 'The provider sent an empty body.',
      });
      return failed({ source: 'provider', failure }, meta);
    }
    return { type: 'whole', answer: input.prepared.read(reply), meta };
  } catch (error) {
    return failedBy(error, meta);
  }
}

/** Runs one attempt; failures are values. */
export function attemptWhole(
  gateway: Gateway,
  run: CallRun,
  input: AttemptInput,
): Promise<AttemptResult> {
  const { batch } = input.prepared;
  if (batch !== undefined) return attemptAll(gateway, run, { ...input, batch });
  const fetch = new Fetch(gateway, run, input);
  return fetch.reply.then(
    (reply) => {
      fetch.end();
      const { status: httpStatus } = reply;
      const { providerRequestId } = fetch;
      const meta = { httpStatus, providerRequestId, firstByteAtMs: gateway.clock.nowMs() };
      return resultOf(reply, meta, input);
    },
    (error: unknown) => {
      fetch.end();
      return failedBy(error, NO_META);
    },
  );
}
