/**
 * Idempotency keys in memory, for tests of the control plane: calls without holds, and no restart.
 *
 * @module
 */
import {
  type Claim,
  type ClaimEnd,
  type ClaimOutcome,
  IDEMPOTENCY_KEPT_MS,
  type IdempotencyStore,
} from '../../../metering/idempotency-port.ts';

interface Entry {
  readonly fingerprint: string;
  readonly requestId: string;
  expiresAtMs: number;
  end: ClaimEnd | null;
  isLive: boolean;
}

function nameOf({ scope, key }: Claim): string {
  return JSON.stringify([scope, key]);
}

function outcomeOf({ requestId, end, isLive }: Entry): ClaimOutcome {
  if (end === null) {
    return isLive
      ? { type: 'in_flight', inDoubt: false }
      : { type: 'ended', requestId, reason: 'interrupted' };
  }
  if (end.type === 'kept') return { type: 'kept', requestId, sealed: end.sealed };
  return { type: 'ended', requestId, reason: end.type === 'not_kept' ? end.reason : 'lost' };
}

export function createFakeIdempotency(now: () => number): IdempotencyStore {
  const entries = new Map<string, Entry>();
  const own = (claim: Claim): Entry | null => {
    const entry = entries.get(nameOf(claim));
    return entry?.requestId === claim.requestId ? entry : null;
  };
  return {
    async claim(claim) {
      const known = entries.get(nameOf(claim));
      if (known !== undefined && (known.isLive || known.expiresAtMs > now())) {
        return known.fingerprint === claim.fingerprint ? outcomeOf(known) : { type: 'mismatch' };
      }
      const { fingerprint, requestId } = claim;
      const expiresAtMs = now() + IDEMPOTENCY_KEPT_MS;
      entries.set(nameOf(claim), { fingerprint, requestId, expiresAtMs, end: null, isLive: true });
      return { type: 'claimed' };
    },
    async end(claim, end) {
      const entry = own(claim);
      if (entry === null || entry.end !== null) return;
      if (end.type === 'forgotten') entries.delete(nameOf(claim));
      entry.end = end;
      entry.expiresAtMs = now() + IDEMPOTENCY_KEPT_MS;
    },
    leave(claim) {
      const entry = own(claim);
      if (entry !== null) entry.isLive = false;
    },
  };
}
