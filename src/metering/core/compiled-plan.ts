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
  | { readonly kind: 'customer' | 'key' | 'client_token' | 'deployment' }
  | { readonly kind: 'tag' | 'provider'; readonly name: string }
  /** A limit that a key or a client token has of its own, beside what the plan says of every one. */
  | { readonly kind: 'own'; readonly holder: LimitHolder };

/** Who has limits of its own; `id` is also the account that has their counters. */
export interface LimitHolder {
  readonly id: string;
  readonly type: 'key' | 'client_token';
}

/** Where the limits of a plan come from, if not from a plan alone. */
export interface PlanOrigin {
  readonly holder?: LimitHolder;
  /** Ids of the limits that stand otherwise in the plan, or not at all. */
  readonly overridden?: ReadonlySet<string>;
}

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
  /** True where the customer has another amount than the plan says: no other plan would change it. */
  readonly overridden: boolean;
  readonly onBreach: 'deny' | 'soft' | 'overage';
  /** What the overage bucket is granted; null where there is none. */
  readonly overageCap: bigint | null;
  readonly slope: ElasticSlope;
  /** Shares in percent at which somebody wants to know, ascending; none for a limit without buckets. */
  readonly thresholds: readonly number[];
  /** What of `x-ratelimit-*` its room is told in; null for a limit that is not a number, or no single customer's. */
  readonly rate: 'requests' | 'tokens' | null;
  /** True for what bears cost before credits do (`plan_then_wallet`): the customer's own cost limits that refuse. */
  readonly allowance: boolean;
  /** True for the customer's credits themselves. */
  readonly credits: boolean;
  /** Names the counter within its owner; equal in two plan versions only where id, meter and window agree. */
  readonly counterKey: string;
  /** Source keys of the buckets that the plan itself grants. */
  readonly planSource: string;
  readonly overageSource: string;
  readonly rolloverSource: string;
  /** Most that goes on from one box into the next; null: nothing. */
  readonly rolloverMax: bigint | null;
}

/** Limits that bind one operation on one model. */
export interface PlanMatch {
  readonly modelAllowed: boolean;
  /** True where one of the limits says that the plan does not include the call. */
  readonly forbidden: boolean;
  /** In the order of the plan, {@link CREDITS} last where they are drawn on; `unlimited` ones are left out. */
  readonly limits: readonly CompiledLimit[];
}

export type Funding = NonNullable<PlanInput['funding']>;

/**
 * Credits as a limit, so that they are assessed, taken and settled as every other: its buckets are the grants, its
 * plan's own bucket is worth nothing and carries the debt. No limit of a plan has this counter key (`counterSuffix`).
 */
export const CREDITS: CompiledLimit = {
  id: 'wallet',
  meter: 'cost_usd',
  window: 'lifetime',
  windowKind: { kind: 'lifetime' },
  kind: 'number',
  amount: 0n,
  scope: { kind: 'customer' },
  onBreach: 'deny',
  overageCap: null,
  slope: 'cost',
  overridden: false,
  thresholds: [],
  rate: null,
  allowance: false,
  credits: true,
  counterKey: 'wallet',
  planSource: 'debt',
  overageSource: 'no-overage',
  rolloverSource: 'no-rollover',
  rolloverMax: null,
};

export interface CompiledPlan {
  readonly id: string;
  readonly version: number;
  readonly funding: Funding;
  /** True when any limit rolls over. */
  readonly rolls: boolean;
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

const PROVIDER_SCOPE = 'provider:';

function parseScope(scope: string | undefined, holder: LimitHolder | undefined): LimitScope {
  if (holder !== undefined) return { kind: 'own', holder };
  if (scope === undefined || scope === 'customer') return { kind: 'customer' };
  if (scope === 'key' || scope === 'client_token' || scope === 'deployment') return { kind: scope };
  if (scope.startsWith(PROVIDER_SCOPE)) {
    return { kind: 'provider', name: scope.slice(PROVIDER_SCOPE.length) };
  }
  return { kind: 'tag', name: scope.slice('tag:'.length) };
}

/** True for a limit whose counter many customers share, so that its use is not one customer's to see. */
export function isShared(limit: CompiledLimit): boolean {
  return isSharedScope(limit.scope);
}

function isSharedScope({ kind }: LimitScope): boolean {
  return kind === 'deployment' || kind === 'provider';
}

/** Windows without a reset say nothing of a rate. */
function rateOf(meter: Meter, window: WindowKind): CompiledLimit['rate'] {
  if (window.kind !== 'minute' && !bucketed(window)) return null;
  if (meter === 'requests') return 'requests';
  return meter.endsWith('_tokens') ? 'tokens' : null;
}

function modelMatcher(input: LimitInput, scope: LimitScope): GlobMatcher {
  const matches = compileGlob(input.model ?? '*');
  if (scope.kind !== 'provider') return matches;
  const prefix = `${scope.name}/`;
  return (model) => model.startsWith(prefix) && matches(model);
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

/** Only windows that follow one upon the other have a next box. */
function rolloverMaxOf(limit: LimitInput, window: WindowKind, path: string): bigint | null {
  const { rollover_max: max } = limit;
  if (max === undefined || max === 'disabled') return null;
  if (window.kind !== 'period' && window.kind !== 'calendar') return null;
  return max === 'unlimited'
    ? UNBOUNDED
    : parseMeterAmount(limit.meter, max, `${path}.rollover_max`);
}

/** Caps of a key, a tag or a single call bind whoever pays; a soft limit counts all cost and refuses none. */
function isAllowance(limit: LimitInput, windowKind: WindowKind): boolean {
  return (
    limit.meter === 'cost_usd' &&
    bucketed(windowKind) &&
    (limit.scope ?? 'customer') === 'customer' &&
    limit.on_breach !== 'soft'
  );
}

function compileLimit(
  limit: LimitInput,
  path: string,
  origin: PlanOrigin & { readonly funding: Funding },
): CompiledLimit {
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
  const scope = parseScope(limit.scope, origin.holder);
  return {
    id,
    meter: limit.meter,
    window: limit.window,
    windowKind,
    kind,
    amount: hasBuckets || kind !== 'number' ? own : own + (cap ?? 0n),
    scope,
    overridden: origin.overridden?.has(id) === true,
    onBreach: limit.on_breach ?? 'deny',
    overageCap: hasBuckets ? cap : null,
    slope: slopeOf(limit.meter),
    thresholds: hasBuckets ? thresholdsOf(limit) : [],
    rate: kind === 'number' && !isSharedScope(scope) ? rateOf(limit.meter, windowKind) : null,
    allowance: origin.funding === 'plan_then_wallet' && isAllowance(limit, windowKind),
    credits: false,
    counterKey: id + suffix,
    planSource: `plan${suffix}`,
    overageSource: `overage${suffix}`,
    rolloverSource: `rollover${suffix}`,
    rolloverMax: rolloverMaxOf(limit, windowKind, path),
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

function compileLimits(plan: PlanInput, origin: PlanOrigin): readonly Matchers[] {
  const ids = new Set<string>();
  return plan.limits.map((input, index) => {
    const limit = compileLimit(input, `limits[${index}]`, {
      ...origin,
      funding: plan.funding ?? 'plan',
    });
    if (ids.has(limit.id)) {
      throw new GatewayError('invalid_request', {
        message: `limits[${index}].id "${limit.id}" occurs twice; name the limits apart.`,
        param: `limits[${index}].id`,
      });
    }
    ids.add(limit.id);
    return {
      limit,
      operation: compileGlob(input.operation ?? '*'),
      model: modelMatcher(input, limit.scope),
    };
  });
}

/** A cost that no allowance limits is the plan's, and credits are not asked. */
function drawsOnCredits(funding: Funding, limits: readonly CompiledLimit[]): boolean {
  switch (funding) {
    case 'plan':
      return false;
    case 'wallet':
      return true;
    case 'plan_then_wallet':
      return limits.some((limit) => limit.allowance);
    default:
      return funding satisfies never;
  }
}

/**
 * Prepares a plan version. Also the semantic check of a plan that passed `planSchema`.
 *
 * @throws GatewayError `invalid_request` naming the limit's path, e.g. `limits[2].amount`
 */
export function compilePlan(
  plan: PlanInput,
  version: number,
  origin: PlanOrigin = {},
): CompiledPlan {
  const matchers = compileLimits(plan, origin);
  const allowed = plan.models?.map((pattern) => compileGlob(pattern));
  const cache = new Map<string, Map<string, PlanMatch>>();
  const funding = plan.funding ?? 'plan';
  // Calls of one batch mostly ask for one model.
  let last: { operation: string; model: string; match: PlanMatch } | null = null;
  const find = (operation: string, model: string): PlanMatch => {
    const limits = matchers
      .filter(
        (candidate) =>
          candidate.limit.kind !== 'unlimited' &&
          candidate.operation(operation) &&
          candidate.model(model),
      )
      .map((candidate) => candidate.limit);
    return {
      forbidden: limits.some((limit) => limit.kind === 'disabled'),
      modelAllowed: allowed === undefined || allowed.some((matches) => matches(model)),
      limits: drawsOnCredits(funding, limits) ? [...limits, CREDITS] : limits,
    };
  };
  return {
    id: plan.id,
    version,
    funding,
    rolls: matchers.some(({ limit }) => limit.rolloverMax !== null),
    input: plan,
    limits: matchers.map((matcher) => matcher.limit),
    limitsByCounter: new Map(matchers.map(({ limit }) => [limit.counterKey, limit])),
    match(operation, model) {
      if (last !== null && model === last.model && operation === last.operation) return last.match;
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
      last = { operation, model, match };
      return match;
    },
  };
}

/**
 * Limits of a key's or a client token's own, compiled as a plan of their holder: its account is `holder.id`.
 *
 * @throws GatewayError `invalid_request` naming the limit's path
 */
export function compileOwnLimits(
  holder: LimitHolder,
  limits: readonly LimitInput[],
  version: number,
): CompiledPlan {
  return compilePlan({ id: holder.id, name: holder.id, limits: [...limits] }, version, { holder });
}

/** Account of what the whole deployment and its providers may do, over all customers. */
export const DEPLOYMENT_ACCOUNT = 'deployment';

/** Limits of `gateway.yaml`. @throws GatewayError `invalid_request` naming the limit's path */
export function compileDeploymentLimits(limits: readonly LimitInput[]): CompiledPlan {
  return compilePlan({ id: DEPLOYMENT_ACCOUNT, name: DEPLOYMENT_ACCOUNT, limits: [...limits] }, 1);
}
