/**
 * What the end of a job books: out of its record alone, so that it comes to the same after a restart.
 *
 * @module
 */
import { operationAmounts } from '../../catalog/operation-meters.ts';
import { priceUsage } from '../../catalog/media-cost.ts';
import type { PriceItem } from '../../catalog/price-item.ts';
import { billedUsage } from '../../catalog/price.ts';
import { ERROR_CODES, type ErrorCode } from '../../contracts/error-codes.ts';
import type { ResultFacts } from '../../contracts/media.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { EndedJobState, JobEnding, JobOutput, JobRecord } from '../../metering/job-port.ts';
import type { AttemptRecord, Charge, RequestRecord } from '../../metering/ports.ts';
import { chargedPrice } from '../charged-price.ts';
import type { Gateway } from '../gateway.ts';
import { completedUsage } from '../settlement.ts';
import { thawTerms, type JobTerms } from './job-terms.ts';

/** How the provider's work ended. */
export interface JobOutcome {
  readonly state: EndedJobState;
  /** Whether the provider bills it. */
  readonly billable: AttemptRecord['billable'];
  /** What was delivered; null: what the submission said would be. */
  readonly facts: ResultFacts | null;
  readonly outputs: readonly JobOutput[];
  readonly result: string | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  readonly warnings: readonly string[];
}

/** An end without the time at which the job is removed. */
export type JobEndingBooked = Omit<JobEnding, 'expiresAtMs'>;

/** By the model served, where it is another one and has a price. */
function priceFor(
  gateway: Gateway,
  job: JobRecord,
  { terms, served }: { readonly terms: JobTerms; readonly served: string | null },
): PriceItem | null {
  if (served === null || served === job.model || terms.isPinned) return terms.price;
  const of = { provider: job.provider, model: served, atMs: job.createdAtMs };
  const customer = gateway.directory.customer(job.customerId);
  if (customer === null) return terms.price;
  return chargedPrice(gateway, { customer, planId: terms.planId }, of) ?? terms.price;
}

/** The row of the submission that was not refused. */
function lastAttempt(gateway: Gateway, job: JobRecord, outcome: JobOutcome): AttemptRecord {
  const terms = thawTerms(job.terms);
  const facts = outcome.facts ?? terms.facts;
  const modelServed = facts?.modelServed ?? null;
  const price = priceFor(gateway, job, { terms, served: modelServed });
  const isBilled = outcome.billable === 'yes';
  const told = facts?.usage ?? {};
  const { usage, estimated } =
    price === null || !isBilled
      ? { usage: isBilled ? told : {}, estimated: false }
      : completedUsage(price, terms.spec, told);
  const billed = price === null ? usage : billedUsage(price, usage);
  const dimensions = { ...terms.dimensions, ...facts?.dimensions };
  const costOf = (item: NonNullable<typeof price>): bigint =>
    isBilled ? priceUsage(item, billed, { dimensions }).nanoUsd : 0n;
  const providerPrice = price?.providerPrice ?? null;
  return {
    n: job.attempts.length + 1,
    provider: job.provider,
    modelRequested: job.model,
    modelServed,
    providerRequestId: job.ticket?.id ?? null,
    dispatchedAtMs: job.sentAtMs ?? job.createdAtMs,
    firstByteAtMs: job.startedAtMs,
    finishedAtMs: gateway.clock.nowMs(),
    outcome: outcome.state === 'succeeded' ? 'succeeded' : (outcome.error?.code ?? outcome.state),
    httpStatus: null,
    billable: outcome.billable,
    usage: billed,
    estimated,
    costNanoUsd: price === null ? 0n : costOf(price),
    priceItemId: price?.id ?? null,
    dimensions,
    ...(providerPrice === null || !isBilled ? {} : { providerCostNanoUsd: costOf(providerPrice) }),
  };
}

function totalUsage(attempts: readonly AttemptRecord[]): UsageVector {
  const total: Partial<Record<keyof UsageVector, number>> = {};
  for (const { usage } of attempts) {
    for (const unit of Object.keys(usage) as (keyof UsageVector)[]) {
      total[unit] = (total[unit] ?? 0) + (usage[unit] ?? 0);
    }
  }
  return total;
}

function chargesOf(job: JobRecord, attempts: readonly AttemptRecord[]): readonly Charge[] {
  const billed = attempts.filter(({ billable }) => billable === 'yes');
  return billed.map(({ provider, modelRequested, usage, costNanoUsd }, index) => ({
    model: `${provider}/${modelRequested}`,
    amounts: operationAmounts(job.operation, {
      usage,
      costNanoUsd,
      requests: index === billed.length - 1 ? 1 : 0,
    }),
  }));
}

function requestOf(
  gateway: Gateway,
  job: JobRecord,
  end: {
    readonly attempts: readonly AttemptRecord[];
    readonly outcome: JobOutcome;
    readonly usage: UsageVector;
    readonly costNanoUsd: bigint;
  },
): RequestRecord {
  const { attempts, outcome } = end;
  const last = attempts.at(-1);
  return {
    requestId: job.requestId,
    customerId: job.customerId,
    keyId: job.keyId,
    operation: job.operation,
    modelAsked: job.modelAsked,
    provider: last?.provider ?? null,
    modelServed: last === undefined ? null : (last.modelServed ?? last.modelRequested),
    status: outcome.error === null ? 200 : ERROR_CODES[outcome.error.code].status,
    errorCode: outcome.error?.code ?? null,
    stream: false,
    clientClosed: false,
    startedAtMs: job.createdAtMs,
    firstTokenAtMs: null,
    finishedAtMs: gateway.clock.nowMs(),
    overheadMs: 0,
    attempts: attempts.length,
    usage: end.usage,
    costNanoUsd: end.costNanoUsd,
    estimated: attempts.some(({ estimated }) => estimated),
    simulated: job.simulated,
    warnings: outcome.warnings,
    tags: job.tags,
  };
}

/**
 * The end of a job as the store takes it. What may have been billed, but is not known to be, leaves its hold unknown.
 *
 * @returns with the request as it is logged; null where the hold is left unknown
 */
export function endingOf(
  gateway: Gateway,
  job: JobRecord,
  outcome: JobOutcome,
): { readonly ending: JobEndingBooked; readonly request: RequestRecord | null } {
  const { state, outputs, result, error, warnings } = outcome;
  const shown = { state, outputs, result, error, warnings };
  if (outcome.billable === 'unknown') {
    const ending: JobEndingBooked = {
      ...shown,
      usage: {},
      costNanoUsd: null,
      booking: { type: 'unknown' },
    };
    return { ending, request: null };
  }
  const attempts =
    job.sentAtMs === null ? job.attempts : [...job.attempts, lastAttempt(gateway, job, outcome)];
  const usage = totalUsage(attempts);
  const costNanoUsd = attempts.reduce((sum, attempt) => sum + attempt.costNanoUsd, 0n);
  const request = requestOf(gateway, job, { attempts, outcome, usage, costNanoUsd });
  const charges = chargesOf(job, attempts);
  const booking: JobEnding['booking'] =
    charges.length > 0
      ? { type: 'settle', charges, attempts, request }
      : { type: 'void', reason: error?.code ?? state, attempts, request };
  return { ending: { ...shown, usage, costNanoUsd, booking }, request };
}
