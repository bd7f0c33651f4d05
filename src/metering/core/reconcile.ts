/**
 * Ending holds whose owner died in mid-call.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import { METERS, type Meter } from '../../contracts/metering.ts';
import type { Charge, MeterAmounts } from '../ports.ts';
import { openHold } from './extend.ts';
import { end, type Ending } from './settle.ts';
import type { Memory, OpenHold } from './state.ts';
import type { Applied, Reconciled, UnknownPolicy } from './types.ts';

/** What progress marks saw, raised on its last charge to the floor: the input was sent, whatever came back. */
function observedCharges(hold: OpenHold, observed: readonly Charge[]): readonly Charge[] {
  const earlier = observed.slice(0, -1);
  const last = observed.at(-1) ?? {
    model: hold.covered.at(-1)?.model ?? '',
    amounts: {},
  };
  const amounts: Partial<Record<Meter, bigint>> = { ...last.amounts };
  for (const meter of METERS) {
    const floor = hold.observedFloor[meter] ?? 0n;
    const seen = observed.reduce((sum, charge) => sum + (charge.amounts[meter] ?? 0n), 0n);
    if (floor > seen) amounts[meter] = (amounts[meter] ?? 0n) + floor - seen;
  }
  const raised: MeterAmounts = amounts;
  return [...earlier, { model: last.model, amounts: raised }];
}

export interface ReconcileCommand {
  readonly holdId: string;
  /** `settle`: what is in `observed` was billed, and nothing is estimated. */
  readonly policy: UnknownPolicy | 'settle';
  /** From progress marks; raised to the hold's `observedFloor`. */
  readonly observed: readonly Charge[];
  /** Who decided where it was not the policy, and why; stands in the entry. */
  readonly decided?: { readonly by: string; readonly reason: string | null };
}

function endWith(memory: Memory, ending: Ending): Applied<Reconciled> {
  const applied = end(memory, ending);
  return { ...applied, result: { ...applied.result, charges: ending.charges } };
}

/** Ends an `unknown` hold by policy, marked estimated. @throws GatewayError `not_found` when it is not unknown */
export function reconcile(
  memory: Memory,
  command: ReconcileCommand,
  nowMs: number,
): Applied<Reconciled> {
  const hold = openHold(memory, command.holdId);
  if (hold.state !== 'unknown') {
    throw new GatewayError('not_found', { message: `Hold ${hold.holdId} is not unknown.` });
  }
  const { policy, decided, observed } = command;
  const common = { hold, kind: 'reconcile', final: false, nowMs } as const;
  // What the provider itself says is no estimate, that it billed nothing included.
  const estimated = policy !== 'settle' && decided?.by !== 'provider';
  const body = { policy, estimated, ...decided };
  switch (policy) {
    case 'release':
      return endWith(memory, { ...common, type: 'voided', charges: [], body });
    case 'charge_hold':
      return endWith(memory, { ...common, type: 'settled', charges: hold.covered, body });
    case 'charge_observed': {
      const charges = observedCharges(hold, observed);
      return endWith(memory, { ...common, type: 'settled', charges, body });
    }
    case 'settle':
      return endWith(memory, { ...common, type: 'settled', charges: observed, body });
    default:
      return policy satisfies never;
  }
}
