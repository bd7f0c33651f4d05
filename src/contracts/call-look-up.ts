/**
 * Asking a provider afterwards what became of a call whose end nobody saw. A pure translation, as the other contracts
 * are; only providers that keep a record of single calls have it.
 *
 * @module
 */
import type { UsageVector } from './usage.ts';
import type { ProviderTarget, WireReply, WireRequest } from './wire.ts';

/** What is known of the call. */
export interface CallReference {
  /** Our own id of the attempt, as it was sent in {@link CallLookUp.clientRequestIdHeader}. */
  readonly clientRequestId: string;
  /** The provider's id of it; null where the process died before it was noted. */
  readonly providerRequestId: string | null;
  /** Not before this moment was it made, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** What the provider's own record says. */
export type LookUpAnswer =
  /** No such call reached it. Records may lag behind: it proves that only some time later. */
  | { readonly type: 'not_found' }
  | {
      readonly type: 'billed';
      readonly usage: UsageVector;
      /** As the provider named it; null where it names none. */
      readonly modelServed: string | null;
    }
  | { readonly type: 'not_billed' }
  /** The call still runs, or the record says nothing of it yet: ask again. */
  | { readonly type: 'unknown' };

/** How a provider is asked for one call, by pure functions. */
export interface CallLookUp {
  /** Header in which our own id of an attempt goes to the provider; null where it takes none. */
  readonly clientRequestIdHeader: string | null;
  /** Null where what is known of the call does not find it. `target.model` is the model that was asked for. */
  request(reference: CallReference, target: ProviderTarget): WireRequest | null;
  /**
   * Reads a 2xx reply, or a 404.
   *
   * @throws ProviderFailureError when the body is malformed
   */
  read(reply: WireReply, reference: CallReference): LookUpAnswer;
}

/** Our own id of the nth attempt of a request, from 1. */
export function clientRequestIdOf(requestId: string, n: number): string {
  return n === 1 ? requestId : `${requestId}-${n}`;
}
