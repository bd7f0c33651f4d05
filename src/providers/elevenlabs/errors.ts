/**
 * Errors: `{detail: {status, message}}`, `{detail: [{loc, msg, type}]}` of what is not valid, `{detail: "sentence"}`
 * (https://elevenlabs.io/docs/developers/resources/error-messages; https://help.elevenlabs.io/hc/en-us/articles/19572237925521,
 * …/19571824571921; none is recorded). 401 says two things: the key is wrong, or the credits are used up.
 *
 * @module
 */
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { parseHttpDate, retryWaitMs } from '../../http/retry-after.ts';
import { errorFacts, parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { kindOfStatus } from '../replies.ts';

const MESSAGE_CHARACTERS_MAX = 1000;

const KIND_BY_STATUS_WORD: Readonly<Record<string, ProviderFailureKind>> = {
  invalid_api_key: 'auth',
  missing_permissions: 'auth',
  needs_authorization: 'auth',
  detected_unusual_activity: 'auth',
  quota_exceeded: 'credit',
  payment_required: 'credit',
  max_character_limit_exceeded: 'invalid_request',
  text_too_long: 'invalid_request',
  voice_not_found: 'invalid_request',
  voice_limit_reached: 'quota_exhausted',
  model_not_found: 'model_not_found',
  content_against_policy: 'content_filtered',
  // Our own limit of calls at a time.
  too_many_concurrent_requests: 'rate_limited',
  concurrent_limit_exceeded: 'rate_limited',
  rate_limit_exceeded: 'rate_limited',
  system_busy: 'overloaded',
};

const PARAM_BY_STATUS_WORD: Readonly<Record<string, string>> = {
  max_character_limit_exceeded: 'input',
  text_too_long: 'input',
  voice_not_found: 'voice',
};

/** The failure that a parsed error stands for. */
export function failureOf(
  status: number,
  body: unknown,
  waitMs: number | null = null,
): ProviderFailure {
  const detail = objectOf(objectOf(body)['detail']);
  const facts = errorFacts(body);
  const word = textOf(detail['status']) ?? textOf(detail['code']) ?? facts.code;
  const known = word === null ? undefined : KIND_BY_STATUS_WORD[word];
  const message = textOf(detail['message']) ?? facts.message;
  return providerFailure({
    kind: known ?? kindOfStatus(status),
    status,
    message:
      message?.slice(0, MESSAGE_CHARACTERS_MAX) ??
      `ElevenLabs answered with status ${status} and no message.`,
    providerCode: word,
    param: (word === null ? undefined : PARAM_BY_STATUS_WORD[word]) ?? facts.param,
    waitMs,
  });
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const wait = retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? ''));
  return failureOf(reply.status, parsedOrUndefined(reply.body.toString('utf8')), wait);
}
