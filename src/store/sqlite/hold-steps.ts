/**
 * What a hold is taken and ended with, whoever asks for it: the accounts that it binds, and the hold itself, are in memory by then.
 *
 * @module
 */
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { Held, Refused, ReserveCommand, Settled } from '../../metering/ports.ts';
import type { BatchUnit } from './batch-unit.ts';
import type { CallIdentity } from './usage-tables.ts';
import type { SettleOrder } from './wire.ts';

/** Takes a hold, and remembers whose it is. */
export function takeHold(
  engine: MeteringEngine,
  command: ReserveCommand,
  unit: BatchUnit,
): Held | Refused {
  const applied = engine.reserve(command, unit.nowMs);
  if (applied.journal.length > 0) {
    unit.keep(applied);
    unit.opened.set(command.holdId, {
      requestId: command.requestId,
      customerId: command.customerId,
      keyId: command.keyId,
      operation: command.operation,
      reservedAtMs: unit.nowMs,
      requests: command.bound.fixed.requests ?? 0n,
      planId: applied.result.type === 'held' ? applied.result.plan.id : '',
      tags: command.tags,
    });
  }
  return applied.result;
}

/** Ends a hold, and writes the request down. */
export function endHold(
  engine: MeteringEngine,
  { identity, order }: { readonly identity: CallIdentity; readonly order: SettleOrder },
  unit: BatchUnit,
): Settled {
  const { holdId, charges, reason, startedAtMs, requestText } = order;
  const applied =
    order.kind === 'settle'
      ? engine.settle({ holdId, charges }, unit.nowMs)
      : engine.void({ holdId, reason }, unit.nowMs);
  if (applied.journal.length > 0) {
    unit.keep(applied, order.attemptsText);
    unit.writes.requests.push({ identity, holdId, startedAtMs, requestText, charges });
  }
  return applied.result;
}
