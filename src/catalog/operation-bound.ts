/**
 * What an operation of any modality may cost: the range that a quote shows and the upper bound that a hold takes. Its
 * prices are those of the settlement ({@link priceUsage}), so that a quote and a bill cannot differ in arithmetic.
 *
 * @module
 */
import type { NanoUsd } from '../contracts/money.ts';
import {
  MEDIA_UNITS,
  type MediaUnit,
  type UsageUnit,
  type UsageVector,
} from '../contracts/usage.ts';
import type { ElasticOutput, MeterAmounts } from '../metering/ports.ts';
import { boundText, type BoundProblem } from './bound.ts';
import {
  isPriced,
  priceUsage,
  type OpenRate,
  type PricedLine,
  type PricedUsage,
} from './media-cost.ts';
import {
  openEntries,
  unmetDimension,
  type CountSource,
  type Dimensions,
  type MediaCount,
} from './media-rate.ts';
import type { ModelFacts } from './model-facts.ts';
import { operationAmounts } from './operation-meters.ts';
import {
  dimensionsOf,
  memberFor,
  memberOfDimension,
  quantitiesOf,
  type MediaQuantities,
  type OperationSpec,
} from './operation-spec.ts';
import { tierFor, type PriceItem } from './price-item.ts';

/** Most UTF-8 bytes of a character, and so most tokens. */
const BYTES_PER_CHARACTER_MAX = 4;
/** Bytes of ordinary text for each token: what is expected, never what is held. */
const TYPICAL_BYTES_PER_TOKEN = 4;
/** Output expected of a model whose maximum nobody named. */
const TYPICAL_OUTPUT_TOKENS = 1024;

/**
 * - `exact`: the cost is known to the nano
 * - `bounded`: it cannot exceed the maximum, and depends on what comes out
 * - `heuristic`: some quantity was estimated, e.g. characters stand in for tokens
 */
export type Confidence = 'exact' | 'bounded' | 'heuristic';

export interface OperationBound {
  /** Upper bound of all meters but the elastic output. */
  readonly fixed: MeterAmounts;
  /** Output tokens that the ledger may lower; null for what has no such part. */
  readonly elastic: ElasticOutput | null;
  readonly cost: {
    readonly minNanoUsd: NanoUsd;
    readonly expectedNanoUsd: NanoUsd;
    readonly maxNanoUsd: NanoUsd;
  };
  readonly confidence: Confidence;
  /** Account of the maximum. */
  readonly lines: readonly PricedLine[];
  /** Dimensions that decided the price. */
  readonly dimensions: Dimensions;
  /** Least charge of a call that may have been dispatched before a crash. */
  readonly observedFloor: MeterAmounts;
}

interface Range {
  readonly min: number;
  readonly expected: number;
  readonly max: number;
}

type Tokens = Partial<Record<UsageUnit, Range>>;

function exactly(count: number): Range {
  return { min: count, expected: count, max: count };
}

/** Tokens of the text that goes in; null where the caller said nothing of it. */
function textInputOf(spec: OperationSpec): Range | null {
  const { inputTokens, inputBytes, inputChars } = spec.text ?? {};
  if (inputTokens !== undefined) return exactly(inputTokens);
  const bytes = inputBytes ?? (inputChars === undefined ? null : inputChars);
  if (bytes === null) return null;
  const widest = inputBytes === undefined ? bytes * BYTES_PER_CHARACTER_MAX : bytes;
  const expected = Math.ceil(bytes / TYPICAL_BYTES_PER_TOKEN);
  return { min: Math.min(1, bytes), expected, max: widest };
}

function ceilMillionth(count: number, nanoUsdPerMillion: bigint): bigint {
  return (BigInt(count) * nanoUsdPerMillion + 999_999n) / 1_000_000n;
}

/** The account of a maximum: every class at the dearest that it can end up in. */
function linesOfText(
  item: PriceItem,
  most: { readonly input: number; readonly output: number; readonly searches: number },
): PricedLine[] {
  const tier = tierFor(item, most.input);
  const counts: readonly (readonly [UsageUnit, number, number])[] = [
    ['input_text_tokens', most.input, tier.dearestTextInput],
    ['output_text_tokens', most.output, tier.dearestOutput],
    ['web_searches', most.searches, tier.rates.web_searches],
    ['requests', tier.rates.requests === 0 ? 0 : 1, tier.rates.requests],
  ];
  return counts
    .filter(([, count]) => count > 0)
    .map(([unit, count, rate]) => ({
      unit,
      counted: count,
      billed: count,
      nanoUsdPerMillion: BigInt(rate),
      fallback: false,
      when: {},
    }));
}

/** Text is bounded as a chat call is ({@link boundText}): input at its dearest class, output elastic. */
function boundGeneration(
  item: PriceItem,
  facts: ModelFacts,
  spec: OperationSpec,
): OperationBound | BoundProblem {
  const { maxOutputTokens, expectedOutputTokens, choices = 1, maxSearches = 0 } = spec.text ?? {};
  const named = textInputOf(spec);
  if (named === null) return { problem: 'unbounded_cost', param: 'input' };
  const context = facts.contextWindow ?? Number.POSITIVE_INFINITY;
  const input = Math.min(named.max, context);
  const bound = boundText(item, facts, {
    inputBytes: input,
    inputMediaTokens: 0,
    namedMaxOutputTokens: maxOutputTokens ?? null,
    n: choices,
    maxSearches,
  });
  if ('problem' in bound) return bound;
  const output = bound.elastic.tokens;
  const typical =
    maxOutputTokens === undefined ? TYPICAL_OUTPUT_TOKENS * choices : Math.ceil(output / 2);
  const likely = Math.min(expectedOutputTokens ?? typical, output);
  const requests = item.tiers[0].rates.requests === 0 ? {} : { requests: 1 };
  const { rates } = tierFor(item, named.min);
  const cheapestInput = Math.min(rates.input_text_tokens, rates.cache_read_tokens);
  const expectedUsage: UsageVector = {
    input_text_tokens: Math.min(named.expected, context),
    output_text_tokens: likely,
    ...requests,
  };
  return {
    fixed: bound.fixed,
    elastic: bound.elastic,
    cost: {
      minNanoUsd:
        ceilMillionth(Math.min(named.min, context), BigInt(cheapestInput)) +
        ceilMillionth(1, BigInt(rates.requests)),
      expectedNanoUsd: priceUsage(item, expectedUsage).nanoUsd,
      maxNanoUsd:
        (bound.fixed.cost_usd ?? 0n) + ceilMillionth(output, bound.elastic.nanoUsdPerMillion),
    },
    confidence: named.min === named.max ? 'bounded' : 'heuristic',
    lines: linesOfText(item, { input, output, searches: maxSearches }),
    dimensions: { operation: spec.operation },
    observedFloor: bound.observedFloor,
  };
}

function callsOf({ calls = 1 }: OperationSpec): number {
  return calls;
}

function timesRange({ min, expected, max }: Range, times: number): Range {
  return { min: min * times, expected: expected * times, max: max * times };
}

function sumOf(one: Range | undefined, other: Range): Range {
  if (one === undefined) return other;
  return {
    min: one.min + other.min,
    expected: one.expected + other.expected,
    max: one.max + other.max,
  };
}

/** Count of what tokens are counted by; undefined: the operation has no such thing, null: it is not known. */
function sourceCount(
  of: CountSource,
  spec: OperationSpec,
  quantities: MediaQuantities,
): number | null | undefined {
  switch (of) {
    case 'requests':
      return callsOf(spec);
    case 'drafts':
      return spec.image?.drafts;
    case 'input_images': {
      const inputs = spec.image?.inputs ?? (spec.operation === 'image.edit' ? 1 : undefined);
      return inputs === undefined ? undefined : inputs * callsOf(spec);
    }
    default:
      return quantities[of];
  }
}

/** The widest range of what stays open. */
function rangeOf(entries: readonly MediaCount[], source: number): Range {
  const ranges = entries.map((entry) => {
    const expected = Math.ceil((source * entry.expected) / entry.per);
    return { min: expected, expected, max: Math.ceil((source * entry.max) / entry.per) };
  });
  return {
    min: Math.min(...ranges.map((range) => range.min)),
    expected: Math.max(...ranges.map((range) => range.expected)),
    max: Math.max(...ranges.map((range) => range.max)),
  };
}

interface Known {
  readonly spec: OperationSpec;
  readonly dimensions: Dimensions;
  readonly quantities: MediaQuantities;
}

/** Tokens that the provider will count for the media, by the item's table. */
function countedTokens(item: PriceItem, known: Known): Tokens | BoundProblem {
  const tokens: Tokens = {};
  const counts = item.media?.counts ?? [];
  for (const [of, ofSource] of Map.groupBy(counts, (entry) => entry.of)) {
    const source = sourceCount(of, known.spec, known.quantities);
    if (source === undefined) continue;
    for (const unit of new Set(ofSource.map((entry) => entry.unit))) {
      const entries = openEntries(ofSource, unit, known.dimensions);
      if (entries.length === 0) continue;
      if (source === null) return { problem: 'unbounded_cost', param: memberOf(of) };
      tokens[unit] = sumOf(tokens[unit], rangeOf(entries, source));
    }
  }
  return tokens;
}

function memberOf(of: CountSource): string {
  return of === 'input_images' || of === 'requests' || of === 'drafts' ? 'input' : memberFor(of);
}

/** Media units that are known, or the first priced one that is not. */
function knownMedia(item: PriceItem, known: Known): { usage: UsageVector } | BoundProblem {
  const media: Partial<Record<MediaUnit, number>> = {};
  for (const unit of MEDIA_UNITS) {
    const count = known.quantities[unit];
    if (count === undefined || count === 0) continue;
    if (count !== null) media[unit] = count;
    else if (isPriced(item, unit, known.dimensions)) {
      return { problem: 'unbounded_cost', param: memberFor(unit) };
    }
  }
  return { usage: media };
}

/** True when the item prices what the operation makes, and not only the text that goes in. */
function pricesProduct(item: PriceItem, known: Known, counted: Tokens): boolean {
  if (
    item.listed.has('requests') ||
    Object.keys(counted).some((unit) => unit !== 'input_text_tokens')
  ) {
    return true;
  }
  switch (known.spec.operation) {
    case 'text.moderate':
    case 'text.rerank':
      return item.listed.has('input_text_tokens');
    default:
      if (known.spec.operation === 'text.embed' && item.listed.has('input_text_tokens'))
        return true;
      return MEDIA_UNITS.some(
        (unit) =>
          known.quantities[unit] !== undefined &&
          (item.media?.rates.some((rate) => rate.unit === unit) ?? false),
      );
  }
}

function usageOf(tokens: Tokens, media: UsageVector, pick: keyof Range): UsageVector {
  const usage: Partial<Record<UsageUnit | MediaUnit, number>> = { ...media };
  for (const [unit, range] of Object.entries(tokens) as [UsageUnit, Range][]) {
    if (range[pick] > 0) usage[unit] = range[pick];
  }
  return usage;
}

function confidenceOf(min: bigint, max: bigint, tokens: Tokens): Confidence {
  if (min === max) return 'exact';
  return Object.values(tokens).some((range) => range.min !== range.max) ? 'heuristic' : 'bounded';
}

/** All token classes of the call, or what stands in the way of knowing them. */
function tokensOf(item: PriceItem, known: Known): Tokens | BoundProblem {
  const counted = countedTokens(item, known);
  if (isProblem(counted)) return counted;
  if (!pricesProduct(item, known, counted)) return { problem: 'unpriced_model' };
  const text = textInputOf(known.spec);
  if (!item.listed.has('input_text_tokens')) return counted;
  if (text !== null) {
    return { ...counted, input_text_tokens: timesRange(text, callsOf(known.spec)) };
  }
  return counted.input_text_tokens === undefined && item.tiers[0].rates.input_text_tokens > 0
    ? { problem: 'unbounded_cost', param: 'input' }
    : counted;
}

function isProblem(value: object): value is BoundProblem {
  return 'problem' in value;
}

/** Names what the price book has no price for: a size, a quality, a resolution … */
function unpriced(item: PriceItem, known: Known, unit: MediaUnit): BoundProblem {
  const dimension = unmetDimension(item.media?.rates ?? [], unit, known.dimensions);
  return {
    problem: 'unpriced_model',
    param:
      dimension === null ? memberFor(unit) : memberOfDimension(dimension, known.spec.operation),
  };
}

/** Token classes that an operation is expected to come to, for an answer that came without a count of them. */
export function expectedTokens(item: PriceItem, spec: OperationSpec): UsageVector {
  const dimensions = dimensionsOf(spec, item.media?.defaults ?? {});
  const tokens = tokensOf(item, { spec, dimensions, quantities: quantitiesOf(spec, dimensions) });
  return isProblem(tokens) ? {} : usageOf(tokens, {}, 'expected');
}

function boundUnits(item: PriceItem, spec: OperationSpec): OperationBound | BoundProblem {
  const dimensions = dimensionsOf(spec, item.media?.defaults ?? {});
  const known: Known = { spec, dimensions, quantities: quantitiesOf(spec, dimensions) };
  const tokens = tokensOf(item, known);
  if (isProblem(tokens)) return tokens;
  const media = knownMedia(item, known);
  if (isProblem(media)) return media;
  const fee = item.tiers[0].rates.requests === 0 ? {} : { requests: callsOf(spec) };
  const priced = (pick: keyof Range, open: OpenRate): PricedUsage =>
    priceUsage(item, { ...usageOf(tokens, media.usage, pick), ...fee }, { dimensions, open });
  const most = priced('max', 'dearest');
  const [missing] = most.unpriced;
  if (missing !== undefined) return unpriced(item, known, missing);
  const least = priced('min', 'cheapest').nanoUsd;
  return {
    fixed: operationAmounts(spec.operation, {
      usage: usageOf(tokens, media.usage, 'max'),
      costNanoUsd: most.nanoUsd,
      requests: 1,
    }),
    elastic: null,
    cost: {
      minNanoUsd: least,
      expectedNanoUsd: priced('expected', 'middle').nanoUsd,
      maxNanoUsd: most.nanoUsd,
    },
    confidence: confidenceOf(least, most.nanoUsd, tokens),
    lines: most.lines,
    dimensions,
    observedFloor: requestOnly(spec),
  };
}

function requestOnly(spec: OperationSpec): MeterAmounts {
  return operationAmounts(spec.operation, { usage: {}, costNanoUsd: 0n, requests: 1 });
}

/** Counting tokens is free at every provider that offers it, and no request for the `requests` meter. */
function boundCounting(spec: OperationSpec): OperationBound {
  const nothing = requestOnly(spec);
  return {
    fixed: nothing,
    elastic: null,
    cost: { minNanoUsd: 0n, expectedNanoUsd: 0n, maxNanoUsd: 0n },
    confidence: 'exact',
    lines: [],
    dimensions: { operation: spec.operation },
    observedFloor: nothing,
  };
}

/**
 * Bounds one operation on one model.
 *
 * `unpriced_model`: the item has no price for what the operation would be billed for, or none for this size, quality
 * or resolution; `unbounded_cost`: a quantity that decides the price is not named and has no default. `param` names
 * the member to give.
 */
export function boundOperation(
  item: PriceItem,
  facts: ModelFacts,
  spec: OperationSpec,
): OperationBound | BoundProblem {
  switch (spec.operation) {
    case 'text.generate':
    case 'text.enhance_prompt':
      return boundGeneration(item, facts, spec);
    case 'text.count_tokens':
      return boundCounting(spec);
    default:
      return boundUnits(item, spec);
  }
}
