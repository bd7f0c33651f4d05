/**
 * Refusals: of several reasons the one that waiting helps least, every violated limit, and what to do about it.
 *
 * @module
 */
import { formatUsd } from '../../contracts/money.ts';
import type { LimitStatus, RefusalAction } from '../../contracts/limit-status.ts';
import type { RefusalCode, Refused } from '../ports.ts';
import {
  assess,
  type Assessment,
  affordableTokens,
  binds,
  type Call,
  cellOf,
  needOf,
  reachOf,
  restOnCredits,
} from './assess.ts';
import { type CompiledLimit, type CompiledPlan, isShared } from './compiled-plan.ts';
import { waitMs } from './gcra.ts';
import { limitStatus, resetsAtMs, timestamp } from './limit-status.ts';
import { NO_RATES } from './rate-view.ts';
import {
  concurrencyText,
  exceededText,
  fundsText,
  grantorText,
  heldText,
  type LimitSentence,
  meterText,
  neverFitsText,
  rateText,
} from './refusal-text.ts';
import { rolloverAwaited } from './rollover.ts';
import { inactiveText, wayBack } from './standing.ts';
import { expiryInfo, limitInfo, planInfo } from './usage-info.ts';

const HOUR_MS = 3_600_000;

/** When holds in flight may have settled: nobody knows, so a pace that does not hammer. */
const HELD_RETRY_MS = 1_000;

type LimitCode = Extract<
  RefusalCode,
  'insufficient_funds' | 'limit_exceeded' | 'limit_held' | 'concurrency_limited' | 'rate_limited'
>;

/** Worst first. */
const LIMIT_CODES: readonly LimitCode[] = [
  'insufficient_funds',
  'limit_exceeded',
  'limit_held',
  'concurrency_limited',
  'rate_limited',
];

/** A limit that even the least of the call does not fit. */
interface Violation {
  readonly assessment: Assessment;
  readonly code: LimitCode;
  readonly need: bigint;
  /** True when the call would not fit the empty limit. */
  readonly neverFits: boolean;
  /** Exact wait of a rate; 0 otherwise. */
  readonly waitMs: number;
  readonly resetsAtMs: number | null;
  /** What calls in flight hold in the box before, where its release would go on into this one. */
  readonly heldBefore: bigint;
}

function violationOf(call: Call, assessment: Assessment): Violation | null {
  const { limit, size, used, have, counter } = assessment;
  const { elastic } = call.next;
  const need = needOf(assessment, elastic, elastic?.minTokens ?? 0);
  if (!binds(assessment) || need <= reachOf(assessment)) return null;
  const { nowMs } = call;
  const { account } = assessment;
  // Holds of the box before are in flight too, and what they give back may go on into this one.
  const awaited = rolloverAwaited({ account, limit, counter, nowMs });
  const most = size + awaited.amount;
  const neverFits = need > most;
  const query = { limit, counter, standing: assessment, requested: need, nowMs };
  const violation = {
    assessment,
    need,
    neverFits,
    waitMs: 0,
    resetsAtMs: resetsAtMs(query),
    heldBefore: awaited.held,
  };
  // Money is missing whoever holds it at the moment: a top-up is what helps.
  if (limit.credits || assessment.credit !== undefined) {
    return { ...violation, code: 'insufficient_funds' };
  }
  if (neverFits) return { ...violation, code: 'limit_exceeded' };
  if (limit.windowKind.kind === 'minute') {
    const wait = waitMs(cellOf(counter, limit), need - have, nowMs);
    return { ...violation, code: 'rate_limited', waitMs: wait };
  }
  if (limit.windowKind.kind === 'concurrent') return { ...violation, code: 'concurrency_limited' };
  // Held only where the release of what others hold would make room.
  return { ...violation, code: need <= most - used ? 'limit_held' : 'limit_exceeded' };
}

function statusOf(call: Call, violation: Pick<Violation, 'assessment' | 'need'>): LimitStatus {
  const { assessment, need } = violation;
  const { limit, ownerId, counter } = assessment;
  return limitStatus({
    limit,
    ownerId,
    counter,
    standing: assessment,
    requested: need,
    nowMs: call.nowMs,
  });
}

function sentenceOf(call: Call, violation: Violation): string {
  const { assessment, need } = violation;
  const { elastic } = call.next;
  const sentence: LimitSentence = {
    limit: assessment.limit,
    requested: need,
    atLeast: assessment.elastic && elastic !== null && elastic.minTokens < elastic.tokens,
    size: assessment.size,
    remaining: assessment.capacity - assessment.have,
    held: assessment.held + violation.heldBefore,
    resetsAtMs: violation.resetsAtMs,
  };
  if (violation.code === 'insufficient_funds') return fundsText(sentence);
  if (violation.neverFits) return neverFitsText(sentence);
  switch (violation.code) {
    case 'limit_exceeded':
      return exceededText(sentence);
    case 'limit_held':
      return heldText(sentence);
    case 'concurrency_limited':
      return concurrencyText(sentence);
    case 'rate_limited':
      return rateText(sentence, violation.waitMs);
    default:
      return violation.code satisfies never;
  }
}

/** When all limits of the code will have given way; null when one never does by itself. */
function waitUntilMs(
  code: LimitCode,
  violations: readonly Violation[],
  nowMs: number,
): number | null {
  if (code === 'limit_held' || code === 'concurrency_limited') return null;
  let untilMs = nowMs;
  for (const violation of violations) {
    // Credits never come back by themselves, but an allowance before them does.
    if (violation.code !== code || violation.assessment.rest === true) continue;
    if (violation.neverFits || violation.resetsAtMs === null) return null;
    untilMs = Math.max(untilMs, violation.resetsAtMs);
  }
  return untilMs;
}

function retryAfterMs(
  code: LimitCode,
  violations: readonly Violation[],
  nowMs: number,
): number | null {
  if (code === 'insufficient_funds') return null;
  if (code === 'limit_exceeded') {
    const untilMs = waitUntilMs(code, violations, nowMs);
    return untilMs !== null && untilMs - nowMs <= HOUR_MS ? untilMs - nowMs : null;
  }
  const rates = Math.max(...violations.map((violation) => violation.waitMs));
  return code === 'rate_limited' ? rates : Math.max(rates, HELD_RETRY_MS);
}

/** True for a limit that another plan may have otherwise. */
function isOfPlan(limit: CompiledLimit): boolean {
  return !limit.overridden && !isShared(limit) && limit.scope.kind !== 'own';
}

/** True when the plan would admit the call: allowed, nothing disabled, and each violated limit wide enough. */
function wouldAdmit(plan: CompiledPlan, call: Call, violations: readonly Violation[]): boolean {
  if (!violations.every(({ assessment }) => isOfPlan(assessment.limit))) return false;
  const match = plan.match(call.operation, call.next.model);
  if (!match.modelAllowed) return false;
  const disabled = match.limits.some((limit) => limit.kind === 'disabled');
  const alone = { ...call, plan, rulings: [{ account: call.account, plan }] };
  if (disabled && disabledFor(alone).length > 0) return false;
  return violations.every(({ assessment, need }) => {
    const { limit, used, held, have } = assessment;
    if (limit.credits) return plan.funding !== 'wallet' && bearsCost(match.limits, need);
    const same = match.limits.find((other) => other.counterKey === limit.counterKey);
    return (
      same === undefined || need <= same.amount + (same.overageCap ?? 0n) - used - (held - have)
    );
  });
}

/** True where no cost limit of a plan is narrower than the cost: whether it is used up there nobody knows. */
function bearsCost(limits: readonly CompiledLimit[], costNanoUsd: bigint): boolean {
  return limits.every(
    (limit) =>
      limit.credits ||
      limit.meter !== 'cost_usd' ||
      limit.kind !== 'number' ||
      costNanoUsd <= limit.amount + (limit.overageCap ?? 0n),
  );
}

/** Limits that forbid the call. */
export function disabledFor(call: Call): readonly Assessment[] {
  return assess(call).filter(({ limit }) => limit.kind === 'disabled');
}

function upgradeFor(
  plans: readonly CompiledPlan[],
  call: Call,
  violations: readonly Violation[],
): readonly RefusalAction[] {
  const own = plans.findIndex((plan) => plan.id === call.plan.id);
  const dearer = plans.slice(own + 1).find((plan) => wouldAdmit(plan, call, violations));
  return dearer === undefined ? [] : [{ do: 'upgrade', plan: dearer.id }];
}

function actionsFor(
  code: LimitCode,
  at: {
    readonly call: Call;
    readonly assessments: readonly Assessment[];
    readonly violations: readonly Violation[];
    readonly plans: readonly CompiledPlan[];
  },
): readonly RefusalAction[] {
  const { call, violations } = at;
  const actions: RefusalAction[] = [];
  const { elastic } = call.next;
  const affordable = affordableTokens(at.assessments, elastic);
  if (elastic !== null && affordable >= 1) {
    actions.push({ do: 'reduce', param: 'max_tokens', max: affordable });
  }
  const credits = violations.find(({ assessment }) => assessment.limit.credits);
  if (credits !== undefined) {
    const missing = credits.need - credits.assessment.capacity;
    actions.push({ do: 'top_up', amount: formatUsd(missing) });
  }
  const untilMs = waitUntilMs(code, violations, call.nowMs);
  if (untilMs !== null) actions.push({ do: 'wait', until: timestamp(untilMs) });
  actions.push(...upgradeFor(at.plans, call, violations));
  return actions;
}

/** The credits behind allowances that bear too little even with them: what they would have to bear. */
function emptyCredits(
  call: Call,
  assessments: readonly Assessment[],
  violations: readonly Violation[],
): readonly Violation[] {
  const assessment = assessments.find((one) => one.rest === true);
  const lacking = violations.some((one) => one.assessment.credit !== undefined);
  if (assessment === undefined || !lacking) return [];
  const { elastic } = call.next;
  const need = restOnCredits(assessments, elastic, elastic?.minTokens ?? 0);
  const code = 'insufficient_funds';
  const base = { neverFits: false, waitMs: 0, resetsAtMs: null, heldBefore: 0n };
  return [{ assessment, code, need, ...base }];
}

/** Refuses for limits. `assessments` must hold at least one hard limit that the least of the call does not fit. */
export function refuseLimits(
  call: Call,
  assessments: readonly Assessment[],
  plans: readonly CompiledPlan[],
): Refused {
  const single = assessments
    .map((assessment) => violationOf(call, assessment))
    .filter((violation) => violation !== null);
  const all = [...emptyCredits(call, assessments, single), ...single];
  const rank = (violation: Violation): number => LIMIT_CODES.indexOf(violation.code);
  const violations = all.toSorted((one, other) => rank(one) - rank(other));
  const worst = violations[0];
  if (worst === undefined) throw new Error('refused without a violated limit');
  return {
    type: 'refused',
    code: worst.code,
    message: sentenceOf(call, worst),
    refusal: {
      limits: violations.map((violation) => statusOf(call, violation)),
      plan: { id: call.plan.id, version: call.plan.version },
      actions: actionsFor(worst.code, { call, assessments, violations, plans }),
      usage_info: isShared(worst.assessment.limit)
        ? planInfo(call)
        : limitInfo(call, worst.assessment, worst.need),
    },
    retryAfterMs: retryAfterMs(worst.code, violations, call.nowMs),
    rates: NO_RATES,
  };
}

export type GateCode = Extract<
  RefusalCode,
  | 'subscription_inactive'
  | 'not_in_plan'
  | 'model_not_allowed'
  | 'unpriced_model'
  | 'unbounded_cost'
>;

function gateText(code: GateCode, call: Call, disabled: readonly Assessment[]): string {
  const { plan, operation, next } = call;
  switch (code) {
    case 'subscription_inactive': {
      const { subscription } = call.account.input;
      if (subscription === null) {
        return 'There is no subscription; subscribe to a plan to make calls.';
      }
      return inactiveText(subscription, call.nowMs);
    }
    case 'not_in_plan': {
      const meters = [...new Set(disabled.map(({ limit }) => meterText(limit.meter)))].join(', ');
      const [first] = disabled;
      const who =
        first === undefined || isOfPlan(first.limit)
          ? `The plan ${plan.id}`
          : grantorText(first.limit);
      return `${who} does not include ${operation} on ${next.model} (disabled: ${meters}).`;
    }
    case 'model_not_allowed':
      return `The plan ${plan.id} does not allow the model ${next.model}; GET /v1/models lists those that it does.`;
    case 'unpriced_model':
      return `The model ${next.model} has no price, so a call to it cannot be billed; choose another, or have the operator add its price.`;
    case 'unbounded_cost':
      return `The cost of this request on ${next.model} cannot be bounded; state a maximum.`;
    default:
      return code satisfies never;
  }
}

/** Refuses for a reason that no limit can outweigh. */
export function refuseGate(
  code: GateCode,
  at: {
    readonly call: Call;
    readonly plans: readonly CompiledPlan[];
    readonly disabled: readonly Assessment[];
  },
): Refused {
  const { call, disabled } = at;
  const { subscription } = call.account.input;
  const planIssue =
    code === 'model_not_allowed' ||
    (code === 'not_in_plan' && disabled.every(({ limit }) => isOfPlan(limit)));
  const actions: readonly RefusalAction[] =
    code === 'subscription_inactive'
      ? [{ do: wayBack(subscription, call.nowMs) }]
      : planIssue
        ? upgradeFor(at.plans, call, [])
        : [];
  const need = (assessment: Assessment): bigint =>
    needOf(assessment, call.next.elastic, call.next.elastic?.minTokens ?? 0);
  return {
    type: 'refused',
    code,
    message: gateText(code, call, disabled),
    refusal: {
      limits: disabled.map((assessment) => statusOf(call, { assessment, need: need(assessment) })),
      plan: subscription === null ? null : { id: call.plan.id, version: call.plan.version },
      actions,
      usage_info: code === 'subscription_inactive' ? expiryInfo(call) : planInfo(call),
    },
    retryAfterMs: null,
    rates: NO_RATES,
  };
}
