/**
 * Quotes: operations judged in order, each seeing what those before it would take; their legs where they are held.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { RefusalAction } from '../../contracts/limit-status.ts';
import { METERS, type Meter } from '../../contracts/metering.ts';
import type { Charge, MeterAmounts, Refused } from '../ports.ts';
import type {
  OperationVerdict,
  QuoteCommand,
  QuotedOperation,
  QuoteEvaluation,
} from '../quote-port.ts';
import type { Assessment, Call } from './assess.ts';
import { bucketed } from './compiled-plan.ts';
import { gate, gatePlan } from './gate.ts';
import { holdBody } from './hold-bodies.ts';
import { QuoteLimits } from './quote-limits.ts';
import { type JudgedCandidate, judgeUses, usesThatFit, wouldFit } from './quote-use.ts';
import { NO_RATES } from './rate-view.ts';
import { accountFor } from './reserve.ts';
import { type Account, findCounter, type Memory, type OpenHold, rulingsOf } from './state.ts';
import { rollOver, rolloverFor } from './rollover.ts';
import { Step, unchanged } from './step.ts';
import { coveredBy, take } from './take.ts';
import type { Applied } from './types.ts';

const DEFAULT_TTL_MS = 600_000;
/** Longest life where the plan states none. */
const MAX_TTL_MS = 900_000;

/** @throws GatewayError `invalid_request` when a longer life is asked for than the plan allows */
function expiryOf(account: Account, ttlMs: number | null, nowMs: number): number {
  const stated = account.input.plan.input.max_quote_ttl_s;
  const maxMs = stated === undefined ? MAX_TTL_MS : stated * 1000;
  if (ttlMs === null) return nowMs + Math.min(DEFAULT_TTL_MS, maxMs);
  if (ttlMs <= maxMs) return nowMs + ttlMs;
  throw new GatewayError('invalid_request', {
    message: `hold.ttl_s: a quote on the plan ${account.input.plan.id} lives at most ${maxMs / 1000} seconds.`,
    param: 'hold.ttl_s',
  });
}

interface Judged {
  readonly candidates: readonly JudgedCandidate[];
  /** What stands in the way, and at which candidate. */
  readonly refusal: {
    readonly call: Call;
    readonly refused: Refused;
    /** The candidate whose limits stand in the way; null where it is the subscription, the plan or the price. */
    readonly blocked: JudgedCandidate | null;
  } | null;
}

function judge(memory: Memory, call: Call, operation: QuotedOperation): Judged {
  const gated = gate(memory, call, operation.pricing);
  const first = judgeUses(memory, call, operation.count);
  if (gated !== null)
    return { candidates: [first], refusal: { call, refused: gated, blocked: null } };
  const candidates = [first];
  for (const next of operation.candidates.slice(1)) {
    const other = { ...call, next };
    // A call would pass over it, too.
    if (gatePlan(memory, other) !== null) continue;
    candidates.push(judgeUses(memory, other, operation.count));
  }
  for (const blocked of candidates) {
    const { call: own, refused } = blocked;
    if (refused !== null) return { candidates, refusal: { call: own, refused, blocked } };
  }
  return { candidates, refusal: null };
}

/** Smaller values of parameters that would do. */
function reductionsFor(
  memory: Memory,
  operation: QuotedOperation,
  blocked: JudgedCandidate,
): readonly RefusalAction[] {
  const actions = new Map<string, RefusalAction>();
  for (const { param, value, bound } of operation.reductions) {
    if (actions.has(param)) continue;
    if (wouldFit(memory, blocked.call, { bound, count: operation.count })) {
      actions.set(param, { do: 'reduce', param, max: value });
    }
  }
  const uses = operation.count > 1 ? usesThatFit(blocked, operation.count) : 0;
  if (uses > 0) actions.set('count', { do: 'reduce', param: 'count', max: uses });
  return [...actions.values()];
}

const isReduction = (action: RefusalAction): boolean => action.do === 'reduce';

function refusedVerdict(
  memory: Memory,
  operation: QuotedOperation,
  judged: Judged,
): OperationVerdict | null {
  if (judged.refusal === null) return null;
  const { call, refused, blocked } = judged.refusal;
  const { code, message, refusal } = refused;
  const own = refusal.actions;
  const reductions = blocked === null ? [] : reductionsFor(memory, operation, blocked);
  const alternative =
    code === 'subscription_inactive'
      ? undefined
      : operation.alternatives.find((bound) =>
          wouldFit(memory, call, { bound, count: operation.count }),
        );
  return {
    id: operation.id,
    allowed: false,
    outputTokens: [],
    softBreaches: [],
    refusal: {
      code,
      message,
      blockedBy: refusal.limits.map((limit) => limit.id),
      actions: [
        ...own.filter(isReduction),
        ...reductions,
        ...own.filter((one) => !isReduction(one)),
      ],
      alternative: alternative?.model ?? null,
      usageInfo: refusal.usage_info,
    },
  };
}

function times(amounts: MeterAmounts, count: bigint): MeterAmounts {
  const product: Partial<Record<Meter, bigint>> = {};
  for (const meter of METERS) {
    const amount = amounts[meter];
    if (amount !== undefined) product[meter] = amount * count;
  }
  return product;
}

/** What all uses may count at most, whichever candidate serves. */
function coverageOf(candidates: readonly JudgedCandidate[], count: number): Charge {
  const amounts: Partial<Record<Meter, bigint>> = {};
  for (const { call, tokens } of candidates) {
    const all = times(coveredBy(call.next, tokens ?? 0).amounts, BigInt(count));
    for (const meter of METERS) {
      const amount = all[meter];
      if (amount !== undefined && amount > (amounts[meter] ?? -1n)) amounts[meter] = amount;
    }
  }
  return { model: candidates[0]?.call.next.model ?? '', amounts };
}

/** True where not all candidates stand under the same allowances. */
function standApart(candidates: readonly JudgedCandidate[]): boolean {
  const [first, ...others] = candidates.map(({ assessments }) =>
    assessments.filter(({ limit }) => limit.allowance).map(({ limit }) => limit),
  );
  return others.some(
    (own) => own.length !== first?.length || own.some((one) => !first.includes(one)),
  );
}

function newLeg(
  command: QuoteCommand,
  operation: QuotedOperation,
  at: {
    readonly call: Call;
    readonly judged: Judged;
    readonly expiresAtMs: number;
    readonly nowMs: number;
  },
): OpenHold {
  const { plan } = at.call;
  const covered = coverageOf(at.judged.candidates, operation.count);
  const outputTokens = at.judged.candidates[0]?.tokens ?? null;
  return {
    holdId: operation.holdId,
    requestId: command.quoteId,
    customerId: command.customerId,
    keyId: command.keyId,
    token: at.call.token,
    operation: operation.operation,
    state: 'held',
    createdAtMs: at.nowMs,
    expiresAtMs: at.expiresAtMs,
    plan,
    rulings: at.call.rulings,
    priceBookId: command.priceBookId,
    fingerprint: command.quoteId,
    tags: command.tags,
    requests: covered.amounts.requests ?? 0n,
    outputTokens,
    softBreaches: [],
    observedFloor: {},
    covered: [covered],
    legs: [],
    takes: [],
    slots: [],
    outputByModel: [],
    extensions: 0,
    quote: {
      quoteId: command.quoteId,
      operationId: operation.id,
      uses: operation.count,
      evenly: plan.funding === 'plan_then_wallet' && standApart(at.judged.candidates),
    },
    answer: {
      type: 'held',
      holdId: operation.holdId,
      outputTokens,
      softBreaches: [],
      plan: { id: plan.id, version: plan.version },
      rates: NO_RATES,
    },
  };
}

/** Takes what the operation needs, the most of its candidates, and enters its leg. Returns the soft limits beyond which it went. */
function holdLeg(step: Step, leg: OpenHold, candidates: readonly JudgedCandidate[]): string[] {
  let hold = leg;
  const breaches = new Set<string>();
  for (const { call, assessments } of candidates) {
    const buckets = assessments
      .filter(({ limit }) => bucketed(limit.windowKind))
      .map((one) => ({ ...one, have: ownShare(hold, one) }));
    const { softBreaches, ...taking } = take(
      step,
      { ...call, hold },
      { assessments: buckets, tokens: 0, holdId: hold.holdId },
    );
    for (const limit of softBreaches) breaches.add(limit);
    hold = { ...hold, ...taking };
  }
  const softBreaches = [...breaches];
  const held = { ...hold, softBreaches, answer: { ...hold.answer, softBreaches } };
  step.putHold(held);
  step.enter({
    eventId: `hold:${held.holdId}`,
    kind: 'hold',
    holdId: held.holdId,
    customerId: held.customerId,
    body: holdBody(held),
  });
  return softBreaches;
}

/** What earlier candidates of the operation have taken already. */
function ownShare(hold: OpenHold, { account, ownerId, limit }: Assessment): bigint {
  const counter = findCounter(account, ownerId, limit.counterKey);
  let have = 0n;
  for (const leg of hold.legs) if (leg.counter === counter) have += leg.amount;
  return have;
}

function verdictOf(
  memory: Memory,
  step: Step,
  at: {
    readonly command: QuoteCommand;
    readonly operation: QuotedOperation;
    readonly limits: QuoteLimits;
    readonly account: Account;
    readonly expiresAtMs: number;
    readonly nowMs: number;
  },
): OperationVerdict {
  const { command, operation, account, nowMs } = at;
  const [next] = operation.candidates;
  if (next === undefined) throw new Error(`operation ${operation.id} has no candidate`);
  const call: Call = {
    account,
    plan: account.input.plan,
    rulings: rulingsOf(memory, account, command),
    customerId: command.customerId,
    keyId: command.keyId,
    token: command.token ?? null,
    tags: command.tags,
    operation: operation.operation,
    keep: [],
    next,
    hold: null,
    nowMs,
  };
  rollOver(step, memory, rolloverFor(call));
  const judged = judge(memory, call, operation);
  at.limits.add(judged.candidates);
  const refused = refusedVerdict(memory, operation, judged);
  if (refused !== null) return refused;
  const leg = newLeg(command, operation, { call, judged, expiresAtMs: at.expiresAtMs, nowMs });
  return {
    id: operation.id,
    allowed: true,
    outputTokens: judged.candidates.map(({ tokens }) => tokens),
    softBreaches: holdLeg(step, leg, judged.candidates),
    refusal: null,
  };
}

/**
 * Judges the operations of a quote, and holds them as its mode says. What it does not hold it does not write: the
 * journal is empty then and memory as before.
 *
 * @throws GatewayError `invalid_request` when the quote is to live longer than the plan allows
 */
export function quote(
  memory: Memory,
  command: QuoteCommand,
  nowMs: number,
): Applied<QuoteEvaluation> {
  const account = accountFor(memory, command.customerId);
  account.lastUsedMs = nowMs;
  const expiresAtMs = expiryOf(account, command.ttlMs, nowMs);
  const limits = new QuoteLimits();
  const step = new Step(memory, nowMs);
  const verdicts: OperationVerdict[] = [];
  try {
    for (const operation of command.operations) {
      const at = { command, operation, limits, account, expiresAtMs, nowMs };
      verdicts.push(verdictOf(memory, step, at));
    }
  } catch (error) {
    step.finish(null).undo();
    throw error;
  }
  const allowed = verdicts.filter((verdict) => verdict.allowed).map((verdict) => verdict.id);
  const holds =
    command.mode === 'all' ||
    (command.mode === 'all_or_nothing' && allowed.length === verdicts.length);
  const { subscription, plan } = account.input;
  const evaluation: QuoteEvaluation = {
    asOfMs: nowMs,
    expiresAtMs,
    plan: subscription === null ? null : { id: plan.id, version: plan.version },
    subscriptionStatus: subscription?.status ?? null,
    verdicts,
    limits: limits.list(nowMs),
    held: holds ? allowed : [],
  };
  const applied = step.finish(evaluation);
  if (holds) return applied;
  applied.undo();
  return unchanged(evaluation);
}
