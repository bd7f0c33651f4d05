/**
 * Which provider models may answer a request, and what each may cost at most.
 *
 * @module
 */
import type { ModelFacts } from '../catalog/model-facts.ts';
import { boundText, outputCapOf } from '../catalog/bound.ts';
import type { PriceItem } from '../catalog/price-item.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { TextProvider } from '../contracts/text-provider.ts';
import type { CandidateBound, MeterAmounts, ReserveCommand } from '../metering/ports.ts';
import { assertModelInScope, type Caller } from './caller.ts';
import { chargedPrice, chargedTierPrices } from './charged-price.ts';
import type { ConfiguredProvider, Gateway } from './gateway.ts';
import { coverAll, tierPricesAsked, type PricedBound } from './service-tier.ts';
import type { TextCall } from './text-call.ts';

export interface Candidate {
  readonly provider: ConfiguredProvider;
  readonly text: TextProvider;
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
  /** True when the same protocol is spoken on both sides. */
  readonly relays: boolean;
}

/** Longer names are no model's, and are not looked up (F58). */
const MODEL_NAME_MAX = 512;

const NOTHING: MeterAmounts = {};

function boundOf(
  call: TextCall,
  model: Pick<Candidate, 'name' | 'facts' | 'price' | 'tierPrices'>,
  inputTokens: number = call.bytes.length,
): PricedBound {
  const { tierPrices } = model;
  if (tierPrices === null) return boundAt(call, model, inputTokens);
  const bounds = tierPrices.map((price) => boundAt(call, { ...model, price }, inputTokens));
  return coverAll(bounds) ?? boundAt(call, { ...model, price: null }, inputTokens);
}

function boundAt(
  call: TextCall,
  model: Pick<Candidate, 'name' | 'facts' | 'price'>,
  inputTokens: number,
): PricedBound {
  const { facts, price } = model;
  const context = facts.contextWindow ?? Number.POSITIVE_INFINITY;
  const unpriced = { model: model.name, fixed: NOTHING, elastic: null };
  if (price === null) return { bound: unpriced, pricing: 'unpriced_model', observedFloor: NOTHING };
  const bound = boundText(price, facts, {
    inputBytes: Math.min(inputTokens, context),
    inputMediaTokens: Math.min(call.mediaTokens ?? Number.POSITIVE_INFINITY, context),
    namedMaxOutputTokens: call.namedMaxOutputTokens,
    n: call.choices,
    maxSearches: call.maxSearches,
  });
  if ('problem' in bound)
    return { bound: unpriced, pricing: bound.problem, observedFloor: NOTHING };
  return {
    bound: { model: model.name, fixed: bound.fixed, elastic: bound.elastic },
    pricing: 'priced',
    observedFloor: bound.observedFloor,
  };
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
  call: TextCall,
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
  for (const { provider: providerId, model } of resolved) {
    const provider = gateway.providers.get(providerId);
    const text = provider?.definition.text;
    if (provider === undefined || text === undefined) continue;
    if (call.stream && text.stream === undefined && text.relay === undefined) continue;
    const name = `${providerId}/${model}`;
    const facts = gateway.catalog.factsOf(providerId, model);
    const of = { provider: providerId, model, atMs: nowMs };
    const price = chargedPrice(gateway, caller.customer.id, of);
    const tierPrices =
      call.serviceTier === null
        ? null
        : tierPricesAsked(call.serviceTier, () =>
            chargedTierPrices(gateway, caller.customer.id, of),
          );
    candidates.push({
      provider,
      text,
      model,
      name,
      facts,
      price,
      tierPrices,
      isPinned: false,
      ...boundOf(call, { name, facts, price, tierPrices }),
      relays: text.relay?.protocol === call.protocol,
    });
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
 * The candidate at the price that a quote bound, where it did. `prices` by `provider/model`. A quote binds prices of
 * the standard service alone.
 */
export function atQuotedPrice(
  candidate: Candidate,
  call: TextCall,
  prices: ReadonlyMap<string, PriceItem>,
): Candidate {
  const { name, facts, tierPrices } = candidate;
  const price = prices.get(name);
  if (price === undefined || tierPrices !== null) return candidate;
  return {
    ...candidate,
    price,
    isPinned: true,
    ...boundOf(call, { name, facts, price, tierPrices }),
  };
}

/** The candidate with its input bounded by `inputTokens` instead of the request's bytes. */
export function withInputTokens(
  candidate: Candidate,
  call: TextCall,
  inputTokens: number,
): Candidate {
  return { ...candidate, ...boundOf(call, candidate, inputTokens) };
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
