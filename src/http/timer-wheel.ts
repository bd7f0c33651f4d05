/**
 * Deadlines of many calls on one coarse timer. All deadlines that stand are looked at every tick: there are as
 * many as calls in progress, and nearly all are cancelled long before they are due, so that arming and cancelling
 * must cost nothing but two links of a list.
 *
 * @module
 */

const TICK_MS = 50;

export interface Deadline {
  /** Forgets the deadline; safe to call again and after it has fired. */
  cancel(): void;
}

class Entry implements Deadline {
  readonly dueMs: number;
  readonly #list: TimerWheel;
  onExpire: (() => void) | null;
  previous: Entry | null = null;
  next: Entry | null = null;

  constructor(list: TimerWheel, dueMs: number, onExpire: () => void) {
    this.#list = list;
    this.dueMs = dueMs;
    this.onExpire = onExpire;
  }

  cancel(): void {
    if (this.onExpire === null) return;
    this.onExpire = null;
    this.#list.remove(this);
  }
}

/** Fires within one tick (50 ms) after the asked instant, never before it. */
export class TimerWheel {
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;
  #first: Entry | null = null;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  after(delayMs: number, onExpire: () => void): Deadline {
    return this.at(this.#now() + delayMs, onExpire);
  }

  /** @param dueMs on the clock of the wheel */
  at(dueMs: number, onExpire: () => void): Deadline {
    if (this.#timer === null) {
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
      this.#timer.unref();
    }
    const entry = new Entry(this, dueMs, onExpire);
    const first = this.#first;
    entry.next = first;
    if (first !== null) first.previous = entry;
    this.#first = entry;
    return entry;
  }

  /** Unlinks a cancelled entry; called by the entry itself. */
  remove(entry: Entry): void {
    const { previous, next } = entry;
    if (previous === null) {
      if (this.#first === entry) this.#first = next;
    } else previous.next = next;
    if (next !== null) next.previous = previous;
    entry.previous = null;
    entry.next = null;
  }

  #tick(): void {
    const now = this.#now();
    const due: Entry[] = [];
    for (let entry = this.#first; entry !== null; entry = entry.next) {
      if (entry.dueMs <= now) due.push(entry);
    }
    for (const entry of due) {
      const { onExpire } = entry;
      entry.cancel();
      onExpire?.();
    }
    if (this.#first === null && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /** Drops every deadline without firing it. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#first = null;
  }
}
