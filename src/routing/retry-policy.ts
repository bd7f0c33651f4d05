/**
 * P2: what to do after a failed attempt. A pure decision: the shell waits, extends the hold (P3), sends.
 *
 * @module
 */
import type { GatewayError } from '../contracts/gateway-error.ts';
import { backoffMs, namedWaitMs, unnamedRateWaitMs } from './backoff.ts';
import { clampCooldownMs, MAX_QUOTA_COOLDOWN_MS, UNNAMED_QUOTA_COOLDOWN_MS } from './cooldown.ts';
import {
  isStaleSocket,
  isTimeout,
  type AttemptFailure,
  type FailureClass,
  type Work,
  LOOP_DETECTED_STATUS,
} from './failure-class.ts';
import { finalError, type FailedAttempt } from './final-error.ts';

/** Attempts over all candidates of a request. */
export const MAX_ATTEMPTS = 3;
/** Longest named wait that is sat out in place. */
export const MAX_WAIT_IN_PLACE_MS = 3000;
const WAIT_SHARE_OF_DEADLINE = 0.1;
/** Cool-down after a second rate limit that names no wait. */
const UNNAMED_COOLDOWN_MS = 1000;

/** A candidate as it stands at the time of the decision. */
export interface RetryCandidate {
  /** Equal for candidates that use one credential: a refused credential rules all of them out. */
  readonly credential: string;
  readonly contextWindow: number | null;
  /** False while cooled, quarantined, or with an open breaker. */
  readonly available: boolean;
  /** Median time of an answer; null while unknown. */
  readonly p50Ms: number | null;
  /** P5: false when the retry budget of the target is spent. Only repeats in place need it. */
  readonly mayRepeat: boolean;
}

export interface RetryInput {
  readonly work: Work;
  readonly candidates: readonly RetryCandidate[];
  /** Every failed attempt so far, the latest last. */
  readonly attempts: readonly FailedAttempt[];
  /** Whole time of the request, and what is left of it. */
  readonly deadlineMs: number;
  readonly remainingMs: number;
  /** Whether the provider of the latest attempt bills work that failed (media). */
  readonly billsFailedWork: boolean;
  readonly failoverOnContentFilter: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What the failure says about the target, to be noted whatever is done next. */
export interface RetryEffects {
  /** P7: cool the credential × model for so long; null: not at all. */
  readonly coolMs: number | null;
  /** P7: quarantine the credential and alert the operator. */
  readonly quarantine: 'auth' | 'credit' | null;
}

export type RetryDecision =
  | { readonly type: 'repeat'; readonly delayMs: number; readonly effects: RetryEffects }
  | { readonly type: 'next'; readonly candidate: number; readonly effects: RetryEffects }
  | { readonly type: 'stop'; readonly error: GatewayError; readonly effects: RetryEffects };

/** What P2's list says of one failure, before limits are looked at. */
interface Plan {
  /** Wait before one more attempt in place; null: not in place. */
  readonly inPlaceMs: number | null;
  /** Which other candidates serve. */
  readonly next: 'any' | 'other_credential' | 'larger_context' | 'none';
  readonly effects: RetryEffects;
}

const NO_EFFECTS: RetryEffects = { coolMs: null, quarantine: null };
const STOP: Plan = { inPlaceMs: null, next: 'none', effects: NO_EFFECTS };
const NEXT: Plan = { inPlaceMs: null, next: 'any', effects: NO_EFFECTS };

function attemptsOn(input: RetryInput, candidate: number): number {
  return input.attempts.filter((attempt) => attempt.candidate === candidate).length;
}

function isShortWait(waitMs: number, deadlineMs: number): boolean {
  return waitMs <= MAX_WAIT_IN_PLACE_MS && waitMs <= deadlineMs * WAIT_SHARE_OF_DEADLINE;
}

function serverFaultPlan(waitMs: number | null, repeats: number, input: RetryInput): Plan {
  const jitterMs = backoffMs(repeats, input.random());
  if (waitMs === null) return { ...NEXT, inPlaceMs: jitterMs };
  return isShortWait(waitMs, input.deadlineMs)
    ? { ...NEXT, inPlaceMs: Math.max(jitterMs, namedWaitMs(waitMs, input.random())) }
    : NEXT;
}

function rateLimitPlan(waitMs: number | null, isFirst: boolean, input: RetryInput): Plan {
  if (isFirst && waitMs === null) {
    return { ...NEXT, inPlaceMs: unnamedRateWaitMs(input.random()) };
  }
  if (isFirst && waitMs !== null && isShortWait(waitMs, input.deadlineMs)) {
    return { ...NEXT, inPlaceMs: namedWaitMs(waitMs, input.random()) };
  }
  return {
    ...NEXT,
    effects: { coolMs: clampCooldownMs(waitMs ?? UNNAMED_COOLDOWN_MS), quarantine: null },
  };
}

function quotaCooldownMs(waitMs: number | null): number {
  return clampCooldownMs(waitMs ?? UNNAMED_QUOTA_COOLDOWN_MS, MAX_QUOTA_COOLDOWN_MS);
}

function transportPlan(attempt: FailedAttempt, repeats: number, input: RetryInput): Plan {
  const { failure } = attempt;
  if (failure.source !== 'transport') return STOP;
  switch (failure.failure.kind) {
    case 'not_sent':
      if (isTimeout(failure)) return NEXT;
      return isStaleSocket(failure) ? { ...NEXT, inPlaceMs: 0 } : NEXT;
    case 'reset':
      return failure.failure.replyStarted
        ? NEXT
        : { ...NEXT, inPlaceMs: backoffMs(repeats, input.random()) };
    case 'timeout':
    case 'undecodable':
      return NEXT;
    case 'too_large':
    case 'cancelled':
      return STOP;
  }
}

function planFor(attempt: FailedAttempt, repeats: number, input: RetryInput): Plan {
  if (attempt.failure.source === 'transport') return transportPlan(attempt, repeats, input);
  const { kind, waitMs, status } = attempt.failure.failure;
  switch (kind) {
    case 'overloaded':
    case 'server_error':
      // Asking again would go round again.
      if (status === LOOP_DETECTED_STATUS) return NEXT;
      return serverFaultPlan(waitMs, repeats, input);
    case 'rate_limited':
      return rateLimitPlan(waitMs, repeats === 0, input);
    case 'quota_exhausted':
      return {
        ...NEXT,
        effects: { coolMs: quotaCooldownMs(waitMs), quarantine: null },
      };
    case 'malformed_reply':
    case 'broken_stream':
      return NEXT;
    case 'auth':
    case 'credit':
      return { ...NEXT, next: 'other_credential', effects: { coolMs: null, quarantine: kind } };
    case 'context_length':
      return { ...STOP, next: 'larger_context' };
    case 'content_filtered':
      return input.failoverOnContentFilter ? NEXT : STOP;
    case 'invalid_request':
    case 'model_not_found':
      return STOP;
  }
}

/** P1's table: what the class of the failure allows for this kind of work. */
function allowedBy(failureClass: FailureClass, attempt: AttemptFailure, input: RetryInput) {
  switch (failureClass) {
    case 'started':
      return { inPlace: false, next: false };
    case 'not_sent':
      return { inPlace: true, next: input.work !== 'poll' };
    case 'refused':
      if (input.work !== 'submit') return { inPlace: true, next: input.work !== 'poll' };
      return isCleanRefusal(attempt)
        ? { inPlace: true, next: true }
        : { inPlace: false, next: false };
    case 'ambiguous':
      switch (input.work) {
        case 'text':
          return { inPlace: true, next: true };
        case 'media':
          return { inPlace: false, next: !input.billsFailedWork };
        case 'submit':
          return { inPlace: false, next: false };
        case 'poll':
          return { inPlace: true, next: false };
      }
  }
}

/** Refusals of a paid submit that surely started nothing. */
function isCleanRefusal(attempt: AttemptFailure): boolean {
  return (
    attempt.source === 'provider' &&
    ['rate_limited', 'quota_exhausted', 'overloaded', 'auth', 'credit'].includes(
      attempt.failure.kind,
    )
  );
}

function hasTime(candidate: RetryCandidate, remainingMs: number): boolean {
  return remainingMs > 0 && remainingMs >= (candidate.p50Ms ?? 0);
}

function suits(candidate: RetryCandidate, current: RetryCandidate, next: Plan['next']): boolean {
  switch (next) {
    case 'any':
      return true;
    case 'other_credential':
      return candidate.credential !== current.credential;
    case 'larger_context':
      return (candidate.contextWindow ?? 0) > (current.contextWindow ?? 0);
    case 'none':
      return false;
  }
}

function nextCandidate(
  input: RetryInput,
  current: RetryCandidate,
  next: Plan['next'],
): number | null {
  const tried = new Set(input.attempts.map(({ candidate }) => candidate));
  const place = input.candidates.findIndex(
    (candidate, index) =>
      !tried.has(index) &&
      candidate.available &&
      hasTime(candidate, input.remainingMs) &&
      suits(candidate, current, next),
  );
  return place < 0 ? null : place;
}

/**
 * Decides after a failed attempt; `attempts` ends with it.
 *
 * A candidate is repeated in place at most once (polls: up to the limit of attempts); a spent retry budget
 * forbids that repeat, not the move to another candidate, whose own breaker and budget protect it.
 */
export function decideNext(input: RetryInput): RetryDecision {
  const latest = input.attempts.at(-1);
  const current = latest === undefined ? undefined : input.candidates[latest.candidate];
  if (latest === undefined || current === undefined) {
    return { type: 'stop', error: finalError(input.attempts), effects: NO_EFFECTS };
  }
  const repeats = attemptsOn(input, latest.candidate) - 1;
  const plan = planFor(latest, repeats, input);
  const { effects } = plan;
  const stop = (): RetryDecision => ({ type: 'stop', error: finalError(input.attempts), effects });
  if (input.attempts.length >= MAX_ATTEMPTS) return stop();
  const allowed = allowedBy(latest.failureClass, latest.failure, input);
  const maxRepeats = input.work === 'poll' ? MAX_ATTEMPTS - 1 : 1;
  if (
    allowed.inPlace &&
    plan.inPlaceMs !== null &&
    repeats < maxRepeats &&
    current.mayRepeat &&
    hasTime(current, input.remainingMs - plan.inPlaceMs)
  ) {
    return { type: 'repeat', delayMs: plan.inPlaceMs, effects };
  }
  const place = allowed.next ? nextCandidate(input, current, plan.next) : null;
  return place === null ? stop() : { type: 'next', candidate: place, effects };
}
