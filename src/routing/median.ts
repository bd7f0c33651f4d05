/**
 * A running median of the latest values.
 *
 * @module
 */

const KEPT = 32;
const FEWEST = 5;

/** Median over the latest 32 values; nothing until there are five. */
export class RunningMedian {
  readonly #values: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % KEPT;
  }

  value(): number | null {
    const { length } = this.#values;
    if (length < FEWEST) return null;
    return this.#values.toSorted((left, right) => left - right)[length >> 1] ?? null;
  }
}
