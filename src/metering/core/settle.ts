/**
 * The ends of a hold. Settlement is never refused: what exceeds the hold is drawn from free room, the rest is overrun.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { Meter } from '../../contracts/metering.ts';
import type { Charge, SettleCommand, Settled, VoidCommand } from '../ports.ts';
import { cellOf, legsIn } from './assess.ts';
import { type Booked, bookedOn, bookingsOf, overrunOf, siteOf, spendBeyond } from './booking.ts';
import { isGrantedByPlan } from './boxes.ts';
import { coverDebt, creditsOf, expireCredits } from './credits.ts';
import { openHold } from './extend.ts';
import { shareCost } from './funding.ts';
import { refundUnits, takeUnits } from './gcra.ts';
import { settledBody } from './hold-bodies.ts';
import { settleLate } from './late.ts';
import { accountFor } from './reserve.ts';
import {
  type Counter,
  customerOfOwner,
  type Leg,
  type Memory,
  type OpenHold,
  type ResolvedHold,
} from './state.ts';
import { Step, unchanged } from './step.ts';
import type { Applied, JournalEntry } from './types.ts';

/** The credits that the hold's plan draws on; null for a plan that pays all itself. */
function creditsUsed(memory: Memory, hold: OpenHold): Counter | null {
  return hold.plan.funding === 'plan' ? null : (creditsOf(memory, hold.customerId) ?? null);
}

const NO_LEGS: readonly Leg[] = [];

/**
 * Legs on limits that nothing names any more: they were taken away while the process was down. What was used still
 * counts on them, by their meter alone.
 */
function forgottenLegs(hold: OpenHold): readonly Leg[] {
  return hold.legs.filter(({ counter, bucket }) => {
    if (!isGrantedByPlan(bucket)) return false;
    const accountId = customerOfOwner(counter.ownerId);
    const ruling = hold.rulings.find(({ account }) => account.input.customerId === accountId);
    return ruling?.plan.limitsByCounter.get(counter.key)?.kind !== 'number';
  });
}

function meteredBy(hold: OpenHold, charges: readonly Charge[], meter: Meter): bigint {
  if (meter === 'requests') return charges.length === 0 ? 0n : hold.requests;
  return charges.reduce((sum, charge) => sum + (charge.amounts[meter] ?? 0n), 0n);
}

/** What is left to book on a counter. A call has few, so that a list is faster than a `Map`. */
interface Rest {
  readonly counter: Counter;
  amount: bigint;
}

function restOn(rests: Rest[], counter: Counter): Rest {
  for (const rest of rests) if (rest.counter === counter) return rest;
  const rest = { counter, amount: 0n };
  rests.push(rest);
  return rest;
}

/** Turns the hold's legs into what was used: held −= leg, spent += min(actual, leg), the rest beyond. */
function bookLegs(
  step: Step,
  memory: Memory,
  at: {
    readonly hold: OpenHold;
    readonly charges: readonly Charge[];
    readonly booked: readonly Booked[];
    readonly nowMs: number;
  },
): void {
  const rests: Rest[] = [];
  for (const { counter, actual } of at.booked) restOn(rests, counter).amount = actual;
  const forgotten = at.hold.takes === null ? forgottenLegs(at.hold) : NO_LEGS;
  for (const { counter, bucket } of forgotten) {
    restOn(rests, counter).amount = meteredBy(at.hold, at.charges, bucket.meter);
  }
  for (const leg of at.hold.legs) {
    const rest = restOn(rests, leg.counter);
    const spent = rest.amount < leg.amount ? rest.amount : leg.amount;
    step.postLeg(leg.bucket, { held: leg.amount, spent });
    rest.amount -= spent;
  }
  for (const { counter, bucket } of forgotten) {
    const rest = restOn(rests, counter);
    step.post(bucket, 'overrun', rest.amount);
    rest.amount = 0n;
  }
  const credits = creditsUsed(memory, at.hold);
  if (credits !== null) expireCredits(step, credits, at.nowMs);
  for (const { limit, account, counter } of at.booked) {
    const beyond = restOn(rests, counter).amount;
    if (beyond === 0n) continue;
    const site = siteOf(memory, at.hold, { limit, account, counter, nowMs: at.nowMs });
    if (site !== null) spendBeyond(step, site, beyond);
  }
}

function usedOf(counter: Counter, booked: readonly Booked[]): bigint {
  for (const one of booked) if (one.counter === counter) return one.actual;
  return 0n;
}

/** Corrects the rates by the difference between what was taken and what was used; beyond the burst if need be. */
export function correctRates(
  step: Step,
  hold: OpenHold,
  at: { readonly booked: readonly Booked[]; readonly nowMs: number },
): void {
  const { takes } = hold;
  if (takes === null) return;
  for (const { limit, counter, actual } of at.booked) {
    if (limit.windowKind.kind !== 'minute') continue;
    if (takes.some((take) => take.counter === counter)) continue;
    step.setCell(counter, takeUnits(cellOf(counter, limit), actual, at.nowMs));
  }
  for (const { counter, amount } of takes) {
    if (counter.cell === null) continue;
    const difference = usedOf(counter, at.booked) - amount;
    if (difference > 0n) step.setCell(counter, takeUnits(counter.cell, difference, at.nowMs));
    if (difference < 0n) step.setCell(counter, refundUnits(counter.cell, -difference, at.nowMs));
  }
}

/** How an open hold ends. */
export interface Ending {
  readonly hold: OpenHold;
  readonly type: Settled['type'];
  readonly charges: readonly Charge[];
  readonly kind: JournalEntry['kind'];
  readonly body: JournalEntry['body'];
  /** False where the provider may still prove it wrong. */
  readonly final: boolean;
  readonly nowMs: number;
}

const NOTHING_TO_SAY: Ending['body'] = {};

function endingBody({ type, charges, body }: Ending, overrunNanoUsd: bigint): Ending['body'] {
  if (type !== 'settled') return body;
  const settled = settledBody(charges, overrunNanoUsd);
  return body === NOTHING_TO_SAY ? settled : { ...settled, ...body };
}

/** Ends an open hold: legs, rates and slots in one step. */
export function end(memory: Memory, ending: Ending): Applied<Settled> {
  const { hold, nowMs, charges, type } = ending;
  accountFor(memory, hold.customerId).lastUsedMs = nowMs;
  const step = new Step(memory, nowMs);
  const paidBy = (counter: Counter): bigint => legsIn(hold, counter);
  const booked = shareCost(memory, hold, { booked: bookedOn(hold, charges), paidBy, nowMs });
  bookLegs(step, memory, { hold, charges, booked, nowMs });
  correctRates(step, hold, { booked, nowMs });
  for (const counter of hold.slots) step.setSlot(counter, hold.holdId, 0n);
  const overrunNanoUsd = overrunOf(step.drafts);
  step.resolve({
    hold,
    type,
    overrunNanoUsd,
    booked: bookingsOf(memory, step.drafts, hold.legs),
    final: ending.final,
  });
  step.enter({
    eventId: `${ending.kind}:${hold.holdId}`,
    kind: ending.kind,
    holdId: hold.holdId,
    customerId: hold.customerId,
    body: endingBody(ending, overrunNanoUsd),
  });
  // What the hold gives back may be owed.
  const credits = creditsUsed(memory, hold);
  if (credits !== null) {
    coverDebt(step, credits, { cause: hold.holdId, customerId: hold.customerId, nowMs });
  }
  return step.finish({ type, replayed: false, overrunNanoUsd });
}

/** The resolved hold. @throws GatewayError `not_found` */
function resolvedHold(memory: Memory, holdId: string): ResolvedHold {
  const resolved = memory.recent.get(holdId);
  if (resolved !== undefined) return resolved;
  throw new GatewayError('not_found', { message: `Hold ${holdId} is not known.` });
}

function replayOf(resolved: ResolvedHold): Applied<Settled> {
  const { type, overrunNanoUsd } = resolved;
  return unchanged({ type, replayed: true, overrunNanoUsd });
}

/**
 * Books what was used. Repeated: the stored answer. After a void, an expiry or an estimate: the difference, once,
 * as a late adjustment, so that nothing the provider billed is dropped.
 *
 * @throws GatewayError `not_found` when the hold is neither open nor remembered
 */
export function settle(
  memory: Memory,
  command: Pick<SettleCommand, 'holdId' | 'charges'>,
  nowMs: number,
): Applied<Settled> {
  const hold = memory.holds.get(command.holdId);
  const { charges } = command;
  if (hold !== undefined) {
    const body = NOTHING_TO_SAY;
    return end(memory, {
      hold,
      type: 'settled',
      charges,
      kind: 'settle',
      body,
      final: true,
      nowMs,
    });
  }
  const resolved = resolvedHold(memory, command.holdId);
  return resolved.final ? replayOf(resolved) : settleLate(memory, { resolved, charges, nowMs });
}

/** Releases exactly what was reserved. @throws GatewayError `not_found` when neither open nor remembered */
export function voidHold(
  memory: Memory,
  command: Pick<VoidCommand, 'holdId' | 'reason'>,
  nowMs: number,
): Applied<Settled> {
  const hold = memory.holds.get(command.holdId);
  if (hold === undefined) return replayOf(resolvedHold(memory, command.holdId));
  return end(memory, {
    hold,
    type: 'voided',
    charges: [],
    kind: 'void',
    body: { reason: command.reason },
    final: false,
    nowMs,
  });
}

/** Ends an undispatched hold past its expiry. @throws GatewayError `not_found` when there is none such */
export function expire(memory: Memory, holdId: string, nowMs: number): Applied<Settled> {
  const hold = openHold(memory, holdId);
  if (!isDue(hold, nowMs)) {
    throw new GatewayError('not_found', { message: `Hold ${holdId} has not expired.` });
  }
  const ending = {
    hold,
    type: 'voided',
    charges: [],
    kind: 'expire',
    body: {},
    final: false,
  } as const;
  return end(memory, { ...ending, nowMs });
}

/** True for a hold that was never dispatched and whose time is over. */
export function isDue(hold: OpenHold, nowMs: number): boolean {
  return hold.state === 'held' && hold.expiresAtMs !== null && hold.expiresAtMs <= nowMs;
}
