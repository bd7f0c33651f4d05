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

  set(key: Key, value: Value): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { value });
    else cell.value = value;
  }

  delete(key: Key): boolean {
    const cell = this.#cells.get(key);
    if (cell === undefined) return false;
    cell.value = undefined;
    return this.#cells.delete(key);
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
