/**
 * Spans of time that are dear to find, each kept until another one is found for its key.
 *
 * @module
 */
/** Half-open interval `[startMs, endMs)` in milliseconds since the epoch. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A cache of one span a key. Keys come from zones and anchors, so their number is bounded: at the bound all are forgotten. */
export class SpanCache<Kept extends Span> {
  readonly #kept = new Map<string, Kept>();
  readonly #maxKeys: number;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The span that was found last for the key, whatever moment it holds. */
  last(key: string): Kept | null {
    return this.#kept.get(key) ?? null;
  }

  /** The kept span of the key if it holds the moment. */
  at(key: string, atMs: number): Kept | null {
    const kept = this.#kept.get(key);
    return kept !== undefined && atMs >= kept.startMs && atMs < kept.endMs ? kept : null;
  }

  keep(key: string, span: Kept): Kept {
    if (this.#kept.size >= this.#maxKeys && !this.#kept.has(key)) this.#kept.clear();
    this.#kept.set(key, span);
    return span;
  }
}
