/**
 * P2.5: the one error that the caller gets after the last attempt. Reasons of single attempts stand in the
 * request record, not here.
 *
 * @module
 */
import { GatewayError, type GatewayErrorOptions } from '../contracts/gateway-error.ts';
import type { ProviderFailure } from '../contracts/provider-failure.ts';
import type { ErrorCode } from '../contracts/error-codes.ts';
import { clampCooldownMs, MAX_QUOTA_COOLDOWN_MS, UNNAMED_QUOTA_COOLDOWN_MS } from './cooldown.ts';
import {
  isTimeout,
  type AttemptFailure,
  type FailureClass,
  LOOP_DETECTED_STATUS,
} from './failure-class.ts';
import { redactMessage } from './redact.ts';

/** A failed attempt as the policy remembers it. */
export interface FailedAttempt {
  /** Place of the candidate in the list. */
  readonly candidate: number;
  /** Provider id, for the message. */
  readonly provider: string;
  readonly failure: AttemptFailure;
  readonly failureClass: FailureClass;
}

/** C2: clients sleep for a `Retry-After` that they may follow, so a longer one only says when it is over. */
const LONGEST_FOLLOWED_WAIT_MS = 60_000;
/** Wait named where a rate limited provider names none. */
const UNKNOWN_WAIT_MS = 1000;

/** C4: repeating is safe when no attempt can have done work. */
function isSafeToRepeat(attempts: readonly FailedAttempt[]): boolean {
  return attempts.every(
    ({ failureClass }) => failureClass === 'not_sent' || failureClass === 'refused',
  );
}

/** The last failure of each candidate, in the order of the candidates' first attempts. */
function lastByCandidate(attempts: readonly FailedAttempt[]): readonly FailedAttempt[] {
  return [...new Map(attempts.map((attempt) => [attempt.candidate, attempt])).values()];
}

function kindOf(attempt: FailedAttempt): ProviderFailure['kind'] | null {
  return attempt.failure.source === 'provider' ? attempt.failure.failure.kind : null;
}

function waitOf(attempt: FailedAttempt): number | null {
  if (attempt.failure.source !== 'provider') return null;
  const { kind, waitMs } = attempt.failure.failure;
  if (kind === 'quota_exhausted')
    return clampCooldownMs(waitMs ?? UNNAMED_QUOTA_COOLDOWN_MS, MAX_QUOTA_COOLDOWN_MS);
  return waitMs === null ? null : clampCooldownMs(waitMs);
}

function shortestWait(attempts: readonly FailedAttempt[]): number | null {
  const waits = attempts.map(waitOf).filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.min(...waits);
}

function tries(attempts: readonly FailedAttempt[]): string {
  return attempts.length === 1 ? '' : ` after ${attempts.length} attempts`;
}

function withReason(lead: string, reason: string, advice: string): string {
  const sentence = redactMessage(reason);
  return sentence === '' ? `${lead}. ${advice}` : `${lead}: ${sentence} ${advice}`;
}

/** The caller's own request was refused: these are final whatever other candidates said. */
function refusalOfRequest(provider: string, failure: ProviderFailure): GatewayError | null {
  const param = failure.param === null ? {} : { param: redactMessage(failure.param) };
  const make = (code: ErrorCode, advice: string, more: Partial<GatewayErrorOptions> = {}) =>
    new GatewayError(code, {
      message: withReason(`${provider} refused the request`, failure.message, advice),
      ...param,
      ...more,
    });
  switch (failure.kind) {
    case 'content_filtered':
      return make('content_filtered', 'Change the content; other models are not tried.');
    case 'context_length':
      return make(
        'context_length_exceeded',
        'Shorten the input, lower the maximum output, or use a model with a larger context.',
      );
    case 'model_not_found':
      return make('model_not_found', 'GET /v1/models lists the models you may use.');
    case 'invalid_request':
      if (failure.status === 413) return make('payload_too_large', 'Send a smaller body.');
      return make('invalid_request', 'Correct the request before repeating it.', {
        status: failure.status === 422 ? 422 : 400,
      });
    case 'rate_limited':
    case 'quota_exhausted':
    case 'overloaded':
    case 'server_error':
    case 'auth':
    case 'credit':
    case 'malformed_reply':
    case 'broken_stream':
      return null;
  }
}

/** A wait that clients may follow, and whether they should. */
function waiting(
  waitMs: number | null,
  shouldRetry: boolean,
): Pick<GatewayErrorOptions, 'retryAfterMs' | 'shouldRetry'> {
  if (waitMs === null) return { shouldRetry };
  return {
    retryAfterMs: waitMs,
    shouldRetry: shouldRetry && waitMs <= LONGEST_FOLLOWED_WAIT_MS,
  };
}

function isRateLimited(attempt: FailedAttempt): boolean {
  const kind = kindOf(attempt);
  return kind === 'rate_limited' || kind === 'quota_exhausted';
}

function isLoop(attempt: FailedAttempt): boolean {
  return (
    attempt.failure.source === 'provider' && attempt.failure.failure.status === LOOP_DETECTED_STATUS
  );
}

/** `502 provider_auth` or `provider_credit` when that is what stopped every candidate. */
function credentialError(last: readonly FailedAttempt[]): GatewayError | null {
  const kinds = last.map(kindOf);
  if (!kinds.every((kind) => kind === 'auth' || kind === 'credit')) return null;
  const providers = [...new Set(last.map(({ provider }) => provider))].join(', ');
  return kinds.includes('auth')
    ? new GatewayError('provider_auth', {
        message: `${providers} refused the gateway's own credential. Your key is not at fault; the operator must correct the provider credential.`,
      })
    : new GatewayError('provider_credit', {
        message: `The gateway's account with ${providers} has no credit left. Your plan is not at fault; the operator must top it up.`,
      });
}

function streamInterrupted(
  attempt: FailedAttempt,
  attempts: readonly FailedAttempt[],
): GatewayError {
  return new GatewayError('stream_interrupted', {
    message: `The stream from ${attempt.provider} broke before the answer was complete. What arrived is not the whole answer; repeat the request.`,
    shouldRetry: isSafeToRepeat(attempts),
  });
}

function providerError(attempts: readonly FailedAttempt[], last: FailedAttempt): GatewayError {
  const safe = isSafeToRepeat(attempts);
  const overloaded = kindOf(last) === 'overloaded';
  const what = overloaded ? 'has no capacity right now' : 'failed to answer';
  const advice = safe
    ? 'Repeat the request, or use another model.'
    : 'The provider may have done the work: repeat with an Idempotency-Key, or use another model.';
  return new GatewayError('provider_error', {
    message: `${last.provider} ${what}${tries(attempts)}. ${advice}`,
    ...waiting(shortestWait(lastByCandidate(attempts)), safe),
    overloaded,
  });
}

/**
 * The error for the caller.
 *
 * @param attempts every failed attempt in order; not empty
 */
export function finalError(attempts: readonly FailedAttempt[]): GatewayError {
  const latest = attempts.at(-1);
  if (latest === undefined) {
    return new GatewayError('internal_error', { message: 'No attempt was made.' });
  }
  if (latest.failureClass === 'started') return streamInterrupted(latest, attempts);
  if (latest.failure.source === 'provider') {
    const refusal = refusalOfRequest(latest.provider, latest.failure.failure);
    if (refusal !== null) return refusal;
  }
  const last = lastByCandidate(attempts);
  const credential = credentialError(last);
  if (credential !== null) return credential;
  if (last.every(isLoop)) {
    return new GatewayError('loop_detected', {
      message: `A request to ${latest.provider} came back to this gateway: the provider's base URL points at it. The operator must correct it.`,
    });
  }
  if (last.every(isRateLimited)) {
    return rateLimitedError(
      last.map(({ provider }) => provider),
      shortestWait(last),
    );
  }
  if (last.every(({ failure }) => isTimeout(failure))) {
    return new GatewayError('provider_timeout', {
      message: `${latest.provider} did not answer in time${tries(attempts)}. Allow more time with x-gateway-timeout-ms, or repeat with an Idempotency-Key.`,
      shouldRetry: isSafeToRepeat(attempts),
    });
  }
  return providerError(attempts, latest);
}

function rateLimitedError(providers: readonly string[], waitMs: number | null): GatewayError {
  const wait = Math.max(1, Math.ceil(waitMs ?? UNKNOWN_WAIT_MS));
  const names = [...new Set(providers)].join(', ');
  return new GatewayError('provider_rate_limited', {
    message: `${names} limits the rate of the gateway's account. This is not a limit of your plan; repeat in ${Math.ceil(wait / 1000)} s.`,
    ...waiting(wait, true),
  });
}

/** Why a candidate cannot be tried now. */
export type Unavailable =
  | { readonly type: 'cooled'; readonly provider: string; readonly untilMs: number }
  | { readonly type: 'open'; readonly provider: string; readonly probeAtMs: number }
  | { readonly type: 'quarantined'; readonly provider: string; readonly reason: 'auth' | 'credit' };

/**
 * The error when no candidate may be tried at all: answered at once, with the time at which the next may.
 *
 * @param candidates one entry per candidate; not empty
 */
export function unavailableError(candidates: readonly Unavailable[], nowMs: number): GatewayError {
  const providers = candidates.map(({ provider }) => provider);
  const names = [...new Set(providers)].join(', ');
  const cooled = candidates.filter((candidate) => candidate.type === 'cooled');
  const open = candidates.filter((candidate) => candidate.type === 'open');
  if (cooled.length > 0 && open.length === 0) {
    const waitMs = Math.min(...cooled.map(({ untilMs }) => untilMs)) - nowMs;
    return rateLimitedError(
      cooled.map(({ provider }) => provider),
      waitMs,
    );
  }
  if (open.length > 0) {
    const times = [
      ...open.map(({ probeAtMs }) => probeAtMs),
      ...cooled.map(({ untilMs }) => untilMs),
    ];
    const waitMs = Math.max(1, Math.ceil(Math.min(...times) - nowMs));
    return new GatewayError('provider_error', {
      message: `${names} failed repeatedly and is given time to recover; nothing was sent. Repeat in ${Math.ceil(waitMs / 1000)} s, or use another model.`,
      ...waiting(waitMs, true),
    });
  }
  const isAuth = candidates.some(
    (candidate) => candidate.type === 'quarantined' && candidate.reason === 'auth',
  );
  return new GatewayError(isAuth ? 'provider_auth' : 'provider_credit', {
    message: isAuth
      ? `${names} refused the gateway's own credential earlier; nothing was sent. The operator must correct it.`
      : `The gateway's account with ${names} had no credit left; nothing was sent. The operator must top it up.`,
  });
}
