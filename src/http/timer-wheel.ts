/**
 * Deadlines of many calls on one coarse timer: arming and cancelling cost a list operation, not a timer each.
 *
 * @module
 */

const TICK_MS = 50;

export interface Deadline {
  /** Forgets the deadline; safe to call again and after it has fired. */
  cancel(): void;
}

class Entry implements Deadline {
  onExpire: (() => void) | null;
  readonly #owner: Set<Entry>;

  constructor(owner: Set<Entry>, onExpire: () => void) {
    this.#owner = owner;
    this.onExpire = onExpire;
  }

  cancel(): void {
    this.onExpire = null;
    this.#owner.delete(this);
  }
}

/** Fires within one tick (50 ms) after the asked time, never before it. */
export class TimerWheel {
  readonly #slots = new Map<number, Set<Entry>>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;
  #lastTick: number;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#lastTick = Math.floor(now() / TICK_MS);
  }

  after(delayMs: number, onExpire: () => void): Deadline {
    if (this.#timer === null) {
      this.#lastTick = Math.floor(this.#now() / TICK_MS);
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
      this.#timer.unref();
    }
    const slot = Math.floor((this.#now() + Math.max(0, delayMs)) / TICK_MS) + 1;
    let entries = this.#slots.get(slot);
    if (entries === undefined) {
      entries = new Set();
      this.#slots.set(slot, entries);
    }
    const entry = new Entry(entries, onExpire);
    entries.add(entry);
    return entry;
  }

  #tick(): void {
    const current = Math.floor(this.#now() / TICK_MS);
    for (let slot = this.#lastTick; slot <= current; slot += 1) {
      const entries = this.#slots.get(slot);
      if (entries === undefined) continue;
      this.#slots.delete(slot);
      for (const entry of entries) entry.onExpire?.();
    }
    this.#lastTick = current;
    if (this.#slots.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /** Drops every deadline without firing it. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#slots.clear();
  }
}
