/**
 * What went wrong in one attempt, as the provider said it, in terms the retry policy can decide on.
 *
 * @module
 */

/**
 * - `rate_limited`: repeat later (429 and its kin)
 * - `quota_exhausted`: a long-window quota of our account with the provider (per-day) is used up
 * - `overloaded`: 503, 529: no capacity right now
 * - `server_error`: 500, 502, 504 and other faults of theirs
 * - `auth`: our credential is refused; `credit`: our account has no money
 * - `invalid_request`: they refuse the request as it stands; `context_length`, `content_filtered`, `model_not_found` are its special forms
 * - `malformed_reply`: the answer cannot be read; `broken_stream`: it ended before it was complete
 */
export type ProviderFailureKind =
  | 'rate_limited'
  | 'quota_exhausted'
  | 'overloaded'
  | 'server_error'
  | 'auth'
  | 'credit'
  | 'invalid_request'
  | 'context_length'
  | 'content_filtered'
  | 'model_not_found'
  | 'malformed_reply'
  | 'broken_stream';

/** One failure as an adapter reads it from a reply, a frame or a malformed body. */
export interface ProviderFailure {
  readonly kind: ProviderFailureKind;
  /** HTTP status, or the status the in-band error stands for; 200 for malformed replies. */
  readonly status: number;
  /** The provider's own code (`insufficient_quota`, `RESOURCE_EXHAUSTED` …), when it has one. */
  readonly providerCode: string | null;
  /** The provider's sentence, length-capped; it is redacted before it is shown. */
  readonly message: string;
  /** Field the provider blames, when it names one. */
  readonly param: string | null;
  /** How long the provider asks us to wait, in milliseconds, as parsed from headers or body; null when it does not say. */
  readonly waitMs: number | null;
  /** Usage the provider reported beside the failure (a blocked Gemini prompt is billed). */
  readonly usage: import('./usage.ts').UsageVector | null;
}

/** Thrown by adapters from `read` and stream readers; carries a {@link ProviderFailure}. */
export class ProviderFailureError extends Error {
  readonly failure: ProviderFailure;

  constructor(failure: ProviderFailure, options?: { readonly cause?: unknown }) {
    super(failure.message, options);
    this.name = 'ProviderFailureError';
    this.failure = failure;
  }
}

/** Fills the members that most failures leave empty. */
export function providerFailure(
  known: Pick<ProviderFailure, 'kind' | 'status' | 'message'> & Partial<ProviderFailure>,
): ProviderFailure {
  return { providerCode: null, param: null, waitMs: null, usage: null, ...known };
}
