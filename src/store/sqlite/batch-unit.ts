/**
 * One batch of the writer while it is carried out.
 *
 * @module
 */
import type { StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { Applied, JournalEntry, ThresholdCrossing } from '../../metering/core/types.ts';
import type { Unit } from './accounts.ts';
import { namedCrossings } from './crossing-alerts.ts';
import type { JournalPosition } from './journal-tables.ts';
import type { CallIdentity, RequestWrite } from './usage-tables.ts';
import type { ClaimEndOrder } from './wire.ts';

/** What callers are told while the database takes no writes. */
export const CLOSED_MESSAGE =
  'The metering store cannot be written at the moment (is the disk full?); nothing was booked.';

export interface EntryWrite {
  readonly entry: JournalEntry;
  readonly attemptsText: string | null;
}

/** What a batch will write. */
export interface Writes {
  readonly entries: EntryWrite[];
  readonly requests: RequestWrite[];
  readonly crossings: ThresholdCrossing[];
  readonly claimEnds: { readonly order: ClaimEndOrder; readonly atMs: number }[];
}

/** How much a batch has kept. */
export interface UnitMark {
  readonly applied: number;
  readonly entries: number;
  readonly requests: number;
  readonly crossings: number;
}

/** One batch: what was applied in memory and what must be written for it. */
export class BatchUnit implements Unit {
  readonly nowMs: number;
  readonly applied: Applied<unknown>[] = [];
  readonly writes: Writes = { entries: [], requests: [], crossings: [], claimEnds: [] };
  readonly opened = new Map<string, CallIdentity>();
  readonly memoryOnly: boolean;
  begun = false;
  /** Where the journal stood before. */
  readonly position: JournalPosition;
  readonly #begin: StatementSync;

  constructor(
    nowMs: number,
    from: JournalPosition & { readonly begin: StatementSync; readonly memoryOnly: boolean },
  ) {
    this.nowMs = nowMs;
    this.#begin = from.begin;
    this.memoryOnly = from.memoryOnly;
    this.position = { nextSeq: from.nextSeq, nextNo: from.nextNo };
  }

  begin(): void {
    if (this.begun) return;
    if (this.memoryOnly)
      throw new GatewayError('metering_unavailable', { message: CLOSED_MESSAGE });
    this.#begin.run();
    this.begun = true;
  }

  keep(applied: Applied<unknown>, attemptsText: string | null = null): void {
    this.applied.push(applied);
    const { journal } = applied;
    // What a call did to credits beside its own end comes after it.
    const last =
      attemptsText === null ? -1 : journal.findLastIndex((entry) => entry.holdId !== null);
    for (let index = 0; index < journal.length; index += 1) {
      const entry = journal[index];
      if (entry === undefined) continue;
      this.writes.entries.push({ entry, attemptsText: index === last ? attemptsText : null });
    }
    if (applied.crossings.length > 0) this.writes.crossings.push(...namedCrossings(applied));
  }

  /** Where the batch stands, for {@link undoTo}. */
  mark(): UnitMark {
    const { applied, writes } = this;
    return {
      applied: applied.length,
      entries: writes.entries.length,
      requests: writes.requests.length,
      crossings: writes.crossings.length,
    };
  }

  /** Takes back in memory what has been kept since the mark, newest first; it will not be written. */
  undoTo(mark: UnitMark): void {
    for (const applied of this.applied.splice(mark.applied).toReversed()) applied.undo();
    this.writes.entries.length = mark.entries;
    this.writes.requests.length = mark.requests;
    this.writes.crossings.length = mark.crossings;
  }
}
