/**
 * What went wrong below HTTP in one upstream call, with the facts that decide whether a repeat is safe.
 *
 * @module
 */

/**
 * - `not_sent`: DNS, refused, TLS, connect timeout, or a stale pooled socket: no byte of the request left
 * - `reset`: the connection broke after bytes were sent
 * - `timeout`: no first event, a stall, or the total deadline
 * - `too_large`: the reply exceeds a cap; `undecodable`: its content encoding is broken or unknown
 * - `cancelled`: the gateway itself gave up (client gone, shutdown)
 */
export type TransportFailureKind =
  | 'not_sent'
  | 'reset'
  | 'timeout'
  | 'too_large'
  | 'undecodable'
  | 'cancelled';

export interface TransportFailureFacts {
  readonly kind: TransportFailureKind;
  /** Code of Node or of `http` (`origin-pool.ts`, `reply-parser.ts`), or the name of the timer that fired. */
  readonly code: string;
  /** True once reply headers had arrived. */
  readonly replyStarted: boolean;
}

export class TransportFailure extends Error {
  readonly kind: TransportFailureKind;
  readonly code: string;
  readonly replyStarted: boolean;

  constructor(facts: TransportFailureFacts, options?: { readonly cause?: unknown }) {
    super(`${facts.kind}: ${facts.code}`, options);
    this.name = 'TransportFailure';
    this.kind = facts.kind;
    this.code = facts.code;
    this.replyStarted = facts.replyStarted;
  }
}

/** Whether a reply that did not come whole has said what it had to: a refusal stands in its head. */
export function hasRefused(status: number, { kind }: TransportFailure): boolean {
  return status >= 400 && (kind === 'reset' || kind === 'undecodable');
}

/** The `code` of an error, or its name. */
export function errorCodeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'UNKNOWN';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'name' in error && typeof error.name === 'string' ? error.name : 'UNKNOWN';
}
