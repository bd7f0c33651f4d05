/**
 * One operation of a quote on the models that may serve it: prices, bounds and what the key allows.
 *
 * @module
 */
import { chargedPrice, chargedTierPrices } from '../charged-price.ts';
import { boundOperation, type OperationBound, type OperationSpec } from '../../catalog/index.ts';
import type { ModelFacts } from '../../catalog/index.ts';
import type { PriceItem } from '../../catalog/index.ts';
import type { ErrorCode } from '../../contracts/error-codes.ts';
import type { NanoUsd } from '../../contracts/money.ts';
import type { CandidateBound, ReserveCommand } from '../../metering/ports.ts';
import { isModelInScope, isOperationInScope, type Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import { withCalls } from '../provider-calls.ts';
import { isOffered, isQuotable } from '../served-by.ts';
import { tierPricesAsked } from '../service-tier.ts';
import type { QuoteRequestOperation } from './quote-request.ts';

/** What stands in the way before any limit is looked at. */
export interface OperationProblem {
  readonly code: ErrorCode;
  readonly message: string;
}

/** One model that may serve an operation. One use; a caller multiplies by the count. */
export interface PricedCandidate {
  readonly provider: string;
  /** `provider/model`. */
  readonly name: string;
  readonly bound: CandidateBound;
  readonly cost: OperationBound['cost'];
  readonly confidence: OperationBound['confidence'];
  readonly lines: OperationBound['lines'];
  /** What the provider itself says that one use costs; absent: it was not asked, or did not say. */
  readonly providerNanoUsd?: NanoUsd;
}

export interface PricedOperation {
  readonly id: string;
  readonly type: QuoteRequestOperation['type'];
  readonly modelAsked: string;
  readonly count: number;
  /** Input tokens that the caller stated; null where it stated none. */
  readonly inputTokens: number | null;
  readonly resolvedFrom: 'model' | 'name' | 'alias' | null;
  /** Those with a price, in the order in which they are tried; the first even without one. */
  readonly candidates: readonly PricedCandidate[];
  readonly pricing: ReserveCommand['pricing'];
  /** The member that would settle an unbounded cost or a missing price. */
  readonly pricingParam: string | null;
  readonly problem: OperationProblem | null;
  /** Prices by `provider/model`, for the calls that will draw on this. */
  readonly prices: ReadonlyMap<string, PriceItem>;
  /** Prices of the service tiers that they can end up in, where the operation names one. */
  readonly tierPrices: ReadonlyMap<string, readonly PriceItem[]>;
}

/** The operation in the price book's terms. `expectedOutputTokens`: from past calls; null where too few are known. */
export function specOf(
  operation: QuoteRequestOperation,
  expectedOutputTokens: number | null = null,
): OperationSpec {
  const { type, input, output, image, video } = operation;
  return {
    operation: type,
    text: {
      inputTokens: input.tokens,
      inputChars: input.chars,
      maxOutputTokens: output.maxTokens,
      ...(expectedOutputTokens === null ? {} : { expectedOutputTokens }),
    },
    audio: { chars: input.chars, seconds: input.seconds },
    ...(image === null ? {} : { image }),
    ...(video === null ? {} : { video }),
  };
}

const NO_COST = { minNanoUsd: 0n, expectedNanoUsd: 0n, maxNanoUsd: 0n };

function unpriced(provider: string, name: string): PricedCandidate {
  return {
    provider,
    name,
    bound: { model: name, fixed: {}, elastic: null },
    cost: NO_COST,
    confidence: 'exact',
    lines: [],
  };
}

type Judged =
  | { readonly pricing: 'priced'; readonly candidate: PricedCandidate }
  | { readonly pricing: 'unpriced_model' | 'unbounded_cost'; readonly param: string | null };

/** The operation on one model. */
export function priceOn(
  spec: OperationSpec,
  model: {
    readonly provider: string;
    readonly name: string;
    readonly facts: ModelFacts;
    readonly price: PriceItem | null;
  },
): Judged {
  const { provider, name, facts, price } = model;
  if (price === null) return { pricing: 'unpriced_model', param: null };
  const bound = boundOperation(price, facts, spec);
  if ('problem' in bound) return { pricing: bound.problem, param: bound.param ?? null };
  const { fixed, elastic, cost, confidence, lines } = bound;
  return {
    pricing: 'priced',
    candidate: { provider, name, bound: { model: name, fixed, elastic }, cost, confidence, lines },
  };
}

/**
 * What the operation may be priced by on one model: its price, or in the service tier that it names those that it can
 * end up in, the named one first. Null stands for none.
 */
export function pricesAsked(
  gateway: Gateway,
  caller: Caller,
  asked: {
    readonly serviceTier: string | null;
    readonly provider: string;
    readonly model: string;
  },
): { readonly isByTier: boolean; readonly prices: readonly [PriceItem | null, ...PriceItem[]] } {
  const { serviceTier, provider, model } = asked;
  const of = { provider, model, atMs: gateway.clock.nowMs() };
  const tiers =
    serviceTier === null
      ? null
      : tierPricesAsked(serviceTier, () => chargedTierPrices(gateway, caller, of));
  if (tiers === null) return { isByTier: false, prices: [chargedPrice(gateway, caller, of)] };
  const [first = null, ...others] = tiers.toSorted((one) =>
    one.serviceTier === serviceTier ? -1 : 0,
  );
  return { isByTier: true, prices: [first, ...others] };
}

function problemOf(
  gateway: Gateway,
  caller: Caller,
  operation: QuoteRequestOperation,
): OperationProblem | null {
  const { type, model } = operation;
  if (!isOperationInScope(caller.key, type)) {
    return { code: 'forbidden', message: `This key may not be used for ${type}.` };
  }
  const resolved = gateway.catalog.resolve(model);
  if (resolved === null || resolved.length === 0) {
    return {
      code: 'model_not_found',
      message: `The model "${model.slice(0, 200)}" is not known here. GET /v1/models lists the models you may use.`,
    };
  }
  for (const { provider, model: name } of resolved) {
    const full = `${provider}/${name}`;
    if (isModelInScope(caller.key, full)) continue;
    return { code: 'model_not_allowed', message: `This key may not use the model ${full}.` };
  }
  if (resolved.some((one) => isQuotable(gateway, type, one))) return null;
  const message = isOffered(gateway, type)
    ? `The model "${model.slice(0, 200)}" cannot do ${type}.`
    : `No provider of this gateway does ${type}.`;
  return { code: 'invalid_request', message };
}

/** Resolves, prices and bounds an operation. */
export function priceOperation(
  gateway: Gateway,
  caller: Caller,
  asked: {
    readonly operation: QuoteRequestOperation;
    readonly expectedOutputTokens: number | null;
  },
): PricedOperation {
  const { operation } = asked;
  const { id, type, model: modelAsked, count, serviceTier } = operation;
  const inputTokens = operation.input.tokens ?? null;
  const base = { id, type, modelAsked, count, inputTokens, pricingParam: null };
  const problem = problemOf(gateway, caller, operation);
  // A call passes over those that cannot do it, too.
  const resolved = (gateway.catalog.resolve(modelAsked) ?? []).filter((one) =>
    isQuotable(gateway, type, one),
  );
  const [first] = resolved;
  if (problem !== null || first === undefined) {
    const nothing = {
      candidates: [],
      prices: new Map(),
      tierPrices: new Map(),
      resolvedFrom: null,
    };
    return { ...base, ...nothing, pricing: 'priced', problem };
  }
  const spec = specOf(operation, asked.expectedOutputTokens);
  const nowMs = gateway.clock.nowMs();
  const prices = new Map<string, PriceItem>();
  const tierPrices = new Map<string, readonly PriceItem[]>();
  const judged = resolved.flatMap(({ provider, model }) => {
    const name = `${provider}/${model}`;
    const facts = gateway.catalog.factsOf(provider, model);
    const own = chargedPrice(gateway, caller, { provider, model, atMs: nowMs });
    if (own !== null) prices.set(name, own);
    const asked = pricesAsked(gateway, caller, { serviceTier, provider, model });
    if (asked.isByTier)
      tierPrices.set(
        name,
        asked.prices.filter((price) => price !== null),
      );
    const sent = withCalls(spec, gateway.providers.get(provider)?.definition, model);
    // Each tier is judged as a candidate of its own: what is expected is of the first, and every one must fit.
    return asked.prices.map((price) => {
      const judged = priceOn(sent, { provider, name, facts, price });
      const isTierMissing = asked.isByTier && price === null && own !== null;
      return { provider, name, ...judged, ...(isTierMissing ? { param: 'service_tier' } : {}) };
    });
  });
  const candidates = judged.flatMap((one, index) => {
    if (one.pricing === 'priced') return [one.candidate];
    return index === 0 ? [unpriced(one.provider, one.name)] : [];
  });
  const firstName = `${first.provider}/${first.model}`;
  const own = judged[0];
  return {
    ...base,
    candidates,
    pricing: own?.pricing ?? 'unpriced_model',
    pricingParam: own === undefined || own.pricing === 'priced' ? null : own.param,
    problem: null,
    prices,
    tierPrices,
    resolvedFrom:
      firstName === modelAsked ? 'model' : first.model === modelAsked ? 'name' : 'alias',
  };
}
