/**
 * Turns what attempts did into what is booked.
 *
 * @module
 */
import { amountsOf } from '../catalog/bound.ts';
import { priceUsage } from '../catalog/media-cost.ts';
import type { Dimensions } from '../catalog/media-rate.ts';
import { expectedTokens } from '../catalog/operation-bound.ts';
import { operationAmounts } from '../catalog/operation-meters.ts';
import type { OperationSpec } from '../catalog/operation-spec.ts';
import { billedUsage, costNanoUsd } from '../catalog/price.ts';
import type { PriceItem } from '../catalog/price-item.ts';
import { servedTierOf } from '../catalog/service-tier.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../contracts/usage.ts';
import type { AttemptRecord, Charge, RequestRecord } from '../metering/ports.ts';
import type { CallEnd } from '../metering/unbooked-port.ts';
import type { Candidate } from './candidates.ts';
import { chargedPrice, chargedTierPrices } from './charged-price.ts';
import type { Gateway } from './gateway.ts';
import { withCalls } from './provider-calls.ts';
import { servedTierPrice } from './service-tier.ts';
import type { CallRun } from './call-run.ts';

const NO_USAGE: UsageVector = {};

/** What became of one attempt. */
export interface AttemptEnd {
  readonly outcome: string;
  readonly httpStatus: number | null;
  readonly modelServed: string | null;
  /** As the provider named it; null where it named none. */
  readonly serviceTier: string | null;
  readonly providerRequestId: string | null;
  readonly firstByteAtMs: number | null;
  readonly billable: AttemptRecord['billable'];
  readonly usage: UsageVector | null;
  readonly estimated: boolean;
  /** Dimensions of the price that the reply decided; null where tokens alone are priced. */
  readonly dimensions: Dimensions | null;
}

/** Prices by the model and in the service tier served. */
function priceOf(
  gateway: Gateway,
  run: CallRun,
  seen: {
    readonly candidate: Candidate;
    readonly end: AttemptEnd;
  },
): PriceItem | null {
  const { candidate, end } = seen;
  const base = modelPriceOf(gateway, run, { candidate, modelServed: end.modelServed });
  const tier = servedTierOf(end.serviceTier);
  // The usual case: no tier was asked for, and none but the priced one answered.
  if (candidate.tierPrices === null && (tier === null || tier === base?.serviceTier)) return base;
  const provider = candidate.provider.definition.id;
  const of = { provider, atMs: run.exchange.startedAtMs };
  const pricesOf = (model: string): readonly PriceItem[] =>
    chargedTierPrices(gateway, run.caller, { ...of, model });
  const model = end.modelServed ?? candidate.model;
  const served = pricesOf(model);
  const booked = served.length > 0 ? served : pricesOf(candidate.model);
  const prices = withQuoted(
    candidate,
    booked,
    () =>
      model === candidate.model || gateway.catalog.isSameModel(provider, model, candidate.model),
  );
  return (
    servedTierPrice(prices, {
      tier,
      asked: candidate.tierPrices,
      usage: end.usage ?? NO_USAGE,
    }) ?? base
  );
}

/** Prices of tiers with those that a quote bound in place of the book's. */
function withQuoted(
  { isPinned, tierPrices }: Candidate,
  booked: readonly PriceItem[],
  isQuotedModel: () => boolean,
): readonly PriceItem[] {
  if (!isPinned || tierPrices === null || !isQuotedModel()) return booked;
  const tiers = new Set(tierPrices.map(({ serviceTier }) => serviceTier));
  return [...tierPrices, ...booked.filter(({ serviceTier }) => !tiers.has(serviceTier))];
}

/** Prices by the model served; by the model asked for where the served one has no price (F115). */
function modelPriceOf(
  gateway: Gateway,
  run: CallRun,
  {
    candidate,
    modelServed,
  }: { readonly candidate: Candidate; readonly modelServed: string | null },
): PriceItem | null {
  if (modelServed === null || modelServed === candidate.model) return candidate.price;
  const provider = candidate.provider.definition.id;
  const { catalog } = gateway;
  // A snapshot of the quoted model is sold at the quoted price, whatever the price book says by now.
  if (candidate.isPinned && catalog.isSameModel(provider, modelServed, candidate.model)) {
    return candidate.price;
  }
  const atMs = gateway.clock.nowMs();
  return (
    chargedPrice(gateway, run.caller, { provider, model: modelServed, atMs }) ?? candidate.price
  );
}

/** What a running stream has cost so far, counted low: for `charge_observed` after a crash. */
export function observedCharge(run: CallRun, candidate: Candidate, outputTokens: number): Charge {
  const floor = candidate.observedFloor;
  const output = BigInt(outputTokens);
  const outputCost =
    candidate.price === null
      ? 0n
      : costNanoUsd(candidate.price, { output_text_tokens: outputTokens });
  return {
    model: candidate.name,
    amounts: {
      ...floor,
      output_tokens: output,
      total_tokens: (floor.total_tokens ?? 0n) + output,
      cost_usd: (floor.cost_usd ?? 0n) + outputCost,
      requests: run.isBooked ? 0n : 1n,
    },
  };
}

/** Usage as told, or as counted by the gateway where the provider is silent. */
export function usageOrEstimate(
  gateway: Gateway,
  run: CallRun,
  seen: {
    readonly candidate: Candidate;
    readonly usage: UsageVector | null;
    readonly outputTokens: number;
    /** The answer broke off: its text may have been delivered and not counted yet. */
    readonly isCut?: boolean;
  },
): { readonly usage: UsageVector; readonly estimated: boolean } {
  const { usage } = seen;
  if (run.call.kind === 'operation') {
    const { provider, model, price } = seen.candidate;
    const spec = withCalls(run.call.spec, provider.definition, model);
    return completedUsage(price, spec, usage ?? NO_USAGE);
  }
  const model = seen.candidate.name;
  if (usage !== null) {
    gateway.estimator.observeInput(model, run.call, inputTokensOf(usage));
    const uncounted =
      seen.isCut === true && (usage.output_text_tokens ?? 0) === 0
        ? seen.outputTokens - outputTokensOf(usage)
        : 0;
    if (uncounted > 0)
      return { usage: { ...usage, output_text_tokens: uncounted }, estimated: true };
    return { usage, estimated: false };
  }
  return {
    usage: {
      input_text_tokens: gateway.estimator.estimateInput(model, run.call),
      output_text_tokens: seen.outputTokens,
    },
    estimated: true,
  };
}

/** What is sold by tokens and came without a count of them is booked at what its price expects. */
export function completedUsage(
  price: PriceItem | null,
  spec: OperationSpec,
  told: UsageVector,
): { readonly usage: UsageVector; readonly estimated: boolean } {
  if (price === null || inputTokensOf(told) + outputTokensOf(told) > 0) {
    return { usage: told, estimated: false };
  }
  const tokens = expectedTokens(price, spec);
  const estimated = Object.keys(tokens).length > 0;
  return { usage: estimated ? { ...tokens, ...told } : told, estimated };
}

/** Adds the row of a finished attempt to the run. */
export function recordAttempt(
  gateway: Gateway,
  run: CallRun,
  attempt: {
    readonly candidate: Candidate;
    readonly dispatchedAtMs: number;
    readonly end: AttemptEnd;
  },
): AttemptRecord {
  const { candidate, end } = attempt;
  const price = priceOf(gateway, run, { candidate, end });
  const reported = end.billable === 'yes' ? (end.usage ?? NO_USAGE) : NO_USAGE;
  const usage = price === null || end.billable !== 'yes' ? reported : billedUsage(price, reported);
  const dimensions =
    end.dimensions === null ? candidate.dimensions : { ...candidate.dimensions, ...end.dimensions };
  const row: AttemptRecord = {
    n: run.attempts.length + 1,
    provider: candidate.provider.definition.id,
    modelRequested: candidate.model,
    modelServed: end.modelServed,
    providerRequestId: end.providerRequestId,
    dispatchedAtMs: attempt.dispatchedAtMs,
    firstByteAtMs: end.firstByteAtMs,
    finishedAtMs: gateway.clock.nowMs(),
    outcome: end.outcome,
    httpStatus: end.httpStatus,
    billable: end.billable,
    usage,
    estimated: end.estimated,
    costNanoUsd:
      price === null || end.billable !== 'yes'
        ? 0n
        : run.call.kind === 'text'
          ? costNanoUsd(price, usage)
          : priceUsage(price, usage, { dimensions }).nanoUsd,
    priceItemId: price?.id ?? null,
  };
  // What a text costs depends on its counts alone.
  const told = run.call.kind === 'text' ? row : { ...row, dimensions };
  const providerPrice = price?.providerPrice ?? null;
  // Only where a rule makes the customer's price another than the provider's.
  const booked =
    providerPrice === null || end.billable !== 'yes'
      ? told
      : { ...told, providerCostNanoUsd: priceUsage(providerPrice, usage, { dimensions }).nanoUsd };
  run.attempts.push(booked);
  return booked;
}

export function totalCostOf(run: CallRun): bigint {
  let total = 0n;
  for (const attempt of run.attempts) total += attempt.costNanoUsd;
  return total;
}

/** Sum of the attempts' usage, for the request's own record. */
export function totalUsageOf(run: CallRun): UsageVector {
  const [only] = run.attempts;
  if (run.attempts.length === 1 && only !== undefined) return only.usage;
  const total: Partial<Record<keyof UsageVector, number>> = {};
  for (const attempt of run.attempts) {
    for (const unit of Object.keys(attempt.usage) as (keyof UsageVector)[]) {
      total[unit] = (total[unit] ?? 0) + (attempt.usage[unit] ?? 0);
    }
  }
  return total;
}

/** How the request ended, as it is recorded. */
export interface RunEnd {
  readonly status: number;
  readonly errorCode: string | null;
  readonly clientClosed: boolean;
}

export function requestRecord(gateway: Gateway, run: CallRun, end: RunEnd): RequestRecord {
  const last = run.attempts.at(-1);
  const finishedAtMs = gateway.clock.nowMs();
  const elapsedMs = gateway.clock.monotonicMs() - run.exchange.startedAtMonotonicMs;
  return {
    requestId: run.exchange.requestId,
    customerId: run.caller.customer.id,
    keyId: run.caller.key.id,
    operation: run.call.operation,
    modelAsked: run.call.model,
    provider: last?.provider ?? null,
    modelServed: last === undefined ? null : (last.modelServed ?? last.modelRequested),
    status: end.status,
    errorCode: end.errorCode,
    stream: run.call.stream,
    clientClosed: end.clientClosed,
    startedAtMs: run.exchange.startedAtMs,
    firstTokenAtMs: run.firstTokenAtMs,
    finishedAtMs,
    overheadMs: Math.max(0, elapsedMs - run.upstreamMs),
    attempts: run.attempts.length,
    usage: totalUsageOf(run),
    costNanoUsd: totalCostOf(run),
    estimated: run.attempts.some((attempt) => attempt.estimated),
    simulated: run.candidates[0]?.provider.simulated ?? false,
    warnings: run.warnings,
    tags: run.tags,
  };
}

/** Counter changes of the billed attempts; a cost-free call still counts as one request. */
export function chargesOf(run: CallRun): readonly Charge[] {
  const billed = run.attempts.filter((attempt) => attempt.billable === 'yes');
  // The last of them is the one that the call counts by.
  return billed.map((attempt, at) => chargeOf(run, attempt, at === billed.length - 1 ? 1 : 0));
}

function chargeOf(run: CallRun, attempt: AttemptRecord, requests: 0 | 1): Charge {
  const { operation } = run.call;
  const { usage, costNanoUsd: cost, providerCostNanoUsd: paid } = attempt;
  const charge = {
    model: `${attempt.provider}/${attempt.modelRequested}`,
    amounts:
      operation === 'text.generate'
        ? amountsOf(usage, cost, requests)
        : operationAmounts(operation, { usage, costNanoUsd: cost, requests }),
  };
  return paid === undefined ? charge : { ...charge, marginNanoUsd: cost - paid };
}

/**
 * What is to be booked of the run, and with it what its idempotency key will answer: a settlement of what was billed,
 * or the release of the hold where nothing was.
 */
function callEndOf(gateway: Gateway, run: CallRun, end: RunEnd): CallEnd {
  const request = requestRecord(gateway, run, end);
  const charges = chargesOf(run);
  const { holdId, attempts } = run;
  const claim = run.claim === null ? undefined : { claim: run.claim.settlement };
  if (charges.length > 0) {
    return { type: 'settle', command: { holdId, charges, attempts, request, ...claim } };
  }
  const reason = end.errorCode ?? (end.clientClosed ? 'client_closed' : 'nothing_billed');
  return { type: 'void', command: { holdId, reason, attempts, request, ...claim } };
}

/**
 * Books the run, and has it recorded.
 *
 * @throws GatewayError `metering_unavailable` when the store takes nothing; {@link bookLater} then
 */
export function bookRun(gateway: Gateway, run: CallRun, end: RunEnd): Promise<void> {
  const callEnd = callEndOf(gateway, run, end);
  return gateway.bookings.book(callEnd, () => {
    if (run.claim !== null) run.claim.isEnded = true;
    run.isBooked = true;
    gateway.recorder.requestEnded(callEnd.command.request, run.caller);
  });
}

/** Has a run booked that {@link bookRun} could not book, as soon as the store takes it. */
export function bookLater(
  gateway: Gateway,
  run: CallRun,
  { end, error }: { readonly end: RunEnd; readonly error: unknown },
): void {
  const { caller } = run;
  const callEnd = callEndOf(gateway, run, end);
  gateway.bookings.keep(callEnd, error, () => {
    gateway.recorder.requestEnded(callEnd.command.request, caller);
  });
}
