/**
 * A call that draws on a quote: one use of a leg becomes the call's own hold. Leg and hold change in one step, so
 * what was promised is never free for others in between.
 *
 * @module
 */
import { METERS, type Meter } from '../../contracts/metering.ts';
import type { Charge, Held, Refused } from '../ports.ts';
import type { NoLeg, QuotedReserve } from '../quote-port.ts';
import { affordableTokens, assess, type Call } from './assess.ts';
import { recallFor } from './extend.ts';
import { partOfUse } from './funding.ts';
import { gate } from './gate.ts';
import { drawnBody, holdBody } from './hold-bodies.ts';
import { NO_RATES } from './rate-view.ts';
import { accountFor, knownHold, refusalOf } from './reserve.ts';
import { isDue } from './settle.ts';
import type { Counter, Leg, Memory, OpenHold } from './state.ts';
import { Step, unchanged } from './step.ts';
import { admits, coveredBy, ratesAfter, take } from './take.ts';
import type { Applied, HoldQuote } from './types.ts';

/** The hold of one operation of a quote. */
type QuoteLeg = OpenHold & { readonly quote: HoldQuote };

function isQuoteLeg(hold: OpenHold): hold is QuoteLeg {
  return hold.quote !== null;
}

/** What one use is worth: of each counter an equal part of what the leg reserves there, the last use the rest. */
function oneUseOf(leg: QuoteLeg): readonly Leg[] {
  const reserved = new Map<Counter, bigint>();
  for (const { counter, amount } of leg.legs) {
    reserved.set(counter, (reserved.get(counter) ?? 0n) + amount);
  }
  const rest = partOfUse(leg.plan, reserved, leg.quote);
  const share: Leg[] = [];
  for (const { counter, bucket, amount } of leg.legs) {
    const wanted = rest.get(counter) ?? 0n;
    const part = amount < wanted ? amount : wanted;
    rest.set(counter, wanted - part);
    if (part > 0n) share.push({ counter, bucket, amount: part });
  }
  return share;
}

function less(legs: readonly Leg[], share: readonly Leg[]): readonly Leg[] {
  return legs
    .map((leg) => {
      const part = share.find((one) => one.bucket === leg.bucket)?.amount ?? 0n;
      return { ...leg, amount: leg.amount - part };
    })
    .filter((leg) => leg.amount > 0n);
}

function ofRest(covered: readonly Charge[], uses: { from: number; to: number }): readonly Charge[] {
  const part = (amount: bigint): bigint => (amount * BigInt(uses.to)) / BigInt(uses.from);
  return covered.map(({ model, amounts }) => {
    const rest: Partial<Record<Meter, bigint>> = {};
    for (const meter of METERS) {
      const amount = amounts[meter];
      if (amount !== undefined) rest[meter] = part(amount);
    }
    return { model, amounts: rest };
  });
}

/** Lowers the leg by one use; the last one ends it, and what division left over is free again. */
function lowerLeg(step: Step, leg: QuoteLeg, share: readonly Leg[]): void {
  const { uses } = leg.quote;
  const quote = { ...leg.quote, uses: uses - 1 };
  const common = { holdId: leg.holdId, customerId: leg.customerId };
  if (uses === 1) {
    for (const { bucket, amount } of leg.legs) step.post(bucket, 'held', -amount);
    const ended = { hold: { ...leg, quote }, type: 'voided', overrunNanoUsd: 0n } as const;
    step.resolve({ ...ended, booked: [], final: false });
    step.enter({
      ...common,
      eventId: `void:${leg.holdId}`,
      kind: 'void',
      body: { reason: 'used' },
    });
    return;
  }
  for (const { bucket, amount } of share) step.post(bucket, 'held', -amount);
  const covered = ofRest(leg.covered, { from: uses, to: uses - 1 });
  const lowered: QuoteLeg = {
    ...leg,
    legs: less(leg.legs, share),
    covered,
    requests: covered[0]?.amounts.requests ?? 0n,
    quote,
    extensions: leg.extensions + 1,
  };
  step.putHold(lowered);
  step.enter({
    ...common,
    eventId: `extend:${leg.holdId}:${lowered.extensions}`,
    kind: 'extend',
    body: drawnBody(lowered),
  });
}

/** The call's hold before anything was added to what it drew. Limits count where the quote's legs stand. */
function drawnHold(
  leg: QuoteLeg,
  command: QuotedReserve,
  at: { readonly share: readonly Leg[]; readonly nowMs: number },
): OpenHold {
  const { plan, quote } = leg;
  return {
    ...leg,
    holdId: command.holdId,
    requestId: command.requestId,
    state: 'dispatched',
    createdAtMs: at.nowMs,
    expiresAtMs: null,
    fingerprint: command.fingerprint,
    requests: command.bound.fixed.requests ?? 0n,
    outputTokens: null,
    softBreaches: [],
    observedFloor: command.observedFloor,
    covered: [],
    legs: at.share,
    takes: [],
    slots: [],
    outputByModel: [],
    extensions: 0,
    quote: { ...quote, uses: 0 },
    answer: {
      type: 'held',
      holdId: command.holdId,
      outputTokens: null,
      softBreaches: [],
      plan: { id: plan.id, version: plan.version },
      rates: NO_RATES,
    },
  };
}

function missing(reason: NoLeg['reason']): Applied<NoLeg> {
  return unchanged({ type: 'no_leg', reason });
}

/**
 * Reserves for a call out of one use of the leg `legHoldId`, under the plan of the quote. Within that use no limit
 * with a bucket refuses, whatever was reserved, lowered or spent since; rates and slots are judged as ever, and what
 * the call needs beyond is reserved like any other call's.
 *
 * @throws GatewayError `idempotency_mismatch` when the hold id is known with another fingerprint
 */
export function draw(
  memory: Memory,
  command: QuotedReserve & { readonly legHoldId: string },
  nowMs: number,
): Applied<Held | Refused | NoLeg> {
  const known = knownHold(memory, command);
  if (known !== null) return unchanged(known.answer);
  const leg = memory.holds.get(command.legHoldId);
  if (leg === undefined || !isQuoteLeg(leg) || leg.state !== 'held') return missing('used');
  if (isDue(leg, nowMs)) return missing('expired');
  const account = accountFor(memory, leg.customerId);
  account.lastUsedMs = nowMs;
  const share = oneUseOf(leg);
  const drawn = drawnHold(leg, command, { share, nowMs });
  const call: Call = {
    account,
    plan: leg.plan,
    rulings: leg.rulings,
    customerId: leg.customerId,
    keyId: leg.keyId,
    token: leg.token,
    tags: leg.tags,
    operation: leg.operation,
    keep: [],
    next: command.bound,
    hold: drawn,
    nowMs,
  };
  const refused = gate(memory, call, command.pricing);
  if (refused !== null) return unchanged(refused);
  recallFor(memory, call, drawn);
  const assessments = assess(call);
  const { elastic, model } = command.bound;
  const tokens = affordableTokens(assessments, elastic);
  if (!admits(elastic, tokens)) return refusalOf(memory, call, assessments);
  const step = new Step(memory, nowMs);
  lowerLeg(step, leg, share);
  for (const { bucket, amount } of share) step.post(bucket, 'held', amount);
  const taking = take(step, call, { assessments, tokens, holdId: command.holdId });
  const answer: Held = {
    ...drawn.answer,
    outputTokens: elastic === null ? null : tokens,
    softBreaches: taking.softBreaches,
    rates: ratesAfter(call, assessments, tokens),
  };
  const hold: OpenHold = {
    ...drawn,
    ...taking,
    outputTokens: answer.outputTokens,
    covered: [coveredBy(command.bound, tokens)],
    outputByModel: [{ model, tokens }],
    answer,
  };
  step.putHold(hold);
  step.enter({
    eventId: `hold:${hold.holdId}`,
    kind: 'hold',
    holdId: hold.holdId,
    customerId: hold.customerId,
    body: holdBody(hold),
  });
  return step.finish(answer);
}
