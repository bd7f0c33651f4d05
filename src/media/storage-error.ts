/**
 * Failures of the disk as callers see them.
 *
 * @module
 */
import { GatewayError, isGatewayError } from '../contracts/gateway-error.ts';

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);
const RETRY_AFTER_MS = 30_000;

/** What a caller is told when there is no room for more media. */
export function noRoom(cause?: unknown): GatewayError {
  return new GatewayError('overloaded', {
    message:
      'The gateway has no room left to store media; nothing was stored. The operator must free disk space.',
    retryAfterMs: RETRY_AFTER_MS,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Turns the system's word for a full disk into ours; all else stays what it is. */
export function storageError(error: unknown): unknown {
  if (isGatewayError(error)) return error;
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && NO_ROOM.has(code) ? noRoom(error) : error;
}
