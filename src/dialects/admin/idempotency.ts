/**
 * `Idempotency-Key` on the control plane: a repeated POST gets the first reply, and acts once.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';

/** A reply as it was sent. */
export interface KeptReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Entry {
  readonly fingerprint: string;
  readonly startedAtMs: number;
  reply: KeptReply | null;
}

/** Replies are kept at least this long. */
const KEPT_MS = 24 * 3_600_000;
const IN_FLIGHT_WAIT_MS = 1000;

/** One call's place in the memory; exactly one of its methods is called, once. */
export interface IdempotentCall {
  /** Keeps the reply for repetitions. */
  finish(reply: KeptReply): void;
  /** Forgets the call: it did not come to a reply that stands. */
  abandon(): void;
}

/**
 * Replies by calling key and `Idempotency-Key`, in the memory of this process: a restart forgets them, and
 * then the natural keys of what is created (plan ids, external ids) still refuse a second one.
 */
export class IdempotencyMemory {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  readonly #maxEntries: number;

  /** `maxEntries` bounds memory; at the bound a new key is refused rather than an old one forgotten. */
  constructor(now: () => number, maxEntries = 10_000) {
    this.#now = now;
    this.#maxEntries = maxEntries;
  }

  /**
   * The kept reply, or a place for a new call.
   *
   * @throws GatewayError `idempotency_mismatch` for another request under the same key,
   *   `idempotency_in_flight` while the first is running, `overloaded` at the bound
   */
  begin(name: string, fingerprint: string): KeptReply | IdempotentCall {
    this.#forgetOld();
    const known = this.#entries.get(name);
    if (known !== undefined) return this.#repeat(known, fingerprint);
    if (this.#entries.size >= this.#maxEntries) {
      throw new GatewayError('overloaded', {
        message: 'Too many idempotency keys are remembered; repeat without one or later.',
        retryAfterMs: 60_000,
      });
    }
    const entry: Entry = { fingerprint, startedAtMs: this.#now(), reply: null };
    this.#entries.set(name, entry);
    return {
      finish: (reply) => {
        entry.reply = reply;
      },
      abandon: () => {
        this.#entries.delete(name);
      },
    };
  }

  #repeat(known: Entry, fingerprint: string): KeptReply {
    if (known.fingerprint !== fingerprint) {
      throw new GatewayError('idempotency_mismatch', {
        message: 'This Idempotency-Key was used for a different request.',
        param: 'Idempotency-Key',
      });
    }
    if (known.reply === null) {
      throw new GatewayError('idempotency_in_flight', {
        message: 'The first request with this Idempotency-Key is still running.',
        param: 'Idempotency-Key',
        retryAfterMs: IN_FLIGHT_WAIT_MS,
      });
    }
    return known.reply;
  }

  /** Entries stand in order of arrival, so the old ones are at the front. */
  #forgetOld(): void {
    const oldestMs = this.#now() - KEPT_MS;
    for (const [name, entry] of this.#entries) {
      if (entry.startedAtMs > oldestMs) return;
      this.#entries.delete(name);
    }
  }
}
