/**
 * Brings rates back after a start, so that a restart is no way around a limit by the minute.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import { readHold } from '../../metering/core/hold-bodies.ts';
import type { Accounts } from './accounts.ts';
import { EventReader } from './journal-tables.ts';
import type { ScopeAccounts } from './scope-accounts.ts';
import type { Writer } from './writer.ts';

/** A whole limit drains in a minute; calls settle later than they began. */
const LOOK_BACK_MS = 120_000;
/** Bounds the start: beyond it the oldest calls of the last minutes are forgotten. */
const MAX_EVENTS = 50_000;

/** Replays what the last minutes' calls took. Their accounts are loaded on the way. */
export function restoreRates(parts: {
  readonly database: DatabaseSync;
  readonly engine: MeteringEngine;
  readonly accounts: Accounts;
  readonly scopes: ScopeAccounts;
  readonly writer: Writer;
  readonly nowMs: number;
}): void {
  const { database, engine, accounts, scopes, writer, nowMs } = parts;
  const reader = new EventReader(database);
  const replay = engine.rateReplay();
  const events = database.prepare(
    `SELECT * FROM event
     WHERE seq > (SELECT max(seq) FROM event) - ? AND at >= ? AND hold_id IS NOT NULL ORDER BY seq`,
  );
  writer.transact(nowMs, (unit) => {
    for (const row of events.iterate(MAX_EVENTS, nowMs - LOOK_BACK_MS)) {
      const { entry } = reader.read(row);
      if (entry.kind !== 'hold') {
        replay.add(entry, null);
        continue;
      }
      const hold = readHold(entry);
      accounts.ensure(hold.customerId, unit);
      scopes.ensure(hold, unit);
      replay.add(entry, accounts.compiled(hold.planId, hold.planVersion));
    }
  });
}
