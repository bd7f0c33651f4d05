/**
 * Holds that memory has forgotten.
 *
 * @module
 */
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { Accounts } from './accounts.ts';
import type { BatchUnit } from './batch-unit.ts';
import type { HoldHistory } from './hold-history.ts';
import type { JournalTables } from './journal-tables.ts';
import type { ScopeAccounts } from './scope-accounts.ts';

/** Brings a hold that memory has forgotten back out of the journal. */
export function recallHold(
  parts: {
    readonly engine: MeteringEngine;
    readonly accounts: Accounts;
    readonly scopes: ScopeAccounts;
    readonly history: HoldHistory;
    readonly journal: JournalTables;
  },
  holdId: string,
  unit: BatchUnit,
): void {
  const { engine, accounts, scopes, journal } = parts;
  if (engine.holdStanding(holdId) !== null) return;
  const found = parts.history.resolved(holdId);
  if (found === null) return;
  accounts.ensure(found.hold.customerId, unit);
  const legs = [...found.hold.legs, ...found.booked];
  scopes.ensureForBuckets(
    legs.map(({ bucketId }) => bucketId),
    found.hold,
    unit,
  );
  for (const { bucketId } of legs) {
    const bucket = engine.bucket(bucketId) === null ? journal.bucket(bucketId) : null;
    if (bucket !== null) engine.loadBucket(bucket);
  }
  engine.loadResolved(found, accounts.compiled(found.hold.planId, found.hold.planVersion));
}
