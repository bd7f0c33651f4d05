/**
 * Reserve: every limit is looked at first, then all are taken or none.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { Held, Refused, ReserveCommand } from '../ports.ts';
import { affordableTokens, assess, type Assessment, type Call } from './assess.ts';
import { gate } from './gate.ts';
import { holdBody } from './hold-bodies.ts';
import { rateViews } from './rate-view.ts';
import { refuseLimits } from './refusal.ts';
import { type Account, type Memory, type OpenHold, rulingsOf } from './state.ts';
import { rollOver, rolloverFor } from './rollover.ts';
import { Step, unchanged } from './step.ts';
import { admits, coveredBy, ratesAfter, take } from './take.ts';
import type { Applied } from './types.ts';

/** A reservation; with `expiresAtMs` it stays `held` until dispatched or expired, without it counts as dispatched. */
export type EngineReserve = ReserveCommand & { readonly expiresAtMs?: number };

/** A refusal for limits, with the rates as they are. */
export function refusalOf(
  memory: Memory,
  call: Call,
  assessments: readonly Assessment[],
): Applied<Refused> {
  const refused = refuseLimits(call, assessments, memory.plans);
  const rates = rateViews(assessments, (assessment) => assessment.have, call.nowMs);
  return unchanged({ ...refused, rates });
}

/** The hold that this command made before. @throws GatewayError `idempotency_mismatch` */
export function knownHold(memory: Memory, command: ReserveCommand): OpenHold | null {
  const hold = memory.holds.get(command.holdId) ?? memory.recent.get(command.holdId)?.hold;
  if (hold === undefined) return null;
  if (hold.fingerprint === command.fingerprint) return hold;
  throw new GatewayError('idempotency_mismatch', {
    message: `Hold ${command.holdId} was made by a different request.`,
  });
}

/** @throws Error when the account is not loaded: the shell loads it before any command */
export function accountFor(memory: Memory, customerId: string): Account {
  const account = memory.accounts.get(customerId);
  if (account === undefined) throw new Error(`account ${customerId} is not loaded`);
  return account;
}

/** The call as all limits see it that bind it. */
function callOf(memory: Memory, command: ReserveCommand, nowMs: number): Call {
  const account = accountFor(memory, command.customerId);
  const rulings = rulingsOf(memory, account, command);
  for (const ruling of rulings) ruling.account.lastUsedMs = nowMs;
  return {
    account,
    plan: account.input.plan,
    rulings,
    // The account's own text: tables find it without comparing letters.
    customerId: account.input.customerId,
    keyId: command.keyId,
    token: command.token ?? null,
    tags: command.tags,
    operation: command.operation,
    keep: [],
    next: command.bound,
    hold: null,
    nowMs,
  };
}

/** @throws GatewayError `idempotency_mismatch` when the hold id is known with another fingerprint */
export function reserve(
  memory: Memory,
  command: EngineReserve,
  nowMs: number,
): Applied<Held | Refused> {
  const known = knownHold(memory, command);
  if (known !== null) return unchanged(known.answer);
  const call = callOf(memory, command, nowMs);
  const refused = gate(memory, call, command.pricing);
  if (refused !== null) return unchanged(refused);
  const step = new Step(memory, nowMs);
  rollOver(step, memory, rolloverFor(call));
  const assessments = assess(call);
  const tokens = affordableTokens(assessments, command.bound.elastic);
  if (!admits(command.bound.elastic, tokens)) {
    const refusal = refusalOf(memory, call, assessments);
    step.finish(null).undo();
    return refusal;
  }
  const taking = take(step, call, { assessments, tokens, holdId: command.holdId });
  const answer: Held = {
    type: 'held',
    holdId: command.holdId,
    outputTokens: command.bound.elastic === null ? null : tokens,
    softBreaches: taking.softBreaches,
    plan: { id: call.plan.id, version: call.plan.version },
    rates: ratesAfter(call, assessments, tokens),
  };
  const hold: OpenHold = {
    holdId: command.holdId,
    requestId: command.requestId,
    customerId: call.customerId,
    keyId: command.keyId,
    token: call.token,
    operation: command.operation,
    state: command.expiresAtMs === undefined ? 'dispatched' : 'held',
    createdAtMs: nowMs,
    expiresAtMs: command.expiresAtMs ?? null,
    plan: call.plan,
    rulings: call.rulings,
    priceBookId: command.priceBookId,
    fingerprint: command.fingerprint,
    tags: command.tags,
    requests: command.bound.fixed.requests ?? 0n,
    outputTokens: answer.outputTokens,
    observedFloor: command.observedFloor,
    covered: [coveredBy(command.bound, tokens)],
    outputByModel: [{ model: command.bound.model, tokens }],
    extensions: 0,
    quote: null,
    answer,
    legs: taking.legs,
    takes: taking.takes,
    slots: taking.slots,
    softBreaches: taking.softBreaches,
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
