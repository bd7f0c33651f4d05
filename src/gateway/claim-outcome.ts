/**
 * What a repetition under an idempotency key is answered.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { Claim, ClaimOutcome, NewClaim, NoReply } from '../metering/idempotency-port.ts';
import { IDEMPOTENCY_HEADER } from '../contracts/idempotency.ts';
import type { KeptReply, ReplySeal } from './reply-seal.ts';

const IN_FLIGHT_WAIT_MS = 1_000;
/** A call in doubt is decided by the ledger, which takes minutes. */
const IN_DOUBT_WAIT_MS = 5_000;

const REASONS: Readonly<Record<NoReply | 'unreadable', string>> = {
  too_large: 'has ended, but its reply was too large to be kept',
  cut_off:
    'was cut off after its client had left, and booked with what the provider had done by then',
  unknown:
    'was with a provider when the gateway stopped. What the provider did is not known, and it was booked as unknown, by estimate',
  interrupted: 'was under way when the gateway stopped or failed, and may have taken effect',
  lost: 'has ended and was booked, but its reply could not be stored',
  unreadable: 'has ended, but its reply cannot be read under the present encryption key',
};

function completed(requestId: string, reason: NoReply | 'unreadable'): GatewayError {
  return new GatewayError('idempotency_completed', {
    message: `The first call with this ${IDEMPOTENCY_HEADER} (${requestId}) ${REASONS[reason]}. It is not run again; use a new key for a new call.`,
    param: IDEMPOTENCY_HEADER,
  });
}

function inFlight(inDoubt: boolean): GatewayError {
  return new GatewayError('idempotency_in_flight', {
    message: inDoubt
      ? `The gateway stopped while the first call with this ${IDEMPOTENCY_HEADER} was with a provider. It is in doubt until the ledger has decided how it is booked.`
      : `The first call with this ${IDEMPOTENCY_HEADER} is still running.`,
    param: IDEMPOTENCY_HEADER,
    retryAfterMs: inDoubt ? IN_DOUBT_WAIT_MS : IN_FLIGHT_WAIT_MS,
  });
}

/**
 * The reply to be sent again; null where the call may run.
 *
 * @throws GatewayError `idempotency_mismatch`, `idempotency_in_flight`, `idempotency_completed`
 */
export function readOutcome(
  outcome: ClaimOutcome,
  claim: NewClaim,
  seal: ReplySeal,
): KeptReply | null {
  switch (outcome.type) {
    case 'claimed':
      return null;
    case 'mismatch':
      throw new GatewayError('idempotency_mismatch', {
        message: `This ${IDEMPOTENCY_HEADER} was used for a different request.`,
        param: IDEMPOTENCY_HEADER,
      });
    case 'in_flight':
      throw inFlight(outcome.inDoubt);
    case 'ended':
      throw completed(outcome.requestId, outcome.reason);
    case 'kept': {
      const first: Claim = { ...claim, requestId: outcome.requestId };
      const reply = seal.open(outcome.sealed, first);
      if (reply === null) throw completed(outcome.requestId, 'unreadable');
      return reply;
    }
  }
}
