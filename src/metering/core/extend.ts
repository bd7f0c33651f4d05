/**
 * Extend: an open hold is raised for a further candidate and never lowered.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { CandidateBound, Charge, ExtendCommand, Held, Refused } from '../ports.ts';
import { affordableTokens, assess, type Call } from './assess.ts';
import { boxOfHold, recallEnded } from './boxes.ts';
import { bucketed } from './compiled-plan.ts';
import { gatePlan } from './gate.ts';
import { extendBody } from './hold-bodies.ts';
import { accountFor, refusalOf } from './reserve.ts';
import { counterOf, type Memory, type OpenHold, ownerOf } from './state.ts';
import { Step, unchanged } from './step.ts';
import { admits, coveredBy, ratesAfter, take } from './take.ts';
import type { Applied } from './types.ts';

/** The open hold. @throws GatewayError `not_found` */
export function openHold(memory: Memory, holdId: string): OpenHold {
  const hold = memory.holds.get(holdId);
  if (hold !== undefined) return hold;
  throw new GatewayError('not_found', { message: `Hold ${holdId} is not open.` });
}

function outputFor(hold: OpenHold, model: string): number | undefined {
  return hold.outputByModel.find((output) => output.model === model)?.tokens;
}

/** What an earlier candidate may still cost: never more output than was reserved for its model. */
function keptBy(hold: OpenHold, bound: CandidateBound): Charge {
  const wanted = bound.elastic?.tokens ?? 0;
  const reserved = outputFor(hold, bound.model) ?? wanted;
  return coveredBy(bound, Math.min(wanted, reserved));
}

/** Ended boxes of the hold's limits, back in memory before they are assessed. */
export function recallFor(memory: Memory, call: Call, hold: OpenHold): void {
  for (const { account, plan } of call.rulings) {
    for (const limit of plan.match(call.operation, call.next.model).limits) {
      const ownerId = ownerOf(limit, call);
      if (ownerId === null || !bucketed(limit.windowKind)) continue;
      const counter = counterOf(account, ownerId, limit.counterKey);
      const box = boxOfHold(account, limit, { counter, hold, nowMs: call.nowMs });
      if (box === null) continue;
      recallEnded(memory, { account, limit, counter, box, atMs: call.nowMs });
    }
  }
}

/** Raises an open hold. @throws GatewayError `not_found` when the hold is not open */
export function extend(
  memory: Memory,
  command: ExtendCommand,
  nowMs: number,
): Applied<Held | Refused> {
  const hold = openHold(memory, command.holdId);
  const account = accountFor(memory, hold.customerId);
  const call: Call = {
    account,
    plan: hold.plan,
    rulings: hold.rulings,
    customerId: hold.customerId,
    keyId: hold.keyId,
    token: hold.token,
    tags: hold.tags,
    operation: hold.operation,
    keep: command.keep.map((bound) => keptBy(hold, bound)),
    next: command.next,
    hold,
    nowMs,
  };
  const refused = gatePlan(memory, call);
  if (refused !== null) return unchanged(refused);
  recallFor(memory, call, hold);
  const assessments = assess(call);
  const { elastic, model } = command.next;
  const tokens = affordableTokens(assessments, elastic);
  if (!admits(elastic, tokens)) return refusalOf(memory, call, assessments);
  const step = new Step(memory, nowMs);
  const { softBreaches, ...taking } = take(step, call, {
    assessments,
    tokens,
    holdId: hold.holdId,
  });
  const breaches = [...new Set([...hold.softBreaches, ...softBreaches])];
  const answer: Held = {
    type: 'held',
    holdId: hold.holdId,
    outputTokens: elastic === null ? null : tokens,
    softBreaches: breaches,
    plan: { id: hold.plan.id, version: hold.plan.version },
    rates: ratesAfter(call, assessments, tokens),
  };
  const nextRequests = command.next.fixed.requests ?? 0n;
  const raised: OpenHold = {
    ...hold,
    ...taking,
    requests: nextRequests > hold.requests ? nextRequests : hold.requests,
    outputTokens: answer.outputTokens,
    softBreaches: breaches,
    covered: [...call.keep, coveredBy(command.next, tokens)],
    outputByModel: [
      ...hold.outputByModel.filter((output) => output.model !== model),
      { model, tokens: Math.max(tokens, outputFor(hold, model) ?? 0) },
    ],
    extensions: hold.extensions + 1,
  };
  step.putHold(raised);
  step.enter({
    eventId: `extend:${hold.holdId}:${raised.extensions}`,
    kind: 'extend',
    holdId: hold.holdId,
    customerId: hold.customerId,
    body: extendBody(raised),
  });
  return step.finish(answer);
}
