/**
 * Counts over the last seconds, in buckets of one second.
 *
 * @module
 */

const SECOND_MS = 1000;

/** Adds up what was noted within the window; bounded memory, no timers. */
export class SlidingCount {
  readonly #buckets: Float64Array;
  #second = 0;
  #total = 0;

  constructor(windowSeconds: number) {
    this.#buckets = new Float64Array(windowSeconds);
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    const { length } = this.#buckets;
    // A clock that steps back counts into the present bucket.
    const steps = Math.min(Math.max(0, second - this.#second), length);
    for (let step = 1; step <= steps; step += 1) {
      const place = (second - steps + step) % length;
      this.#total -= this.#buckets[place] ?? 0;
      this.#buckets[place] = 0;
    }
    if (second > this.#second) this.#second = second;
  }

  add(amount: number, nowMs: number): void {
    this.#advance(nowMs);
    const place = this.#second % this.#buckets.length;
    this.#buckets[place] = (this.#buckets[place] ?? 0) + amount;
    this.#total += amount;
  }

  total(nowMs: number): number {
    this.#advance(nowMs);
    return this.#total;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#total = 0;
  }
}
