/**
 * A quote as it is shown (contract §4.1): money as decimal strings with nine places, amounts as decimal strings.
 *
 * @module
 */
import type { PricedLine } from '../../catalog/index.ts';
import type { RefusalAction } from '../../contracts/limit-status.ts';
import { METERS } from '../../contracts/metering.ts';
import { formatUsd } from '../../contracts/money.ts';
import { formatMeterAmount } from '../../metering/core/meter-amounts.ts';
import { coveredBy } from '../../metering/core/take.ts';
import type { OperationVerdict, QuoteLeg } from '../../metering/quote-port.ts';
import type { MadeQuote } from './make-quote.ts';
import type { PricedCandidate } from './price-operation.ts';
import type { RecordedOperation } from './quote-record.ts';
import type { QuoteTokens } from './quote-token.ts';

/** One line of the account of a maximum: `quantity × rate`, where `rate` buys `per` units. */
export interface ShownCostLine {
  readonly unit: string;
  readonly quantity: string;
  readonly rate: string;
  readonly per: string;
}

export interface ShownCost {
  readonly min: string;
  readonly expected: string;
  readonly max: string;
  readonly lines: readonly ShownCostLine[];
}

export interface ShownOperation {
  readonly id: string;
  readonly allowed: boolean;
  readonly provider: string | null;
  readonly model: string | null;
  readonly resolved_from: RecordedOperation['resolvedFrom'];
  readonly usage: readonly { readonly meter: string; readonly quantity: string }[];
  /** Null where it is not known; never 0 for that. */
  readonly cost: ShownCost | null;
  readonly confidence: PricedCandidate['confidence'] | null;
  /** What the provider itself says that all uses cost; null where it does not tell. */
  readonly provider_price: string | null;
  readonly blocked_by: readonly string[];
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly actions: readonly RefusalAction[];
}

interface Costs {
  readonly min: bigint;
  readonly expected: bigint;
  readonly max: bigint;
}

const MILLION = 1_000_000n;

/** Units that are sold by the piece or by the second are shown so, where that loses nothing. */
function lineOf(line: PricedLine, count: number): ShownCostLine {
  const quantity = BigInt(line.billed) * BigInt(count);
  const rate = line.nanoUsdPerMillion;
  const { unit } = line;
  if (unit.endsWith('_ms') && rate % 1000n === 0n && quantity % 1000n === 0n) {
    return {
      unit: `${unit.slice(0, -'_ms'.length)}_second`,
      quantity: String(quantity / 1000n),
      rate: formatUsd(rate / 1000n),
      per: '1',
    };
  }
  if (!unit.endsWith('_tokens') && rate % MILLION === 0n) {
    const piece = unit.replace(/es$/, unit === 'web_searches' ? '' : 'e').replace(/s$/, '');
    return { unit: piece, quantity: String(quantity), rate: formatUsd(rate / MILLION), per: '1' };
  }
  return { unit, quantity: String(quantity), rate: formatUsd(rate), per: String(MILLION) };
}

/** The account of a use whose output was lowered to `tokens`. */
function linesAt(candidate: PricedCandidate, tokens: number | null): readonly PricedLine[] {
  if (tokens === null || candidate.bound.elastic === null) return candidate.lines;
  return candidate.lines.map((line) =>
    line.unit === 'output_text_tokens' ? { ...line, counted: tokens, billed: tokens } : line,
  );
}

/** What the price book expects, or within its range what the provider says. An exact price is what will be booked, whoever says what. */
function likelyOf({ confidence, cost, providerNanoUsd }: PricedCandidate): bigint {
  if (providerNanoUsd === undefined || confidence === 'exact') return cost.expectedNanoUsd;
  return providerNanoUsd < cost.minNanoUsd ? cost.minNanoUsd : providerNanoUsd;
}

function costsOf(
  operation: RecordedOperation,
  verdict: OperationVerdict | null,
): { readonly costs: Costs; readonly lines: readonly PricedLine[] } {
  const [first] = operation.candidates;
  if (first === undefined) return { costs: { min: 0n, expected: 0n, max: 0n }, lines: [] };
  let max = 0n;
  let lines: readonly PricedLine[] = [];
  operation.candidates.forEach((candidate, index) => {
    const { bound } = candidate;
    const wanted = bound.elastic?.tokens ?? 0;
    const tokens = verdict?.outputTokens[index] ?? null;
    const most = coveredBy(bound, tokens ?? wanted).amounts.cost_usd ?? 0n;
    if (index > 0 && most <= max) return;
    max = most;
    lines = linesAt(candidate, tokens);
  });
  const { minNanoUsd } = first.cost;
  const likely = likelyOf(first);
  const expected = likely < max ? likely : max;
  return {
    costs: { min: minNanoUsd < expected ? minNanoUsd : expected, expected, max },
    lines,
  };
}

function usageOf(
  operation: RecordedOperation,
  verdict: OperationVerdict | null,
): ShownOperation['usage'] {
  const [first] = operation.candidates;
  if (first === undefined) return [];
  const tokens = verdict?.outputTokens[0] ?? first.bound.elastic?.tokens ?? 0;
  const { amounts } = coveredBy(first.bound, tokens);
  return METERS.flatMap((meter) => {
    const amount = amounts[meter];
    if (amount === undefined || amount === 0n || meter === 'cost_usd') return [];
    const all = amount * BigInt(operation.count);
    return [{ meter, quantity: formatMeterAmount(meter, all) }];
  });
}

function actionsOf(
  operation: RecordedOperation,
  verdict: OperationVerdict | null,
): readonly RefusalAction[] {
  const refusal = verdict?.refusal ?? null;
  if (refusal === null) return [];
  const model = refusal.alternative;
  const cost = model === null ? undefined : operation.alternatives.get(model);
  if (model === null || cost === undefined) return refusal.actions;
  const reductions = refusal.actions.filter((action) => action.do === 'reduce');
  const others = refusal.actions.filter((action) => action.do !== 'reduce');
  const max_cost = formatUsd(cost * BigInt(operation.count));
  return [...reductions, { do: 'switch_model', model, max_cost }, ...others];
}

function reasonOf(
  operation: RecordedOperation,
  verdict: OperationVerdict | null,
): ShownOperation['reason'] {
  if (operation.problem !== null) return operation.problem;
  const refusal = verdict?.refusal ?? null;
  if (refusal === null) return null;
  const { code, message } = refusal;
  const { pricingParam } = operation;
  if ((code !== 'unpriced_model' && code !== 'unbounded_cost') || pricingParam === null) {
    return { code, message };
  }
  const hint =
    code === 'unbounded_cost'
      ? `State ${pricingParam}.`
      : `There is no price for this ${pricingParam}.`;
  return { code, message: `${message} ${hint}` };
}

function isPriced(operation: RecordedOperation): boolean {
  return operation.candidates.length > 0 && operation.pricing === 'priced';
}

function showOperation(
  operation: RecordedOperation,
  verdict: OperationVerdict | null,
): { readonly shown: ShownOperation; readonly costs: Costs } {
  const [first] = operation.candidates;
  const { costs: one, lines } = costsOf(operation, verdict);
  const count = BigInt(operation.count);
  const costs = { min: one.min * count, expected: one.expected * count, max: one.max * count };
  const reason = reasonOf(operation, verdict);
  return {
    costs,
    shown: {
      id: operation.id,
      allowed: reason === null && verdict?.allowed === true,
      provider: first?.provider ?? null,
      model: first?.name ?? null,
      resolved_from: operation.resolvedFrom,
      usage: usageOf(operation, verdict),
      cost: isPriced(operation)
        ? {
            min: formatUsd(costs.min),
            expected: formatUsd(costs.expected),
            max: formatUsd(costs.max),
            lines: lines.map((line) => lineOf(line, operation.count)),
          }
        : null,
      confidence: isPriced(operation) ? (first?.confidence ?? null) : null,
      provider_price:
        first?.providerNanoUsd === undefined ? null : formatUsd(first.providerNanoUsd * count),
      blocked_by: verdict?.refusal?.blockedBy ?? [],
      reason,
      actions: actionsOf(operation, verdict),
    },
  };
}

interface Warning {
  readonly code: string;
  readonly operation: string;
  readonly message: string;
}

function warningsOf(
  operation: RecordedOperation,
  verdict: OperationVerdict | null,
): readonly Warning[] {
  const [first] = operation.candidates;
  const warnings: Warning[] = [];
  const warn = (code: string, message: string): void => {
    warnings.push({ code, operation: operation.id, message });
  };
  if (first === undefined || !isPriced(operation)) {
    warn('cost_unknown', 'The total leaves this operation out.');
    return warnings;
  }
  if (first.confidence === 'heuristic') {
    warn(
      'cost_estimated',
      'Some quantity is not known exactly; max is what can be booked at most.',
    );
  }
  const { providerNanoUsd, cost } = first;
  if (
    providerNanoUsd !== undefined &&
    (providerNanoUsd > cost.maxNanoUsd || providerNanoUsd < cost.minNanoUsd)
  ) {
    warn(
      'provider_price_differs',
      'The provider names another price than the price book, by which calls are booked.',
    );
  }
  const wanted = first.bound.elastic?.tokens ?? null;
  const given = verdict?.outputTokens[0] ?? null;
  if (wanted !== null && given !== null && given < wanted) {
    warn('max_tokens_clamped', `Output is limited to ${given} tokens, which is what can be paid.`);
  }
  for (const limit of verdict?.softBreaches ?? []) {
    warn('soft_limit', `This goes beyond the soft limit ${limit}.`);
  }
  return warnings;
}

function showLegs(legs: readonly QuoteLeg[]): readonly Record<string, unknown>[] {
  return legs.map((leg) => ({
    operation: leg.operationId,
    uses: leg.uses,
    uses_left: leg.usesLeft,
    state: leg.state,
  }));
}

const instant = (atMs: number): string => new Date(atMs).toISOString();

/** Every operation of a quote as it is shown, in its order. */
export function shownOperations({ record, evaluation }: MadeQuote): readonly ShownOperation[] {
  return record.operations.map((operation) => {
    const verdict = evaluation.verdicts.find(({ id }) => id === operation.id) ?? null;
    return showOperation(operation, verdict).shown;
  });
}

/** The reply of the quote routes. */
export function showQuote(quote: MadeQuote, tokens: QuoteTokens): Record<string, unknown> {
  const { evaluation, record, quoteId, customerId, priceBookId, legs } = quote;
  const { expiresAtMs } = evaluation;
  const verdictOf = (id: string): OperationVerdict | null =>
    evaluation.verdicts.find((verdict) => verdict.id === id) ?? null;
  const operations = record.operations.map((one) => showOperation(one, verdictOf(one.id)));
  const total = { min: 0n, expected: 0n, max: 0n };
  for (const { costs } of operations) {
    total.min += costs.min;
    total.expected += costs.expected;
    total.max += costs.max;
  }
  const claims = { customerId, quoteId, priceBookId, expiresAtMs };
  return {
    id: quoteId,
    object: 'quote',
    can_proceed: operations.every(({ shown }) => shown.allowed),
    expires_at: instant(expiresAtMs),
    as_of: instant(evaluation.asOfMs),
    price_book: priceBookId,
    plan: evaluation.plan,
    subscription:
      evaluation.subscriptionStatus === null ? null : { status: evaluation.subscriptionStatus },
    total: {
      min: formatUsd(total.min),
      expected: formatUsd(total.expected),
      max: formatUsd(total.max),
      currency: 'USD',
    },
    operations: operations.map(({ shown }) => shown),
    limits: evaluation.limits,
    hold:
      legs.length === 0
        ? null
        : { token: tokens.sign(claims), expires_at: instant(expiresAtMs), legs: showLegs(legs) },
    warnings: record.operations.flatMap((one) => warningsOf(one, verdictOf(one.id))),
  };
}
