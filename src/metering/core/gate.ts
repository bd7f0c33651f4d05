/**
 * The reasons for refusal that no limit can outweigh: subscription, plan and model, price.
 *
 * @module
 */
import type { Refused, ReserveCommand } from '../ports.ts';
import type { Call } from './assess.ts';
import { disabledFor, refuseGate } from './refusal.ts';
import { standingAt } from './standing.ts';
import type { Memory } from './state.ts';

/** The reasons that no limit can outweigh: subscription, plan and model, price. */
export function gate(
  memory: Memory,
  call: Call,
  pricing: ReserveCommand['pricing'],
): Refused | null {
  const { subscription } = call.account.input;
  const none = { call, plans: memory.plans, disabled: [] };
  if (subscription === null || !standingAt(subscription, call.nowMs).mayCall) {
    return refuseGate('subscription_inactive', none);
  }
  const plan = gatePlan(memory, call);
  if (plan !== null) return plan;
  return pricing === 'priced' ? null : refuseGate(pricing, none);
}

/** Whether the plan, and whatever else binds it, includes the call at all. */
export function gatePlan(memory: Memory, call: Call): Refused | null {
  const { operation, next } = call;
  if (call.rulings.some(({ plan }) => plan.match(operation, next.model).forbidden)) {
    const disabled = disabledFor(call);
    if (disabled.length > 0) {
      return refuseGate('not_in_plan', { call, plans: memory.plans, disabled });
    }
  }
  if (call.plan.match(operation, next.model).modelAllowed) return null;
  return refuseGate('model_not_allowed', { call, plans: memory.plans, disabled: [] });
}
