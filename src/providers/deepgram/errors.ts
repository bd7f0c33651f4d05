/**
 * Errors: `{err_code, err_msg, request_id}`, or `{category, message, details, request_id}`
 * (https://developers.deepgram.com/docs/errors).
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
import { parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { kindOfStatus } from '../replies.ts';

const MESSAGE_CHARACTERS_MAX = 1000;

const KIND_BY_CODE: Readonly<Record<string, ProviderFailureKind>> = {
  INVALID_AUTH: 'auth',
  INSUFFICIENT_PERMISSIONS: 'auth',
  ASR_PAYMENT_REQUIRED: 'credit',
  TOO_MANY_REQUESTS: 'rate_limited',
  MODEL_NOT_FOUND: 'model_not_found',
};

/** The failure that a parsed error stands for. */
export function failureOf(
  status: number,
  body: unknown,
  waitMs: number | null = null,
): ProviderFailure {
  const error = objectOf(body);
  const code = textOf(error['err_code']) ?? textOf(error['category']);
  const sentences = [error['err_msg'], error['message'], error['details']];
  const message = sentences.flatMap((one) => textOf(one) ?? []).join(' ');
  return providerFailure({
    kind: (code === null ? undefined : KIND_BY_CODE[code]) ?? kindOfStatus(status),
    status,
    message:
      message.slice(0, MESSAGE_CHARACTERS_MAX) ||
      `Deepgram answered with status ${status} and no message.`,
    providerCode: code,
    waitMs,
  });
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const wait = retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? ''));
  return failureOf(reply.status, parsedOrUndefined(reply.body.toString('utf8')), wait);
}
