/**
 * Durations as they are written down.
 *
 * @module
 */

/** Milliseconds to the microsecond: what a clock says beyond that is noise, and most of the digits. */
export function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
