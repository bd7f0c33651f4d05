/**
 * Errors as plain data, since an Error that crosses a thread loses its class and members.
 *
 * @module
 */
import type { ErrorCode } from '../../contracts/error-codes.ts';
import { GatewayError, isGatewayError } from '../../contracts/gateway-error.ts';
import { isDamaged } from './sqlite-errors.ts';

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param: string | null;
  readonly status: number;
  readonly retryAfterMs: number | null;
}

/** How soon a caller should ask again while the store cannot be written. */
export const RETRY_AFTER_MS = 1000;

/** Whatever was thrown, as data; what is no GatewayError becomes `metering_unavailable` without its text. */
export function toPlainError(error: unknown): PlainError {
  if (isGatewayError(error)) {
    return {
      code: error.code,
      message: error.message,
      param: error.param,
      status: error.status,
      retryAfterMs: error.retryAfterMs,
    };
  }
  if (isDamaged(error)) {
    return unavailable('The metering database is damaged: the operator must restore a backup.');
  }
  return unavailable('The metering store could not complete the operation; nothing was booked.');
}

/** `metering_unavailable` as data. */
export function unavailable(message: string): PlainError {
  return {
    code: 'metering_unavailable',
    message,
    param: null,
    status: 503,
    retryAfterMs: RETRY_AFTER_MS,
  };
}

/** The GatewayError that the data stand for. */
export function fromPlainError(plain: PlainError): GatewayError {
  return new GatewayError(plain.code, {
    message: plain.message,
    status: plain.status,
    ...(plain.param === null ? {} : { param: plain.param }),
    ...(plain.retryAfterMs === null ? {} : { retryAfterMs: plain.retryAfterMs }),
  });
}
