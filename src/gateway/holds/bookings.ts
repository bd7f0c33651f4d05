/**
 * The one way by which calls end in the ledger, and the ends that it would not take: they are kept whole and tried
 * again until they are booked. Repeating is safe, since the ledger books one end a hold: where a commit went through
 * and only its answer was lost, the repetition finds it.
 *
 * @module
 */
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { Ledger, Settled } from '../../metering/ports.ts';
import type { CallEnd } from '../../metering/unbooked-port.ts';

/** How long a caller waits for a store that refuses: the waits between attempts, in milliseconds. */
const PATIENCE_MS: readonly number[] = [50, 150, 300];
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;
/** A round that fails this often in a row has found a store that is down. */
const FAILURES_A_ROUND = 3;
/** Between the rounds of a shutdown, where nobody has time for waits that grow. */
const CLOSING_ROUND_MS = 100;

/** Told what happens to ends that wait. */
export interface BookingReport {
  /** The ledger refused an end, which now waits. */
  kept(end: CallEnd, error: unknown): void;
  /** One that waited is booked. */
  booked(end: CallEnd): void;
  /** One that waited names a hold that the ledger does not know: it can never be booked. */
  unknown(end: CallEnd, error: unknown): void;
}

export interface BookingsParts {
  /** Asked for with every attempt. */
  readonly ledger: () => Pick<Ledger, 'settle' | 'void'>;
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Ends that may wait before no further call is admitted. */
  readonly capacity: number;
  readonly report: BookingReport;
}

interface Waiting {
  readonly end: CallEnd;
  readonly onBooked: () => void;
  readonly sinceMs: number;
  failures: number;
  dueMs: number;
}

function isUnavailable(error: unknown): boolean {
  return isGatewayError(error) && error.code === 'metering_unavailable';
}

export class Bookings {
  readonly #parts: BookingsParts;
  readonly #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;
  #isClosed = false;

  constructor(parts: BookingsParts) {
    this.#parts = parts;
  }

  /** Ends that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** How long the oldest of them has waited, in milliseconds; 0 where none waits. */
  get oldestMs(): number {
    // The map keeps the order of arrival.
    for (const { sinceMs } of this.#waiting.values()) return this.#parts.monotonicMs() - sinceMs;
    return 0;
  }

  /** True while so many wait that no further call may begin; those that run still find room. */
  get isFull(): boolean {
    return this.#waiting.size >= this.#parts.capacity;
  }

  has(holdId: string): boolean {
    return this.#waiting.has(holdId);
  }

  /**
   * Books an end for a caller who waits for it, with some patience where the store refuses.
   *
   * @param onBooked called once, when it is: told here it costs no further promise
   * @throws GatewayError `metering_unavailable` when it still does: then {@link keep} it. Whether it was booked is not known
   */
  book<Result>(end: CallEnd, onBooked: (settled: Settled) => Result): Promise<Result> {
    return this.#send(end).then(onBooked, (error: unknown) =>
      this.#bookAgain(end, error).then(onBooked),
    );
  }

  /** Takes an end that could not be booked, to be tried again. @param onBooked called once, when it is */
  keep(end: CallEnd, error: unknown, onBooked: () => void): void {
    const sinceMs = this.#parts.monotonicMs();
    const waiting = { end, onBooked, sinceMs, failures: 0, dueMs: sinceMs };
    this.#postpone(waiting);
    this.#waiting.set(end.command.holdId, waiting);
    this.#parts.report.kept(end, error);
    this.#schedule();
  }

  /** Tries those that are due, oldest first, one by one: one that the store cannot take must not fail the others. */
  async round(): Promise<void> {
    this.#round ??= this.#tryDue().finally(() => {
      this.#round = null;
    });
    await this.#round;
  }

  /**
   * Tries all that wait, over and over, until none is left or the time is up; nothing is tried afterwards.
   *
   * @returns those that are left
   */
  async close(graceMs: number): Promise<readonly CallEnd[]> {
    const untilMs = this.#parts.monotonicMs() + graceMs;
    while (this.#waiting.size > 0 && this.#parts.monotonicMs() < untilMs) {
      for (const waiting of this.#waiting.values()) waiting.dueMs = 0;
      await this.round();
      if (this.#waiting.size === 0) break;
      await new Promise((resolve) => setTimeout(resolve, CLOSING_ROUND_MS));
    }
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
    return Array.from(this.#waiting.values(), ({ end }) => end);
  }

  async #bookAgain(end: CallEnd, refusal: unknown): Promise<Settled> {
    let lastRefusal = refusal;
    for (const waitMs of PATIENCE_MS) {
      if (!isUnavailable(lastRefusal) || this.#isClosed) break;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        return await this.#send(end);
      } catch (error) {
        lastRefusal = error;
      }
    }
    throw lastRefusal;
  }

  #send(end: CallEnd): Promise<Settled> {
    const ledger = this.#parts.ledger();
    return end.type === 'settle' ? ledger.settle(end.command) : ledger.void(end.command);
  }

  async #tryDue(): Promise<void> {
    const nowMs = this.#parts.monotonicMs();
    let failures = 0;
    for (const waiting of this.#waiting.values()) {
      if (waiting.dueMs > nowMs || failures >= FAILURES_A_ROUND) continue;
      failures = (await this.#try(waiting)) ? 0 : failures + 1;
    }
    this.#schedule();
  }

  /** True when it need not be tried again. */
  async #try(waiting: Waiting): Promise<boolean> {
    const { end, onBooked } = waiting;
    const { report } = this.#parts;
    try {
      await this.#send(end);
    } catch (error) {
      if (!isGatewayError(error) || error.code !== 'not_found') {
        waiting.failures += 1;
        this.#postpone(waiting);
        return false;
      }
      this.#waiting.delete(end.command.holdId);
      report.unknown(end, error);
      return true;
    }
    this.#waiting.delete(end.command.holdId);
    report.booked(end);
    onBooked();
    return true;
  }

  /** Waits double up to half a minute; a part of each is left to chance, so that not all come at once. */
  #postpone(waiting: Waiting): void {
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** waiting.failures, LONGEST_RETRY_MS);
    waiting.dueMs = this.#parts.monotonicMs() + waitMs * (0.75 + this.#parts.random() / 4);
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isClosed || this.#waiting.size === 0) return;
    let dueMs = Infinity;
    for (const waiting of this.#waiting.values()) dueMs = Math.min(dueMs, waiting.dueMs);
    // One that was left over by a round that gave up is overdue: not at once again.
    const waitMs = Math.max(FIRST_RETRY_MS / 2, dueMs - this.#parts.monotonicMs());
    this.#timer = setTimeout(() => void this.round(), waitMs);
    this.#timer.unref();
  }
}
