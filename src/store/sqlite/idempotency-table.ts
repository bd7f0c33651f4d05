/**
 * The writer's side of idempotency keys: who has a key, and what became of that call. What the journal says of the
 * call's hold decides after a crash. Everything runs inside the caller's transaction.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  type Claim,
  type ClaimOutcome,
  IDEMPOTENCY_KEPT_MS,
  type NewClaim,
  type NoReply,
} from '../../metering/idempotency-port.ts';
import { storedIdSql } from './event-key.ts';
import { integer, nullableText, type SqlRow, text } from './subscriptions.ts';
import type { ClaimEndOrder } from './wire.ts';

/** A kept reply is read beside the writer: the writer only says that there is one. */
export type WriterOutcome =
  | Exclude<ClaimOutcome, { readonly type: 'kept' }>
  | { readonly type: 'kept'; readonly requestId: string };

/** How soon an expired row whose call is still open is looked at again. */
const LOOK_AGAIN_MS = 3_600_000;

/** Events that tell how a claim's hold stands. */
const HOLD_KINDS = ['hold', 'settle', 'void', 'expire', 'reconcile'] as const;

/** What the journal says of a claim's hold. `never` was dispatched: there is none, or it expired unused. */
type HoldEnd = 'never' | 'open' | 'booked' | 'estimated';

export class IdempotencyTable {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #finish: StatementSync;
  readonly #forget: StatementSync;
  readonly #drop: StatementSync;
  readonly #kindsOfHold: StatementSync;
  readonly #expired: StatementSync;
  readonly #postpone: StatementSync;
  /** Calls of this process that have a claim, by request id. */
  readonly #live = new Set<string>();

  constructor(database: DatabaseSync) {
    this.#find = database.prepare(
      'SELECT fingerprint, request_id, hold_id, state, expires_at FROM idempotency WHERE scope = ? AND key = ?',
    );
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO idempotency (scope, key, fingerprint, request_id, hold_id, state, expires_at)
       VALUES (?, ?, ?, ?, ?, 'open', ?)`,
    );
    this.#finish = database.prepare(
      `UPDATE idempotency SET state = ?, sealed = ?, expires_at = ?
       WHERE scope = ? AND key = ? AND request_id = ? AND state = 'open'`,
    );
    this.#forget = database.prepare(
      "DELETE FROM idempotency WHERE scope = ? AND key = ? AND request_id = ? AND state = 'open'",
    );
    this.#drop = database.prepare('DELETE FROM idempotency WHERE scope = ? AND key = ?');
    this.#kindsOfHold = database.prepare(
      `SELECT kind, at FROM event WHERE event_id IN (${HOLD_KINDS.map((kind) => storedIdSql(kind)).join(', ')})`,
    );
    this.#expired = database.prepare(
      `SELECT scope, key, fingerprint, request_id, hold_id, state, expires_at FROM idempotency
       WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`,
    );
    this.#postpone = database.prepare(
      'UPDATE idempotency SET expires_at = ? WHERE scope = ? AND key = ? AND request_id = ?',
    );
  }

  claim(claim: NewClaim, nowMs: number): WriterOutcome {
    const { scope, key, fingerprint, requestId, holdId } = claim;
    const row = this.#find.get(scope, key);
    const known = row === undefined ? null : this.#outcomeOf(row, nowMs);
    if (row !== undefined && known !== null) {
      return text(row, 'fingerprint') === fingerprint ? known : { type: 'mismatch' };
    }
    this.#put.run(scope, key, fingerprint, requestId, holdId, nowMs + IDEMPOTENCY_KEPT_MS);
    this.#live.add(requestId);
    return { type: 'claimed' };
  }

  /** Ends an open claim; does nothing when the key belongs to another call or the claim has ended. */
  end({ scope, key, requestId, state, sealed }: ClaimEndOrder, nowMs: number): void {
    if (state === 'forgotten') this.#forget.run(scope, key, requestId);
    else this.#finish.run(state, sealed, nowMs + IDEMPOTENCY_KEPT_MS, scope, key, requestId);
  }

  /** The call is over in this process. */
  leave(requestId: string): void {
    this.#live.delete(requestId);
  }

  /** Whether anything has expired. */
  hasExpired(nowMs: number): boolean {
    return this.#expired.get(nowMs, 1) !== undefined;
  }

  /** Removes at most `limit` keys that have stood their time. */
  dropExpired(nowMs: number, limit: number): void {
    for (const row of this.#expired.all(nowMs, limit)) {
      const [scope, key, requestId] = [
        text(row, 'scope'),
        text(row, 'key'),
        text(row, 'request_id'),
      ];
      if (this.#outcomeOf(row, nowMs) === null) this.#drop.run(scope, key);
      else this.#postpone.run(nowMs + LOOK_AGAIN_MS, scope, key, requestId);
    }
  }

  /** What a repetition is told; null where the key is free. */
  #outcomeOf(row: SqlRow, nowMs: number): Exclude<WriterOutcome, { type: 'mismatch' }> | null {
    const requestId = text(row, 'request_id');
    const state = text(row, 'state');
    if (state === 'open' && this.#live.has(requestId)) return { type: 'in_flight', inDoubt: false };
    const holdId = nullableText(row, 'hold_id');
    const hold = state === 'open' && holdId !== null ? this.#holdEnd(holdId) : null;
    const holdEnd = hold?.end ?? null;
    if (holdEnd === 'never') return null;
    if (holdEnd === 'open') return { type: 'in_flight', inDoubt: true, requestId };
    // Where a crash has lost the claim's end, the journal says when that was.
    const untilMs = Math.max(integer(row, 'expires_at'), (hold?.atMs ?? 0) + IDEMPOTENCY_KEPT_MS);
    if (untilMs <= nowMs) return null;
    if (state === 'kept') return { type: 'kept', requestId };
    return { type: 'ended', requestId, reason: reasonOf(state, holdEnd) };
  }

  #holdEnd(holdId: string): { readonly end: HoldEnd; readonly atMs: number } {
    const events = this.#kindsOfHold.all(holdId);
    const kinds = new Set(events.map((row) => text(row, 'kind')));
    const atMs = Math.max(0, ...events.map((row) => integer(row, 'at')));
    if (kinds.size === 0 || kinds.has('expire')) return { end: 'never', atMs };
    if (kinds.has('reconcile')) return { end: 'estimated', atMs };
    const isBooked = kinds.has('settle') || kinds.has('void');
    return { end: isBooked ? 'booked' : 'open', atMs };
  }
}

function reasonOf(state: string, holdEnd: HoldEnd | null): NoReply {
  if (state === 'too_large' || state === 'cut_off') return state;
  if (holdEnd === null) return 'interrupted';
  return holdEnd === 'booked' ? 'lost' : 'unknown';
}

/** Reads the reply that a call has left; null when it is gone. */
export function keptReplyReader(database: DatabaseSync): (claim: Claim) => Uint8Array | null {
  const find = database.prepare(
    "SELECT sealed FROM idempotency WHERE scope = ? AND key = ? AND request_id = ? AND state = 'kept'",
  );
  return ({ scope, key, requestId }) => {
    const sealed = find.get(scope, key, requestId)?.['sealed'];
    return sealed instanceof Uint8Array ? sealed : null;
  };
}
