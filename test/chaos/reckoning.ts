/**
 * Holds the gateway's books against the provider's: every call that reached the provider must be explained by one
 * hold, and every whole answer that a client has must be booked once, with exactly what the provider billed.
 *
 * @module
 */
import type { CallResult } from './chat-caller.ts';
import type { BookedAttempt, HoldStory } from './ledger-story.ts';

/** One call in the provider's own log. */
export interface ProviderCall {
  readonly id: string;
  readonly tag: string;
  readonly model: string;
  readonly startedAtMs: number;
  /** What the provider bills; null: nothing. */
  readonly billed: { readonly inputTokens: number; readonly outputTokens: number } | null;
}

/** Nano-USD per million tokens. */
export interface Rates {
  readonly input: bigint;
  readonly output: bigint;
}

export interface Evidence {
  readonly providerCalls: readonly ProviderCall[];
  readonly results: readonly CallResult[];
  readonly stories: readonly HoldStory[];
  readonly rates: Readonly<Record<string, Rates>>;
}

/** Sums over the whole answers that are booked exactly: by the ledger, and by the provider's log. */
interface Sums {
  bookedTokens: number;
  billedTokens: number;
  /** Nano-USD as booked, and as recomputed from the provider's log. */
  bookedNanoUsd: bigint;
  recomputedNanoUsd: bigint;
}

interface Answers extends Sums {
  /** Whole answers in a client's hands, repetitions apart, and how many of them are booked once and to the token. */
  readonly wholeAnswers: number;
  readonly exact: number;
  readonly lost: readonly string[];
}

interface Explanations {
  /** Provider calls by how their hold ended. */
  settled: number;
  voided: number;
  reconciled: number;
  readonly unexplained: string[];
  /** Provider calls that began before their hold. */
  readonly beforeHold: string[];
  /** What the provider bills for calls that a kill cut off. */
  cutBilledTokens: number;
  cutBilledNanoUsd: bigint;
}

/** Calls that came again under their idempotency key. */
interface Repetitions {
  /** Calls beyond the first of their tag. */
  readonly repeated: number;
  /** Whole answers that were said to be an earlier call's. */
  readonly replayed: number;
  /** Tags whose whole answers are not the same. */
  readonly differing: readonly string[];
}

/** What quotes held for calls to come. */
interface Legs {
  readonly legs: number;
  /** Legs that no call has drawn on, freed by the client or by time. */
  readonly legsFreed: number;
  /** Legs that cost something, or did not end exactly once. */
  readonly wrongLegs: readonly string[];
}

export interface Reckoning extends Readonly<Answers>, Readonly<Explanations>, Repetitions, Legs {
  readonly clientCalls: number;
  readonly providerCalls: number;
  readonly holds: number;
  /** Tags with more than one hold, or whose hold ended more than once. */
  readonly doubled: readonly string[];
  /** Holds without an end. */
  readonly open: readonly string[];
  readonly refusals: number;
  /** Refused for a limit, and yet held or sent to a provider. */
  readonly leakedRefusals: readonly string[];
  /** Nano-USD charged by estimate for calls that a kill cut off. */
  readonly cutChargedNanoUsd: bigint;
}

type ByTag<Item> = ReadonlyMap<string, readonly Item[]>;

function byTag<Item extends { readonly tag: string }>(items: readonly Item[]): ByTag<Item> {
  return Map.groupBy(items, ({ tag }) => tag);
}

const UNITS = {
  input: ['input_text_tokens', 'cache_read_tokens'],
  output: ['output_text_tokens', 'reasoning_tokens'],
} as const;

function tokensOf({ usage }: BookedAttempt, side: keyof typeof UNITS): number {
  return UNITS[side].reduce((sum, unit) => sum + (usage[unit] ?? 0), 0);
}

function billedTokensOf({ billed }: ProviderCall): number {
  return (billed?.inputTokens ?? 0) + (billed?.outputTokens ?? 0);
}

/** Rounded up once, as the contract says. */
function priceOf(rates: Evidence['rates'], { model, billed }: ProviderCall): bigint {
  const rate = rates[model];
  if (rate === undefined) throw new Error(`no rate for ${model}`);
  if (billed === null) return 0n;
  const sum = BigInt(billed.inputTokens) * rate.input + BigInt(billed.outputTokens) * rate.output;
  return (sum + 999_999n) / 1_000_000n;
}

/** The provider call that gave the answer: by its id where the provider tells one. */
function answering(calls: readonly ProviderCall[], attempt: BookedAttempt): ProviderCall | null {
  const { providerRequestId } = attempt;
  if (providerRequestId !== null) return calls.find(({ id }) => id === providerRequestId) ?? null;
  return calls.findLast(({ model }) => model === attempt.modelRequested) ?? null;
}

interface Match {
  readonly attempt: BookedAttempt;
  readonly call: ProviderCall;
}

interface Books {
  readonly stories: readonly HoldStory[];
  readonly calls: readonly ProviderCall[];
  readonly rates: Evidence['rates'];
}

/** What is wrong with the booking of a whole answer; or the attempt and the call that agree. */
function matchAnswer(result: CallResult, books: Books): Match | string {
  const [story] = books.stories;
  if (story === undefined) return 'no hold';
  if (story.endings.join() !== 'settle') return `ended by ${story.endings.join() || 'nothing'}`;
  // With a key an answer is read to its end for a client that has left, and is there when it comes again.
  const outcomes = result.replayed ? ['succeeded', 'client_closed'] : ['succeeded'];
  const attempt = story.attempts.find(({ outcome }) => outcomes.includes(outcome));
  if (attempt === undefined) return 'no attempt that succeeded';
  const call = answering(books.calls, attempt);
  if (call === null || call.billed === null) return 'the provider does not know the answer';
  const billed = `${call.billed.inputTokens}+${call.billed.outputTokens}`;
  const booked = `${tokensOf(attempt, 'input')}+${tokensOf(attempt, 'output')}`;
  const told = `${result.inputTokens}+${result.outputTokens}`;
  if (booked !== billed) return `booked ${booked}, billed ${billed}`;
  if (told !== billed) return `told ${told}, billed ${billed}`;
  if (BigInt(attempt.costNanoUsd) !== priceOf(books.rates, call)) return 'booked at another cost';
  const toldNanoUsd = BigInt(Math.round(Number(result.cost) * 1e9));
  if (toldNanoUsd !== story.costNanoUsd) return `told ${toldNanoUsd}, booked ${story.costNanoUsd}`;
  return { attempt, call };
}

function checkAnswers(
  evidence: Evidence,
  stories: ByTag<HoldStory>,
  calls: ByTag<ProviderCall>,
): Answers {
  const lost: string[] = [];
  const sums: Sums = {
    bookedTokens: 0,
    billedTokens: 0,
    bookedNanoUsd: 0n,
    recomputedNanoUsd: 0n,
  };
  const whole = [...byTag(evidence.results.filter(({ end }) => end === 'whole')).values()];
  for (const [result] of whole) {
    if (result === undefined) continue;
    const match = matchAnswer(result, {
      stories: stories.get(result.tag) ?? [],
      calls: calls.get(result.tag) ?? [],
      rates: evidence.rates,
    });
    if (typeof match === 'string') {
      lost.push(`${result.tag}: ${match}`);
      continue;
    }
    const { attempt, call } = match;
    sums.bookedTokens += tokensOf(attempt, 'input') + tokensOf(attempt, 'output');
    sums.billedTokens += billedTokensOf(call);
    sums.bookedNanoUsd += BigInt(attempt.costNanoUsd);
    sums.recomputedNanoUsd += priceOf(evidence.rates, call);
  }
  return { wholeAnswers: whole.length, exact: whole.length - lost.length, lost, ...sums };
}

/** Finds the one hold that explains each provider call. */
function explain(evidence: Evidence, stories: ByTag<HoldStory>): Explanations {
  const found: Explanations = {
    settled: 0,
    voided: 0,
    reconciled: 0,
    unexplained: [],
    beforeHold: [],
    cutBilledTokens: 0,
    cutBilledNanoUsd: 0n,
  };
  for (const call of evidence.providerCalls) {
    const [story, other] = stories.get(call.tag) ?? [];
    if (story === undefined || other !== undefined || story.endings.length !== 1) {
      found.unexplained.push(`${call.tag}: ${call.id}`);
      continue;
    }
    if (story.heldAtMs > call.startedAtMs) found.beforeHold.push(`${call.tag}: ${call.id}`);
    if (story.endings[0] === 'settle') found.settled += 1;
    else if (story.endings[0] === 'reconcile' && story.wasUnknown) {
      found.reconciled += 1;
      found.cutBilledTokens += billedTokensOf(call);
      found.cutBilledNanoUsd += priceOf(evidence.rates, call);
    } else if (story.endings[0] === 'void') found.voided += 1;
    else found.unexplained.push(`${call.tag}: ended by ${story.endings.join()}`);
  }
  return found;
}

/** Refusals that a limit was the reason of; they must leave no trace. */
const LIMIT_CODES: ReadonlySet<string | null> = new Set([
  'limit_exceeded',
  'limit_held',
  'concurrency_limited',
  'insufficient_funds',
]);

export function isLimitRefusal({ end, code }: CallResult): boolean {
  return end === 'error' && LIMIT_CODES.has(code);
}

function checkRepetitions(results: ByTag<CallResult>): Repetitions {
  let repeated = 0;
  let replayed = 0;
  const differing: string[] = [];
  for (const [tag, list] of results) {
    repeated += list.length - 1;
    const whole = list.filter(({ end }) => end === 'whole');
    replayed += whole.filter((result) => result.replayed).length;
    if (new Set(whole.map(({ digest }) => digest)).size > 1) differing.push(tag);
  }
  return { repeated, replayed, differing };
}

function checkLegs(legs: readonly HoldStory[], calls: ByTag<HoldStory>): Legs {
  const wrong = legs.filter(
    ({ endings, costNanoUsd }) =>
      costNanoUsd !== 0n || (endings.join() !== 'void' && endings.join() !== 'expire'),
  );
  return {
    legs: legs.length,
    legsFreed: legs.filter(({ tag }) => !calls.has(tag)).length,
    wrongLegs: wrong.map(({ tag, endings }) => `${tag}: ${endings.join()}`),
  };
}

/** Compares both books. Pure. */
export function reckon(evidence: Evidence): Reckoning {
  const { providerCalls, results } = evidence;
  const stories = evidence.stories.filter(({ isLeg }) => !isLeg);
  const legs = evidence.stories.filter(({ isLeg }) => isLeg);
  const storiesByTag = byTag(stories);
  const callsByTag = byTag(providerCalls);
  const resultsByTag = byTag(results);
  // A call that was refused, and let in when it came again, has its hold.
  const refused = [...resultsByTag.values()].filter((list) => list.every(isLimitRefusal)).flat();
  const tagsOf = (list: readonly { readonly tag: string }[]): string[] =>
    list.map(({ tag }) => tag);
  const repeated = [...storiesByTag].filter(([, list]) => list.length > 1).map(([tag]) => tag);
  const endedTwice = stories.filter((story) => story.endings.length + story.adjustments > 1);
  const estimated = stories.filter(({ endings }) => endings.includes('reconcile'));
  return {
    clientCalls: results.length,
    providerCalls: providerCalls.length,
    holds: stories.length,
    ...checkAnswers(evidence, storiesByTag, callsByTag),
    ...explain(evidence, storiesByTag),
    ...checkRepetitions(resultsByTag),
    ...checkLegs(legs, storiesByTag),
    doubled: [...repeated, ...tagsOf(endedTwice)],
    open: tagsOf(evidence.stories.filter(({ endings }) => endings.length === 0)),
    refusals: refused.length,
    leakedRefusals: tagsOf(refused).filter((tag) => storiesByTag.has(tag) || callsByTag.has(tag)),
    cutChargedNanoUsd: estimated.reduce((sum, story) => sum + story.costNanoUsd, 0n),
  };
}
