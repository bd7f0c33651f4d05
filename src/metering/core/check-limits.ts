/**
 * Members of a limit that would be accepted and do nothing: refused when a limit is written, so that nobody relies on
 * them. Limits already stored are not looked at again; there such a member goes on doing nothing.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput, PlanInput } from '../../contracts/metering.ts';
import { bucketed, compilePlan } from './compiled-plan.ts';
import { parseWindow } from './windows.ts';

interface Idle {
  readonly member: 'rollover_max' | 'overage_cap' | 'on_breach' | 'thresholds';
  /** Follows the member's name. */
  readonly why: string;
}

/** The first member without effect; null when all have one. */
function idleMember(limit: LimitInput): Idle | null {
  const { amount, window, on_breach: onBreach = 'deny' } = limit;
  const kind = parseWindow(window);
  if (kind === null) return null;
  const rolls = limit.rollover_max !== undefined && limit.rollover_max !== 'disabled';
  const alerts = limit.thresholds !== undefined && limit.thresholds.length > 0;
  const follows = kind.kind === 'period' || kind.kind === 'calendar';
  if (rolls && !follows) {
    const why = `has no effect on window "${window}", which no next one follows; leave it out, or count by hour, day, week or period.`;
    return { member: 'rollover_max', why };
  }
  if (alerts && !bucketed(kind)) {
    const why = `have no effect on window "${window}", which keeps no use to compare with; leave them out, or count by another window.`;
    return { member: 'thresholds', why };
  }
  if (limit.overage_cap !== undefined && onBreach !== 'overage') {
    const why = `has no effect with on_breach "${onBreach}"; set on_breach to "overage", or leave it out.`;
    return { member: 'overage_cap', why };
  }
  if (onBreach === 'overage' && limit.overage_cap === 'disabled') {
    const why =
      '"overage" has no effect with overage_cap "disabled"; give an amount, or say "deny".';
    return { member: 'on_breach', why };
  }
  if (amount !== 'unlimited' && amount !== 'disabled') return null;
  const of = `on an amount that is "${amount}"`;
  if (onBreach !== 'deny') {
    const why = `"${onBreach}" has no effect ${of}; leave it out, or give a number.`;
    return { member: 'on_breach', why };
  }
  if (rolls) return { member: 'rollover_max', why: `has no effect ${of}; leave it out.` };
  return alerts ? { member: 'thresholds', why: `have no effect ${of}; leave them out.` } : null;
}

/**
 * Refuses limits with a member that can have no effect.
 *
 * @throws GatewayError `invalid_request` naming the member's path, e.g. `limits[2].rollover_max`
 */
export function checkLimits(limits: readonly LimitInput[]): void {
  for (const [index, limit] of limits.entries()) {
    const idle = idleMember(limit);
    if (idle === null) continue;
    const param = `limits[${index}].${idle.member}`;
    throw new GatewayError('invalid_request', { message: `${param} ${idle.why}`, param });
  }
}

/** All that is checked of a plan beyond its schema. @throws GatewayError `invalid_request` naming the limit's path */
export function checkPlan(plan: PlanInput): void {
  compilePlan(plan, 1);
  checkLimits(plan.limits);
}
