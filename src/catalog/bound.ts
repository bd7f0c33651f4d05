/**
 * Upper bounds of a text call before it is dispatched, and the meter amounts of a call that was billed.
 *
 * The bound holds because a token stands for at least one byte: byte-level vocabularies have no empty token,
 * so the input has at most as many tokens as the serialized request has UTF-8 bytes.
 *
 * @module
 */
import type { NanoUsd } from '../contracts/money.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../contracts/usage.ts';
import type { ElasticOutput, MeterAmounts } from '../metering/ports.ts';
import { ceilMillionths } from './ceil-millionths.ts';
import type { ModelFacts } from './model-facts.ts';
import { tierFor, type PriceItem } from './price-item.ts';

/**
 * Output tokens asked for where neither the caller nor the model facts name a maximum. It is written into the
 * upstream request, so it bounds the answer whatever the model could do.
 */
export const DEFAULT_MAX_OUTPUT_TOKENS = 32_768;

/** Fewest output tokens of an answer that are worth a call when the caller named no maximum. */
export const OUTPUT_FLOOR_TOKENS = 256;

/** Bytes of request per input token in ordinary text: for the least charge after a crash, never for a bound. */
const TYPICAL_BYTES_PER_TOKEN = 4;

export interface TextBoundInput {
  /** UTF-8 bytes of the serialized request, tools included; inline media apart where it is counted below. */
  readonly inputBytes: number;
  /** Most tokens of images, audio, video and files by the provider's rule; Infinity when there is no such rule. */
  readonly inputMediaTokens: number;
  /** Maximum that the caller named for each choice, reasoning included; null when none was named. */
  readonly namedMaxOutputTokens: number | null;
  /** Choices asked for. */
  readonly n: number;
  /** Most searches that the provider may run; 0 without a search tool, Infinity when they are not capped. */
  readonly maxSearches: number;
}

export interface TextBound {
  readonly fixed: MeterAmounts;
  readonly elastic: ElasticOutput;
  /** Least charge of a call that may have been dispatched before a crash: the input at its list price. */
  readonly observedFloor: MeterAmounts;
}

/** `unbounded_cost`: something has no upper limit; `unpriced_model`: the item lacks a price the call would need. */
export interface BoundProblem {
  readonly problem: 'unbounded_cost' | 'unpriced_model';
  /** The member of the request that would settle it, where one does. */
  readonly param?: string;
}

/** A count and the nano-USD per million of each. */
type Charge = readonly [count: number, nanoUsdPerMillion: number];

/** Exact ⌈Σ count × rate / 1e6⌉; counts and rates are whole. `sum` is the same sum in doubles, which most stay exact in. */
function ceilCost(sum: number, charges: () => readonly Charge[]): bigint {
  if (sum <= Number.MAX_SAFE_INTEGER) return BigInt(ceilMillionths(sum));
  let exact = 0n;
  for (const [count, rate] of charges()) exact += BigInt(count) * BigInt(rate);
  return (exact + 999_999n) / 1_000_000n;
}

/**
 * The most output tokens that one choice may have when the caller named no maximum: the model's cap, or the
 * default, and never more than half of the context window, since providers refuse a maximum that leaves the
 * prompt no room.
 */
export function outputCapOf(facts: ModelFacts): number {
  const { maxOutputTokens, contextWindow } = facts;
  const cap = maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS;
  return contextWindow === null ? cap : Math.min(cap, Math.floor(contextWindow / 2));
}

function elasticOutput(
  nanoUsdPerMillion: bigint,
  facts: ModelFacts,
  input: TextBoundInput,
): ElasticOutput {
  if (input.namedMaxOutputTokens !== null) {
    const tokens = input.namedMaxOutputTokens * input.n;
    return { tokens, minTokens: tokens, nanoUsdPerMillion };
  }
  const cap = outputCapOf(facts);
  return {
    tokens: cap * input.n,
    minTokens: Math.min(OUTPUT_FLOOR_TOKENS, cap) * input.n,
    nanoUsdPerMillion,
  };
}

/**
 * Bounds a text call on one candidate.
 *
 * Input costs the dearest class it can end up in, at the dearest context tier it can reach; output costs the
 * dearest output class, so that thinking, audio and images are covered. Tiers never get cheaper
 * ({@link createPriceItem}), so the highest reachable one is the dearest.
 */
export function boundText(
  item: PriceItem,
  facts: ModelFacts,
  input: TextBoundInput,
): TextBound | BoundProblem {
  const { inputBytes, inputMediaTokens, maxSearches } = input;
  const inputTokens = inputBytes + inputMediaTokens;
  if (!Number.isFinite(inputTokens) || !Number.isFinite(maxSearches)) {
    return { problem: 'unbounded_cost' };
  }
  if (
    !item.listed.has('input_text_tokens') ||
    !item.listed.has('output_text_tokens') ||
    (maxSearches > 0 && !item.listed.has('web_searches'))
  ) {
    return { problem: 'unpriced_model' };
  }
  const tier = tierFor(item, inputTokens);
  const { rates } = tier;
  const tokens = BigInt(inputTokens);
  const fixed: MeterAmounts = {
    requests: 1n,
    input_tokens: tokens,
    total_tokens: tokens,
    cost_usd: ceilCost(
      inputBytes * tier.dearestTextInput +
        inputMediaTokens * tier.dearestInput +
        maxSearches * rates.web_searches +
        rates.requests,
      () => [
        [inputBytes, tier.dearestTextInput],
        [inputMediaTokens, tier.dearestInput],
        [maxSearches, rates.web_searches],
        [1, rates.requests],
      ],
    ),
  };
  return {
    fixed: maxSearches > 0 ? { ...fixed, searches: BigInt(maxSearches) } : fixed,
    elastic: elasticOutput(tier.dearestOutputNanoUsdPerMillion, facts, input),
    observedFloor: observedFloor(item, inputBytes),
  };
}

function observedFloor(item: PriceItem, inputBytes: number): MeterAmounts {
  const expected = Math.ceil(inputBytes / TYPICAL_BYTES_PER_TOKEN);
  const { rates } = tierFor(item, expected);
  const tokens = BigInt(expected);
  return {
    requests: 1n,
    input_tokens: tokens,
    total_tokens: tokens,
    cost_usd: ceilCost(expected * rates.input_text_tokens + rates.requests, () => [
      [expected, rates.input_text_tokens],
      [1, rates.requests],
    ]),
  };
}

/**
 * What a billed attempt adds to the counters. The request itself is counted with one attempt only: pass
 * `requests` 0 for the others.
 */
export function amountsOf(
  usage: UsageVector,
  costNanoUsd: NanoUsd,
  requests: 0 | 1 = 1,
): MeterAmounts {
  const inputTokens = inputTokensOf(usage);
  const outputTokens = outputTokensOf(usage);
  const searches = usage.web_searches ?? 0;
  const amounts: MeterAmounts = {
    requests: requests === 1 ? 1n : 0n,
    input_tokens: BigInt(inputTokens),
    output_tokens: BigInt(outputTokens),
    total_tokens: BigInt(inputTokens + outputTokens),
    cost_usd: costNanoUsd,
  };
  return searches > 0 ? { ...amounts, searches: BigInt(searches) } : amounts;
}
