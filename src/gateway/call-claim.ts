/**
 * The claim of a running call on its idempotency key, and the reply as it comes about. Its end rides with the command
 * that ends the hold.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { ClaimEnd, ClaimSettlement, NewClaim } from '../metering/idempotency-port.ts';
import { IDEMPOTENCY_HEADER } from '../contracts/idempotency.ts';
import type { KeptReply, ReplySeal } from './reply-seal.ts';

/** Longest body that is kept, in bytes. */
export const KEPT_BODY_MAX_BYTES = 1024 * 1024;

const FORGOTTEN: ClaimEnd = { type: 'forgotten' };

/** The end of a claim whose call was answered. */
export function endWith(reply: KeptReply, claim: NewClaim, seal: ReplySeal): ClaimEnd {
  if (reply.body.length > KEPT_BODY_MAX_BYTES) return { type: 'not_kept', reason: 'too_large' };
  return { type: 'kept', sealed: seal.seal(reply, claim) };
}

export class CallClaim {
  readonly claim: NewClaim;
  readonly #seal: ReplySeal;
  #attempts = 0;
  #notSent = 0;
  /** Whether the end has been committed with the settlement. */
  isEnded = false;
  #end: ClaimEnd = FORGOTTEN;
  #streamHeaders: readonly string[] = [];
  #frames: Buffer[] = [];
  #bytes = 0;

  constructor(claim: NewClaim, seal: ReplySeal) {
    this.claim = claim;
    this.#seal = seal;
  }

  /** What is to be committed together with the end of the hold; until something was kept: that the key is free. */
  get settlement(): ClaimSettlement {
    return { claim: this.claim, end: this.#end };
  }

  /** Whether an attempt may have reached a provider: then the call is never run again. */
  get reachedProvider(): boolean {
    return this.#attempts > this.#notSent;
  }

  attemptBegins(): void {
    this.#attempts += 1;
  }

  /** The attempt just begun has failed before a byte of it left. */
  attemptNotSent(): void {
    this.#notSent += 1;
  }

  /** Notes the head of a stream, as it is sent or would be if its client were still there. */
  noteStreamHead(headers: readonly string[]): void {
    this.#streamHeaders = [...headers];
  }

  /** Notes what a stream has brought; beyond the cap nothing is remembered but the length. */
  noteFrames(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= KEPT_BODY_MAX_BYTES) this.#frames.push(Buffer.from(bytes));
    else this.#frames = [];
  }

  keepWhole(status: number, headers: readonly string[], body: Buffer): void {
    this.#keep({ status, headers: [...headers], stream: false, body });
  }

  /** Keeps the frames noted so far and the last ones. */
  keepStream(lastFrames: Buffer): void {
    this.noteFrames(lastFrames);
    if (this.#bytes > KEPT_BODY_MAX_BYTES) this.#end = { type: 'not_kept', reason: 'too_large' };
    else {
      const body = Buffer.concat(this.#frames);
      this.#keep({ status: 200, headers: this.#streamHeaders, stream: true, body });
    }
    this.#frames = [];
  }

  /** The answer was given up after its client had left. */
  cutOff(): void {
    this.#end = { type: 'not_kept', reason: 'cut_off' };
    this.#frames = [];
  }

  #keep(reply: KeptReply): void {
    this.#end = endWith(reply, this.claim, this.#seal);
  }
}

/** An error that is kept: repeating under the same key brings it again, so clients are not told to. */
export function keptError(error: GatewayError): GatewayError {
  return new GatewayError(error.code, {
    message: `${error.message} This outcome is kept under the ${IDEMPOTENCY_HEADER}: use a new key to try again.`,
    status: error.status,
    shouldRetry: false,
    overloaded: error.overloaded,
    cause: error.cause,
    ...(error.param === null ? {} : { param: error.param }),
    ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.refusal === null ? {} : { refusal: error.refusal }),
  });
}
