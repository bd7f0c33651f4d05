/**
 * A plan as one customer has it: its limits with those that stand otherwise for that customer.
 *
 * @module
 */
import { GatewayError, isGatewayError } from '../../contracts/gateway-error.ts';
import {
  type LimitInput,
  METERS,
  type PlanInput,
  WINDOW_PATTERN,
} from '../../contracts/metering.ts';
import type { LimitOverride } from '../limit-port.ts';
import { type CompiledPlan, compilePlan } from './compiled-plan.ts';

/** Overrides by limit id. */
export type Overrides = Readonly<Record<string, LimitOverride>>;

function idOf(limit: LimitInput): string {
  return limit.id ?? `${limit.meter}/${limit.window}`;
}

/** The override as a limit of its own; null where neither it nor its id says what is counted. */
function ownLimit(id: string, override: LimitOverride): LimitInput | null {
  const slash = id.indexOf('/');
  const named = METERS.find((meter) => meter === id.slice(0, Math.max(0, slash)));
  const meter = override.meter ?? named;
  const rest = id.slice(slash + 1);
  const window = override.window ?? (WINDOW_PATTERN.test(rest) ? rest : undefined);
  if (meter === undefined || window === undefined) return null;
  const { untilMs: _untilMs, ...limit } = override;
  return { ...limit, id, meter, window };
}

/** The plan's limit with the override's amount; what it counts stays the plan's. */
function changed(limit: LimitInput, override: LimitOverride): LimitInput {
  const { amount, on_breach, overage_cap, thresholds } = override;
  return {
    ...limit,
    amount,
    ...(on_breach === undefined ? {} : { on_breach }),
    ...(overage_cap === undefined ? {} : { overage_cap }),
    ...(thresholds === undefined ? {} : { thresholds }),
  };
}

/** Overrides that are in force at `nowMs`. */
export function overridesAt(overrides: Overrides, nowMs: number): Overrides {
  return Object.fromEntries(
    Object.entries(overrides).filter(([, { untilMs }]) => untilMs === null || untilMs > nowMs),
  );
}

/** When the next of them ends; null when none does. */
export function nextEndMs(overrides: Overrides, nowMs: number): number | null {
  const ends = Object.values(overrides)
    .map(({ untilMs }) => untilMs)
    .filter((untilMs) => untilMs !== null)
    .filter((untilMs) => untilMs > nowMs);
  return ends.length === 0 ? null : Math.min(...ends);
}

/**
 * The plan version with the overrides in force at `nowMs`; the plan itself where there are none. One that says of no
 * limit what it counts is left out: it changes a limit that this plan lacks.
 */
export function withOverrides(
  plan: CompiledPlan,
  overrides: Overrides,
  nowMs: number,
): CompiledPlan {
  const inForce = new Map(Object.entries(overridesAt(overrides, nowMs)));
  if (inForce.size === 0) return plan;
  const overridden = new Set(inForce.keys());
  const limits = plan.input.limits.map((limit) => {
    const id = idOf(limit);
    const override = inForce.get(id);
    inForce.delete(id);
    return override === undefined ? limit : changed(limit, override);
  });
  for (const [id, override] of inForce) {
    const added = ownLimit(id, override);
    if (added !== null) limits.push(added);
  }
  const input: PlanInput = { ...plan.input, limits };
  return compilePlan(input, plan.version, { overridden });
}

/** Checks one override against the plan that it is meant for. @throws GatewayError `invalid_request` naming it */
export function checkOverride(plan: CompiledPlan, id: string, override: LimitOverride): void {
  const param = `overrides.${id}`;
  const standing = plan.input.limits.find((limit) => idOf(limit) === id);
  const limit = standing === undefined ? ownLimit(id, override) : changed(standing, override);
  if (limit === null) {
    throw new GatewayError('invalid_request', {
      message: `${param}: the plan ${plan.id} has no limit "${id}"; state meter and window to add one.`,
      param,
    });
  }
  for (const member of ['meter', 'window'] as const) {
    if (override[member] === undefined || override[member] === limit[member]) continue;
    throw new GatewayError('invalid_request', {
      message: `${param}.${member}: the plan counts ${limit.meter} by ${limit.window} under this id; name the added limit otherwise.`,
      param: `${param}.${member}`,
    });
  }
  try {
    compilePlan({ ...plan.input, limits: [limit] }, 1);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    throw new GatewayError('invalid_request', {
      message: error.message.replaceAll('limits[0]', param),
      param: error.param?.replace('limits[0]', param) ?? param,
    });
  }
}
