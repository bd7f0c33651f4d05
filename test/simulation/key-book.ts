/**
 * What callers know of their idempotency keys in the simulation: which calls had a key, and how those ended.
 *
 * @module
 */
import { type ClaimOutcome, IDEMPOTENCY_KEPT_MS } from '../../src/metering/idempotency-port.ts';
import type { CallStanding } from './simulated-call.ts';

/** One call's use of a key. */
export interface KeyUse {
  readonly scope: string;
  readonly key: string;
  readonly body: string;
  readonly requestId: string;
  readonly holdId: string;
  readonly atMs: number;
  readonly call: { readonly standing: CallStanding };
  /** True once it was told that it has the key. */
  isClaimed: boolean;
  /** What it has sent to end its use, and when: from then on the end may have been made. */
  ending: { readonly to: 'kept' | 'forgotten'; readonly atMs: number } | null;
}

/** A call that a crash cut off, and whose key a later call was given while the first may still have counted. */
export interface Suspicion {
  readonly holdId: string;
  readonly key: string;
}

export function replyOf(requestId: string): string {
  return `reply of ${requestId}`;
}

export class KeyBook {
  readonly #uses: KeyUse[] = [];
  /** To be held against the journal in the end. */
  readonly suspicions: Suspicion[] = [];
  replays = 0;

  note(use: KeyUse): void {
    this.#uses.push(use);
  }

  #earlier(use: KeyUse): readonly KeyUse[] {
    const { scope, key } = use;
    return this.#uses.filter((one) => one !== use && one.scope === scope && one.key === key);
  }

  /** What is wrong with the answer that the call got for its key; null when nothing is. */
  faultOf(use: KeyUse, outcome: ClaimOutcome, nowMs: number): string | null {
    const earlier = this.#earlier(use);
    switch (outcome.type) {
      case 'claimed':
        return this.#faultOfClaim(earlier, nowMs);
      case 'mismatch':
        return earlier.some(({ body }) => body !== use.body)
          ? null
          : 'refused for a body that nobody sent';
      case 'in_flight':
        return earlier.length > 0 ? null : 'in flight without an earlier call';
      case 'ended':
      case 'kept': {
        const first = earlier.find(({ requestId }) => requestId === outcome.requestId);
        if (first?.body !== use.body) return 'answered for a call with another body';
        if (outcome.type === 'ended') return null;
        this.replays += 1;
        const text = Buffer.from(outcome.sealed).toString();
        return text === replyOf(first.requestId) ? null : `another reply: ${text}`;
      }
      default:
        return outcome satisfies never;
    }
  }

  #faultOfClaim(earlier: readonly KeyUse[], nowMs: number): string | null {
    for (const { call, ending, isClaimed, atMs, holdId, key } of earlier) {
      const { type } = call.standing;
      if (type === 'cut' && nowMs < atMs + IDEMPOTENCY_KEPT_MS) {
        this.suspicions.push({ holdId, key });
      }
      if (!isClaimed || type === 'cut' || type === 'refused' || type === 'voided') continue;
      if (ending === null) return `given twice: ${holdId} still runs`;
      if (ending.to === 'kept' && nowMs < ending.atMs + IDEMPOTENCY_KEPT_MS) {
        return `given again although ${holdId} was settled`;
      }
    }
    return null;
  }
}
