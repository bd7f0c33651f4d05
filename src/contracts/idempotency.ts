/**
 * The header `Idempotency-Key`.
 *
 * @module
 */

/** Name of the header where errors speak of it. */
export const IDEMPOTENCY_HEADER = 'Idempotency-Key';

/** Longest key in characters. */
export const IDEMPOTENCY_KEY_MAX = 255;
