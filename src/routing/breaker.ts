/**
 * P6: stops calling a target that keeps failing, and finds out when it is back.
 *
 * @module
 */
import { SlidingCount } from './sliding-count.ts';

const FAILURES_IN_A_ROW = 5;
const WINDOW_SECONDS = 30;
const WINDOW_MIN_ATTEMPTS = 20;
const WINDOW_FAILURE_SHARE = 0.5;
const OPEN_MS = 5000;
const OPEN_MAX_MS = 20_000;
const OPEN_JITTER = 0.2;
const SUCCESSES_TO_CLOSE = 2;
/** A probe whose end was never told (a crashed task) stops counting after this. */
const PROBE_LEASE_MS = 120_000;

export type BreakerState = 'closed' | 'open' | 'half_open';

/** Leave to call: `probe` must be told the end (`success`, `failure` or `abandon`). */
export type Admission =
  | { readonly type: 'admitted'; readonly probe: boolean }
  | { readonly type: 'refused'; readonly probeAtMs: number };

/** Breaker of one target (provider × model × credential). */
export class Breaker {
  readonly #attempts = new SlidingCount(WINDOW_SECONDS);
  readonly #failures = new SlidingCount(WINDOW_SECONDS);
  #failuresInARow = 0;
  #successesInARow = 0;
  /** Consecutive openings without a close between them. */
  #openings = 0;
  #openUntilMs: number | null = null;
  #probeUntilMs = 0;

  state(nowMs: number): BreakerState {
    if (this.#openUntilMs === null) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half_open';
  }

  /** Whether a call may go out, without taking the probe. */
  peek(nowMs: number): Admission {
    if (this.#openUntilMs === null) return { type: 'admitted', probe: false };
    if (nowMs < this.#openUntilMs) return { type: 'refused', probeAtMs: this.#openUntilMs };
    if (nowMs < this.#probeUntilMs) return { type: 'refused', probeAtMs: nowMs + OPEN_MS / 5 };
    return { type: 'admitted', probe: true };
  }

  /** Asks leave to call; in the half-open state one caller at a time gets it. */
  admit(nowMs: number): Admission {
    const admission = this.peek(nowMs);
    if (admission.type === 'admitted' && admission.probe) {
      this.#probeUntilMs = nowMs + PROBE_LEASE_MS;
    }
    return admission;
  }

  /** A call succeeded, probe or not: two in a row after the pause close the breaker. */
  success(nowMs: number): void {
    this.#failuresInARow = 0;
    if (this.#openUntilMs === null) {
      this.#attempts.add(1, nowMs);
      return;
    }
    if (nowMs < this.#openUntilMs) return;
    this.#probeUntilMs = 0;
    this.#successesInARow += 1;
    if (this.#successesInARow >= SUCCESSES_TO_CLOSE) this.#close();
  }

  /** A call failed in a way that counts ({@link countsAsFault}). `random` in [0, 1) spreads the pause. */
  failure(nowMs: number, random: number): void {
    if (this.#openUntilMs !== null) {
      // Calls that were under way when it opened tell nothing new.
      if (nowMs >= this.#openUntilMs) this.#open(nowMs, random);
      return;
    }
    this.#attempts.add(1, nowMs);
    this.#failures.add(1, nowMs);
    this.#failuresInARow += 1;
    const attempts = this.#attempts.total(nowMs);
    const isMostlyFailing =
      attempts >= WINDOW_MIN_ATTEMPTS &&
      this.#failures.total(nowMs) >= attempts * WINDOW_FAILURE_SHARE;
    if (this.#failuresInARow >= FAILURES_IN_A_ROW || isMostlyFailing) this.#open(nowMs, random);
  }

  /** The call ended without telling anything about the target (client gone, 4xx, 429). */
  abandon(): void {
    this.#probeUntilMs = 0;
  }

  #open(nowMs: number, random: number): void {
    const pauseMs = Math.min(OPEN_MAX_MS, OPEN_MS * 2 ** this.#openings);
    this.#openUntilMs = nowMs + Math.round(pauseMs * (1 - OPEN_JITTER + 2 * OPEN_JITTER * random));
    this.#openings += 1;
    this.#probeUntilMs = 0;
    this.#successesInARow = 0;
  }

  #close(): void {
    this.#openUntilMs = null;
    this.#openings = 0;
    this.#successesInARow = 0;
    this.#failuresInARow = 0;
    this.#attempts.clear();
    this.#failures.clear();
  }
}
