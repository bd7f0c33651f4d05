/**
 * The state of one request on its way through the pipeline.
 *
 * @module
 */
import type { Candidate } from './candidates.ts';
import type { CallClaim } from './call-claim.ts';
import type { Caller } from './caller.ts';
import type { Exchange, FailedCall } from './exchange.ts';
import { releaseBytes } from '../http/release-bytes.ts';
import type { UpstreamCall } from '../http/upstream.ts';
import type { AttemptRecord, Held, RateViews } from '../metering/ports.ts';
import type { QuotedCall } from './quotes/quoted-call.ts';
import type { Dialect } from './dialect.ts';
import type { OperationCall } from './operation-call.ts';
import type { Preparation } from './preparation.ts';
import type { TextCall } from './text-call.ts';

/** What a dialect hands to the pipeline: text is metered by tokens, everything else by what was asked for. */
export type Call = TextCall | OperationCall;

export interface CallRun {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly call: Call;
  /** How candidates do what is no text; null for text. */
  readonly preparation: Preparation | null;
  candidates: readonly Candidate[];
  readonly dialect: Dialect;
  readonly tags: Readonly<Record<string, string>> | null;
  /** Monotonic deadline over everything. */
  readonly deadlineMs: number;
  /** The quote that the call draws on; null where it holds by itself. */
  readonly quote: QuotedCall | null;
  readonly holdId: string;
  /** The call's claim on its idempotency key; null without one. */
  readonly claim: CallClaim | null;
  hold: Held | null;
  rates: RateViews;
  readonly attempts: AttemptRecord[];
  /** What carries the call's bytes to the provider that is being tried; null before, and where several requests do. */
  sending: Pick<UpstreamCall, 'isSentWhole'> | null;
  /** Options that did not reach the provider as given, and clamps: `x-gateway-warnings`. */
  readonly warnings: string[];
  /** Monotonic time spent waiting for providers: what is left of the total is the gateway's own. */
  upstreamMs: number;
  firstTokenAtMs: number | null;
  /** True once the hold was settled or voided. */
  isBooked: boolean;
}

/** Whether nobody waits for the answer any more: its client has left, and no repetition can collect it. */
export function isAbandoned(run: CallRun): boolean {
  return run.claim === null && run.exchange.gone;
}

/**
 * Gives back the memory of the body of a call that is over, where nobody reads it any more: neither a connection that has
 * not sent it to its end, nor a repetition.
 */
export function releaseBody({ call, attempts, claim, sending }: CallRun): void {
  if (call.kind !== 'text' || attempts.length !== 1 || claim !== null) return;
  if (sending?.isSentWhole === true) releaseBytes(call.bytes);
}

/** What is known of a call that got as far as its hold. */
export function failedCallOf(run: CallRun): FailedCall {
  const last = run.attempts.at(-1);
  return {
    provider: last?.provider ?? null,
    model:
      last === undefined ? null : `${last.provider}/${last.modelServed ?? last.modelRequested}`,
    attempts: run.attempts.length,
    costNanoUsd: run.attempts.reduce((sum, attempt) => sum + attempt.costNanoUsd, 0n),
    upstreamMs: run.upstreamMs,
    rates: run.rates,
    warnings: run.warnings,
    simulated: run.candidates[0]?.provider.simulated ?? false,
    isRecorded: run.isBooked,
  };
}
