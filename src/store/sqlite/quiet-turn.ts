/**
 * When a batch leaves: once a turn of the event loop has added nothing to it.
 *
 * A transaction costs much the same for two calls as for twenty, so what is about to come is worth waiting for;
 * and what is about to come is already in the sockets, since a loaded loop has turns in which it reads them.
 * An idle loop adds nothing in its first turn: a call by itself waits for none.
 *
 * @module
 */

/** Bounds the wait of a batch to which every turn adds something. */
const MAX_TURNS = 8;

export class QuietTurn {
  readonly #size: () => number;
  readonly #onQuiet: () => void;
  #waiting = false;
  #turns = 0;
  #sizeBefore = 0;

  /**
   * @param size of what has gathered; when it is the same after a turn, that turn was quiet
   * @param onQuiet called in a later turn than `await`, once for each wait
   */
  constructor(size: () => number, onQuiet: () => void) {
    this.#size = size;
    this.#onQuiet = onQuiet;
  }

  /** Waits for a quiet turn, unless it already does. */
  await(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#turns = 0;
    this.#nextTurn();
  }

  #nextTurn(): void {
    this.#sizeBefore = this.#size();
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#turns += 1;
    if (this.#size() > this.#sizeBefore && this.#turns < MAX_TURNS) {
      this.#nextTurn();
      return;
    }
    this.#waiting = false;
    this.#onQuiet();
  };
}
