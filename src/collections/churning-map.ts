/**
 * A map for entries that come and go with every call.
 *
 * @module
 */

interface Cell<Value> {
  value: Value | undefined;
}

/**
 * Like a `Map`, but a value that was removed can be collected at once. V8 rebuilds a `Map`'s table as entries come and
 * go and links each old table to the next; one of them that has reached the old generation therefore keeps alive what
 * all later ones held, until the next full collection. Here they hold cells, which are emptied. See also `SlotTable`.
 */
export class ChurningMap<Key, Value extends object> {
  readonly #cells = new Map<Key, Cell<Value>>();

  get size(): number {
    return this.#cells.size;
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value;
  }

  has(key: Key): boolean {
    return this.#cells.has(key);
  }

  /** @returns what was there before */
  set(key: Key, value: Value): Value | undefined {
    const cell = this.#cells.get(key);
    if (cell === undefined) {
      this.#cells.set(key, { value });
      return undefined;
    }
    const before = cell.value;
    cell.value = value;
    return before;
  }

  delete(key: Key): boolean {
    return this.take(key) !== undefined;
  }

  /** Removes the entry. @returns what it was */
  take(key: Key): Value | undefined {
    const cell = this.#cells.get(key);
    if (cell === undefined) return undefined;
    const { value } = cell;
    cell.value = undefined;
    this.#cells.delete(key);
    return value;
  }

  keys(): MapIterator<Key> {
    return this.#cells.keys();
  }

  *values(): Generator<Value> {
    for (const { value } of this.#cells.values()) if (value !== undefined) yield value;
  }

  *[Symbol.iterator](): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#cells) if (value !== undefined) yield [key, value];
  }
}
