/**
 * Which provider models may answer a request, and what each may cost at most.
 *
 * @module
 */
import type { ModelFacts } from '../catalog/model-facts.ts';
import { boundText, outputCapOf } from '../catalog/bound.ts';
import type { Dimensions } from '../catalog/media-rate.ts';
import { boundOperation } from '../catalog/operation-bound.ts';
import { priceAt } from '../catalog/price-book.ts';
import type { PriceItem } from '../catalog/price-item.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import type { CandidateBound, MeterAmounts, ReserveCommand } from '../metering/ports.ts';
import { assertModelInScope, type Caller } from './caller.ts';
import { chargedTierPrices } from './charged-price.ts';
import type { ConfiguredProvider, Gateway } from './gateway.ts';
import type { QuotedCall } from './quotes/quoted-call.ts';
import { withCalls } from './provider-calls.ts';
import { isServedBy } from './served-by.ts';
import { coverAll, tierPricesAsked, type PricedBound } from './service-tier.ts';
import type { Call } from './call-run.ts';
import type { OperationCall } from './operation-call.ts';
import type { TextCall } from './text-call.ts';

export interface Candidate {
  readonly provider: ConfiguredProvider;
  /** Model id as the provider knows it. */
  readonly model: string;
  /** `provider/model`. */
  readonly name: string;
  readonly facts: ModelFacts;
  readonly price: PriceItem | null;
  /** Prices that a request which names a service tier can end up at; null: it is served in the tier of `price`. */
  readonly tierPrices: readonly PriceItem[] | null;
  /** True where a quote bound the price. */
  readonly isPinned: boolean;
  readonly bound: CandidateBound;
  readonly pricing: ReserveCommand['pricing'];
  readonly observedFloor: MeterAmounts;
  /** Field of an operation to name or to change where there is no price or no bound; null where none is known. */
  readonly pricingParam: string | null;
  /** What the price depends on beside counts. */
  readonly dimensions: Dimensions;
  /** True when the same protocol is spoken on both sides. */
  readonly relays: boolean;
}

/** Longer names are no model's, and are not looked up (F58). */
const MODEL_NAME_MAX = 512;

const NOTHING: MeterAmounts = {};
const NO_DIMENSIONS: Dimensions = {};

type BoundModel = Pick<Candidate, 'provider' | 'model' | 'name' | 'facts' | 'price' | 'tierPrices'>;

interface Bounded extends PricedBound {
  readonly pricingParam: string | null;
  readonly dimensions: Dimensions;
}

function unboundable(
  name: string,
  pricing: Bounded['pricing'],
  pricingParam: string | null,
): Bounded {
  const bound = { model: name, fixed: NOTHING, elastic: null };
  return { bound, pricing, observedFloor: NOTHING, pricingParam, dimensions: NO_DIMENSIONS };
}

/** The request's own field for the member of a quote that a bound asks for: `image.size` is `size` here. */
function fieldOf(param: string | undefined): string | null {
  return param === undefined ? null : param.slice(param.lastIndexOf('.') + 1);
}

function boundOfOperation(call: OperationCall, model: BoundModel): Bounded {
  const { name, facts, price } = model;
  if (price === null) return unboundable(name, 'unpriced_model', null);
  const spec = withCalls(call.spec, model.provider.definition, model.model);
  const bound = boundOperation(price, facts, spec);
  if ('problem' in bound) return unboundable(name, bound.problem, fieldOf(bound.param));
  const { fixed, elastic, observedFloor, dimensions } = bound;
  return {
    bound: { model: name, fixed, elastic },
    pricing: 'priced',
    observedFloor,
    pricingParam: null,
    dimensions,
  };
}

function boundOf(call: Call, model: BoundModel): Bounded {
  return call.kind === 'text'
    ? boundOfText(call, model, call.bytes.length - call.media.imageBytes)
    : boundOfOperation(call, model);
}

function boundOfText(call: TextCall, model: BoundModel, inputTokens: number): Bounded {
  const { tierPrices } = model;
  if (tierPrices === null) return boundAt(call, model, inputTokens);
  const bounds = tierPrices.map((price) => boundAt(call, { ...model, price }, inputTokens));
  const covered = coverAll(bounds);
  if (covered === null) return boundAt(call, { ...model, price: null }, inputTokens);
  return { ...covered, pricingParam: null, dimensions: NO_DIMENSIONS };
}

function boundAt(
  call: TextCall,
  model: Pick<Candidate, 'name' | 'facts' | 'price'>,
  inputTokens: number,
): Bounded {
  const { facts, price } = model;
  const context = facts.contextWindow ?? Number.POSITIVE_INFINITY;
  if (price === null) return unboundable(model.name, 'unpriced_model', null);
  const bound = boundText(price, facts, {
    inputBytes: Math.min(inputTokens, context),
    inputMediaTokens: Math.min(call.media.tokensMax ?? Number.POSITIVE_INFINITY, context),
    namedMaxOutputTokens: call.namedMaxOutputTokens,
    n: call.choices,
    maxSearches: call.maxSearches,
  });
  if ('problem' in bound) return unboundable(model.name, bound.problem, null);
  return {
    bound: { model: model.name, fixed: bound.fixed, elastic: bound.elastic },
    pricing: 'priced',
    observedFloor: bound.observedFloor,
    pricingParam: null,
    dimensions: NO_DIMENSIONS,
  };
}

/** A candidate of its parts, member by member: copying them over costs several times as much. */
function candidateOf(
  model: BoundModel,
  bounded: Bounded,
  { isPinned, relays }: Pick<Candidate, 'isPinned' | 'relays'>,
): Candidate {
  return {
    provider: model.provider,
    model: model.model,
    name: model.name,
    facts: model.facts,
    price: model.price,
    tierPrices: model.tierPrices,
    isPinned,
    bound: bounded.bound,
    pricing: bounded.pricing,
    observedFloor: bounded.observedFloor,
    pricingParam: bounded.pricingParam,
    dimensions: bounded.dimensions,
    relays,
  };
}

/** Whether a provider has what the call needs. */
function isAble(definition: ProviderDefinition, call: Call, model: string): boolean {
  if (call.kind === 'operation') return isServedBy(definition, call.operation, model);
  const { text } = definition;
  if (text === undefined) return false;
  return !call.stream || text.stream !== undefined || text.relay !== undefined;
}

/**
 * Resolves the model of a request to its candidates, each priced and bounded, in the order in which they are tried.
 *
 * @throws GatewayError `model_not_found`, `model_not_allowed` (key scope), `invalid_request` when no candidate
 *   can do what is asked
 */
export function resolveCandidates(
  gateway: Gateway,
  caller: Caller,
  call: Call,
): readonly Candidate[] {
  const resolved = call.model.length > MODEL_NAME_MAX ? null : gateway.catalog.resolve(call.model);
  if (resolved === null || resolved.length === 0) {
    throw new GatewayError('model_not_found', {
      message: `The model "${call.model.slice(0, 200)}" is not known here. GET /v1/models lists the models you may use.`,
      param: 'model',
    });
  }
  const nowMs = gateway.clock.nowMs();
  const candidates: Candidate[] = [];
  for (const { provider: providerId, model, name, facts, listed } of resolved) {
    const provider = gateway.providers.get(providerId);
    if (provider === undefined || !isAble(provider.definition, call, model)) continue;
    const base = listed === null ? null : priceAt(listed, nowMs);
    const price = gateway.priceRules.charged(caller, base, nowMs);
    const tierPrices =
      call.serviceTier === null
        ? null
        : tierPricesAsked(call.serviceTier, () =>
            chargedTierPrices(gateway, caller, { provider: providerId, model, atMs: nowMs }),
          );
    const priced = { provider, model, name, facts, price, tierPrices };
    const relays =
      call.kind === 'text' && provider.definition.text?.relay?.protocol === call.protocol;
    candidates.push(candidateOf(priced, boundOf(call, priced), { isPinned: false, relays }));
  }
  const [first] = candidates;
  if (first === undefined) {
    throw new GatewayError('invalid_request', {
      message: `The model "${call.model.slice(0, 200)}" cannot answer this kind of request.`,
      param: 'model',
    });
  }
  for (const candidate of candidates) assertModelInScope(caller.key, candidate.name);
  return candidates;
}

/**
 * The candidate at the price that a quote bound, where it did: the standard one, or those of the service tiers that the
 * call can end up in.
 */
export function atQuotedPrice(
  candidate: Candidate,
  call: Call,
  quote: Pick<QuotedCall, 'prices' | 'tierPrices'>,
): Candidate {
  const { provider, model, name, facts } = candidate;
  const price = quote.prices.get(name);
  if (price === undefined) return candidate;
  let tierPrices: Candidate['tierPrices'] = null;
  if (candidate.tierPrices !== null) {
    const quoted = quote.tierPrices.get(name) ?? [];
    tierPrices = tierPricesAsked(call.serviceTier ?? '', () => quoted) ?? [];
    // The quote says nothing of the tier that the call names.
    if (tierPrices.length === 0) return candidate;
  }
  const priced = { provider, model, name, facts, price, tierPrices };
  return candidateOf(priced, boundOf(call, priced), { isPinned: true, relays: candidate.relays });
}

/** The candidate with its input bounded by `inputTokens` instead of the request's bytes. */
export function withInputTokens(
  candidate: Candidate,
  call: TextCall,
  inputTokens: number,
): Candidate {
  return candidateOf(candidate, boundOfText(call, candidate, inputTokens), candidate);
}

/** The maximum written into the upstream request, for each choice. */
export function outputTokensPerChoice(
  candidate: Candidate,
  call: TextCall,
  heldTokens: number | null,
): number {
  const tokens = heldTokens ?? call.namedMaxOutputTokens ?? outputCapOf(candidate.facts);
  return heldTokens === null ? tokens : Math.max(1, Math.floor(tokens / call.choices));
}
