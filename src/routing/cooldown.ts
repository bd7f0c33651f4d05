/**
 * P7: pauses that providers ask for, and credentials that they refuse.
 *
 * @module
 */

const MIN_MS = 100;
const HOUR_MS = 3_600_000;
/** Longest pause for a quota that comes back once a day. */
export const MAX_QUOTA_COOLDOWN_MS = 24 * HOUR_MS;
/** Pause for a used-up quota whose reset is not named. */
export const UNNAMED_QUOTA_COOLDOWN_MS = HOUR_MS;
const TEST_EVERY_MS = 300_000;
/** Entries are looked through for lapsed ones beyond this: models are named by callers. */
const SWEEP_ABOVE = 1024;

/**
 * Clamps a wait that a provider named to [0.1 s, 1 h], or to another maximum: headers may hold nonsense such as
 * 10⁹ s or a negative number.
 */
export function clampCooldownMs(waitMs: number, maxMs: number = HOUR_MS): number {
  if (Number.isNaN(waitMs)) return MIN_MS;
  return Math.min(maxMs, Math.max(MIN_MS, waitMs));
}

/** Cool-downs by credential × model. */
export class Cooldowns {
  readonly #untilMs = new Map<string, number>();

  /** Cools for a wait already clamped; a longer pause that stands is kept. */
  cool(target: string, waitMs: number, nowMs: number): void {
    if (this.#untilMs.size >= SWEEP_ABOVE) this.#sweep(nowMs);
    const untilMs = nowMs + clampCooldownMs(waitMs, MAX_QUOTA_COOLDOWN_MS);
    this.#untilMs.set(target, Math.max(untilMs, this.#untilMs.get(target) ?? 0));
  }

  /** End of the pause, or null when the target may be called. */
  untilMs(target: string, nowMs: number): number | null {
    const untilMs = this.#untilMs.get(target);
    if (untilMs === undefined) return null;
    if (nowMs < untilMs) return untilMs;
    this.#untilMs.delete(target);
    return null;
  }

  #sweep(nowMs: number): void {
    for (const [target, untilMs] of this.#untilMs) {
      if (untilMs <= nowMs) this.#untilMs.delete(target);
    }
  }
}

export type QuarantineReason = 'auth' | 'credit';

interface QuarantineEntry {
  readonly reason: QuarantineReason;
  nextTestMs: number;
}

/**
 * Credentials that the provider refused. They stay out until they change (the caller names another) or until a
 * test, at most every five minutes, passes.
 */
export class Quarantine {
  readonly #entries = new Map<string, QuarantineEntry>();

  /** Puts a credential under quarantine; true when it was not before, which is when to alert the operator. */
  put(credential: string, reason: QuarantineReason, nowMs: number): boolean {
    const isNew = !this.#entries.has(credential);
    this.#entries.set(credential, { reason, nextTestMs: nowMs + TEST_EVERY_MS });
    return isNew;
  }

  /** Why the credential is out, or null when it may be used; a due test is not out. */
  reasonOf(credential: string, nowMs: number): QuarantineReason | null {
    const entry = this.#entries.get(credential);
    return entry === undefined || nowMs >= entry.nextTestMs ? null : entry.reason;
  }

  /** Claims the due test, so that one request makes it. */
  claimTest(credential: string, nowMs: number): void {
    const entry = this.#entries.get(credential);
    if (entry !== undefined && nowMs >= entry.nextTestMs) entry.nextTestMs = nowMs + TEST_EVERY_MS;
  }

  /** The credential worked, or was replaced. */
  release(credential: string): void {
    this.#entries.delete(credential);
  }

  /** Credentials that are out, for the dashboard and `doctor`. */
  list(): readonly { readonly credential: string; readonly reason: QuarantineReason }[] {
    return [...this.#entries].map(([credential, { reason }]) => ({ credential, reason }));
  }
}
