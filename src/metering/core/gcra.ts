/**
 * Generic cell rate algorithm for `minute` limits, burst = the whole limit. The theoretical arrival time is kept
 * as microseconds × limit, so that every cost moves it by a whole number and nothing is ever rounded but the
 * wait that is told to the caller.
 *
 * The algorithm: ITU-T I.371, Annex A; its use for request limits: https://brandur.org/rate-limiting.
 *
 * @module
 */

const MINUTE_US = 60_000_000n;

/** Remaining backlog and its owner limit; a value, so that undo puts the old one back. */
export interface GcraState {
  readonly amount: bigint;
  /** Theoretical arrival time, µs since the epoch × `amount`. */
  readonly tat: bigint;
}

/** A cell at rest: a whole limit is free. */
export function restingCell(amount: bigint): GcraState {
  return { amount, tat: 0n };
}

/** What has been taken and not yet drained, in µs × amount. */
function backlog(cell: GcraState, nowMs: number): bigint {
  const left = cell.tat - BigInt(nowMs) * 1000n * cell.amount;
  return left > 0n ? left : 0n;
}

/** Whole units that fit now; never negative. */
export function freeUnits(cell: GcraState, nowMs: number): bigint {
  const free = (cell.amount * MINUTE_US - backlog(cell, nowMs)) / MINUTE_US;
  return free > 0n ? free : 0n;
}

/** Takes `units`, beyond the burst too: whether they fit is the caller's question (`freeUnits`). */
export function takeUnits(cell: GcraState, units: bigint, nowMs: number): GcraState {
  const start = BigInt(nowMs) * 1000n * cell.amount;
  const from = cell.tat > start ? cell.tat : start;
  return { amount: cell.amount, tat: from + units * MINUTE_US };
}

/** Gives `units` back; never more than a whole burst is free afterwards. */
export function refundUnits(cell: GcraState, units: bigint, nowMs: number): GcraState {
  const start = BigInt(nowMs) * 1000n * cell.amount;
  const to = cell.tat - units * MINUTE_US;
  return { amount: cell.amount, tat: to > start ? to : start };
}

/** Milliseconds until `units` fit (0 when they do). Only for `units` ≤ amount; more never fit. */
export function waitMs(cell: GcraState, units: bigint, nowMs: number): number {
  const over = backlog(cell, nowMs) + (units - cell.amount) * MINUTE_US;
  return over > 0n ? toMsUp(over, cell.amount) : 0;
}

/** Milliseconds until the whole limit is free. */
export function drainMs(cell: GcraState, nowMs: number): number {
  return toMsUp(backlog(cell, nowMs), cell.amount);
}

/** The same backlog, in time, under another limit. */
export function rescaleCell(cell: GcraState, amount: bigint): GcraState {
  return { amount, tat: (cell.tat * amount + cell.amount - 1n) / cell.amount };
}

function toMsUp(scaledUs: bigint, amount: bigint): number {
  const perMs = amount * 1000n;
  return Number((scaledUs + perMs - 1n) / perMs);
}
