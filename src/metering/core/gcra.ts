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

/** A cell's limit and backlog; a value, so that undo puts the old one back. */
export interface GcraState {
  readonly amount: bigint;
  /** Time of the last change: a clock set back must neither drain nor fill the cell, so no earlier time counts. */
  readonly asOfMs: number;
  /** Theoretical arrival time, µs since the epoch × `amount`. */
  readonly tat: bigint;
}

/** A cell at rest: a whole limit is free. */
export function restingCell(amount: bigint): GcraState {
  return { amount, asOfMs: 0, tat: 0n };
}

/** The present moment in µs × amount. */
function present(cell: GcraState, nowMs: number): bigint {
  return BigInt(Math.max(nowMs, cell.asOfMs)) * 1000n * cell.amount;
}

/** What has been taken and not yet drained, in µs × amount. */
function backlog(cell: GcraState, nowMs: number): bigint {
  const left = cell.tat - present(cell, nowMs);
  return left > 0n ? left : 0n;
}

/** Whole units that fit now; never negative. */
export function freeUnits(cell: GcraState, nowMs: number): bigint {
  const taken = backlog(cell, nowMs);
  if (taken === 0n) return cell.amount;
  const free = (cell.amount * MINUTE_US - taken) / MINUTE_US;
  return free > 0n ? free : 0n;
}

function movedTo(cell: GcraState, tat: bigint, nowMs: number): GcraState {
  const start = present(cell, nowMs);
  return {
    amount: cell.amount,
    asOfMs: Math.max(nowMs, cell.asOfMs),
    tat: tat > start ? tat : start,
  };
}

/** Takes `units`, beyond the burst too: whether they fit is the caller's question (`freeUnits`). */
export function takeUnits(cell: GcraState, units: bigint, nowMs: number): GcraState {
  const start = present(cell, nowMs);
  const from = cell.tat > start ? cell.tat : start;
  const { amount, asOfMs } = cell;
  return { amount, asOfMs: Math.max(nowMs, asOfMs), tat: from + units * MINUTE_US };
}

/** Gives `units` back; never more than a whole burst is free afterwards. */
export function refundUnits(cell: GcraState, units: bigint, nowMs: number): GcraState {
  return movedTo(cell, cell.tat - units * MINUTE_US, nowMs);
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
  const tat = (cell.tat * amount + cell.amount - 1n) / cell.amount;
  return { amount, asOfMs: cell.asOfMs, tat };
}

function toMsUp(scaledUs: bigint, amount: bigint): number {
  const perMs = amount * 1000n;
  return Number((scaledUs + perMs - 1n) / perMs);
}
