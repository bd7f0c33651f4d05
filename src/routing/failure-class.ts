/**
 * P1: what a failed attempt proves about work done at the provider, and with it whether a repeat is safe.
 *
 * @module
 */
import type { ProviderFailure } from '../contracts/provider-failure.ts';
import { inputTokensOf, outputTokensOf } from '../contracts/usage.ts';

/** Status of a gateway that is asked by itself (RFC 5842 §7.2; F98). */
export const LOOP_DETECTED_STATUS = 508;

/** What the policy needs of a failure below HTTP; the transport's own error satisfies it. */
export interface TransportFacts {
  /**
   * - `not_sent`: no byte of the request left
   * - `reset`: the connection broke after bytes were sent
   * - `timeout`: no first event, a stall, or the total deadline
   * - `too_large`, `undecodable`: the reply cannot be taken
   * - `cancelled`: the gateway itself gave up
   */
  readonly kind: 'not_sent' | 'reset' | 'timeout' | 'too_large' | 'undecodable' | 'cancelled';
  /** Error code of the runtime, or the name of the timer that fired. */
  readonly code: string;
  /** True once reply headers had arrived. */
  readonly replyStarted: boolean;
}

export type AttemptFailure =
  | { readonly source: 'transport'; readonly failure: TransportFacts }
  | { readonly source: 'provider'; readonly failure: ProviderFailure };

/**
 * - `not_sent`: the provider never saw the request
 * - `refused`: a complete error reply that shows no work was done
 * - `ambiguous`: bytes were sent and no whole answer came; it may be billed
 * - `started`: content already went to the client
 */
export type FailureClass = 'not_sent' | 'refused' | 'ambiguous' | 'started';

/**
 * - `text`: text, embeddings, moderation, token counts
 * - `media`: synchronous image, speech, transcription
 * - `submit`: start of a paid job; `poll`: status and downloads
 */
export type Work = 'text' | 'media' | 'submit' | 'poll';

function providerClass(failure: ProviderFailure, work: Work): FailureClass {
  const { usage } = failure;
  if (usage !== null && inputTokensOf(usage) + outputTokensOf(usage) > 0) return 'ambiguous';
  switch (failure.kind) {
    case 'malformed_reply':
    case 'broken_stream':
      return 'ambiguous';
    case 'server_error':
      // 504 and its kin come from a proxy in front of a server that may still be working.
      if (failure.status === 503) return 'refused';
      return work === 'text' && failure.status !== 504 ? 'refused' : 'ambiguous';
    case 'rate_limited':
    case 'quota_exhausted':
    case 'overloaded':
    case 'auth':
    case 'credit':
    case 'invalid_request':
    case 'context_length':
    case 'content_filtered':
    case 'model_not_found':
      return 'refused';
  }
}

/** The class of a failed attempt. `contentSent`: content of this attempt already went to the client. */
export function classOf(
  attempt: AttemptFailure,
  facts: { readonly work: Work; readonly contentSent: boolean },
): FailureClass {
  if (facts.contentSent) return 'started';
  if (attempt.source === 'provider') return providerClass(attempt.failure, facts.work);
  return attempt.failure.kind === 'not_sent' ? 'not_sent' : 'ambiguous';
}

/** Whether the provider bills the attempt: by its own usage where it sent one, else by the class. */
export function billableOf(
  attempt: AttemptFailure,
  failureClass: FailureClass,
): 'yes' | 'no' | 'unknown' {
  if (attempt.source === 'provider' && attempt.failure.usage !== null) return 'yes';
  return failureClass === 'not_sent' || failureClass === 'refused' ? 'no' : 'unknown';
}

/**
 * P6: whether the failure counts against the health of the target. Refusals of the request, of the credential
 * or of the rate do not, nor does giving up on our side.
 */
export function countsAsFault(attempt: AttemptFailure): boolean {
  if (attempt.source === 'transport') return attempt.failure.kind !== 'cancelled';
  switch (attempt.failure.kind) {
    case 'overloaded':
    case 'server_error':
    case 'malformed_reply':
    case 'broken_stream':
      return true;
    case 'rate_limited':
    case 'quota_exhausted':
    case 'auth':
    case 'credit':
    case 'invalid_request':
    case 'context_length':
    case 'content_filtered':
    case 'model_not_found':
      return false;
  }
}

/** True when time ran out: a timer of ours before content, or the connect timeout. */
export function isTimeout(attempt: AttemptFailure): boolean {
  if (attempt.source === 'provider') return false;
  const { kind, code } = attempt.failure;
  return kind === 'timeout' || (kind === 'not_sent' && /time_?d?_?out/i.test(code));
}

/**
 * True for a pooled connection that the other side had closed before a byte was written: nothing is wrong with
 * the target, so the repeat is at once. Codes: Node's and those of `http`'s connections.
 */
export function isStaleSocket(attempt: AttemptFailure): boolean {
  return (
    attempt.source === 'transport' &&
    attempt.failure.kind === 'not_sent' &&
    ['ECONNRESET', 'EPIPE', 'CLOSED_BY_PEER'].includes(attempt.failure.code)
  );
}
