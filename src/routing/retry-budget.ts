/**
 * P5: repeats may add a tenth to the calls of a target, so that retries do not multiply an outage.
 *
 * @module
 */
import { SlidingCount } from './sliding-count.ts';

const WINDOW_SECONDS = 10;
const SHARE = 0.1;
const FLOOR = 10;

/** Tokens that a repeat in place costs, and what a timeout takes away. */
export const REPEAT_COST = 1;
export const TIMEOUT_COST = 2;

/** Budget of one target (provider × model × credential). */
export class RetryBudget {
  readonly #firsts = new SlidingCount(WINDOW_SECONDS);
  readonly #spent = new SlidingCount(WINDOW_SECONDS);

  /** Notes the first attempt of a request: a tenth of these may be repeated. */
  noteFirstAttempt(nowMs: number): void {
    this.#firsts.add(1, nowMs);
  }

  /** Tokens left: a tenth of the first attempts of the last 10 s, at least 10, less what was spent in them. */
  left(nowMs: number): number {
    const granted = Math.max(FLOOR, Math.floor(this.#firsts.total(nowMs) * SHARE));
    return granted - this.#spent.total(nowMs);
  }

  mayRepeat(nowMs: number): boolean {
    return this.left(nowMs) >= REPEAT_COST;
  }

  /** Takes the tokens of a repeat, or of a timeout, which may overdraw the budget. */
  spend(cost: number, nowMs: number): void {
    this.#spent.add(cost, nowMs);
  }

  /** A repeat that succeeded costs nothing. */
  refund(nowMs: number): void {
    const spent = this.#spent.total(nowMs);
    if (spent > 0) this.#spent.add(-Math.min(REPEAT_COST, spent), nowMs);
  }
}
