/**
 * The headers that every reply carries, and those of errors.
 *
 * @module
 */
import { fixedMilliseconds } from '../contracts/durations.ts';
import { formatUsd } from '../contracts/money.ts';
import type { GatewayError } from '../contracts/gateway-error.ts';
import type { RateView, RateViews } from '../metering/ports.ts';
import type { ReplyHeaders } from './exchange.ts';
import { flatText } from '../contracts/flat-text.ts';
import { HeadLines } from './head-lines.ts';

export interface ReplyFacts {
  readonly requestId: string;
  /** Null, as `model` is, where no provider was called. */
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

function rateLines(
  counted: 'requests' | 'tokens',
  { limit, remaining, resetMs }: RateView,
): string {
  const lines = `\r\nx-ratelimit-limit-${counted}: ${limit}\r\nx-ratelimit-remaining-${counted}: ${remaining}`;
  return resetMs === null
    ? lines
    : `${lines}\r\nx-ratelimit-reset-${counted}: ${formatReset(resetMs)}`;
}

/** Providers name what answered, at any length; clients refuse heads of some 16 kB. */
const MODEL_CHARACTERS_MAX = 512;

/** The lines that say who has answered, kept for the next reply: mostly it is the same again. */
let lastServer = { provider: '', model: '', lines: '' };

function serverLines(provider: string, model: string): string {
  if (lastServer.provider !== provider || lastServer.model !== model) {
    const lines = new HeadLines();
    lines.add('x-gateway-provider', provider);
    lines.add('x-gateway-model', headerSafe(model.slice(0, MODEL_CHARACTERS_MAX)));
    lastServer = { provider, model, lines: flatText(lines.text) };
  }
  return lastServer.lines;
}

export function replyLines(facts: ReplyFacts): HeadLines {
  const lines = new HeadLines();
  lines.addOwn(
    `\r\nx-request-id: ${facts.requestId}\r\nx-gateway-attempts: ${facts.attempts}` +
      `\r\nx-gateway-overhead-ms: ${fixedMilliseconds(facts.overheadMs)}`,
  );
  if (facts.provider !== null && facts.model !== null) {
    lines.addOwn(serverLines(facts.provider, facts.model));
  }
  if (facts.costNanoUsd !== null) {
    lines.addOwn(`\r\nx-gateway-cost: ${formatUsd(facts.costNanoUsd)}`);
  }
  if (facts.rates !== null) {
    if (facts.rates.requests !== null) lines.addOwn(rateLines('requests', facts.rates.requests));
    if (facts.rates.tokens !== null) lines.addOwn(rateLines('tokens', facts.rates.tokens));
  }
  if (facts.warnings.length > 0) {
    lines.add('x-gateway-warnings', facts.warnings.map(headerSafe).join(', ').slice(0, 2000));
  }
  if (facts.simulated) lines.add('x-gateway-simulated', 'true');
  return lines;
}

/** {@link replyLines} as a list. */
export function replyHeaders(facts: ReplyFacts): ReplyHeaders {
  return replyLines(facts).list();
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
