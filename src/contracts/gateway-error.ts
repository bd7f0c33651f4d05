/**
 * The one error class of the gateway. Dialects render it; nothing else reaches a client.
 *
 * @module
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import type { LimitRefusal } from './limit-status.ts';

const BRAND = Symbol.for('alwrity-gateway.error');

/** What an error says beyond its code; absent members come from the table. */
export interface GatewayErrorOptions {
  /** What happened and why, safe to show to the caller. Never contains secrets or provider stack traces. */
  readonly message: string;
  /** Path of the offending field, in the caller's own terms, such as `messages[0].content`. */
  readonly param?: string;
  /** Overrides the table's status within the same class (`invalid_request` may be 422). */
  readonly status?: number;
  /** Exact wait before a repeat can succeed, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Overrides the table's `x-should-retry`. */
  readonly shouldRetry?: boolean;
  /** Limit members of a refusal. */
  readonly refusal?: LimitRefusal;
  /** True when the provider said it is overloaded (529): Anthropic's dialect names it so. */
  readonly overloaded?: boolean;
  readonly cause?: unknown;
}

/** An error as a caller gets it. Made where the reason is known; dialects only render it. */
export class GatewayError extends Error {
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly status: number;
  readonly param: string | null;
  readonly retryAfterMs: number | null;
  readonly shouldRetry: boolean | null;
  readonly refusal: LimitRefusal | null;
  readonly overloaded: boolean;

  constructor(code: ErrorCode, options: GatewayErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    const table = ERROR_CODES[code];
    this.code = code;
    this.status = options.status ?? table.status;
    this.param = options.param ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.shouldRetry = options.shouldRetry ?? table.shouldRetry;
    this.refusal = options.refusal ?? null;
    this.overloaded = options.overloaded ?? false;
  }
}

/** True for gateway errors of this or another installed copy of the package. */
export function isGatewayError(error: unknown): error is GatewayError {
  return typeof error === 'object' && error !== null && BRAND in error;
}
