/**
 * Errors of this protocol's servers as one {@link ProviderFailure}: typed words decide, then the status, and a
 * sentence only where there is no telling word.
 *
 * @module
 */
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import {
  clampWaitMs,
  parseGoDuration,
  parseHttpDate,
  retryWaitMs,
} from '../../http/retry-after.ts';
import { errorFacts, NO_FACTS, parsedOrUndefined, type ErrorFacts } from './error-facts.ts';
import { objectOf, textOf, type LooseObject } from './loose-json.ts';
import { usageOfFrame, type UsageBesideTotal } from './usage.ts';

/** Longest message that is kept of a provider's sentence. */
const MESSAGE_CHARACTERS_MAX = 1000;

/** Kinds by the typed words that say them; earlier rows win. */
const KINDS_BY_WORD: readonly (readonly [ProviderFailureKind, RegExp])[] = [
  [
    'credit',
    /^(insufficient_(quota|balance|credits?|funds)|billing_(hard_limit_reached|not_active)|credit_limit(_exceeded)?|payment_required|quota_exceeded_credit|arrearage|no_credits?)$/,
  ],
  [
    'context_length',
    /^(context_(length|window)_exceeded|exceed_context_size_error|too_many_prompt_tokens|model_max_prompt_tokens_exceeded|max_context_length_exceeded)$/,
  ],
  [
    'content_filtered',
    /^(content_filter(ed)?|content_policy_violation|responsibleaipolicyviolation|moderation_blocked|data_inspection_failed|content_moderation|invalid_prompt|usage_policy_violation)$/,
  ],
  [
    'model_not_found',
    /^(model_not_(found|supported|available)|modelnotfound|deploymentnotfound|unknown_model|invalid_model|model_decommissioned)$/,
  ],
  ['auth', /^(invalid_api_key|authentication_error|invalid_authentication|account_deactivated)$/],
  ['quota_exhausted', /(per_day|daily)_?(limit|quota)|(limit|quota)_(per_day|daily)/],
];

/** Statuses that in-band errors without one stand for. */
const STATUS_BY_WORD: readonly (readonly [number, RegExp])[] = [
  [
    429,
    /^(rate_limit(_exceeded|_error|ed)?|ratelimitreached|too_many_requests|insufficient_quota)$/,
  ],
  [503, /overloaded|^(service_unavailable|unavailable|capacity_exceeded)$/],
  [401, /^(invalid_api_key|authentication_error)$/],
  [403, /^(permission_denied|permission_error|forbidden)$/],
  [402, /^(insufficient_(balance|credits?|funds)|payment_required)$/],
  [404, /^(model_not_found|not_found_error)$/],
  [
    400,
    /^(invalid_request(_error)?|bad_request|context_length_exceeded|content_filter|content_policy_violation|invalid_prompt)$/,
  ],
];

/** Codes that say no more than the status does: only then is a sentence read. */
const UNSPECIFIC_WORD =
  /^(\d+|invalid[-_ ]?(request|argument)(_error)?|bad_?request(_error|error)?|api_error|error|client specified an invalid argument)$/;

const CONTEXT_SENTENCE =
  /context (length|window|size)|maximum (context|prompt) length|prompt (is )?too long|too many (input )?tokens/i;
const MODEL_SENTENCE =
  /\bmodel\b.{0,200}\b(not exist|not found|not supported|does not exist|is not available)|\bmodel not exist/i;
const KEY_SENTENCE = /(incorrect|invalid) api key|api key (is )?(invalid|not valid)/i;
const CREDIT_SENTENCE = /\b(credits?|balance|billing|spending limit)\b/i;
const RETRY_SENTENCE =
  /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h))*\d+(?:\.\d+)?)\s?([a-z]{1,12})\b/i;
const UNIT_OF_WORD: Readonly<Record<string, string>> = {
  second: 's',
  seconds: 's',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
};

/** One line of printable text, of bounded length; never markup. */
function cleanSentence(text: string): string | null {
  const line = text
    .slice(0, MESSAGE_CHARACTERS_MAX * 2)
    // eslint-disable-next-line no-control-regex -- control characters are what is removed
    .replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ')
    .trim();
  if (line === '' || looksLikeMarkup(line)) return null;
  return line.length > MESSAGE_CHARACTERS_MAX
    ? `${line.slice(0, MESSAGE_CHARACTERS_MAX - 1)}…`
    : line;
}

function looksLikeMarkup(text: string): boolean {
  return /<(!doctype|html|head|title|body|center|div|h1|script|\?xml)\b/i.test(text.slice(0, 2000));
}

function kindByWord(words: readonly string[]): ProviderFailureKind | null {
  for (const [kind, pattern] of KINDS_BY_WORD) {
    if (words.some((word) => pattern.test(word))) return kind;
  }
  return null;
}

function kindByStatus(status: number): ProviderFailureKind {
  switch (status) {
    case 401:
    case 403:
      return 'auth';
    case 402:
      return 'credit';
    case 404:
      return 'model_not_found';
    case 408:
      return 'server_error';
    case 429:
      return 'rate_limited';
    // Groq says 498 when its flex capacity is used up (https://console.groq.com/docs/errors).
    case 498:
    case 503:
    case 529:
      return 'overloaded';
    default:
      return status >= 400 && status < 500 ? 'invalid_request' : 'server_error';
  }
}

/** For errors that carry no telling code: the sentence narrows the class that the status gives. */
function kindBySentence(kind: ProviderFailureKind, facts: ErrorFacts): ProviderFailureKind {
  const { message, words } = facts;
  if (message === null || !words.every((word) => UNSPECIFIC_WORD.test(word))) return kind;
  if (kind === 'invalid_request') {
    if (CONTEXT_SENTENCE.test(message)) return 'context_length';
    if (KEY_SENTENCE.test(message)) return 'auth';
    if (MODEL_SENTENCE.test(message)) return 'model_not_found';
  }
  return kind;
}

function kindOf(status: number, facts: ErrorFacts): ProviderFailureKind {
  const byWord = kindByWord(facts.words);
  if (byWord !== null) return byWord;
  const byStatus = kindByStatus(status);
  // xAI refuses teams without money with 403 and a sentence for a code.
  if (status === 403 && CREDIT_SENTENCE.test(facts.message ?? '')) return 'credit';
  // Groq answers 413 to a request that exceeds the tokens of a whole minute: no wait helps, a larger model may.
  if (status === 413 && facts.words.includes('rate_limit_exceeded')) return 'context_length';
  return kindBySentence(byStatus, facts);
}

/** The wait that a body names: a model's loading time (Hugging Face), or "try again in 2.3s" (OpenAI, Groq). */
function waitInBody(body: unknown, message: string | null): number | null {
  const estimated = objectOf(body)['estimated_time'];
  if (typeof estimated === 'number') return clampWaitMs(estimated * 1000);
  const match = RETRY_SENTENCE.exec(message ?? '');
  const [, count = '', word = ''] = match ?? [];
  const ms = parseGoDuration(`${count}${UNIT_OF_WORD[word.toLowerCase()] ?? word}`);
  return ms === null ? null : clampWaitMs(ms);
}

/** True for failures that a wait can mend. */
function isTemporary(kind: ProviderFailureKind): boolean {
  return (
    kind === 'rate_limited' ||
    kind === 'quota_exhausted' ||
    kind === 'overloaded' ||
    kind === 'server_error'
  );
}

/**
 * Reads a reply that is not 2xx. HTTP-dates are compared with the reply's own `date`.
 */
export function readChatError(reply: WireReply): ProviderFailure {
  const text = reply.body.toString('utf8');
  const body = parsedOrUndefined(text);
  const facts = body === undefined ? { ...NO_FACTS, message: text } : errorFacts(body);
  const message = cleanSentence(facts.message ?? '');
  const kind = kindOf(reply.status, { ...facts, message });
  const wait =
    retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? '')) ??
    waitInBody(body, message);
  return providerFailure({
    kind,
    status: reply.status,
    message: message ?? `The provider answered with status ${reply.status} and no message.`,
    providerCode: facts.code,
    param: facts.param,
    waitMs: isTemporary(kind) ? wait : null,
  });
}

/** The error that stands in a 200 body or a stream frame, or null: also one that a choice carries (OpenRouter). */
function inBandError(frame: LooseObject): LooseObject | null {
  const error = frame['error'] ?? null;
  if (error !== null) return frame;
  const groqError = textOf(objectOf(frame['x_groq'])['error']);
  if (groqError !== null) return { error: groqError };
  if (Array.isArray(frame['choices'])) {
    for (const choice of frame['choices']) {
      const choiceError = objectOf(choice)['error'] ?? null;
      if (choiceError !== null) return { error: choiceError };
    }
    return null;
  }
  if (frame['object'] === 'error' || frame['type'] === 'error') return frame;
  return 'detail' in frame || textOf(frame['message']) !== null ? frame : null;
}

/** The failure that an error inside a 2xx reply or a stream stands for; unknown errors count as the server's fault. */
export function inBandFailure(
  frame: LooseObject,
  besideTotal: UsageBesideTotal = {},
): ProviderFailure {
  const facts = errorFacts(inBandError(frame) ?? frame);
  const message = cleanSentence(facts.message ?? '');
  const byWord = STATUS_BY_WORD.find(([, pattern]) =>
    facts.words.some((word) => pattern.test(word)),
  );
  const status = facts.status ?? byWord?.[0] ?? 500;
  const kind = kindOf(status, { ...facts, message });
  return providerFailure({
    kind,
    status,
    message: message ?? 'The provider reported an error without a message.',
    providerCode: facts.code,
    param: facts.param,
    waitMs: isTemporary(kind) ? waitInBody(frame, message) : null,
    usage: usageOfFrame(frame, besideTotal),
  });
}

/** True when a parsed 2xx body or stream frame is an error. */
export function isInBandError(frame: LooseObject): boolean {
  return inBandError(frame) !== null;
}
