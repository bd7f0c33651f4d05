/**
 * What callers know of their quotes in the simulation: what was held for them, and how often they have drawn.
 *
 * @module
 */
import type { Held, Refused } from '../../src/metering/ports.ts';
import type { NoLeg, QuoteEvaluation } from '../../src/metering/quote-port.ts';

/** Codes that a held quote does not keep away: they are not about money or quota (I12). */
const MAY_REFUSE: ReadonlySet<string> = new Set([
  'rate_limited',
  'concurrency_limited',
  'subscription_inactive',
]);

/** One held operation. */
export interface QuoteUse {
  readonly quoteId: string;
  readonly customerId: string;
  readonly operationId: string;
  readonly costNanoUsd: bigint;
  readonly uses: number;
  readonly expiresAtMs: number;
  /** Draws that were answered with a hold, or whose answer never came. */
  drawn: number;
  isReleased: boolean;
}

export class QuoteBook {
  readonly uses: QuoteUse[] = [];
  draws = 0;

  /** Notes what a quote holds. */
  note(
    made: QuoteEvaluation,
    of: Pick<QuoteUse, 'quoteId' | 'customerId' | 'costNanoUsd'> & {
      readonly counts: ReadonlyMap<string, number>;
    },
  ): void {
    for (const operationId of made.held) {
      this.uses.push({
        quoteId: of.quoteId,
        customerId: of.customerId,
        operationId,
        costNanoUsd: of.costNanoUsd,
        uses: of.counts.get(operationId) ?? 0,
        expiresAtMs: made.expiresAtMs,
        drawn: 0,
        isReleased: false,
      });
    }
  }

  released(quoteId: string): void {
    for (const use of this.uses) if (use.quoteId === quoteId) use.isReleased = true;
  }

  /** What is wrong with the answer of a draw, which is counted as drawn already; null when nothing is. */
  faultOf(use: QuoteUse, answer: Held | Refused | NoLeg, nowMs: number): string | null {
    if (answer.type === 'held') {
      this.draws += 1;
      return null;
    }
    use.drawn -= 1;
    if (answer.type === 'refused') {
      return MAY_REFUSE.has(answer.code)
        ? null
        : `I12 a held quote was refused: ${answer.message} (${use.quoteId} ${use.operationId} of ${use.costNanoUsd}, ${use.drawn} of ${use.uses} drawn)`;
    }
    const isOver = nowMs >= use.expiresAtMs;
    if (use.isReleased || isOver || use.drawn >= use.uses) return null;
    return `a held quote could not be drawn: ${answer.reason}`;
  }
}
