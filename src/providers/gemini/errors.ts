/**
 * Gemini's errors: `{error:{code,message,status,details[]}}` with `google.rpc` details.
 * https://ai.google.dev/gemini-api/docs/troubleshooting, https://google.aip.dev/193
 *
 * @module
 */
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { WireReply } from '../../contracts/wire.ts';
import {
  clampWaitMs,
  parseGoogleDuration,
  parseHttpDate,
  retryWaitMs,
} from '../../http/retry-after.ts';
import {
  asList,
  asRecord,
  asRecords,
  asText,
  parseJsonOrUndefined,
  type JsonRecord,
} from './json.ts';

const MESSAGE_LENGTH_MAX = 1000;

interface ErrorFacts {
  readonly status: number;
  /** Canonical code, such as `RESOURCE_EXHAUSTED`. */
  readonly canonical: string;
  /** `ErrorInfo.reason`, such as `API_KEY_INVALID`. */
  readonly reason: string | null;
  readonly message: string;
  readonly details: readonly JsonRecord[];
}

function detailOf(details: readonly JsonRecord[], type: string): JsonRecord | null {
  return (
    details.find((detail) => asText(detail['@type'])?.endsWith(`google.rpc.${type}`) === true) ??
    null
  );
}

function violationsOf(facts: ErrorFacts, type: string): readonly JsonRecord[] {
  return asRecords(detailOf(facts.details, type)?.['violations']);
}

/** Reasons that speak of our key, token or project. https://cloud.google.com/apis/docs/reference (ErrorReason) */
const CREDENTIAL_REASON =
  /^(?:API_KEY_|ACCESS_TOKEN_|CONSUMER_|CREDENTIALS_|SERVICE_DISABLED$|IAM_)/;

/** Limits over a day and limits of zero do not come back within the seconds that `RetryInfo` names. */
function isLongQuota(violation: JsonRecord): boolean {
  return (
    asText(violation['quotaId'])?.includes('PerDay') === true || violation['quotaValue'] === '0'
  );
}

function kindOfExhausted(facts: ErrorFacts): ProviderFailureKind {
  const violations = violationsOf(facts, 'QuotaFailure');
  if (violations.some(isLongQuota)) return 'quota_exhausted';
  // A prepaid account that ran dry answers with the same code and no typed detail.
  if (violations.length === 0 && /credits are depleted|spend(?:ing)? cap/i.test(facts.message)) {
    return 'credit';
  }
  return 'rate_limited';
}

/**
 * FAILED_PRECONDITION says nothing by itself: an unready file is the request's fault, a missing billing account
 * or an unserved region is ours. The typed details decide; the sentence only where there are none.
 */
function kindOfPrecondition(facts: ErrorFacts): ProviderFailureKind {
  const types = violationsOf(facts, 'PreconditionFailure').map((violation) => violation['type']);
  if (types.some((type) => asText(type)?.includes('BILLING') === true)) return 'credit';
  if (types.length > 0 || facts.reason !== null) return 'invalid_request';
  if (/billing/i.test(facts.message)) return 'credit';
  return /user location is not supported/i.test(facts.message) ? 'auth' : 'invalid_request';
}

/** INVALID_ARGUMENT has no typed code for a prompt that is too long or a key that is wrong without `ErrorInfo`. */
function kindOfInvalid(facts: ErrorFacts): ProviderFailureKind {
  if (facts.reason !== null) return 'invalid_request';
  if (/token count\b.*\bexceeds the maximum/i.test(facts.message)) return 'context_length';
  return /^API key (?:not valid|expired)/i.test(facts.message) ? 'auth' : 'invalid_request';
}

const KIND_BY_CANONICAL: ReadonlyMap<string, ProviderFailureKind> = new Map([
  ['UNAUTHENTICATED', 'auth'],
  ['PERMISSION_DENIED', 'auth'],
  ['NOT_FOUND', 'model_not_found'],
  ['UNAVAILABLE', 'overloaded'],
  ['OUT_OF_RANGE', 'invalid_request'],
  ['UNIMPLEMENTED', 'invalid_request'],
]);

const KIND_BY_STATUS: ReadonlyMap<number, ProviderFailureKind> = new Map([
  [401, 'auth'],
  [402, 'credit'],
  [403, 'auth'],
  [404, 'model_not_found'],
  [408, 'server_error'],
  [499, 'server_error'],
  [503, 'overloaded'],
  [529, 'overloaded'],
]);

function kindOf(facts: ErrorFacts): ProviderFailureKind {
  if (facts.reason === 'BILLING_DISABLED') return 'credit';
  if (facts.reason !== null && CREDENTIAL_REASON.test(facts.reason)) return 'auth';
  if (facts.canonical === 'RESOURCE_EXHAUSTED' || facts.status === 429)
    return kindOfExhausted(facts);
  if (facts.canonical === 'FAILED_PRECONDITION') return kindOfPrecondition(facts);
  const known = KIND_BY_CANONICAL.get(facts.canonical) ?? KIND_BY_STATUS.get(facts.status);
  if (known !== undefined) return known;
  return facts.status >= 400 && facts.status < 500 ? kindOfInvalid(facts) : 'server_error';
}

function durationMs(value: unknown): number | null {
  const ms = typeof value === 'string' ? parseGoogleDuration(value) : null;
  return ms === null ? null : clampWaitMs(ms);
}

/** Typed detail, then headers (Gemini sends none, a proxy may), then the end of Google's sentence. */
function waitMsOf(facts: ErrorFacts, headers: WireReply['headers']): number | null {
  return (
    durationMs(detailOf(facts.details, 'RetryInfo')?.['retryDelay']) ??
    retryWaitMs(headers, parseHttpDate(headers['date'] ?? '')) ??
    durationMs(/retry in (\d+(?:\.\d{1,9})?s)\b/i.exec(facts.message)?.[1])
  );
}

export interface ErrorContext {
  /** HTTP status; stands in where the error names no code. */
  readonly status: number;
  readonly headers?: WireReply['headers'];
  readonly usage?: UsageVector | null;
}

/** The failure that an `error` member stands for, whether it came with a status or inside a 200. */
export function failureOfError(error: unknown, context: ErrorContext): ProviderFailure {
  const record = asRecord(error) ?? {};
  const code = record['code'];
  const details = asRecords(record['details']);
  const facts: ErrorFacts = {
    status:
      typeof code === 'number' && code >= 400 && code < 600 ? code : inBandStatus(context.status),
    canonical: asText(record['status']) ?? '',
    reason: asText(detailOf(details, 'ErrorInfo')?.['reason']),
    message:
      asText(record['message']) ?? asText(error) ?? 'Gemini reported an error without a message.',
    details,
  };
  const fields = asList(detailOf(details, 'BadRequest')?.['fieldViolations']);
  return providerFailure({
    kind: kindOf(facts),
    status: facts.status,
    providerCode: facts.reason ?? asText(facts.canonical),
    message: facts.message.slice(0, MESSAGE_LENGTH_MAX),
    param: asText(asRecord(fields[0])?.['field']),
    waitMs: waitMsOf(facts, context.headers ?? {}),
    usage: context.usage ?? null,
  });
}

/** An error inside a 2xx that names no code of its own is a fault of theirs. */
function inBandStatus(status: number): number {
  return status >= 400 ? status : 500;
}

/** Reads a non-2xx reply; bodies that are not Gemini's (HTML of a CDN) are judged by status and never quoted. */
export function readError(reply: WireReply): ProviderFailure {
  const { status, headers } = reply;
  const body = parseJsonOrUndefined(reply.body.toString('utf8'));
  // A streaming method without `alt=sse` puts its error into the JSON array that it answers with.
  const record = asRecord(Array.isArray(body) ? asList(body)[0] : body);
  const error = record?.['error'];
  if (asRecord(error) !== null || asText(error) !== null)
    return failureOfError(error, { status, headers });
  const message = `Gemini answered with status ${status} and a body that is not one of its errors.`;
  return failureOfError({ message }, { status, headers });
}
