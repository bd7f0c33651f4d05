/**
 * What the journal knows of one hold, for those that memory has forgotten or, after a start, has yet to learn.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { readHold } from '../../metering/core/hold-bodies.ts';
import { JournalFold, resolvedFrom } from '../../metering/core/rebuild.ts';
import type { HoldImage, ResolvedImage } from '../../metering/core/types.ts';
import { numberedIdsSql, storedIdSql } from './event-key.ts';
import { EventReader, type StoredEvent } from './journal-tables.ts';
import type { CallIdentity } from './usage-tables.ts';

/** Kinds whose event id is `<kind>:<hold id>`; stored the other way round (`event-key.ts`). */
const SINGLE_KINDS = ['hold', 'dispatch', 'unknown', 'settle', 'void', 'expire', 'reconcile'];

/** A hold as its events tell it. */
export interface HoldStory {
  readonly hold: HoldImage;
  /** Sequence number of its first event. */
  readonly seq: number;
  /** Since when its owner is known to be dead; null when it is not. */
  readonly unknownSinceMs: number | null;
  /** How it ended; null while it is open. */
  readonly resolved: ResolvedImage | null;
  readonly events: readonly StoredEvent[];
}

export class HoldHistory {
  readonly #events: StatementSync;
  readonly #first: StatementSync;
  readonly #reader: EventReader;

  constructor(database: DatabaseSync) {
    this.#events = database.prepare(
      `SELECT * FROM event WHERE event_id IN (${SINGLE_KINDS.map((kind) => storedIdSql(kind)).join(', ')})
       UNION ALL SELECT * FROM event WHERE ${numberedIdsSql('extend')}
       UNION ALL SELECT * FROM event WHERE ${numberedIdsSql('late')}
       ORDER BY seq`,
    );
    this.#first = database.prepare(`SELECT * FROM event WHERE event_id = ${storedIdSql('hold')}`);
    this.#reader = new EventReader(database);
  }

  /** Null when there is no such hold. */
  story(holdId: string): HoldStory | null {
    const events = this.#events.all(holdId).map((row) => this.#reader.read(row));
    const first = events[0];
    if (first === undefined || first.entry.kind !== 'hold') return null;
    const fold = new JournalFold();
    // Balances are no matter here.
    for (const { entry } of events) fold.follow(entry);
    const resolved = resolvedFrom(events.map(({ entry }) => entry));
    const hold = fold.openHolds.get(holdId) ?? resolved?.hold ?? readHold(first.entry);
    const unknownSinceMs = events.find(({ entry }) => entry.kind === 'unknown')?.entry.atMs ?? null;
    return { hold, seq: first.seq, unknownSinceMs, resolved, events };
  }

  /** How the hold ended; null while it is open or unknown to the journal. */
  resolved(holdId: string): ResolvedImage | null {
    return this.story(holdId)?.resolved ?? null;
  }

  /** Whose call it was; null when there is no such hold. */
  identity(holdId: string): CallIdentity | null {
    const row = this.#first.get(holdId);
    return row === undefined ? null : identityOf(readHold(this.#reader.read(row).entry));
  }
}

/** The call behind a hold. */
export function identityOf(hold: HoldImage): CallIdentity {
  return {
    requestId: hold.requestId,
    customerId: hold.customerId,
    keyId: hold.keyId,
    operation: hold.operation,
    reservedAtMs: hold.createdAtMs,
    requests: hold.requests,
    planId: hold.planId,
    tags: hold.tags,
  };
}
