/**
 * The headers that every reply carries, and those of errors.
 *
 * @module
 */
import { formatUsd } from '../contracts/money.ts';
import type { GatewayError } from '../contracts/gateway-error.ts';
import type { RateView, RateViews } from '../metering/ports.ts';
import type { ReplyHeaders } from './exchange.ts';

export interface ReplyFacts {
  readonly requestId: string;
  /** Null where no provider was called. */
  readonly provider: string | null;
  readonly model: string | null;
  readonly attempts: number;
  /** Null while it is not known (streams): it then stands in the last frame. */
  readonly costNanoUsd: bigint | null;
  readonly overheadMs: number;
  readonly rates: RateViews | null;
  readonly warnings: readonly string[];
  readonly simulated: boolean;
}

/** OpenAI's form of a duration: `12ms`, `1s`, `6m0s`. */
export function formatReset(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}

function addRequestRate(headers: ReplyHeaders, rate: RateView): void {
  headers.push(
    'x-ratelimit-limit-requests',
    rate.limit,
    'x-ratelimit-remaining-requests',
    rate.remaining,
  );
  if (rate.resetMs !== null) headers.push('x-ratelimit-reset-requests', formatReset(rate.resetMs));
}

function addTokenRate(headers: ReplyHeaders, rate: RateView): void {
  headers.push(
    'x-ratelimit-limit-tokens',
    rate.limit,
    'x-ratelimit-remaining-tokens',
    rate.remaining,
  );
  if (rate.resetMs !== null) headers.push('x-ratelimit-reset-tokens', formatReset(rate.resetMs));
}

export function replyHeaders(facts: ReplyFacts): ReplyHeaders {
  const headers: ReplyHeaders = [
    'x-request-id',
    facts.requestId,
    'x-gateway-attempts',
    String(facts.attempts),
    'x-gateway-overhead-ms',
    facts.overheadMs.toFixed(3),
  ];
  if (facts.provider !== null) headers.push('x-gateway-provider', facts.provider);
  if (facts.model !== null) headers.push('x-gateway-model', headerSafe(facts.model));
  if (facts.costNanoUsd !== null) headers.push('x-gateway-cost', formatUsd(facts.costNanoUsd));
  if (facts.rates !== null) {
    if (facts.rates.requests !== null) addRequestRate(headers, facts.rates.requests);
    if (facts.rates.tokens !== null) addTokenRate(headers, facts.rates.tokens);
  }
  if (facts.warnings.length > 0) {
    headers.push('x-gateway-warnings', facts.warnings.map(headerSafe).join(', ').slice(0, 2000));
  }
  if (facts.simulated) headers.push('x-gateway-simulated', 'true');
  return headers;
}

const UNSAFE = /[^\x20-\x7e]/;

/** Keeps a warning inside what a header value may hold. */
function headerSafe(text: string): string {
  return UNSAFE.test(text) ? text.replaceAll(new RegExp(UNSAFE, 'g'), '?') : text;
}

/** Longest `Retry-After` in seconds that a client may be told to repeat by itself (clients would sleep for it). */
const AUTOMATIC_WAIT_MAX_S = 60;

/** `x-should-retry`, `Retry-After` and `retry-after-ms` by rule C2: never milliseconds beside "do not retry". */
export function retryHeaders(error: GatewayError): ReplyHeaders {
  const headers: ReplyHeaders = [];
  const waitSeconds =
    error.retryAfterMs === null ? null : Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  const mayRetry = error.shouldRetry === true && (waitSeconds ?? 0) <= AUTOMATIC_WAIT_MAX_S;
  if (error.shouldRetry !== null) headers.push('x-should-retry', String(mayRetry));
  if (waitSeconds === null) return headers;
  headers.push('retry-after', String(waitSeconds));
  if (mayRetry && error.retryAfterMs !== null)
    headers.push('retry-after-ms', String(Math.ceil(error.retryAfterMs)));
  return headers;
}
