/**
 * Waits between attempts, in milliseconds.
 *
 * @module
 */

const BASE_MS = 250;
const CAP_MS = 2000;
const UNNAMED_RATE_WAIT_MS = 500;
const LEAST_NAMED_WAIT_MS = 100;

/** P2.1: full jitter over 250 ms × 2ⁿ, at most 2 s. `repeats`: repeats made before this one; `random` in [0, 1). */
export function backoffMs(repeats: number, random: number): number {
  return Math.floor(random * Math.min(CAP_MS, BASE_MS * 2 ** repeats));
}

/** P2.2: wait after a rate limit that names none: 500 ms ± half. */
export function unnamedRateWaitMs(random: number): number {
  return Math.round(UNNAMED_RATE_WAIT_MS * (0.5 + random));
}

/**
 * A wait that the provider named: never shorter, up to a tenth longer so that waiting callers spread. A wait of
 * nothing or less counts as 100 ms, so that it makes no tight loop.
 */
export function namedWaitMs(waitMs: number, random: number): number {
  return Math.ceil(Math.max(LEAST_NAMED_WAIT_MS, waitMs) * (1 + random / 10));
}
