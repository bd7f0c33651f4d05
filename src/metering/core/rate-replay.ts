/**
 * Rates after a restart. They have no buckets, so what calls took of them is read off the journal's last minutes.
 *
 * Slots are not brought back: the calls that had them ended with their process.
 *
 * @module
 */
import { bookedOn } from './booking.ts';
import { cellOf } from './assess.ts';
import type { CompiledLimit, CompiledPlan } from './compiled-plan.ts';
import { takeUnits } from './gcra.ts';
import { readExtension, readHold, unpackCharges } from './hold-bodies.ts';
import { openHoldOf } from './loading.ts';
import { correctRates } from './settle.ts';
import {
  type Counter,
  counterOf,
  type Memory,
  type OpenHold,
  ownerOf,
  type RateTake,
} from './state.ts';
import { Step } from './step.ts';
import type { HoldImage, JournalEntry } from './types.ts';

interface Replayed {
  readonly image: HoldImage;
  readonly plan: CompiledPlan;
  readonly takes: readonly RateTake[];
}

/** What a hold takes of a limit by the minute. */
interface RateNeed {
  readonly limit: CompiledLimit;
  readonly counter: Counter;
  readonly need: bigint;
}

/** What the hold needs of the limits by the minute that bind it, by what it covers. */
function rateNeeds(hold: OpenHold): readonly RateNeed[] {
  const needs: RateNeed[] = [];
  for (const { account, plan } of hold.rulings) {
    for (const limit of plan.limits) {
      if (limit.windowKind.kind !== 'minute' || limit.kind !== 'number') continue;
      const ownerId = ownerOf(limit, hold);
      const need = ownerId === null ? 0n : coveredNeed(hold, plan, limit);
      if (ownerId === null || need === 0n) continue;
      needs.push({ limit, counter: counterOf(account, ownerId, limit.counterKey), need });
    }
  }
  return needs;
}

function coveredNeed(hold: OpenHold, plan: CompiledPlan, limit: CompiledLimit): bigint {
  const covered = hold.covered.filter((charge) =>
    plan.match(hold.operation, charge.model).limits.includes(limit),
  );
  if (limit.meter === 'requests') return covered.length === 0 ? 0n : hold.requests;
  return covered.reduce((sum, { amounts }) => sum + (amounts[limit.meter] ?? 0n), 0n);
}

/** Takes the rates of calls anew, in the order and at the times in which they were taken. */
export class RateReplay {
  readonly #memory: Memory;
  readonly #open = new Map<string, Replayed>();

  /** Accounts of the calls must be loaded. */
  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** @param plan the hold's plan version, for an entry that opens one */
  add(entry: JournalEntry, plan: CompiledPlan | null): void {
    const { holdId, kind } = entry;
    if (holdId === null) return;
    const known = this.#open.get(holdId);
    if (kind === 'hold' && plan !== null) {
      const image = readHold(entry);
      // The leg of a quote takes no rate; the calls that draw on it do.
      if ((image.quote?.uses ?? 0) === 0) this.#raise({ image, plan, takes: [] }, entry.atMs);
      return;
    }
    if (known === undefined) return;
    if (kind === 'extend') {
      this.#raise({ ...known, image: readExtension(known.image, entry) }, entry.atMs);
    } else if (kind === 'settle' || kind === 'reconcile' || kind === 'void' || kind === 'expire') {
      this.#end(known, entry);
      this.#open.delete(holdId);
    }
  }

  #raise(replayed: Replayed, atMs: number): void {
    const { image, plan } = replayed;
    const takes = [...replayed.takes];
    for (const { limit, counter, need } of rateNeeds(this.#hold(image, plan))) {
      const at = takes.findIndex((take) => take.counter === counter);
      const have = takes[at]?.amount ?? 0n;
      if (need <= have) continue;
      counter.cell = takeUnits(cellOf(counter, limit), need - have, atMs);
      if (at < 0) takes.push({ counter, amount: need });
      else takes[at] = { counter, amount: need };
    }
    this.#open.set(image.holdId, { image, plan, takes });
  }

  #end({ image, plan, takes }: Replayed, entry: JournalEntry): void {
    const hold = { ...this.#hold(image, plan), takes };
    const booked = bookedOn(hold, unpackCharges(entry.body['charges']));
    correctRates(new Step(this.#memory, entry.atMs), hold, { booked, nowMs: entry.atMs });
  }

  #hold(image: HoldImage, plan: CompiledPlan): OpenHold {
    return openHoldOf(this.#memory, { ...image, legs: [] }, plan);
  }
}
