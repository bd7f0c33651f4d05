/**
 * What could be changed about an operation that was refused: smaller values of its parameters, and other models.
 *
 * @module
 */
import type { ModelFacts, OperationSpec } from '../../catalog/index.ts';
import type { PriceItem } from '../../catalog/price-item.ts';
import type { ModelListing } from '../../catalog/index.ts';
import type { CandidateBound } from '../../metering/ports.ts';
import type { QuoteReduction } from '../../metering/quote-port.ts';
import { isModelInScope, type Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import { withCalls } from '../provider-calls.ts';
import { isQuotable } from '../served-by.ts';
import {
  pricesAsked,
  priceOn,
  specOf,
  type PricedCandidate,
  type PricedOperation,
} from './price-operation.ts';
import type { QuoteRequestOperation } from './quote-request.ts';

const ALTERNATIVES_MAX = 8;
/** Values tried of one parameter. */
const STEPS_MAX = 32;
/** Models of other providers that are priced in search of one. */
const FAR_MODELS_MAX = 200;

/** What could be advised; the ledger picks what would be admitted. */
export interface Advice {
  readonly alternatives: readonly PricedCandidate[];
  readonly reductions: readonly QuoteReduction[];
}

interface Asked {
  readonly operation: QuoteRequestOperation;
  readonly priced: PricedOperation;
}

export const NO_ADVICE: Advice = { alternatives: [], reductions: [] };

/** Whole values below `value`, largest first: all of them, or evenly spaced ones. */
export function valuesBelow(value: number): readonly number[] {
  const whole = Math.ceil(value) - 1;
  if (whole < 1) return [];
  if (whole <= STEPS_MAX) return Array.from({ length: whole }, (_, index) => whole - index);
  const spaced = Array.from({ length: STEPS_MAX }, (_, index) =>
    Math.floor((value * (STEPS_MAX - index)) / (STEPS_MAX + 1)),
  );
  return [...new Set(spaced)].filter((one) => one >= 1);
}

interface Parameter {
  readonly name: string;
  readonly value: number;
  with(value: number): QuoteRequestOperation;
}

/** Parameters whose value is a matter of more or less; output tokens are the ledger's own to lower. */
function parametersOf(operation: QuoteRequestOperation): readonly Parameter[] {
  const { image, video, input, type } = operation;
  const parameters: Parameter[] = [];
  if (image?.n !== undefined) {
    parameters.push({
      name: 'image.n',
      value: image.n,
      with: (n) => ({ ...operation, image: { ...image, n } }),
    });
  }
  if (video?.seconds !== undefined) {
    parameters.push({
      name: 'video.seconds',
      value: video.seconds,
      with: (seconds) => ({ ...operation, video: { ...video, seconds } }),
    });
  }
  for (const name of ['tokens', 'chars', 'seconds'] as const) {
    const value = input[name];
    // The text of an image or a clip is not what it costs.
    if (value === undefined || !(type.startsWith('text.') || type.startsWith('audio.'))) continue;
    parameters.push({
      name: `input.${name}`,
      value,
      with: (less) => ({ ...operation, input: { ...input, [name]: less } }),
    });
  }
  return parameters;
}

function boundWith(
  gateway: Gateway,
  operation: QuoteRequestOperation,
  { name, prices }: { readonly name: string; readonly prices: readonly (PriceItem | null)[] },
): CandidateBound | null {
  const slash = name.indexOf('/');
  const provider = name.slice(0, slash);
  const model = name.slice(slash + 1);
  const facts = gateway.catalog.factsOf(provider, model);
  const { definition } = gateway.providers.get(provider) ?? {};
  const priced = dearestOn(withCalls(specOf(operation), definition, model), {
    provider,
    name,
    facts,
    prices,
  });
  return priced?.bound ?? null;
}

/** The operation at the dearest of the prices; null where it has none of them. */
function dearestOn(
  spec: OperationSpec,
  on: {
    readonly provider: string;
    readonly name: string;
    readonly facts: ModelFacts;
    readonly prices: readonly (PriceItem | null)[];
  },
): PricedCandidate | null {
  let dearest: PricedCandidate | null = null;
  for (const price of on.prices) {
    const judged = priceOn(spec, { ...on, price });
    if (judged.pricing !== 'priced') return null;
    const { candidate } = judged;
    if (dearest === null || candidate.cost.maxNanoUsd > dearest.cost.maxNanoUsd)
      dearest = candidate;
  }
  return dearest;
}

function reductionsOf(
  gateway: Gateway,
  operation: QuoteRequestOperation,
  priced: PricedOperation,
): readonly QuoteReduction[] {
  const dearest = priced.candidates.toSorted((one, other) =>
    one.cost.maxNanoUsd > other.cost.maxNanoUsd ? -1 : 1,
  )[0];
  if (dearest === undefined || priced.pricing !== 'priced') return [];
  return parametersOf(operation).flatMap((parameter) =>
    valuesBelow(parameter.value).flatMap((value): QuoteReduction[] => {
      const bound = boundWith(gateway, parameter.with(value), {
        name: dearest.name,
        prices: priced.tierPrices.get(dearest.name) ?? [priced.prices.get(dearest.name) ?? null],
      });
      return bound === null ? [] : [{ param: parameter.name, value, bound }];
    }),
  );
}

/** True where the model could do the operation at all, as far as is known. */
function isAble(gateway: Gateway, operation: QuoteRequestOperation, model: ModelListing): boolean {
  if (model.candidates !== null) return false;
  const { ownedBy: provider, id } = model;
  const name = { provider, model: id.slice(provider.length + 1) };
  if (!isQuotable(gateway, operation.type, name)) return false;
  return operation.type !== 'text.generate' || model.facts.output?.includes('text') !== false;
}

/** Of the listed models those that do the same for less, the dearest first: the least step down that helps. */
function cheaperOf(
  gateway: Gateway,
  models: readonly ModelListing[],
  asked: Asked & { readonly caller: Caller },
): readonly PricedCandidate[] {
  const { operation, priced } = asked;
  const most = priced.pricing === 'priced' ? (priced.candidates[0]?.cost.maxNanoUsd ?? null) : null;
  const spec = specOf(operation);
  const { serviceTier } = operation;
  const found = models.flatMap(({ id: name, ownedBy: provider, facts }) => {
    const model = name.slice(provider.length + 1);
    const { prices } = pricesAsked(gateway, asked.caller, { serviceTier, provider, model });
    const { definition } = gateway.providers.get(provider) ?? {};
    const candidate = dearestOn(withCalls(spec, definition, model), {
      provider,
      name,
      facts,
      prices,
    });
    if (candidate === null) return [];
    return most === null || candidate.cost.maxNanoUsd < most ? [candidate] : [];
  });
  return found.toSorted((one, other) => (one.cost.maxNanoUsd > other.cost.maxNanoUsd ? -1 : 1));
}

/** Models of the same provider; of the others only where it has none, since pricing all of them takes long. */
function alternativesOf(
  gateway: Gateway,
  caller: Caller,
  asked: Asked,
): readonly PricedCandidate[] {
  const own = asked.priced.candidates[0];
  const models = gateway.catalog
    .list(gateway.clock.nowMs())
    .filter((model) => model.id !== own?.name && isAble(gateway, asked.operation, model))
    .filter((model) => isModelInScope(caller.key, model.id));
  const near = models.filter((model) => model.ownedBy === own?.provider);
  const sought = { ...asked, caller };
  const found = cheaperOf(gateway, near, sought);
  if (found.length > 0) return found;
  const far = models.filter((model) => model.ownedBy !== own?.provider);
  return cheaperOf(gateway, far.slice(0, FAR_MODELS_MAX), sought);
}

/** A few of many, evenly spaced, so that the list is short and still reaches down to the cheapest. */
function thinned(candidates: readonly PricedCandidate[]): readonly PricedCandidate[] {
  if (candidates.length <= ALTERNATIVES_MAX) return candidates;
  const step = (candidates.length - 1) / (ALTERNATIVES_MAX - 1);
  return Array.from(
    { length: ALTERNATIVES_MAX },
    (_, index) => candidates[Math.round(index * step)],
  ).filter((one) => one !== undefined);
}

/** Everything that may be advised about one operation. */
export function adviceFor(gateway: Gateway, caller: Caller, asked: Asked): Advice {
  return {
    alternatives: thinned(alternativesOf(gateway, caller, asked)),
    reductions: reductionsOf(gateway, asked.operation, asked.priced),
  };
}
