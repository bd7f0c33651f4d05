/**
 * Settlements that come after a void, an expiry or an estimate.
 *
 * @module
 */
import type { Charge, Settled } from '../ports.ts';
import { bookedOn, bookingsOf, overrunOf, siteOf, spendBeyond } from './booking.ts';
import { bucketed } from './compiled-plan.ts';
import { coverDebt, creditsOf, expireCredits, refundCredits } from './credits.ts';
import { shareCost } from './funding.ts';
import { settledBody } from './hold-bodies.ts';
import type { Booking, Counter, Memory, ResolvedHold } from './state.ts';
import { Step } from './step.ts';
import type { Applied } from './types.ts';

/** Takes back `amount` of what was booked: overrun first, then spent. Returns what is owed no more, since it was paid. */
function unbook(step: Step, bookings: readonly Booking[], amount: bigint): bigint {
  let rest = amount;
  for (const { bucket, overrun } of bookings) {
    const owed = overrun < bucket.overrun ? overrun : bucket.overrun;
    const back = owed < rest ? owed : rest;
    step.post(bucket, 'overrun', -back);
    rest -= back;
  }
  for (const { bucket, spent } of bookings) {
    const back = spent < rest ? spent : rest;
    step.post(bucket, 'spent', -back);
    rest -= back;
  }
  return rest;
}

function sumOf(bookings: readonly Booking[]): bigint {
  return bookings.reduce((total, booking) => total + booking.spent + booking.overrun, 0n);
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
  const paidBy = (counter: Counter): bigint => sumOf(open.get(counter) ?? []);
  const takeBack = (counter: Counter, earlier: readonly Booking[], amount: bigint): void => {
    const paid = unbook(step, earlier, amount);
    // Only credits pay what was owed.
    if (paid > 0n) refundCredits(step, counter, { amount: paid, holdId: hold.holdId, nowMs });
  };
  const booked = shareCost(memory, hold, { booked: bookedOn(hold, charges), paidBy, nowMs });
  for (const { limit, account, counter, actual } of booked) {
    if (!bucketed(limit.windowKind)) continue;
    const earlier = open.get(counter) ?? [];
    open.delete(counter);
    const sum = sumOf(earlier);
    // What it gives back may go on into the next box.
    counter.rolledInto = null;
    if (actual < sum) takeBack(counter, earlier, sum - actual);
    const site = actual > sum ? siteOf(memory, hold, { limit, account, counter, nowMs }) : null;
    if (site !== null) spendBeyond(step, site, actual - sum);
  }
  for (const [counter, earlier] of open) takeBack(counter, earlier, sumOf(earlier));
  const credits = hold.plan.funding === 'plan' ? undefined : creditsOf(memory, hold.customerId);
  if (credits !== undefined) expireCredits(step, credits, nowMs);
  const overrunNanoUsd = overrunOf(step.drafts);
  step.resolve({
    hold,
    type: 'settled',
    overrunNanoUsd,
    booked: bookingsOf(memory, step.drafts, []),
    final: true,
  });
  step.enter({
    eventId: `late:${hold.holdId}:1`,
    kind: 'adjust',
    holdId: hold.holdId,
    customerId: hold.customerId,
    body: { ...settledBody(charges, overrunNanoUsd), late: true },
  });
  if (credits !== undefined) {
    const cause = `late:${hold.holdId}`;
    coverDebt(step, credits, { cause, customerId: hold.customerId, nowMs });
  }
  return step.finish({ type: 'settled', replayed: false, overrunNanoUsd });
}
