/**
 * The door to what is kept under `Idempotency-Key`. One implementation per store; every one passes
 * `idempotency.contract.ts`. Times are milliseconds since the epoch.
 *
 * A call takes its key (**claim**) before it does anything, and ends the claim with its outcome. A call that holds
 * money names its hold when it claims: whether the ledger knows that hold tells, after a crash, whether a provider
 * may have been called. Such a claim is ended by the command that ends the hold, in the same transaction.
 *
 * @module
 */

/** How long a key stands after its call began, and again after it ended. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000;

/** One call's claim on a key. */
export interface Claim {
  /** Whose keys these are: `cus_…` on the data plane, the id of the calling key on the control plane. */
  readonly scope: string;
  /** The header's value, 1 to 255 characters. */
  readonly key: string;
  /** The call that claims: no two calls have the same. */
  readonly requestId: string;
}

export interface NewClaim extends Claim {
  /** Digest of everything that makes it this request and no other. */
  readonly fingerprint: string;
  /** The hold under which the call will reach a provider; null where it holds nothing. */
  readonly holdId: string | null;
}

/**
 * Why a call that has ended has no reply to be sent again.
 * - `too_large`: larger than what is kept
 * - `cut_off`: its answer was given up when its client had left
 * - `unknown`: the process died while a provider may have been at work; it was booked by estimate
 * - `interrupted`: the process died, or failed, in a call without a hold; it may have taken effect
 * - `lost`: it was booked, but its reply could not be stored
 */
export type NoReply = 'too_large' | 'cut_off' | 'unknown' | 'interrupted' | 'lost';

export type ClaimOutcome =
  /** The call is the first, or nothing of an earlier one can have happened: it may run. */
  | { readonly type: 'claimed' }
  /** The key was used for another request. */
  | { readonly type: 'mismatch' }
  | { readonly type: 'in_flight'; readonly inDoubt: false }
  /** No request of this process waits for it any more, and its hold is not resolved yet. */
  | { readonly type: 'in_flight'; readonly inDoubt: true; readonly requestId: string }
  | { readonly type: 'kept'; readonly requestId: string; readonly sealed: Uint8Array }
  | { readonly type: 'ended'; readonly requestId: string; readonly reason: NoReply };

/** What becomes of a claim. */
export type ClaimEnd =
  /** The reply is kept; the store cannot read it. */
  | { readonly type: 'kept'; readonly sealed: Uint8Array }
  | { readonly type: 'not_kept'; readonly reason: 'too_large' | 'cut_off' }
  /** Nothing happened: the next call with the key is judged afresh. */
  | { readonly type: 'forgotten' };

/** Rides with the command that ends a hold. */
export interface ClaimSettlement {
  readonly claim: Claim;
  readonly end: ClaimEnd;
}

/** Rejected promises are `GatewayError` `metering_unavailable`: nothing was changed. */
export interface IdempotencyStore {
  /** Takes the key, or tells what became of the call that has it. Durable when it answers. */
  claim(claim: NewClaim): Promise<ClaimOutcome>;
  /** Ends the claim of a call without a hold, or one that was refused before its hold. Does nothing when it has ended. */
  end(claim: Claim, end: ClaimEnd): Promise<void>;
  /**
   * The call is over in this process, however it ended. Every `claim` is followed by one `leave`, even one that was
   * rejected; until then the key is in flight.
   */
  leave(claim: Claim): void;
}
