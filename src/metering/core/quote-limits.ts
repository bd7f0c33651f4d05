/**
 * The limits that bind a quote, as they stood before it, with what all of its operations ask of them.
 *
 * @module
 */
import type { QuotedLimit } from '../quote-port.ts';
import { type Assessment, needOf, ownNeed, restOnCredits } from './assess.ts';
import { bucketed } from './compiled-plan.ts';
import { limitStatus } from './limit-status.ts';
import { formatMeterAmount } from './meter-amounts.ts';
import type { JudgedCandidate } from './quote-use.ts';

interface Asked {
  /** As first met, so before any operation of the quote took from the limit. */
  readonly first: Assessment;
  requested: bigint;
}

function keyOf(assessment: Assessment): string {
  return `${assessment.ownerId}|${assessment.limit.counterKey}|${assessment.limit.id}`;
}

/** Collects what operations ask of limits. */
export class QuoteLimits {
  readonly #asked = new Map<string, Asked>();

  /** Adds one operation; of several candidates the one that asks the most of a limit counts. */
  add(candidates: readonly JudgedCandidate[]): void {
    const most = new Map<Asked, bigint>();
    for (const { assessments } of candidates) {
      const onCredits = restOnCredits(assessments, null, 0);
      for (const assessment of assessments) {
        const asked = this.#of(assessment);
        const need = ownNeed(assessment, needOf(assessment, null, 0), onCredits);
        const before = most.get(asked) ?? 0n;
        most.set(asked, need > before ? need : before);
      }
    }
    for (const [asked, need] of most) {
      if (bucketed(asked.first.limit.windowKind)) asked.requested += need;
      else if (need > asked.requested) asked.requested = need;
    }
  }

  #of(assessment: Assessment): Asked {
    const key = keyOf(assessment);
    const present = this.#asked.get(key);
    if (present !== undefined) return present;
    const asked: Asked = { first: assessment, requested: 0n };
    this.#asked.set(key, asked);
    return asked;
  }

  /** In the order in which they were met. */
  list(nowMs: number): readonly QuotedLimit[] {
    return [...this.#asked.values()].map(({ first, requested }) => {
      const { account, limit, ownerId } = first;
      const counter = account.counters.get(ownerId)?.get(limit.counterKey);
      const status = limitStatus({
        limit,
        ownerId,
        counter,
        standing: first,
        requested,
        nowMs,
      });
      const remaining = first.capacity - first.have;
      return {
        ...status,
        requested: formatMeterAmount(limit.meter, requested),
        after: formatMeterAmount(limit.meter, remaining - requested),
        on_breach: limit.onBreach,
      };
    });
  }
}
