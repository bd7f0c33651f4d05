/**
 * Open holds as operators see them, and how those end whose calls nobody knows any more.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { HoldImage } from '../../metering/core/types.ts';
import type {
  EndHoldCommand,
  HoldOutcome,
  OpenHoldView,
} from '../../metering/ledger-operations-port.ts';
import type { Charge, Settled } from '../../metering/ports.ts';
import { endedRecord } from './ended-record.ts';
import { identityOf } from './hold-history.ts';
import { viewOf } from './hold-view.ts';
import { openJobHolds } from './job-operations.ts';
import { estimatedHoldOperations } from './estimated-holds.ts';
import { encodeRequest } from './row-codec.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

type Parts = Pick<OperationParts, 'database' | 'engine' | 'accounts' | 'progress' | 'unknownSince'>;

function chargesOf(
  hold: HoldImage,
  outcome: Extract<HoldOutcome, { readonly type: 'settle' }>,
): readonly Charge[] {
  if ('charges' in outcome) return outcome.charges;
  return [{ model: hold.covered.at(-1)?.model ?? '', amounts: outcome.amounts }];
}

/** @throws GatewayError `not_found` when it is not open, `conflict` when it is not unknown */
function unknownHold({ engine }: Parts, holdId: string): HoldImage {
  const hold = engine.hold(holdId);
  if (hold === null) {
    throw new GatewayError('not_found', { message: `No hold ${holdId} is open.` });
  }
  if (hold.state === 'unknown') return hold;
  throw new GatewayError('conflict', {
    message: `Hold ${holdId} is ${hold.state}: its call ends it. Only an unknown hold is ended by hand.`,
  });
}

export function holdOperations(parts: Parts): OperationTable {
  const { engine, accounts, progress, unknownSince } = parts;
  return {
    listOpenHolds: {
      writes: false,
      run: (): readonly OpenHoldView[] =>
        engine
          .openHolds()
          .map((hold) =>
            viewOf(hold, {
              unknownSinceMs: unknownSince.get(hold.holdId) ?? null,
              providerRequestId: progress.providerRequestId(hold.holdId),
            }),
          )
          .toSorted((one, other) => one.createdAtMs - other.createdAtMs),
    },
    ...estimatedHoldOperations(parts.database),
    markUnknown: {
      writes: true,
      run([argument], unit): readonly string[] {
        // Jobs go on without a call, and end their holds themselves.
        const ofJobs = openJobHolds(parts.database);
        const ids = (argument as readonly string[]).filter((holdId) => !ofJobs.has(holdId));
        const applied = engine.markUnknown(ids, unit.nowMs);
        if (applied.journal.length > 0) unit.keep(applied);
        return applied.result;
      },
    },
    endUnknown: {
      writes: true,
      run([argument], unit): Settled {
        const { holdId, outcome, by, reason } = argument as EndHoldCommand;
        const hold = unknownHold(parts, holdId);
        accounts.ensure(hold.customerId, unit);
        const observed =
          outcome.type === 'settle' ? chargesOf(hold, outcome) : progress.read(holdId);
        const decided = { by, reason };
        const applied = engine.reconcileUnknown(
          { holdId, policy: outcome.type, observed, decided },
          unit.nowMs,
        );
        unit.keep(applied);
        const { charges, type, replayed, overrunNanoUsd } = applied.result;
        const isEstimated = outcome.type !== 'settle' && by !== 'provider';
        const how = { charges, isEstimated, nowMs: unit.nowMs };
        unit.writes.requests.push({
          identity: identityOf(hold),
          holdId,
          startedAtMs: hold.createdAtMs,
          requestText: encodeRequest(endedRecord(hold, how)),
          charges,
        });
        return { type, replayed, overrunNanoUsd };
      },
    },
  };
}
