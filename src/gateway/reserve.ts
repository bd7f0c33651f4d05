/**
 * Takes the hold of a request, or refuses it with a reason and what to do.
 *
 * @module
 */
import { formatUsd } from '../contracts/money.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { RefusalAction } from '../contracts/limit-status.ts';
import type { JobRecord } from '../metering/job-port.ts';
import type { Held, Refused, ReserveCommand } from '../metering/ports.ts';
import { type Candidate, withInputTokens } from './candidates.ts';
import type { Gateway } from './gateway.ts';
import { type QuotedCall, quotedInputTokens, reserveQuoted } from './quotes/quoted-call.ts';
import type { CallRun } from './call-run.ts';

/** A refusal as the error that dialects render. */
export function refusalError(run: CallRun, refused: Refused): GatewayError {
  const actions = refused.refusal.actions.map((action) =>
    action.do === 'reduce' && action.param === 'max_tokens' && run.call.kind === 'text'
      ? { ...action, param: run.call.maxOutputField }
      : action,
  );
  const cheaper = cheaperCandidate(run, refused);
  if (cheaper !== null) actions.push(cheaper);
  const missingTier = missingTierText(run, refused);
  return new GatewayError(refused.code, {
    message: missingTier ?? refused.message,
    refusal: { ...refused.refusal, actions },
    ...paramOf(run, refused.code, missingTier !== null),
    ...(refused.retryAfterMs === null ? {} : { retryAfterMs: refused.retryAfterMs }),
  });
}

/** What to say where the model has a price, but not in the service tier that the call names. */
function missingTierText(run: CallRun, refused: Refused): string | null {
  const [first] = run.candidates;
  if (refused.code !== 'unpriced_model' || first === undefined) return null;
  if (first.price === null) return null;
  if (first.tierPrices === null || first.tierPrices.length > 0) return null;
  const tier = (run.call.serviceTier ?? '').slice(0, 100);
  return `The model ${first.name} has no price in the service tier "${tier}", so a call to it cannot be billed. Leave service_tier out, or have the operator price the tier under models.prices.`;
}

/** The field to change, where it is the price or the model that stands in the way. */
function paramOf(
  run: CallRun,
  code: Refused['code'],
  isTierMissing: boolean,
): { readonly param?: string } {
  const named = run.candidates[0]?.pricingParam ?? null;
  switch (code) {
    case 'model_not_allowed':
      return { param: 'model' };
    case 'unpriced_model':
      return { param: isTierMissing ? 'service_tier' : (named ?? 'model') };
    case 'unbounded_cost':
      if (run.call.kind === 'text') return { param: run.call.maxOutputField };
      return named === null ? {} : { param: named };
    default:
      return {};
  }
}

function boundCost(candidate: Candidate): bigint | null {
  const { fixed, elastic } = candidate.bound;
  if (candidate.pricing !== 'priced' || fixed.cost_usd === undefined) return null;
  const output =
    elastic === null
      ? 0n
      : (BigInt(elastic.tokens) * elastic.nanoUsdPerMillion + 999_999n) / 1_000_000n;
  return fixed.cost_usd + output;
}

/** A later candidate of the same alias that would cost less at most, when money is what is short. */
function cheaperCandidate(run: CallRun, refused: Refused): RefusalAction | null {
  const [first, ...others] = run.candidates;
  const firstCost = first === undefined ? null : boundCost(first);
  if (firstCost === null || !refused.refusal.limits.some((limit) => limit.meter === 'cost_usd'))
    return null;
  for (const other of others) {
    const cost = boundCost(other);
    if (cost !== null && cost < firstCost)
      return { do: 'switch_model', model: other.name, max_cost: formatUsd(cost) };
  }
  return null;
}

function commandOf(gateway: Gateway, run: CallRun, candidate: Candidate): ReserveCommand {
  return {
    holdId: run.holdId,
    requestId: run.exchange.requestId,
    customerId: run.caller.customer.id,
    keyId: run.caller.key.id,
    token: run.caller.key.clientToken?.claim ?? null,
    operation: run.call.operation,
    bound: candidate.bound,
    pricing: candidate.pricing,
    priceBookId: gateway.catalog.priceBook.id,
    fingerprint: run.claim === null ? run.exchange.requestId : run.claim.claim.fingerprint,
    observedFloor: candidate.observedFloor,
    tags: run.tags,
  };
}

/** Refusals that a closer bound may get around. */
const SHORT_OF_FUNDS: ReadonlySet<string> = new Set([
  'limit_exceeded',
  'limit_held',
  'insufficient_funds',
]);

/**
 * Draws on the quote. A quote counts tokens where the pipeline bounds them by bytes; where the bytes do not fit, but
 * as text of this model they are no more tokens than were quoted, the quoted count is the bound: what was quoted is
 * not refused for being written out.
 */
async function reserveOnQuote(
  gateway: Gateway,
  run: CallRun,
  { quote, job }: { readonly quote: QuotedCall; readonly job: JobRecord | null },
): Promise<Held | Refused> {
  const { call } = run;
  const reserveFirst = async ([first]: readonly Candidate[]): Promise<Held | Refused> => {
    if (first === undefined) throw new Error('a run has at least one candidate');
    const command = { ...commandOf(gateway, run, first), modelAsked: call.model, job };
    return await reserveQuoted(gateway, quote, command);
  };
  const outcome = await reserveFirst(run.candidates);
  const [first] = run.candidates;
  if (outcome.type === 'held' || !SHORT_OF_FUNDS.has(outcome.code) || first === undefined) {
    return outcome;
  }
  if (call.kind !== 'text') return outcome;
  const quoted = quotedInputTokens(quote, {
    operation: 'text.generate',
    modelAsked: call.model,
    model: first.name,
  });
  if (quoted === null || gateway.estimator.estimateInput(first.name, call) > quoted) {
    return outcome;
  }
  const closer = run.candidates.map((candidate) => withInputTokens(candidate, call, quoted));
  const answer = await reserveFirst(closer);
  if (answer.type === 'held') run.candidates = closer;
  return answer;
}

function takeHold(
  { store }: Gateway,
  command: ReserveCommand,
  job: JobRecord | null,
): Promise<Held | Refused> {
  return job === null ? store.ledger.reserve(command) : store.jobs.reserve(command, job);
}

/**
 * Reserves the first candidate's bound, and with it records `job`, where there is one. The hold is committed when this
 * returns.
 *
 * @throws GatewayError with the limits' members when the plan refuses, `metering_unavailable` when it cannot be recorded
 */
export function reserve(
  gateway: Gateway,
  run: CallRun,
  job: JobRecord | null = null,
): Promise<void> {
  const [first] = run.candidates;
  if (first === undefined) throw new Error('a run has at least one candidate');
  const asked =
    run.quote === null
      ? takeHold(gateway, commandOf(gateway, run, first), job)
      : reserveOnQuote(gateway, run, { quote: run.quote, job });
  return asked.then((outcome) => {
    run.rates = outcome.rates;
    if (outcome.type === 'refused') throw refusalError(run, outcome);
    run.hold = outcome;
    noteClamp(run, first, outcome.outputTokens);
    for (const limit of outcome.softBreaches) run.warnings.push(`soft_limit=${limit}`);
  });
}

function noteClamp(run: CallRun, candidate: Candidate, outputTokens: number | null): void {
  const wanted = candidate.bound.elastic?.tokens ?? null;
  const { call } = run;
  if (outputTokens === null || wanted === null || outputTokens >= wanted || call.kind !== 'text')
    return;
  run.warnings.push(`${call.maxOutputField}_clamped=${Math.floor(outputTokens / call.choices)}`);
}

/**
 * Raises the hold for a further candidate.
 *
 * @returns false when the plan cannot afford it: the candidate is skipped
 */
export async function extendFor(
  gateway: Gateway,
  run: CallRun,
  cover: { readonly next: Candidate; readonly keep: readonly Candidate[] },
): Promise<boolean> {
  const { next, keep } = cover;
  if (next.pricing !== 'priced') return false;
  const outcome = await gateway.store.ledger.extend({
    holdId: run.holdId,
    keep: keep.map((candidate) => candidate.bound),
    next: next.bound,
  });
  if (outcome.type === 'refused') return false;
  run.hold = outcome;
  noteClamp(run, next, outcome.outputTokens);
  return true;
}
