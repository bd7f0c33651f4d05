/**
 * When a failed delivery is tried again, and when it is given up. Pure.
 *
 * @module
 */
import type { AttemptResult } from '../metering/alerts-port.ts';

export interface DeliveryPolicy {
  /** Attempts until a delivery is a dead letter. */
  readonly maxAttempts: number;
  /** Age at which it is one, whatever the attempts. */
  readonly giveUpAfterMs: number;
  /** Wait after the first failure; each further one waits three times as long. */
  readonly retryBaseMs: number;
}

/** How an attempt ended, before it is known what follows. */
export interface Sent {
  /** `gone`: the receiver wants no more of anything · `refused`: it will never take this one. */
  readonly outcome: 'delivered' | 'failed' | 'refused' | 'gone';
  readonly status: number | null;
  readonly error: string | null;
  readonly reply: string | null;
  /** What the receiver asked for. */
  readonly retryAfterMs: number | null;
}

/** Longest wait between two attempts. */
export const RETRY_WAIT_MAX_MS = 6 * 3_600_000;
const GROWTH = 3;

/**
 * The wait before the next attempt: grows by three, half of it by chance so that a receiver that comes back is not
 * met by all at once.
 *
 * @param failures attempts that have failed, at least 1
 * @param random uniform in [0, 1)
 */
export function retryWaitMs(policy: DeliveryPolicy, failures: number, random: number): number {
  const full = Math.min(RETRY_WAIT_MAX_MS, policy.retryBaseMs * GROWTH ** (failures - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

/** What follows an attempt. */
export function whatFollows(
  policy: DeliveryPolicy,
  sent: Sent,
  at: {
    readonly nowMs: number;
    readonly queuedAtMs: number;
    /** Attempts before this one. */
    readonly attempts: number;
    readonly random: number;
  },
): AttemptResult['next'] {
  if (sent.outcome === 'delivered') return 'delivered';
  const failures = at.attempts + 1;
  if (sent.outcome !== 'failed' || failures >= policy.maxAttempts) return 'dead';
  const asked = Math.min(sent.retryAfterMs ?? 0, RETRY_WAIT_MAX_MS);
  const retryAtMs = at.nowMs + Math.max(asked, retryWaitMs(policy, failures, at.random));
  return retryAtMs - at.queuedAtMs > policy.giveUpAfterMs ? 'dead' : { retryAtMs };
}
