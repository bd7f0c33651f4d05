/**
 * What becomes of ends of calls that the ledger would not take before the process ends.
 *
 * @module
 */
import type { SettleCommand, VoidCommand } from './ports.ts';

/** How a call ended, as the ledger is to book it. */
export type CallEnd =
  | { readonly type: 'settle'; readonly command: SettleCommand }
  | { readonly type: 'void'; readonly command: VoidCommand };

export interface UnbookedEnds {
  /**
   * Keeps ends for the next start to book, outside the ledger; for use after the store has been closed. What was
   * booked after all is not booked again. The replies of idempotency keys are not kept.
   *
   * @returns those that could not be kept either
   */
  keep(ends: readonly CallEnd[]): Promise<readonly CallEnd[]>;
}
