/**
 * One attempt at a streamed answer: bytes from the provider to the client with backpressure, under timers.
 *
 * Until content has been seen nothing reaches the client, so that another candidate may still answer. From
 * then on what comes is relayed as it comes, but for the terminal frames, which wait for the settlement.
 *
 * @module
 */
import { providerFailure } from '../contracts/provider-failure.ts';
import { briefCopy, giveBack } from '../http/brief-copy.ts';
import { HeadFields } from '../http/head-fields.ts';
import { hasRefused, TransportFailure } from '../http/transport-failure.ts';
import type { Deadline } from '../http/timer-wheel.ts';
import type { ReplySink, UpstreamCall } from '../http/upstream.ts';
import type { AttemptFailure, ReplyMeta } from './attempt-result.ts';
import type { CallClaim } from './call-claim.ts';
import type { Exchange } from './exchange.ts';
import type { ConfiguredProvider, Gateway } from './gateway.ts';
import type { AnswerStream } from './text-call.ts';

const KEEPALIVE = Buffer.from(': keepalive\n\n');
/** How long a complete answer may still wait for its usage, and for its end marker, before it is finalised. */
const USAGE_GRACE_MS = 2_000;
const END_GRACE_MS = 250;
const WATCH_INTERVAL_MS = 250;
/** A look this late means that the process itself stood still: what had arrived meanwhile has not been read yet. */
const STANDSTILL_MS = 1_000;
const ERROR_BODY_MAX_BYTES = 1024 * 1024;
/** Most that is held back before content is committed; a longer answer is released as it stands (P4). */
const PENDING_MAX_BYTES = 16 * 1024 * 1024;

export type StreamStart =
  | { readonly type: 'content' }
  | { readonly type: 'failed'; readonly failure: AttemptFailure };

export type StreamEnd =
  | { readonly type: 'complete' }
  | { readonly type: 'broken'; readonly failure: AttemptFailure }
  /** The client left; the upstream was cancelled, or read on to its end when `drained`. */
  | { readonly type: 'client_gone'; readonly drained: boolean };

export interface StreamAttemptOptions {
  readonly gateway: Gateway;
  readonly provider: ConfiguredProvider;
  readonly answer: AnswerStream;
  /** Gets what is relayed, and has a stream whose client left read to its end; null without an idempotency key. */
  readonly claim: CallClaim | null;
  /** Whether the stream is of events; else of bare bytes, between which nothing can be said. */
  readonly isEvents: boolean;
  /** Monotonic instants and spans in milliseconds. */
  readonly deadlineMs: number;
  readonly firstEventMs: number;
  /** Called at coarse intervals while output is under way. */
  readonly onProgress: () => void;
}

export class StreamAttempt implements ReplySink {
  readonly answer: AnswerStream;
  readonly started: Promise<StreamStart>;
  readonly finished: Promise<StreamEnd>;
  meta: ReplyMeta = { httpStatus: null, providerRequestId: null, firstByteAtMs: null };
  readonly #options: StreamAttemptOptions;
  readonly #start: (start: StreamStart) => void;
  readonly #finish: (end: StreamEnd) => void;
  #call: UpstreamCall | null = null;
  #exchange: Exchange | null = null;
  /** Copies of what was withheld. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #isRelaying = false;
  #hasWritten = false;
  #errorBody: Buffer[] | null = null;
  #errorBytes = 0;
  #fields = HeadFields.NONE;
  #watch: Deadline | null = null;
  #grace: Deadline | null = null;
  #dispatchedAtMs = 0;
  #lastEventAtMs = 0;
  #lastEvents = 0;
  #lastWriteAtMs = 0;
  #pausedAtMs: number | null = null;
  #watchDueAtMs = 0;
  #drainUntilMs: number | null = null;
  #drainedBytes = 0;
  #hasStarted = false;
  #hasEnded = false;
  #interruptSlot: number | null = null;
  readonly #interrupt = (): void => this.#cancel('cancelled', 'DRAINING');

  constructor(options: StreamAttemptOptions) {
    this.#options = options;
    this.answer = options.answer;
    const started = Promise.withResolvers<StreamStart>();
    const finished = Promise.withResolvers<StreamEnd>();
    this.started = started.promise;
    this.finished = finished.promise;
    this.#start = started.resolve;
    this.#finish = finished.resolve;
  }

  /** Takes over the call just dispatched and starts its timers. */
  begin(call: UpstreamCall): void {
    if (this.#hasEnded) return;
    this.#call = call;
    const now = this.#now();
    this.#dispatchedAtMs = now;
    this.#lastEventAtMs = now;
    this.#lastWriteAtMs = now;
    this.#interruptSlot = this.#options.gateway.lifecycle.interrupts.add(this.#interrupt);
    this.#armWatch();
  }

  /** Lets keepalives flow to a client whose headers are out although no content has come. */
  attachForKeepalive(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  /** Relays to the client from here on, beginning with what was withheld. */
  relayTo(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#isRelaying = true;
    const pending = this.#pending;
    const [first] = pending;
    if (first === undefined) return;
    this.#pending = [];
    this.#relay(pending.length === 1 ? first : Buffer.concat(pending));
    pending.forEach(giveBack);
  }

  /** The client has left: cancels, or reads on under caps where the provider bills on (P11) or a repetition may come. */
  clientGone(): void {
    if (this.#hasEnded) return;
    const { gateway, provider, claim } = this.#options;
    const drains = claim !== null || provider.definition.disconnect.onClientGone === 'drain';
    if (!drains || gateway.lifecycle.drains >= gateway.settings.drainsMax) {
      this.#end({ type: 'client_gone', drained: false });
      this.#call?.cancel(
        new TransportFailure({ kind: 'cancelled', code: 'CLIENT_GONE', replyStarted: true }),
      );
      return;
    }
    gateway.lifecycle.drains += 1;
    this.#drainUntilMs = this.#now() + gateway.settings.drainMs;
    this.#resume();
  }

  onHead(status: number, fields: HeadFields): void {
    this.#fields = fields;
    this.meta = {
      httpStatus: status,
      providerRequestId: fields.field(this.#options.provider.definition.requestIdHeader),
      firstByteAtMs: this.#options.gateway.clock.nowMs(),
    };
    const type = fields.field('content-type');
    const isStream = this.#options.isEvents
      ? type === null || /event-stream/i.test(type) || this.answer.readsAnyType === true
      : this.answer.readsAnyType === true ||
        !/^(?:text|application)\/(?:[\w.-]+\+)?(?:json|html|plain|xml)\b/i.test(type ?? '');
    if (status < 200 || status > 299 || !isStream) this.#errorBody = [];
  }

  onData(chunk: Buffer): void {
    if (this.#hasEnded) return;
    if (this.#errorBody !== null) {
      this.#errorBytes += chunk.length;
      if (this.#errorBytes <= ERROR_BODY_MAX_BYTES) this.#errorBody.push(Buffer.from(chunk));
      return;
    }
    const { answer } = this;
    const out = answer.push(chunk);
    if (out !== null) this.#forward(out);
    this.#afterInput(chunk.length);
  }

  onEnd(): void {
    if (this.#hasEnded) return;
    if (this.#errorBody !== null) {
      this.#endOfErrorBody();
      return;
    }
    const out = this.answer.end();
    if (out !== null) this.#forward(out);
    if (this.answer.failure !== null)
      this.#fail({ source: 'provider', failure: this.answer.failure });
    else this.#complete();
  }

  onFailure(failure: TransportFailure): void {
    if (this.#hasEnded) return;
    if (this.answer.isComplete) this.#complete();
    else if (hasRefused(this.meta.httpStatus ?? 0, failure)) this.#endOfErrorBody();
    else this.#fail({ source: 'transport', failure });
  }

  #now(): number {
    return this.#options.gateway.clock.monotonicMs();
  }

  /** Decides after every chunk whether the answer has begun, is broken, or is done. */
  #afterInput(bytes: number): void {
    const { answer } = this;
    if (answer.failure !== null) {
      this.#fail({ source: 'provider', failure: answer.failure });
      this.#call?.cancel(
        new TransportFailure({ kind: 'cancelled', code: 'BROKEN_STREAM', replyStarted: true }),
      );
      return;
    }
    if (this.#drainUntilMs !== null) {
      this.#drainedBytes += bytes;
      if (this.#drainedBytes > this.#options.gateway.settings.drainBytes)
        this.#cancel('cancelled', 'DRAIN_LIMIT');
    }
    if (answer.hasContent && this.#options.gateway.settings.commit === 'first_event')
      this.#markStarted();
    if (!answer.isComplete) return;
    if (answer.isDone) {
      this.#complete();
    } else if (this.#grace === null) {
      const graceMs = answer.usage === null ? USAGE_GRACE_MS : END_GRACE_MS;
      this.#grace = this.#options.gateway.wheel.after(graceMs, () => this.#complete());
    }
  }

  #markStarted(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#start({ type: 'content' });
  }

  #forward(bytes: Buffer): void {
    if (this.#isRelaying) {
      this.#relay(bytes);
      return;
    }
    this.#pending.push(briefCopy(bytes));
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > PENDING_MAX_BYTES && this.answer.hasContent) this.#markStarted();
  }

  #relay(bytes: Buffer): void {
    this.#options.claim?.noteFrames(bytes);
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null || this.#drainUntilMs !== null) return;
    this.#hasWritten = true;
    if (exchange.write(bytes) || this.#pausedAtMs !== null) return;
    this.#pausedAtMs = this.#now();
    this.#call?.pause();
    exchange.onDrain(() => this.#resume());
  }

  #resume(): void {
    if (this.#pausedAtMs === null) return;
    this.#pausedAtMs = null;
    this.#lastEventAtMs = this.#now();
    this.#call?.resume();
  }

  #armWatch(): void {
    this.#watchDueAtMs = this.#now() + WATCH_INTERVAL_MS;
    this.#watch = this.#options.gateway.wheel.after(WATCH_INTERVAL_MS, () => this.#check());
  }

  /** Looks at every timer of the stream at once. */
  #check(): void {
    if (this.#hasEnded) return;
    const now = this.#now();
    const lateMs = now - this.#watchDueAtMs;
    this.#armWatch();
    this.#noteActivity(now);
    if (lateMs > STANDSTILL_MS) this.#forgive(lateMs);
    const { gateway, deadlineMs, firstEventMs, onProgress } = this.#options;
    if (now >= deadlineMs) this.#cancel('timeout', 'TOTAL');
    else if (this.#drainUntilMs !== null && now >= this.#drainUntilMs)
      this.#cancel('cancelled', 'DRAIN_LIMIT');
    else if (this.#pausedAtMs !== null) {
      if (now - this.#pausedAtMs >= gateway.settings.clientStallMs) {
        this.#exchange?.cut();
      }
    } else if (!this.answer.hasContent) {
      if (now - this.#dispatchedAtMs >= firstEventMs) this.#cancel('timeout', 'FIRST_EVENT');
    } else if (now - this.#lastEventAtMs >= gateway.settings.streamIdleMs)
      this.#cancel('timeout', 'IDLE');
    if (this.#hasEnded) return;
    if (this.answer.hasContent) onProgress();
    const mayWrite =
      this.#options.isEvents && this.#exchange?.headSent === true && this.#pausedAtMs === null;
    if (mayWrite && now - this.#lastWriteAtMs >= gateway.settings.keepaliveMs)
      this.#write(KEEPALIVE);
  }

  /** Activity is timed here, to the interval of the watch, so that chunks need no clock. */
  #noteActivity(now: number): void {
    if (this.answer.events !== this.#lastEvents) {
      this.#lastEvents = this.answer.events;
      this.#lastEventAtMs = now;
    }
    if (!this.#hasWritten) return;
    this.#hasWritten = false;
    this.#lastWriteAtMs = now;
  }

  /** Silence while this process stood still (suspended, starved, blocked) is nobody's stall. */
  #forgive(lateMs: number): void {
    this.#dispatchedAtMs += lateMs;
    this.#lastEventAtMs += lateMs;
    if (this.#pausedAtMs !== null) this.#pausedAtMs += lateMs;
  }

  #cancel(kind: 'timeout' | 'cancelled', code: string): void {
    const failure = new TransportFailure({
      kind,
      code,
      replyStarted: this.meta.httpStatus !== null,
    });
    if (this.#call === null) this.onFailure(failure);
    else this.#call.cancel(failure);
  }

  /** A reply that is not a stream: an error status, or an error (or HTML) under 200. */
  #endOfErrorBody(): void {
    const body = Buffer.concat(this.#errorBody ?? []);
    const status = this.meta.httpStatus ?? 0;
    const { definition } = this.#options.provider;
    if (status < 200 || status > 299) {
      this.#fail({
        source: 'provider',
        failure: definition.readError({ status, headers: this.#fields.flat(), body }),
      });
      return;
    }
    const isError = body.includes('"error"');
    const failure = isError
      ? definition.readError({ status, headers: this.#fields.flat(), body })
      : providerFailure({
          kind: 'malformed_reply',
          status,
          message: 'The provider answered a streamed request without a stream.',
        });
    this.#fail({ source: 'provider', failure });
  }

  #fail(failure: AttemptFailure): void {
    if (this.#hasEnded) return;
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#start({ type: 'failed', failure });
    }
    if (this.#drainUntilMs !== null) this.#end({ type: 'client_gone', drained: false });
    else this.#end({ type: 'broken', failure });
  }

  #complete(): void {
    if (this.#hasEnded) return;
    this.#markStarted();
    if (this.#drainUntilMs !== null) this.#end({ type: 'client_gone', drained: true });
    else this.#end({ type: 'complete' });
  }

  #end(end: StreamEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { lifecycle } = this.#options.gateway;
    if (this.#drainUntilMs !== null) lifecycle.drains -= 1;
    this.#watch?.cancel();
    this.#grace?.cancel();
    if (this.#interruptSlot !== null) lifecycle.interrupts.take(this.#interruptSlot);
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#start({ type: 'content' });
    }
    this.#finish(end);
  }
}
