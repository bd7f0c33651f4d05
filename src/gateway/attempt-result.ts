/**
 * How one attempt ended, for the retry policy and the ledger.
 *
 * @module
 */
import type { UsageVector } from '../contracts/usage.ts';
import type { ProviderFailure } from '../contracts/provider-failure.ts';
import type { TransportFailure } from '../http/transport-failure.ts';
import type { WholeAnswer } from './text-call.ts';
import type { StreamAttempt } from './stream-attempt.ts';

export type AttemptFailure =
  | { readonly source: 'transport'; readonly failure: TransportFailure }
  | { readonly source: 'provider'; readonly failure: ProviderFailure };

export interface ReplyMeta {
  readonly httpStatus: number | null;
  readonly providerRequestId: string | null;
  readonly firstByteAtMs: number | null;
}

/** What a failed stream had brought before it broke: its provider bills that, though nobody got it. */
export interface ObservedOutput {
  readonly usage: UsageVector | null;
  readonly outputTokens: number;
}

export type AttemptResult =
  | { readonly type: 'whole'; readonly answer: WholeAnswer; readonly meta: ReplyMeta }
  | { readonly type: 'stream'; readonly stream: StreamAttempt }
  | {
      readonly type: 'failed';
      readonly failure: AttemptFailure;
      readonly meta: ReplyMeta;
      readonly observed: ObservedOutput | null;
    };
