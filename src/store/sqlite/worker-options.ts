/**
 * What the threads of a store are started with.
 *
 * @module
 */
import type { LimitInput } from '../../contracts/metering.ts';
import type { UnknownPolicy } from '../../metering/core/types.ts';
import type { Durability } from './database.ts';

/** Below what a wallet is low; null: it is not looked at. */
export interface WalletAlertLevels {
  readonly belowNanoUsd: bigint | null;
  /** Whole percents of the last top-up. */
  readonly belowPercentOfTopUp: number | null;
}

export interface WriterOptions {
  readonly dataDir: string;
  readonly durability: Durability;
  readonly nowMs: number;
  readonly graceMs: number;
  readonly policy: UnknownPolicy;
  /** How long rows of the request log are kept; for ever without it. */
  readonly keepRequestsMs?: number | null;
  /** Limits of the whole deployment and of its providers; none by default. */
  readonly deploymentLimits?: readonly LimitInput[];
  /** None by default. */
  readonly walletAlerts?: WalletAlertLevels | null;
}

export interface ReaderOptions {
  readonly dataDir: string;
}

/** First message of a thread: it serves, or one sentence why it cannot. */
export type ThreadReady =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string };

export interface ReaderQuery {
  readonly call: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Last message to the writer: write what is in memory and end. */
export const CLOSE = 'close';
