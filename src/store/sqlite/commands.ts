/**
 * Commands as the writer carries them out.
 *
 * @module
 */
import type { AuditedChange } from '../../metering/audit-port.ts';
import type { ExtendCommand, ReserveCommand } from '../../metering/ports.ts';
import {
  type ClaimEndOrder,
  type FlatReader,
  type FlatValue,
  OP_AUDIT,
  OP_CALL,
  OP_END_CLAIM,
  OP_EXTEND,
  OP_LEAVE,
  OP_MARGINS,
  OP_PROGRESS,
  OP_RESERVE,
  OP_SETTLE,
  OP_VOID,
  type ProgressMark,
  type SettleOrder,
} from './wire.ts';

export type Command =
  | { readonly op: 'reserve'; readonly call: number; readonly command: ReserveCommand }
  | { readonly op: 'extend'; readonly call: number; readonly command: ExtendCommand }
  | {
      readonly op: 'settle';
      readonly call: number;
      readonly order: SettleOrder;
      /** What becomes of the idempotency key of the call, in the same transaction; null without one. */
      readonly claimEnd: ClaimEndOrder | null;
    }
  | {
      readonly op: 'call';
      readonly call: number;
      readonly name: string;
      readonly args: readonly FlatValue[];
      /** Whose change it is; null for none of the control plane's. */
      readonly change: AuditedChange | null;
    };

/** Takes what has no answer and touches no table at once. */
export interface Notes {
  progress(holdId: string, mark: ProgressMark): void;
  /** A call with an idempotency key is over in the gateway's process. */
  leave(requestId: string): void;
}

function withMargins(order: SettleOrder, margins: readonly bigint[]): SettleOrder {
  if (margins.length === 0) return order;
  const charges = order.charges.map((charge, n) => ({ ...charge, marginNanoUsd: margins[n] }));
  return { ...order, charges };
}

/** Reads the commands of a batch. */
export function decodeCommands(reader: FlatReader, notes: Notes): Command[] {
  const commands: Command[] = [];
  let claimEnd: ClaimEndOrder | null = null;
  let margins: readonly bigint[] = [];
  let change: AuditedChange | null = null;
  while (!reader.done) {
    const op = reader.number();
    if (op === OP_PROGRESS) {
      notes.progress(reader.text(), reader.progressMark());
      continue;
    }
    if (op === OP_LEAVE) {
      notes.leave(reader.text());
      continue;
    }
    if (op === OP_END_CLAIM) {
      claimEnd = reader.claimEnd();
      continue;
    }
    if (op === OP_MARGINS) {
      margins = reader.margins();
      continue;
    }
    if (op === OP_AUDIT) {
      change = reader.next() as AuditedChange;
      continue;
    }
    const call = reader.number();
    switch (op) {
      case OP_RESERVE:
        commands.push({ op: 'reserve', call, command: reader.reserve() });
        break;
      case OP_EXTEND:
        commands.push({ op: 'extend', call, command: reader.extend() });
        break;
      case OP_SETTLE:
        commands.push({
          op: 'settle',
          call,
          order: withMargins(reader.settleOrder('settle'), margins),
          claimEnd,
        });
        claimEnd = null;
        margins = [];
        break;
      case OP_VOID:
        commands.push({ op: 'settle', call, order: reader.settleOrder('void'), claimEnd });
        claimEnd = null;
        break;
      case OP_CALL: {
        const name = reader.text();
        commands.push({ op: 'call', call, name, args: reader.next() as FlatValue[], change });
        change = null;
        break;
      }
      default:
        throw new RangeError(`unknown command ${op}`);
    }
  }
  return commands;
}
