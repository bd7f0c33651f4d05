/**
 * Finds holds that no call of this process works on. There should be none: every call ends its hold. One that is
 * found in two rounds becomes `unknown`, so that it is looked up or ends by policy instead of standing for ever.
 *
 * @module
 */
import type { LedgerOperations, OpenHoldView } from '../../metering/ledger-operations-port.ts';
import type { InFlight } from './in-flight.ts';

export interface LeakWatchParts {
  readonly operations: () => Pick<LedgerOperations, 'openHolds' | 'markUnknown'>;
  readonly inFlight: Pick<InFlight, 'has'>;
  readonly nowMs: () => number;
  /** Age before which a hold is not looked at. */
  readonly graceMs: number;
  /** Told of holds that have become unknown. */
  readonly onLeak: (holds: readonly OpenHoldView[]) => void;
}

export class LeakWatch {
  readonly #parts: LeakWatchParts;
  /** Found in the last round. */
  #suspects: ReadonlySet<string> = new Set();

  constructor(parts: LeakWatchParts) {
    this.#parts = parts;
  }

  /** One round. @returns the holds that have become unknown */
  async round(): Promise<readonly OpenHoldView[]> {
    const { inFlight, nowMs, graceMs, onLeak } = this.#parts;
    const operations = this.#parts.operations();
    const open = await operations.openHolds();
    const atMs = nowMs();
    // Asked after the list was made: a call that has begun since is not in it, one that has ended is left alone below.
    const orphans = open.filter(
      ({ state, createdAtMs, holdId }) =>
        state === 'dispatched' && atMs - createdAtMs >= graceMs && !inFlight.has(holdId),
    );
    const sure = orphans.filter(({ holdId }) => this.#suspects.has(holdId));
    this.#suspects = new Set(orphans.map(({ holdId }) => holdId));
    if (sure.length === 0) return [];
    const marked = new Set(await operations.markUnknown(sure.map(({ holdId }) => holdId)));
    const leaked = sure.filter(({ holdId }) => marked.has(holdId));
    if (leaked.length > 0) onLeak(leaked);
    return leaked;
  }
}
