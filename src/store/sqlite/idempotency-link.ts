/**
 * The gateway's end of idempotency keys.
 *
 * @module
 */
import type { ClaimOutcome, IdempotencyStore, NewClaim } from '../../metering/idempotency-port.ts';
import type { WriterOutcome } from './idempotency-table.ts';
import type { ReaderLink } from './reader-link.ts';
import { claimEndOrder, putCall, putLeave } from './wire.ts';
import type { WriterLink } from './writer-link.ts';

/** A reply can expire between the writer's word and its reading; then the key is free. */
const CLAIM_TRIES = 2;

export function idempotencyOver(
  link: Pick<WriterLink, 'ask' | 'tell'>,
  readers: Pick<ReaderLink, 'ask'>,
): IdempotencyStore {
  const claimOnce = (claim: NewClaim): Promise<WriterOutcome> =>
    link.ask((flat, call) => {
      putCall(flat, call, { name: 'claimIdempotencyKey', args: [claim] });
    });
  return {
    async claim(claim) {
      for (let tries = 0; tries < CLAIM_TRIES; tries += 1) {
        const outcome = await claimOnce(claim);
        if (outcome.type !== 'kept') return outcome;
        const { requestId } = outcome;
        const sealed = await readers.ask<Uint8Array | null>('keptReply', [
          { scope: claim.scope, key: claim.key, requestId },
        ]);
        if (sealed !== null) return { type: 'kept', requestId, sealed } satisfies ClaimOutcome;
      }
      return { type: 'in_flight', inDoubt: false };
    },
    async end(claim, end) {
      await link.ask((flat, call) => {
        const args = [claimEndOrder({ claim, end })];
        putCall(flat, call, { name: 'endIdempotencyClaim', args });
      });
    },
    leave(claim) {
      link.tell((flat) => {
        putLeave(flat, claim.requestId);
      });
    },
  };
}
