/**
 * A plan version prepared for the hot path: amounts parsed, globs compiled, and the limits that match an
 * operation and a model found once and kept.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput, Meter, Operation, PlanInput } from '../../contracts/metering.ts';
import { compileGlob, type GlobMatcher } from './glob.ts';
import { parseMeterAmount, UNBOUNDED } from './meter-amounts.ts';
import { parseWindow, type WindowKind } from './windows.ts';

/** How a meter grows with elastic output: per token, by the token's price, or not at all. */
export type ElasticSlope = 'tokens' | 'cost' | 'none';

export type LimitScope =
  | { readonly kind: 'customer' | 'key' | 'client_token' }
  | { readonly kind: 'tag'; readonly name: string };

export interface CompiledLimit {
  readonly id: string;
  readonly meter: Meter;
  /** As the plan has it, e.g. `rolling:5h`. */
  readonly window: string;
  readonly windowKind: WindowKind;
  readonly kind: 'number' | 'unlimited' | 'disabled';
  /** Base units; 0 unless `kind` is `number`. `call`, `minute` and `concurrent` include their overage. */
  readonly amount: bigint;
  readonly scope: LimitScope;
  readonly onBreach: 'deny' | 'soft' | 'overage';
  /** What the overage bucket is granted; null where there is none. */
  readonly overageCap: bigint | null;
  readonly slope: ElasticSlope;
  /** Shares in percent at which somebody wants to know, ascending; none for a limit without buckets. */
  readonly thresholds: readonly number[];
  /** Names the counter within its owner; equal in two plan versions only where id, meter and window agree. */
  readonly counterKey: string;
  /** Source keys of the buckets that the plan itself grants. */
  readonly planSource: string;
  readonly overageSource: string;
}

/** Limits that bind one operation on one model. */
export interface PlanMatch {
  readonly modelAllowed: boolean;
  /** In the order of the plan; `unlimited` ones are left out. */
  readonly limits: readonly CompiledLimit[];
}

export interface CompiledPlan {
  readonly id: string;
  readonly version: number;
  readonly input: PlanInput;
  readonly limits: readonly CompiledLimit[];
  readonly limitsByCounter: ReadonlyMap<string, CompiledLimit>;
  match(operation: Operation, model: string): PlanMatch;
}

/** Model names come from outside, so the cache is bounded; beyond it the oldest entries are found anew. */
const MAX_CACHED_MODELS = 2_000;

function slopeOf(meter: Meter): ElasticSlope {
  if (meter === 'output_tokens' || meter === 'total_tokens') return 'tokens';
  return meter === 'cost_usd' ? 'cost' : 'none';
}

/** Contract §5.1. */
const DEFAULT_THRESHOLDS: readonly number[] = [50, 80, 90, 100];

function thresholdsOf({ thresholds }: LimitInput): readonly number[] {
  if (thresholds === undefined) return DEFAULT_THRESHOLDS;
  return [...new Set(thresholds)].toSorted((one, other) => one - other);
}

function parseScope(scope: string | undefined): LimitScope {
  if (scope === undefined || scope === 'customer') return { kind: 'customer' };
  if (scope === 'key' || scope === 'client_token') return { kind: scope };
  return { kind: 'tag', name: scope.slice('tag:'.length) };
}

function kindOf(amount: LimitInput['amount']): CompiledLimit['kind'] {
  return amount === 'unlimited' || amount === 'disabled' ? amount : 'number';
}

/** What a counter is called after its limit's id: nothing where the id itself states meter and window. */
function counterSuffix(id: string, measure: string): string {
  return id === measure || id.startsWith(`${measure}/`) ? '' : `:${measure}`;
}

function overageCapOf(limit: LimitInput, path: string): bigint | null {
  if (limit.on_breach !== 'overage' || limit.overage_cap === 'disabled') return null;
  if (limit.overage_cap === undefined) {
    throw new GatewayError('invalid_request', {
      message: `${path}.overage_cap is needed with on_breach "overage"; it bounds what may go beyond the limit.`,
      param: `${path}.overage_cap`,
    });
  }
  if (limit.overage_cap === 'unlimited') return UNBOUNDED;
  return parseMeterAmount(limit.meter, limit.overage_cap, `${path}.overage_cap`);
}

function compileLimit(limit: LimitInput, path: string): CompiledLimit {
  const windowKind = parseWindow(limit.window);
  if (windowKind === null) {
    throw new GatewayError('invalid_request', {
      message: `${path}.window is not a window.`,
      param: `${path}.window`,
    });
  }
  const kind = kindOf(limit.amount);
  const own =
    kind === 'number' ? parseMeterAmount(limit.meter, limit.amount, `${path}.amount`) : 0n;
  const cap = overageCapOf(limit, path);
  const hasBuckets = bucketed(windowKind);
  const measure = `${limit.meter}/${limit.window}`;
  const id = limit.id ?? measure;
  const suffix = counterSuffix(id, measure);
  return {
    id,
    meter: limit.meter,
    window: limit.window,
    windowKind,
    kind,
    amount: hasBuckets || kind !== 'number' ? own : own + (cap ?? 0n),
    scope: parseScope(limit.scope),
    onBreach: limit.on_breach ?? 'deny',
    overageCap: hasBuckets ? cap : null,
    slope: slopeOf(limit.meter),
    thresholds: hasBuckets ? thresholdsOf(limit) : [],
    counterKey: id + suffix,
    planSource: `plan${suffix}`,
    overageSource: `overage${suffix}`,
  };
}

/** True for windows whose use is kept in buckets. */
export function bucketed(window: WindowKind): boolean {
  return window.kind !== 'call' && window.kind !== 'minute' && window.kind !== 'concurrent';
}

interface Matchers {
  readonly limit: CompiledLimit;
  readonly operation: GlobMatcher;
  readonly model: GlobMatcher;
}

function compileLimits(plan: PlanInput): readonly Matchers[] {
  const ids = new Set<string>();
  return plan.limits.map((input, index) => {
    const limit = compileLimit(input, `limits[${index}]`);
    if (ids.has(limit.id)) {
      throw new GatewayError('invalid_request', {
        message: `limits[${index}].id "${limit.id}" occurs twice in the plan; name the limits apart.`,
        param: `limits[${index}].id`,
      });
    }
    ids.add(limit.id);
    return {
      limit,
      operation: compileGlob(input.operation ?? '*'),
      model: compileGlob(input.model ?? '*'),
    };
  });
}

/**
 * Prepares a plan version. Also the semantic check of a plan that passed `planSchema`.
 *
 * @throws GatewayError `invalid_request` naming the limit's path, e.g. `limits[2].amount`
 */
export function compilePlan(plan: PlanInput, version: number): CompiledPlan {
  const matchers = compileLimits(plan);
  const allowed = plan.models?.map((pattern) => compileGlob(pattern));
  const cache = new Map<string, Map<string, PlanMatch>>();
  const find = (operation: string, model: string): PlanMatch => ({
    modelAllowed: allowed === undefined || allowed.some((matches) => matches(model)),
    limits: matchers
      .filter(
        (candidate) =>
          candidate.limit.kind !== 'unlimited' &&
          candidate.operation(operation) &&
          candidate.model(model),
      )
      .map((candidate) => candidate.limit),
  });
  return {
    id: plan.id,
    version,
    input: plan,
    limits: matchers.map((matcher) => matcher.limit),
    limitsByCounter: new Map(matchers.map(({ limit }) => [limit.counterKey, limit])),
    match(operation, model) {
      let byModel = cache.get(operation);
      if (byModel === undefined) {
        byModel = new Map();
        cache.set(operation, byModel);
      }
      let match = byModel.get(model);
      if (match === undefined) {
        if (byModel.size >= MAX_CACHED_MODELS) byModel.clear();
        match = find(operation, model);
        byModel.set(model, match);
      }
      return match;
    },
  };
}
