/**
 * Settlements that come after a void, an expiry or an estimate.
 *
 * @module
 */
import type { Charge, Settled } from '../ports.ts';
import { bookedOn, bookingsOf, overrunOf, siteOf, spendBeyond } from './booking.ts';
import { bucketed } from './compiled-plan.ts';
import { packCharges } from './hold-bodies.ts';
import type { Booking, Counter, Memory, ResolvedHold } from './state.ts';
import { Step } from './step.ts';
import type { Applied } from './types.ts';

/** Takes back `amount` of what was booked: overrun first, then spent. */
function unbook(step: Step, bookings: readonly Booking[], amount: bigint): void {
  let rest = amount;
  for (const { bucket, overrun } of bookings) {
    const back = overrun < rest ? overrun : rest;
    step.post(bucket, 'overrun', -back);
    rest -= back;
  }
  for (const { bucket, spent } of bookings) {
    const back = spent < rest ? spent : rest;
    step.post(bucket, 'spent', -back);
    rest -= back;
  }
}

/** Books the difference to what stands, as one adjustment: nothing the provider billed is dropped. */
export function settleLate(
  memory: Memory,
  late: {
    readonly resolved: ResolvedHold;
    readonly charges: readonly Charge[];
    readonly nowMs: number;
  },
): Applied<Settled> {
  const { resolved, charges, nowMs } = late;
  const { hold } = resolved;
  const step = new Step(memory, nowMs);
  const open = new Map<Counter, Booking[]>();
  for (const booking of resolved.booked) {
    open.set(booking.counter, [...(open.get(booking.counter) ?? []), booking]);
  }
  for (const { limit, account, counter, actual } of bookedOn(hold, charges)) {
    if (!bucketed(limit.windowKind)) continue;
    const earlier = open.get(counter) ?? [];
    open.delete(counter);
    const sum = earlier.reduce((total, booking) => total + booking.spent + booking.overrun, 0n);
    if (actual < sum) unbook(step, earlier, sum - actual);
    const site = actual > sum ? siteOf(memory, hold, { limit, account, counter, nowMs }) : null;
    if (site !== null) spendBeyond(step, site, actual - sum);
  }
  for (const earlier of open.values()) {
    const sum = earlier.reduce((total, booking) => total + booking.spent + booking.overrun, 0n);
    unbook(step, earlier, sum);
  }
  const overrunNanoUsd = overrunOf(step.drafts);
  step.resolve({
    hold,
    type: 'settled',
    overrunNanoUsd,
    booked: bookingsOf(memory, step.drafts),
    final: true,
  });
  step.enter({
    eventId: `late:${hold.holdId}:1`,
    kind: 'adjust',
    holdId: hold.holdId,
    customerId: hold.customerId,
    body: { charges: packCharges(charges), overrun: overrunNanoUsd.toString(), late: true },
  });
  return step.finish({ type: 'settled', replayed: false, overrunNanoUsd });
}
