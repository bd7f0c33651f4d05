/**
 * How long a provider asks us to wait, from every form in which providers say it. Pure: what time it is comes as
 * an argument.
 *
 * @module
 */

/** Shortest wait that is honoured: a provider that says "at once" is not hammered. */
export const RETRY_WAIT_MIN_MS = 100;
/** Longest wait that is believed, as cooldowns are capped (one hour). */
export const RETRY_WAIT_MAX_MS = 3_600_000;

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h|d))+$/;
const DURATION_PIECE = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d)/g;
const NUMBER = /^-?\d+(?:\.\d+)?$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const IMF_DATE = /^[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850_DATE = /^[A-Za-z]{6,9}, (\d{2})-([A-Za-z]{3})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME_DATE = /^[A-Za-z]{3} ([A-Za-z]{3}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;

/** Numbers from here on are a time in seconds since 1970 rather than a number of seconds to wait. */
const EPOCH_SECONDS_FROM = 1_000_000_000;
const EPOCH_MILLISECONDS_FROM = 1_000_000_000_000;

/** A wait within [100 ms, 1 h]; null for what is no number or lies in the past. */
export function clampWaitMs(ms: number): number | null {
  if (Number.isNaN(ms) || ms < 0) return null;
  return Math.min(RETRY_WAIT_MAX_MS, Math.max(RETRY_WAIT_MIN_MS, Math.ceil(ms)));
}

/** Milliseconds of a duration as Go prints it (`6m0s`, `12ms`, `1h2m3.5s`), not clamped; null if it is none. */
export function parseGoDuration(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed.length > 64 || !DURATION.test(trimmed)) return null;
  let ms = 0;
  for (const [, count = '', unit = ''] of trimmed.matchAll(DURATION_PIECE)) {
    ms += Number(count) * (MS_PER_UNIT[unit] ?? 0);
  }
  return ms;
}

/**
 * Milliseconds of a `google.protobuf.Duration` as JSON (`34.4s`), not clamped; null if it is none.
 * https://protobuf.dev/reference/protobuf/google.protobuf/#duration
 */
export function parseGoogleDuration(text: string): number | null {
  const match = /^(-?\d+(?:\.\d{1,9})?)s$/.exec(text.trim());
  return match === null ? null : Number(match[1]) * 1000;
}

function finiteOrNull(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

/** Milliseconds since 1970 of an HTTP-date in any of its three forms (RFC 9110 §5.6.7); null if it is none. */
export function parseHttpDate(text: string): number | null {
  const trimmed = text.trim();
  if (IMF_DATE.test(trimmed)) return finiteOrNull(Date.parse(trimmed));
  const rfc850 = RFC_850_DATE.exec(trimmed);
  if (rfc850 !== null) {
    const [, day, month, year, time] = rfc850;
    return finiteOrNull(Date.parse(`${day} ${month} 20${year} ${time} GMT`));
  }
  const asctime = ASCTIME_DATE.exec(trimmed);
  if (asctime === null) return null;
  const [, month, day = '', time, year] = asctime;
  return finiteOrNull(Date.parse(`${day.trim()} ${month} ${year} ${time} GMT`));
}

/** Values of repeated headers arrive joined; the first one that is no part of a date counts. */
function firstValue(text: string): string {
  const trimmed = text.trim();
  return /^[A-Za-z]{3,9}, /.test(trimmed) ? trimmed : (trimmed.split(',', 1)[0] ?? '').trim();
}

function millisecondsValue(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = firstValue(text);
  return NUMBER.test(value) ? Number(value) : null;
}

/** `retry-after`: seconds or an HTTP-date (RFC 9110 §10.2.3); some servers send a duration with units. */
function retryAfterValue(text: string | undefined, nowMs: number | null): number | null {
  if (text === undefined) return null;
  const value = firstValue(text);
  if (NUMBER.test(value)) return Number(value) * 1000;
  const at = parseHttpDate(value);
  if (at !== null) return nowMs === null ? null : at - nowMs;
  return parseGoDuration(value);
}

/** A reset as providers write it: a duration, seconds, a time since 1970 in seconds or milliseconds, RFC 3339. */
function resetValue(text: string, nowMs: number | null): number | null {
  const value = firstValue(text);
  const duration = parseGoDuration(value);
  if (duration !== null) return duration;
  const since = (atMs: number): number | null => (nowMs === null ? null : atMs - nowMs);
  if (ISO_TIME.test(value)) return since(Date.parse(value));
  if (!NUMBER.test(value)) return null;
  const number = Number(value);
  if (number >= EPOCH_MILLISECONDS_FROM) return since(number);
  if (number > EPOCH_SECONDS_FROM) return since(number * 1000);
  return number * 1000;
}

/**
 * Scope of a reset header and the name of its twin that counts what remains. Forms: `x-ratelimit-reset-tokens`
 * (OpenAI, Groq), `anthropic-ratelimit-tokens-reset` (Anthropic), `ratelimitbysize-reset` (Mistral),
 * `x-ratelimit-reset` (OpenRouter), `ratelimit-reset` (IETF drafts before 08).
 */
function remainingTwin(name: string): string | null {
  return /ratelimit/.test(name) && /(^|-)reset(-|$)/.test(name)
    ? name.replace(/(^|-)reset(-|$)/, '$1remaining$2')
    : null;
}

/**
 * The longest reset of a limit that is used up; when none says so, the longest of all.
 */
function ratelimitResets(
  headers: Readonly<Record<string, string>>,
  nowMs: number | null,
): number | null {
  let exhausted: number | null = null;
  let longest: number | null = null;
  for (const [name, text] of Object.entries(headers)) {
    const twin = remainingTwin(name);
    if (twin === null) continue;
    const ms = resetValue(text, nowMs);
    if (ms === null || ms < 0) continue;
    longest = Math.max(longest ?? 0, ms);
    const remaining = millisecondsValue(headers[twin]);
    if (remaining !== null && remaining <= 0) exhausted = Math.max(exhausted ?? 0, ms);
  }
  return exhausted ?? longest;
}

/** `t` of `RateLimit: "name";r=0;t=30`, or `reset` of the older `limit=10, remaining=0, reset=30` (IETF drafts). */
function ratelimitField(text: string | undefined): number | null {
  if (text === undefined) return null;
  let longest: number | null = null;
  for (const [, seconds] of text.matchAll(/(?:^|[;,\s])(?:t|reset)=(\d+)/g)) {
    longest = Math.max(longest ?? 0, Number(seconds) * 1000);
  }
  return longest;
}

/**
 * The wait that the headers of a refusal ask for, within [100 ms, 1 h]; null when they do not say.
 *
 * Precedence: `retry-after-ms`, `retry-after`, rate limit resets. A form that says zero, that lies in the past or
 * that cannot be read gives way to the next one. Not to be asked of 2xx replies: some carry `retry-after` for
 * somebody else.
 *
 * @param headers lower-case names
 * @param nowMs time to which dates are compared, best the reply's own `date`; null when it is not known
 */
export function retryWaitMs(
  headers: Readonly<Record<string, string>>,
  nowMs: number | null,
): number | null {
  const forms = [
    millisecondsValue(headers['retry-after-ms']),
    retryAfterValue(headers['retry-after'], nowMs),
    ratelimitResets(headers, nowMs),
    ratelimitField(headers['ratelimit']),
  ];
  const positive = forms.find((ms) => ms !== null && ms > 0);
  if (positive !== undefined && positive !== null) return clampWaitMs(positive);
  return forms.includes(0) ? RETRY_WAIT_MIN_MS : null;
}
